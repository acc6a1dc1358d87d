"""Labels put in the place of heads: what it costs the model, beside ablations and ceilings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from labeler.errors import ModelError
from labeler.model import LanguageModel
from labeler.predict import Rules, baseline, patterns
from labeler.prepare import Prepared
from labeler.score import pad

FIRST_JUDGED = 2
SELF_TEST_TOLERANCE = 1e-4

Replacement = Mapping[int, tuple[Sequence[int], Tensor]]
"""Layer → heads of that layer, and their patterns `[batch, head, query, key]`."""


@dataclass(frozen=True, eq=False)
class Batch:
    """A padded batch, and the patterns that stand in for heads on it, by condition and layer."""

    items: list[Prepared]
    tokens: Tensor
    stand_ins: dict[str, list[Tensor]]


def constant_patterns(
    condition: str, n: int, n_heads: int, window: int | None
) -> Float[Tensor, "head query key"]:
    """Ablations that need no text: `uniform`, `first_position`, `zero`."""
    if condition == "uniform":
        one = baseline(n, window)
    else:
        one = torch.zeros(n, n)
        one[:, 0] = float(condition == "first_position")
    return one.expand(n_heads, n, n)


def prepare_batch(
    items: list[Prepared],
    model: LanguageModel,
    rules: Mapping[str, Sequence[Rules]],
    constants: Sequence[str] = (),
) -> Batch:
    """All stand-in patterns of a batch; `rules` has one entry a layer for each condition."""
    tokens = pad(items)
    longest, shape = tokens.shape[1], model.shape
    stand_ins: dict[str, list[Tensor]] = {}
    for layer, window in enumerate(shape.windows):
        kind = shape.kinds.index(window)
        for condition, by_layer in rules.items():
            padded = torch.zeros(len(items), shape.n_heads, longest, longest)
            for row, item in enumerate(items):
                padded[row, :, : len(item), : len(item)] = patterns(
                    by_layer[layer], item, kind, window
                )
            stand_ins.setdefault(condition, []).append(padded)
        for condition in constants:
            one = constant_patterns(condition, longest, shape.n_heads, window)
            stand_ins.setdefault(condition, []).append(one.expand(len(items), -1, -1, -1))
    return Batch(items, tokens, stand_ins)


def replacement(batch: Batch, condition: str, heads: Iterable[int], n_heads: int) -> Replacement:
    """The stand-ins of some heads, numbered through the model, under one condition."""
    by_layer: dict[int, list[int]] = {}
    for head in sorted(heads):
        by_layer.setdefault(head // n_heads, []).append(head % n_heads)
    return {
        layer: (own, batch.stand_ins[condition][layer][:, own]) for layer, own in by_layer.items()
    }


def losses(model: LanguageModel, batch: Batch, replaced: Replacement) -> Float[ndarray, "text 2"]:
    """Summed loss in nats on tokens 2 and later, and their number, for each text of a batch."""
    hooks: dict[str, Callable[[Tensor], Tensor | None]] = {}
    for layer, (heads, pattern) in replaced.items():
        hooks |= model.replace_pattern(layer, heads, pattern)
    logits = model.logits(batch.tokens, hooks).float()
    target = batch.tokens[:, FIRST_JUDGED:]
    nats = torch.nn.functional.cross_entropy(
        logits[:, FIRST_JUDGED - 1 : -1].transpose(1, 2), target, reduction="none"
    ).cpu()
    found = []
    for row, item in enumerate(batch.items):
        own = nats[row, : max(len(item) - FIRST_JUDGED, 0)].double()
        found.append((float(own.sum()), float(own.numel())))
    return np.array(found)


def self_test(model: LanguageModel, batch: Batch) -> None:
    """Rebuilding every head from its own pattern changes nothing, uniform does; or ModelError."""
    shape = model.shape
    kept: dict[str, Tensor] = {}

    def keep(name: str) -> Callable[[Tensor], None]:
        def store(value: Tensor) -> None:
            kept[name] = value.clone()

        return store

    names = [f"blocks.{layer}.attn.hook_pattern" for layer in range(shape.n_layers)]
    clean = model.logits(batch.tokens, {name: keep(name) for name in names})
    everything = list(range(shape.n_heads))
    own = {layer: (everything, kept[name]) for layer, name in enumerate(names)}
    hooks: dict[str, Callable[[Tensor], Tensor | None]] = {}
    for layer, (heads, pattern) in own.items():
        hooks |= model.replace_pattern(layer, heads, pattern)
    rebuilt = model.logits(batch.tokens, hooks)
    valid = torch.tensor(
        [[i < len(item) for i in range(batch.tokens.shape[1])] for item in batch.items]
    )
    change = float((rebuilt - clean)[valid.to(clean.device)].abs().max())
    if not change < SELF_TEST_TOLERANCE:
        raise ModelError(
            f"{shape.name}: rebuilding the heads from their own patterns moves the logits by "
            f"{change:.2g} (expected < {SELF_TEST_TOLERANCE:g}); labels of this model cannot be run"
        )
