"""The second pass, over judging prompts: printed patterns against real ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from labeler.model import LanguageModel
from labeler.predict import Rules, baseline, patterns
from labeler.prepare import Prepared
from labeler.score import TOKEN_BUDGET, batches, pad

Watch = Callable[[Prepared, int, Tensor, Tensor], None]
"""Called with a text, a layer, its real and its printed patterns `[head, query, key]`."""


@dataclass(eq=False)
class Measured:
    """Squared errors of printed patterns and of the baseline, per head, position 0 left out."""

    error: Float[ndarray, " head"]
    energy: Float[ndarray, " head"]
    watchers: list[Watch] = field(default_factory=list)


def measure(
    prepared: Sequence[Prepared],
    model: LanguageModel,
    rules: Sequence[Rules],
    watchers: Sequence[Watch] = (),
    on_neurons: Callable[[Sequence[Prepared], int, Tensor], None] | None = None,
    budget: int = TOKEN_BUDGET,
) -> Measured:
    """Errors over some texts; `rules` has one entry a layer, `on_neurons` gets `hook_post`."""
    shape = model.shape
    n_heads = shape.n_layers * shape.n_heads
    found = Measured(np.zeros(n_heads), np.zeros(n_heads), list(watchers))
    for batch in batches(list(prepared), budget):
        hooks: dict[str, Callable[[Tensor], None]] = {}
        for layer in range(shape.n_layers):
            name = f"blocks.{layer}.attn.hook_pattern"
            hooks[name] = partial(_compare, found, model, rules, batch, layer)
            if on_neurons is not None and shape.d_mlp:
                hooks[f"blocks.{layer}.mlp.hook_post"] = partial(on_neurons, batch, layer)
        model.read(pad(batch), hooks)
    return found


def _compare(
    found: Measured,
    model: LanguageModel,
    rules: Sequence[Rules],
    batch: list[Prepared],
    layer: int,
    pattern: Float[Tensor, "b h q k"],
) -> None:
    shape = model.shape
    window = shape.windows[layer]
    heads = slice(layer * shape.n_heads, (layer + 1) * shape.n_heads)
    for row, item in enumerate(batch):
        n = len(item)
        real = pattern[row, :, :n, :n].float().cpu()
        said = patterns(rules[layer], item, shape.kinds.index(window), window)
        found.error[heads] += _energy(real - said)
        found.energy[heads] += _energy(real - baseline(n, window))
        for watch in found.watchers:
            watch(item, layer, real, said)


def _energy(difference: Float[Tensor, "h q k"]) -> ndarray:
    rows = torch.einsum("hqk,hqk->hq", difference, difference)
    return np.asarray(rows[:, 1:].double().sum(dim=1).numpy())
