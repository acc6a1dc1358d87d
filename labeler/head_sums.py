"""The model's side of a shard's statistics: patterns summed over cells, for all heads at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from labeler.distance import N_BANDS
from labeler.text_sums import TargetCells

TINY = np.float32(1e-30)


@dataclass(frozen=True, eq=False)
class HeadPlan:
    """How the patterns of a batch are summed, by heads with one kind of window.

    `centre` takes the baseline out of the moments.
    """

    cells: TargetCells
    centre: Float[ndarray, "class relation"]

    @classmethod
    def of(cls, cells: TargetCells) -> HeadPlan:
        """The plan of a batch."""
        layout = cells.layout
        share = cells.present / layout.visible
        centre = [layout.classes(values) for values in share]
        return cls(cells, np.stack(centre, axis=1) if centre else np.zeros((layout.n_classes, 0)))

    def add(
        self, sums: dict[str, ndarray], heads: slice, pattern: Float[Tensor, "b h q k"]
    ) -> None:
        """Add the patterns of one layer."""
        layout = self.cells.layout
        a = layout.cells_of(pattern)
        self.add_targets(sums, heads, a)
        n_heads, n_classes = a.shape[1], layout.n_classes
        energy = layout.by_class @ (a * a)
        sums["energy"][heads] += energy.T - layout.classes(1.0 / layout.visible)
        sums["entropy"][heads] -= np.einsum("ch,ch->h", a, np.log(np.maximum(a, TINY)))
        sums["first"][heads] += (layout.at_first @ a).T
        near = (layout.by_distance @ a).reshape(n_classes, N_BANDS, -1, n_heads)
        sums["profile"][heads] += near.sum(axis=1).transpose(2, 0, 1)
        sums["band_profile"][heads] += near.sum(axis=0).transpose(2, 0, 1)

    def add_targets(
        self, sums: dict[str, ndarray], heads: slice, a: Float[ndarray, "cell h"]
    ) -> None:
        """Add what goes to the targets of relations."""
        by_relation = (self.cells.layout.n_classes, -1, a.shape[1])
        moment = (self.cells.weighted @ a).reshape(by_relation)
        sums["moment"][heads] += moment.transpose(2, 0, 1) - self.centre
        mass = (self.cells.counted @ a).reshape(by_relation)
        sums["mass"][heads] += mass.transpose(2, 0, 1)
