"""Patterns that stand in for heads on a batch, by condition: labels, ceilings and ablations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from labeler.predict import Rules, baseline, patterns, speaks
from labeler.prepare import Prepared
from labeler.profiles import Profiles
from labeler.shape import Shape


@dataclass(frozen=True, eq=False)
class StandIns:
    """All that stand-in patterns are made from; conditions are named as in the run folder."""

    shape: Shape
    rules: dict[str, list[Rules]]
    profiles: Profiles
    mean: list[Tensor]

    def build(self, condition: str, items: Sequence[Prepared]) -> list[Tensor]:
        """One `[batch, head, query, key]` a layer."""
        longest = max(len(item) for item in items)
        found = []
        for layer, window in enumerate(self.shape.windows):
            padded = torch.zeros(len(items), self.shape.n_heads, longest, longest)
            for row, item in enumerate(items):
                n = len(item)
                padded[row, :, :n, :n] = self._one(condition, layer, window, item)
            found.append(padded)
        return found

    def speaks(self, items: Sequence[Prepared]) -> Bool[Tensor, "head batch pos"]:
        """The queries at which each head's label names a key."""
        longest = max(len(item) for item in items)
        found = torch.zeros(len(self.shape.heads), len(items), longest, dtype=torch.bool)
        for layer, window in enumerate(self.shape.windows):
            heads = self.shape.heads_of(layer)
            kind = self.shape.kinds.index(window)
            for row, item in enumerate(items):
                said = speaks(self.rules["label"][layer], item, kind)
                found[heads, row, : len(item)] = torch.from_numpy(said)
        return found

    def _one(
        self, condition: str, layer: int, window: int | None, item: Prepared
    ) -> Float[Tensor, "head query key"]:
        n, h = len(item), self.shape.n_heads
        if condition in self.rules:
            kind = self.shape.kinds.index(window)
            return patterns(self.rules[condition][layer], item, kind, window)
        if condition == "distance_profile":
            return self.profiles.patterns(self.shape.heads_of(layer), item, window)
        if condition == "mean":
            return self.mean[layer][:, :n, :n]
        one = torch.zeros(n, n)
        if condition == "uniform":
            one = baseline(n, window)
        elif condition == "first_position":
            one[:, 0] = 1.0
        return one.expand(h, n, n)


class MeanPattern:
    """The mean pattern by query and key position, over the texts that are long enough."""

    def __init__(self, shape: Shape, longest: int) -> None:
        self.total = [torch.zeros(shape.n_heads, longest, longest) for _ in shape.windows]
        self.count = torch.zeros(longest)

    def add(self, real: Sequence[Tensor], items: Sequence[Prepared]) -> None:
        """One batch of real patterns."""
        for row, item in enumerate(items):
            n = min(len(item), len(self.count))
            self.count[:n] += 1
            for total, pattern in zip(self.total, real, strict=True):
                total[:, :n, :n] += pattern[row, :, :n, :n].float().cpu()

    def extend(self, other: MeanPattern) -> None:
        """Add shorter texts."""
        n = len(other.count)
        self.count[:n] += other.count
        for total, more in zip(self.total, other.total, strict=True):
            total[:, :n, :n] += more

    def patterns(self, windows: Sequence[int | None]) -> list[Tensor]:
        """The means; uniform where no text was long enough."""
        found = []
        for total, window in zip(self.total, windows, strict=True):
            mean = total / self.count.clamp(min=1)[None, :, None]
            even = baseline(len(self.count), window)
            found.append(torch.where(self.count[None, :, None] > 0, mean, even))
        return found
