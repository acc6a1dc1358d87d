"""Lift: a relation's mass over the mass that attention by distance alone would give it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from labeler.intervals import margin, ratio
from labeler.statistics import Statistics

Bounded = tuple[Float[ndarray, "head relation"], ...]
"""Figures with their lower and upper bounds, by jackknife over folds."""


def _ratio(mass: ndarray, expected: ndarray) -> ndarray:
    return np.asarray(np.where(expected > 1e-9, mass / np.maximum(expected, 1e-9), 0.0))


@dataclass(frozen=True, eq=False)
class Near:
    """What heads give to targets, and what they give by distance.

    A cell is a distance in a query band, or in a query class. Targets at the first position are
    left out on both sides.
    """

    mass: Float[ndarray, "head relation"]
    attention: Float[ndarray, "head cell"]
    pairs: Float[ndarray, " cell"]
    targets: Float[ndarray, "relation cell"]

    @classmethod
    def of(cls, statistics: Statistics, heads: ndarray, kind: int) -> Near:
        """Over all rows, by query band."""
        targets = statistics["target_pairs"][kind]
        return cls(
            statistics["mass"][heads].sum(axis=1),
            statistics["band_profile"][heads].reshape(len(heads), -1),
            statistics["band_pairs"][kind].ravel(),
            targets.reshape(len(targets), -1),
        )

    @classmethod
    def within(
        cls, statistics: Statistics, heads: ndarray, kind: int, leaves: Sequence[int]
    ) -> Near:
        """Over the rows of some classes, by class."""
        index = np.array(leaves)
        targets = statistics["class_target_pairs"][kind][index].swapaxes(0, 1)
        return cls(
            statistics["mass"][np.ix_(heads, index)].sum(axis=1),
            statistics["profile"][np.ix_(heads, index)].reshape(len(heads), -1),
            statistics["profile_pairs"][kind][index].ravel(),
            targets.reshape(len(targets), -1),
        )

    def __add__(self, other: Near) -> Near:
        return self._with(other, np.add)

    def __sub__(self, other: Near) -> Near:
        return self._with(other, np.subtract)

    def _with(self, other: Near, how: Callable[[ndarray, ndarray], ndarray]) -> Near:
        return Near(*map(how, vars(self).values(), vars(other).values()))

    def gives(self, targets: Float[ndarray, "relation cell"]) -> Float[ndarray, "head relation"]:
        """The mass that targets would get from attention by distance alone."""
        return np.asarray(self.attention / np.maximum(self.pairs, 1) @ targets.T)

    @property
    def lift(self) -> Float[ndarray, "head relation"]:
        """Mass ÷ expected mass: Σ over cells of target pairs × mean attention there."""
        return _ratio(self.mass, self.gives(self.targets))


def lifts(
    folds: Sequence[Statistics], heads: ndarray, kind: int, positional: Bool[ndarray, " relation"]
) -> Bounded:
    """Lifts over some folds with their bounds; of positional relations over uniform attention."""
    content = _bounded([Near.of(fold, heads, kind) for fold in folds])
    mass = np.stack([fold["mass"][heads].sum(axis=1) for fold in folds])
    even = np.stack([fold["target_uniform"][kind] for fold in folds])
    position = ratio(mass, np.broadcast_to(even[:, None], mass.shape))
    lift, low, high = (np.where(positional, *both) for both in zip(position, content, strict=True))
    return lift, low, high


def lifts_within(
    folds: Sequence[Statistics], heads: ndarray, kind: int, leaves: Sequence[int]
) -> Bounded:
    """The same within some classes, against the distance profile there."""
    return _bounded([Near.within(fold, heads, kind, leaves) for fold in folds])


def _bounded(folds: Sequence[Near]) -> Bounded:
    """Attention by distance is that of all folds together.

    That of one fold is made by its own few targets, and gives them next to what they got: lifts
    would come out near 1, the more so the rarer the class.
    """
    whole = sum(folds[1:], folds[0])
    without = np.stack([(whole - fold).lift for fold in folds])
    half = margin(without, np.stack([whole.gives(fold.targets) for fold in folds]))
    lift = whole.lift
    return lift, lift - half, lift + half
