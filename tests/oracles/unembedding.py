"""A fitted unembedding, so that every head's output counts in the loss."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from .canvas import D_VOCAB, Canvas
from .prompts import prompts
from .vocabulary import BOS, ids, pieces

TRAINING_SEED = 1000


def _examples(canvas: Canvas, count: int) -> tuple[Tensor, Tensor]:
    """What the final layer norm returns and the token that comes next, over training prompts."""
    core = canvas.model.transformer
    features, targets = [], []
    for text in prompts(count, seed=TRAINING_SEED):
        tokens = torch.tensor(ids([BOS, *pieces(text)]))
        features.append(core(tokens[None]).last_hidden_state[0, :-1])
        targets.append(tokens[1:])
    return torch.cat(features), torch.cat(targets)


def fit_unembedding(canvas: Canvas, count: int = 120, steps: int = 30, decay: float = 1e-3) -> None:
    """Set W_U by logistic regression of the next token on the final residual stream.

    It learns on prompts of another seed than `prompts()` gives. The ballast reads as zero, and the
    token's one-hot sums to 1, so a bias is not needed.
    """
    features, targets = _examples(canvas, count)
    weight = torch.zeros(D_VOCAB, features.shape[1], requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [weight], max_iter=steps, history_size=10, line_search_fn="strong_wolfe"
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = cross_entropy(features @ weight.T, targets) + decay * weight.square().sum() / 2
        loss.backward()
        return loss

    optimizer.step(closure)
    canvas.model.lm_head.weight.copy_(weight.detach())
