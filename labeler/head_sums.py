"""The model's side of a shard's statistics: patterns summed over cells, for all heads at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from labeler.distance import N_BANDS
from labeler.text_sums import TargetCells

TINY = np.float32(1e-30)


@dataclass(frozen=True, eq=False)
class HeadPlan:
    """How the patterns of a batch are summed, by heads with one kind of window."""

    cells: TargetCells
    index: tuple[Tensor, Tensor, Tensor]
    centre: Float[ndarray, "class relation"]

    @classmethod
    def of(cls, cells: TargetCells) -> HeadPlan:
        """The plan of a batch; `index` has the text, query and key of each cell."""
        layout = cells.layout
        index = (layout.text[layout.row], layout.query[layout.row], layout.key)
        share = cells.present / layout.visible
        centre = [layout.classes(values) for values in share]
        return cls(
            cells=cells,
            index=tuple(torch.from_numpy(np.asarray(part)) for part in index),  # type: ignore[arg-type]
            centre=np.stack(centre, axis=1) if centre else np.zeros((layout.n_classes, 0)),
        )

    def add(
        self, sums: dict[str, ndarray], heads: slice, pattern: Float[Tensor, "b h q k"]
    ) -> None:
        """Add the patterns of one layer; `centre` takes the baseline out of the moments."""
        layout = self.cells.layout
        text, query, key = (part.to(pattern.device) for part in self.index)
        a = pattern[text, :, query, key].float().cpu().numpy()
        n_heads, n_classes = a.shape[1], layout.n_classes
        by_relation = (n_classes, -1, n_heads)
        moment = (self.cells.weighted @ a).reshape(by_relation)
        sums["moment"][heads] += moment.transpose(2, 0, 1) - self.centre
        mass = (self.cells.counted @ a).reshape(by_relation)
        sums["mass"][heads] += mass.transpose(2, 0, 1)
        energy = layout.by_class @ (a * a)
        sums["energy"][heads] += energy.T - layout.classes(1.0 / layout.visible)
        sums["entropy"][heads] -= np.einsum("ch,ch->h", a, np.log(np.maximum(a, TINY)))
        sums["first"][heads] += (layout.at_first @ a).T
        near = (layout.by_distance @ a).reshape(n_classes, N_BANDS, -1, n_heads)
        sums["profile"][heads] += near.sum(axis=1).transpose(2, 0, 1)
        sums["band_profile"][heads] += near.sum(axis=0).transpose(2, 0, 1)
