"""What labels of heads rest on: second moments by query class, and the errors of rules in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from labeler.classes import Group
from labeler.effects import EffectSums
from labeler.labels import Rule, Term
from labeler.select import Problem
from labeler.statistics import Statistics


@dataclass(frozen=True, eq=False)
class HeadSums:
    """The sums that one group of folds has about heads, for one window kind."""

    gram: Float[ndarray, "class relation relation"]
    moment: Float[ndarray, "head class relation"]
    energy: Float[ndarray, "head class"]
    rows: Float[ndarray, " class"]
    present: Float[ndarray, "class relation"]
    level: Int[ndarray, " relation"]
    effects: EffectSums | None = None

    @property
    def of_patterns(self) -> HeadSums:
        """The same without effects."""
        return replace(self, effects=None)

    def problem(self, leaves: Sequence[int], allowed: Bool[ndarray, "head relation"]) -> Problem:
        """Least squares over the rows of some classes."""
        index = list(leaves)
        found = Problem(
            gram=self.gram[index].sum(axis=0),
            moment=self.moment[:, index].sum(axis=1),
            energy=self.energy[:, index].sum(axis=1),
            allowed=allowed & (self.present[index].sum(axis=0) > 0),
            coverage=self.coverage(leaves),
            level=self.level,
        )
        return found if self.effects is None else self.effects.beside(found, index)

    def variance(self, head: int, leaves: Sequence[int]) -> float:
        """What is to be explained of one head over the rows of some classes."""
        index = list(leaves)
        own = 0.0 if self.effects is None else self.effects.cross[head, index, -1, -1].sum()
        return float(self.energy[head, index].sum() + own)

    def coverage(self, leaves: Sequence[int]) -> Float[ndarray, " relation"]:
        """The fraction of rows in which a relation has a target."""
        index = list(leaves)
        return np.asarray(self.present[index].sum(axis=0) / max(self.rows[index].sum(), 1.0))


HEAD_ARRAYS = (
    *("gram", "moment", "energy", "rows", "present", "mass", "profile", "profile_pairs"),
    *("band_profile", "band_pairs", "target_pairs", "class_target_pairs", "target_uniform"),
)
"""The statistics that labels of heads rest on."""


def of_heads(statistics: Statistics) -> Statistics:
    """The part of statistics that labels of heads rest on."""
    return Statistics({name: statistics[name] for name in HEAD_ARRAYS})


def sums_of(statistics: Statistics, kind: int, heads: ndarray, level: ndarray) -> HeadSums:
    """The part of statistics that speaks about heads of one window kind."""
    return HeadSums(
        gram=statistics["gram"][kind],
        moment=statistics["moment"][heads],
        energy=statistics["energy"][heads],
        rows=statistics["rows"],
        present=statistics["present"][kind],
        level=level,
    )


def make_rule(
    sums: HeadSums,
    chosen: Sequence[int],
    weight: ndarray,
    leaves: Sequence[int],
    group: Group | None,
) -> Rule:
    """A rule as it is printed: rounded shares, the largest first, without those that round to 0."""
    covered = sums.coverage(leaves)
    terms = []
    for relation, value in zip(chosen, weight, strict=True):
        coverage = round(float(covered[relation]), 4)
        term = Term(relation, printed(value * coverage), coverage)
        if term.share > 0 and coverage > 0:
            terms.append(term)
    terms.sort(key=lambda term: -term.share)
    return Rule(tuple(terms), tuple(leaves), group)


def small_problem(
    sums: HeadSums, head: int, chosen: Sequence[int], leaves: Sequence[int]
) -> Problem:
    """One head's least squares on a few relations, over the rows of some classes."""
    index, rows = list(chosen), list(leaves)
    present = sums.present[np.ix_(rows, index)].sum(axis=0)
    found = Problem(
        gram=sums.gram[np.ix_(rows, index, index)].sum(axis=0),
        moment=sums.moment[head][np.ix_(rows, index)].sum(axis=0)[None],
        energy=sums.energy[head, rows].sum(keepdims=True),
        allowed=np.ones((1, len(index)), dtype=bool),
        coverage=present / max(float(sums.rows[rows].sum()), 1.0),
    )
    return found if sums.effects is None else sums.effects.beside_one(found, head, index, rows)


def fitted_shares(problem: Problem) -> Float[ndarray, " relation"]:
    """The shares that all relations of one head's least squares get, not rounded."""
    return np.asarray(problem.weights(np.arange(len(problem.gram))[None])[0] * problem.coverage)


def rule_error(sums: HeadSums, head: int, rule: Rule) -> float:
    """The squared error of one rule on its classes for one head."""
    problem = small_problem(sums, head, [term.relation for term in rule.terms], rule.leaves)
    weight = np.array([[term.weight for term in rule.terms]])
    return float(problem.error(np.arange(len(rule.terms))[None], weight)[0])


def printed(value: float) -> float:
    """A figure as it is printed: whole percents, tenths of a percent below ten."""
    return round(float(value), 2 if value >= 0.1 else 3)
