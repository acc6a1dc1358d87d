"""Statistics → labels of heads: selected predictions, shares, exceptions, held-out errors.

Even folds choose, odd folds judge; exceptions are kept on one half of the even folds for what they
showed on the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from labeler.classes import Group
from labeler.lift import Lifts, head_lifts
from labeler.model import Shape
from labeler.prepare import Vocabulary
from labeler.select import Problem, Selection, nnls, select
from labeler.simplicity import levels
from labeler.statistics import Statistics, merge
from labeler.thresholds import Thresholds


@dataclass(frozen=True)
class Term:
    """One prediction of a label: the share of attention it assigns, and how often it can."""

    relation: int
    share: float
    coverage: float

    @property
    def weight(self) -> float:
        """The attention that goes to its targets at a query that has some."""
        return self.share / self.coverage if self.coverage > 0 else 0.0


@dataclass(frozen=True)
class Rule:
    """Predictions for a set of query classes; the remainder spreads over all visible keys."""

    terms: tuple[Term, ...]
    leaves: tuple[int, ...]
    group: Group | None = None

    @property
    def query_class(self) -> str:
        """The name of its class; empty for the general rule."""
        return self.group.name if self.group else ""

    @property
    def remainder(self) -> float:
        """The share that is not assigned."""
        return max(0.0, 1.0 - sum(term.share for term in self.terms))


@dataclass(frozen=True)
class HeadLabel:
    """What is said of a head: a general rule and its exceptions, disjoint in query classes."""

    name: str
    general: Rule
    exceptions: tuple[Rule, ...] = ()

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The exceptions, then the general rule."""
        return (*self.exceptions, self.general)


@dataclass(frozen=True, eq=False)
class HeadSums:
    """The sums that one group of folds has about heads, for one window kind."""

    gram: Float[ndarray, "class relation relation"]
    moment: Float[ndarray, "head class relation"]
    energy: Float[ndarray, "head class"]
    rows: Float[ndarray, " class"]
    present: Float[ndarray, "class relation"]
    level: Int[ndarray, " relation"]

    def problem(self, leaves: Sequence[int], allowed: Bool[ndarray, "head relation"]) -> Problem:
        """Least squares over the rows of some classes."""
        index = list(leaves)
        return Problem(
            gram=self.gram[index].sum(axis=0),
            moment=self.moment[:, index].sum(axis=1),
            energy=self.energy[:, index].sum(axis=1),
            allowed=allowed & (self.present[index].sum(axis=0) > 0),
            coverage=self.coverage(leaves),
            level=self.level,
        )

    def coverage(self, leaves: Sequence[int]) -> Float[ndarray, " relation"]:
        """The fraction of rows in which a relation has a target."""
        index = list(leaves)
        return np.asarray(self.present[index].sum(axis=0) / max(self.rows[index].sum(), 1.0))


HEAD_ARRAYS = (
    *("gram", "moment", "energy", "rows", "present", "mass", "profile", "profile_pairs"),
    *("band_profile", "band_pairs", "target_pairs", "class_target_pairs"),
)
"""The statistics that labels of heads rest on."""


def _of_heads(statistics: Statistics) -> Statistics:
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


def split_folds(n_folds: int) -> tuple[list[int], list[int], list[int], list[int]]:
    """Choosing and judging folds, and the choosing ones in two halves."""
    if n_folds < 2:
        return [0], [0], [0], [0]
    even = list(range(0, n_folds, 2))
    return even, list(range(1, n_folds, 2)), even[0::2], even[1::2]


class HeadFit:
    """The fit of all heads with one kind of window."""

    def __init__(
        self,
        folds: Sequence[Statistics],
        shape: Shape,
        vocabulary: Vocabulary,
        kind: int,
        thresholds: Thresholds,
    ) -> None:
        self.thresholds = thresholds
        self.vocabulary = vocabulary
        self.groups = vocabulary.classes.groups
        windows = np.repeat(np.array(shape.windows, dtype=object), shape.n_heads)
        self.heads = np.flatnonzero(np.array([w == shape.kinds[kind] for w in windows]))
        self.names = [shape.heads[head] for head in self.heads]
        choose, judge, first, second = split_folds(len(folds))
        level = levels(vocabulary.relations)
        folds = [_of_heads(fold) for fold in folds]
        whole = merge(folds[i] for i in choose)
        self.choose = sums_of(whole, kind, self.heads, level)
        self.choosers = [sums_of(folds[i], kind, self.heads, level) for i in choose]
        self.first = sums_of(merge(folds[i] for i in first), kind, self.heads, level)
        self.second = sums_of(merge(folds[i] for i in second), kind, self.heads, level)
        self.judges = [sums_of(folds[i], kind, self.heads, level) for i in judge]
        self.lifts: Lifts = head_lifts(whole, self.heads, kind)
        self.allowed = self._allowed(self.lifts.general)
        self.leaves = [c for c in range(len(vocabulary.classes)) if self.choose.rows[c] > 0]

    def _allowed(self, lift: Float[ndarray, "head relation"]) -> Bool[ndarray, "head relation"]:
        """Positional relations, and content relations that beat the head's distance profile."""
        positional = np.array([item.positional for item in self.vocabulary.relations], dtype=bool)
        return positional | (lift >= self.thresholds.lift_floor)

    def labels(self) -> list[HeadLabel]:
        """One label a head, before significance."""
        n = len(self.heads)
        taken: list[list[int]] = [[] for _ in range(n)]
        candidates = list(self._candidates())
        for _ in range(self.thresholds.max_exceptions):
            best = self._best_exception(candidates, taken)
            if (best < 0).all():
                break
            for head in np.flatnonzero(best >= 0):
                taken[head].append(int(best[head]))
        return [self._label(head, taken[head]) for head in range(n)]

    def _outside(self, taken: Sequence[int]) -> list[int]:
        inside = {leaf for index in taken for leaf in self.groups[index].leaves}
        return [leaf for leaf in self.leaves if leaf not in inside]

    def general(self, heads: ndarray, leaves: Sequence[int], sums: HeadSums) -> Selection:
        """The general predictions of some heads, outside their exceptions."""
        problem = sums.problem(leaves, self.allowed).of(heads)
        return self._select(problem, self.thresholds.max_predictions)

    def _select(self, problem: Problem, slots: int) -> Selection:
        limits = self.thresholds
        return select(problem, slots, limits.stop_gain, limits.stop_effect, limits.tie_margin)

    def _candidates(self) -> Iterator[_Candidate]:
        """The groups that are large enough for an exception, fitted on the first half."""
        for index, group in enumerate(self.groups):
            leaves = [leaf for leaf in group.leaves if leaf in self.leaves]
            rows = self.second.rows[leaves].sum()
            if rows < self.thresholds.min_exception_rows or len(leaves) == len(self.leaves):
                continue
            own = self.group_selection(index, self.first)
            judged = self.second.problem(leaves, self.group_allowed(index))
            yield _Candidate(index, frozenset(leaves), own, judged)

    def _best_exception(
        self, candidates: Sequence[_Candidate], taken: list[list[int]]
    ) -> Int[ndarray, " head"]:
        """For each head the group that gains most on the second half, fitted on the first."""
        n = len(self.heads)
        general = _Rules(self, [self._outside(t) for t in taken], self.first)
        inside = [{leaf for t in ts for leaf in self.groups[t].leaves} for ts in taken]
        best, best_gain = np.full(n, -1), np.zeros(n)
        for candidate in candidates:
            free = np.array([candidate.leaves.isdisjoint(leaves) for leaves in inside])
            own, judged = candidate.own, candidate.judged
            gain = judged.error(general.chosen, general.weight) - candidate.error
            floor = self.thresholds.exception_gain * judged.energy
            better = free & (gain >= floor) & (gain > best_gain) & (own.chosen >= 0).any(axis=1)
            best[better], best_gain[better] = candidate.index, gain[better]
        return best

    def group_allowed(self, index: int) -> Bool[ndarray, "head relation"]:
        """What may be said in an exception: lifts are those within its class."""
        return self._allowed(self.lifts.of(self.groups[index].leaves))

    def group_selection(self, index: int, sums: HeadSums) -> Selection:
        """An exception's own predictions."""
        problem = sums.problem(self.groups[index].leaves, self.group_allowed(index))
        return self._select(problem, self.thresholds.max_exception_predictions)

    def _label(self, head: int, taken: list[int]) -> HeadLabel:
        rest = self._outside(taken)
        one = np.array([head])
        general = self.general(one, rest, self.choose)
        exceptions = []
        for index in taken:
            leaves = self.groups[index].leaves
            problem = self.choose.problem(leaves, self.group_allowed(index)).of(one)
            own = self._select(problem, self.thresholds.max_exception_predictions)
            exceptions.append(self._rule(own, leaves, self.groups[index]))
        rule = self._rule(general, tuple(rest), None)
        return HeadLabel(self.names[head], rule, tuple(exceptions))

    def _rule(self, own: Selection, leaves: Sequence[int], group: Group | None) -> Rule:
        chosen = [int(relation) for relation in own.chosen[0] if relation >= 0]
        weight = own.weight[0][own.chosen[0] >= 0]
        return make_rule(self.choose, chosen, weight, leaves, group)

    def errors(self, labels: Sequence[HeadLabel]) -> tuple[ndarray, ndarray]:
        """Squared error of printed labels and of the baseline, `[judging fold, head]`."""
        error = np.stack([self._error(sums, labels) for sums in self.judges])
        baseline = np.stack([sums.energy[:, self.leaves].sum(axis=1) for sums in self.judges])
        return error, baseline

    def general_r2(self, labels: Sequence[HeadLabel]) -> Float[ndarray, " head"]:
        """R² on judging folds of each general rule on its own rows; 0 where it has none."""
        found = np.zeros(len(labels))
        for head, label in enumerate(labels):
            leaves = list(label.general.leaves)
            energy = sum(float(sums.energy[head, leaves].sum()) for sums in self.judges)
            error = sum(rule_error(sums, head, label.general) for sums in self.judges)
            found[head] = 1 - error / energy if energy > 1e-9 else 0.0
        return found

    def _error(self, sums: HeadSums, labels: Sequence[HeadLabel]) -> Float[ndarray, " head"]:
        total = np.zeros(len(labels))
        for head, label in enumerate(labels):
            for rule in label.rules:
                total[head] += rule_error(sums, head, rule)
        return total

    def dense(self) -> tuple[ndarray, Float[ndarray, "class head relation"]]:
        """Errors of all relations by class, `[judging fold, head]`, and their weights."""
        weight = nnls(
            self.choose.gram[self.leaves], self.choose.moment[:, self.leaves].transpose(1, 0, 2)
        )
        errors = []
        for sums in self.judges:
            moment = sums.moment[:, self.leaves].transpose(1, 0, 2)
            linear = np.einsum("chr,chr->h", weight, moment)
            square = np.einsum("chr,chr->h", weight @ sums.gram[self.leaves], weight)
            errors.append(sums.energy[:, self.leaves].sum(axis=1) - 2 * linear + square)
        return np.stack(errors), weight

    def dense_weights(self, n_classes: int) -> Float[ndarray, "head class relation"]:
        """Weights of all relations, by class; 0 for classes without rows."""
        _, by_class = self.dense()
        weight = np.zeros((len(self.heads), n_classes, len(self.vocabulary.relations)))
        weight[:, self.leaves] = by_class.transpose(1, 0, 2)
        return weight


def make_rule(
    sums: HeadSums,
    chosen: Sequence[int],
    weight: ndarray,
    leaves: Sequence[int],
    group: Group | None,
) -> Rule:
    """A rule as it is printed: rounded shares, the largest first, without those that round to 0."""
    terms = []
    for relation, value in zip(chosen, weight, strict=True):
        present = sums.present[list(leaves), relation].sum()
        coverage = round(float(present / max(sums.rows[list(leaves)].sum(), 1.0)), 4)
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
    return Problem(
        gram=sums.gram[np.ix_(rows, index, index)].sum(axis=0),
        moment=sums.moment[head][np.ix_(rows, index)].sum(axis=0)[None],
        energy=sums.energy[head, rows].sum(keepdims=True),
        allowed=np.ones((1, len(index)), dtype=bool),
        coverage=present / max(float(sums.rows[rows].sum()), 1.0),
    )


def rule_error(sums: HeadSums, head: int, rule: Rule) -> float:
    """The squared error of one rule on its classes for one head."""
    problem = small_problem(sums, head, [term.relation for term in rule.terms], rule.leaves)
    weight = np.array([[term.weight for term in rule.terms]])
    return float(problem.error(np.arange(len(rule.terms))[None], weight)[0])


@dataclass(frozen=True, eq=False)
class _Candidate:
    """A group that may be an exception: its predictions by head, and the rows that judge them."""

    index: int
    leaves: frozenset[int]
    own: Selection
    judged: Problem

    @cached_property
    def error(self) -> Float[ndarray, " head"]:
        """Its errors on the second half."""
        return self.judged.error(self.own.chosen, self.own.weight)


class _Rules:
    """General rules of heads that leave out different classes, selected together where alike."""

    def __init__(self, fit: HeadFit, outside: list[list[int]], sums: HeadSums) -> None:
        limit = fit.thresholds.max_predictions
        self.chosen = np.full((len(outside), limit), -1)
        self.weight = np.zeros((len(outside), limit))
        alike: dict[tuple[int, ...], list[int]] = {}
        for head, leaves in enumerate(outside):
            alike.setdefault(tuple(leaves), []).append(head)
        for rest, heads in alike.items():
            own = fit.general(np.array(heads), rest, sums)
            self.chosen[heads], self.weight[heads] = own.chosen, own.weight


def printed(value: float, digits: int = 2) -> float:
    """A figure as it is printed: whole percents, tenths of a percent below ten."""
    return round(float(value), digits if value >= 0.1 else digits + 1)
