"""Neurons taken out: set to zero or to their mean, one by one and all together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from labeler.batches import TOKEN_BUDGET, batches, pad
from labeler.columns import Columns
from labeler.errors import ConfigError, first_to_last
from labeler.losses import Losses
from labeler.model import LanguageModel
from labeler.shape import Shape
from labeler.verify import FIRST_JUDGED, Nats


def parse_neurons(names: Sequence[str], shape: Shape) -> list[tuple[int, int]]:
    """(layer, neuron) of names such as `L0N12`; ConfigError for one that the model has not."""
    known = {name: divmod(index, shape.d_mlp) for index, name in enumerate(shape.neurons)}
    for name in names:
        if name not in known:
            raise ConfigError(
                f"no neuron {name!r}; the model has {len(shape.neurons):,} neurons, "
                f"{first_to_last(shape.neurons)}"
            )
    return [known[name] for name in names]


def token_losses(
    model: LanguageModel, tokens: Int[Tensor, "batch pos"], held: Mapping[tuple[int, int], float]
) -> Float[Tensor, "batch pos"]:
    """Loss in nats on tokens 2 and later while neurons are held at values, at every position."""
    by_layer: dict[int, list[tuple[int, float]]] = {}
    for (layer, neuron), value in held.items():
        by_layer.setdefault(layer, []).append((neuron, value))
    hooks: dict[str, Callable[[Tensor], Tensor | None]] = {
        f"blocks.{layer}.mlp.hook_post": partial(_hold, own) for layer, own in by_layer.items()
    }
    logits = model.logits(tokens, hooks).float().cpu()
    return torch.nn.functional.cross_entropy(
        logits[:, FIRST_JUDGED - 1 : -1].transpose(1, 2), tokens[:, FIRST_JUDGED:], reduction="none"
    )


def _hold(own: Sequence[tuple[int, float]], post: Tensor) -> Tensor:
    index = torch.tensor([neuron for neuron, _ in own], device=post.device)
    values = torch.tensor([value for _, value in own], device=post.device, dtype=post.dtype)
    held = post.clone()
    held[..., index] = values
    return held


def ablate_neurons(
    model: LanguageModel,
    texts: Sequence[Columns],
    names: Sequence[str],
    means: Mapping[str, float],
    budget: int = TOKEN_BUDGET,
) -> list[dict[str, Any]]:
    """Rows of replacement.parquet, scope `neuron` for each and `neurons` for all of them together.

    `condition` is `clean`, `zero` or `mean` (at `means`, activations by name). `rise` is of
    perplexity (0.05 = +5%) with an interval over prompts, `cost` the rise of loss in nats a token.
    Raises ConfigError for a neuron that the model has not.
    """
    places = parse_neurons(names, model.shape)
    trials: dict[tuple[str, str, str], dict[tuple[int, int], float]] = {
        ("neurons", ",".join(names), "clean"): {}
    }
    zero = dict.fromkeys(places, 0.0)
    mean = {place: float(means[name]) for name, place in zip(names, places, strict=True)}
    for condition, held in (("zero", zero), ("mean", mean)):
        for name, place in zip(names, places, strict=True):
            trials["neuron", name, condition] = {place: held[place]}
        if len(names) > 1:
            trials["neurons", ",".join(names), condition] = held
    losses = Losses()
    for batch in batches(texts, budget):
        tokens = pad(batch)
        judged = [max(len(text) - FIRST_JUDGED, 0) for text in batch]
        losses.prompts += [text.prompt for text in batch]
        for trial, held in trials.items():
            by_token = token_losses(model, tokens, held).double()
            nats = [float(by_token[row, :n].sum()) for row, n in enumerate(judged)]
            losses.add(*trial, Nats(np.array(nats), np.array(judged, dtype=float)))
    losses.clean = losses.replaced["neurons", ",".join(names), "clean"]
    return [_row(losses, *trial) for trial in trials]


def _row(losses: Losses, scope: str, name: str, condition: str) -> dict[str, Any]:
    nats, tokens = losses.of(scope, name, condition), losses.tokens
    rise, low, high = losses.rise(scope, name, condition)
    return {
        "scope": scope,
        "name": name,
        "condition": condition,
        "loss": float(nats.sum() / max(tokens.sum(), 1.0)),
        "rise": rise,
        "rise_low": low,
        "rise_high": high,
        "cost": losses.mean(nats - losses.baseline, tokens)[0],
        "tokens": int(tokens.sum()),
    }
