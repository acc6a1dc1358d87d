"""Lift: a relation's mass over the mass that attention by distance alone would give it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from labeler.statistics import Statistics


@dataclass(frozen=True, eq=False)
class Lifts:
    """Masses and expected masses of heads by relation, over all rows and by class."""

    mass: Float[ndarray, "head relation"]
    expected: Float[ndarray, "head relation"]
    class_mass: Float[ndarray, "head class relation"]
    class_expected: Float[ndarray, "head class relation"]

    @property
    def general(self) -> Float[ndarray, "head relation"]:
        """Lift over all rows."""
        return _ratio(self.mass, self.expected)

    def of(self, leaves: Sequence[int]) -> Float[ndarray, "head relation"]:
        """Lift within some classes, against the head's distance profile within each of them."""
        index = list(leaves)
        return _ratio(
            self.class_mass[:, index].sum(axis=1), self.class_expected[:, index].sum(axis=1)
        )


def _ratio(mass: ndarray, expected: ndarray) -> ndarray:
    return np.asarray(np.where(expected > 1e-9, mass / np.maximum(expected, 1e-9), 0.0))


def head_lifts(statistics: Statistics, heads: ndarray, kind: int) -> Lifts:
    """Lifts of the heads of one window kind.

    Expected mass = Σ over distance × query band of target pairs × mean attention there; by class,
    without bands. Targets at the first position are left out on both sides.
    """
    band = statistics["band_profile"][heads] / np.maximum(statistics["band_pairs"][kind], 1)
    expected = np.einsum("hpd,rpd->hr", band, statistics["target_pairs"][kind])
    by_class = statistics["profile"][heads] / np.maximum(statistics["profile_pairs"][kind], 1)
    class_expected = np.einsum(
        "hcd,crd->hcr", by_class, statistics["class_target_pairs"][kind], optimize=True
    )
    class_mass = statistics["mass"][heads]
    return Lifts(class_mass.sum(axis=1), expected, class_mass, class_expected)
