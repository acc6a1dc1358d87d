"""What a head's attention does to the model's predictions, as moments beside those of its pattern.

A label that leaves out what the model makes nothing of costs nothing when it is run. To second
order a pattern P in place of A at a query costs ½ (z_P − z_A)ᵀ F (z_P − z_A) nats of divergence
from the clean model's predictions, z being what the head reads of its values and F the Fisher
information of the predictions (Amari, Neural Computation 1998). That is a squared error again: of
patterns, seen through what each key's value does to the predictions from this query.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from labeler.select import Problem

WEIGHT = 2.0
"""What effects count beside patterns, each as parts of what there is of them."""
LISTED = 48
"""Relations of which a head's effects are added up: those that the fit of all leans on most."""
BYTES = 2**30
"""What they may take in memory; with more heads fewer relations are listed, `FEWEST` at least."""
FEWEST = 8
FAINT = 1e-9
"""A head whose effects are under so much of the largest head's has none: they are rounding."""


@dataclass(frozen=True, eq=False)
class Effects:
    """Second moments of effects by fold, head and query class.

    Rows and columns of `cross` belong to the relations listed for a head, the last to its own
    pattern; all are of what differs from an even spread.
    """

    relations: Int[ndarray, "head listed"]
    cross: Float[ndarray, "fold head class own own"]

    def scale(
        self,
        heads: Int[ndarray, " some"],
        folds: Sequence[int],
        energy: Float[ndarray, " some"],
    ) -> Float[ndarray, " some"]:
        """What effects are multiplied by to sum up to `WEIGHT` times `energy` over some folds."""
        own = self.cross[list(folds)][..., -1, -1].sum(axis=(0, 2), dtype=np.float64)
        heard = own > FAINT * own.max(initial=0.0)
        return np.where(heard, WEIGHT, 0.0)[heads] * energy / np.where(heard, own, 1.0)[heads]

    def sums(
        self,
        heads: Int[ndarray, " some"],
        folds: Sequence[int],
        scale: Float[ndarray, " some"],
    ) -> EffectSums:
        """Those of some heads over some folds."""
        total = self.cross[np.ix_(np.array(folds), heads)].sum(axis=0, dtype=np.float64)
        return EffectSums(self.relations[heads], total * scale[:, None, None, None])


def how_many(folds: int, heads: int, classes: int, relations: int) -> int:
    """How many relations can be listed for each head."""
    room = int((BYTES / (4 * folds * heads * classes)) ** 0.5) - 1
    return min(max(room, FEWEST), LISTED, relations)


@dataclass(frozen=True, eq=False)
class EffectSums:
    """The effects of heads over some folds, scaled to count `WEIGHT` times what patterns do."""

    relations: Int[ndarray, "head listed"]
    cross: Float[ndarray, "head class own own"]

    def beside(self, problem: Problem, classes: Sequence[int]) -> Problem:
        """A problem of all heads with these errors, too; predictions are the listed ones."""
        cross = self.cross[:, classes].sum(axis=1)
        heads, listed = np.arange(len(cross))[:, None], self.relations.shape[1]
        place = np.full(problem.moment.shape, listed)
        place[heads, self.relations] = np.arange(listed)
        moment = problem.moment.copy()
        moment[heads, self.relations] += cross[:, :listed, listed]
        own = cross.copy()
        own[:, listed], own[:, :, listed] = 0.0, 0.0  # where what is not listed stands
        return replace(
            problem,
            moment=moment,
            energy=problem.energy + cross[:, listed, listed],
            allowed=problem.allowed & (place < listed),
            own=own,
            place=place,
        )

    def beside_one(
        self, problem: Problem, head: int, chosen: Sequence[int], classes: Sequence[int]
    ) -> Problem:
        """The same for one head's problem of a few listed relations."""
        cross = self.cross[head, classes].sum(axis=0)
        index = [int(np.flatnonzero(self.relations[head] == relation)[0]) for relation in chosen]
        return replace(
            problem,
            gram=problem.gram + cross[np.ix_(index, index)],
            moment=problem.moment + cross[index, -1],
            energy=problem.energy + cross[-1, -1],
        )
