"""Statistics → labels of heads: selected predictions, shares, exceptions, held-out errors.

Even folds choose, odd folds judge; exceptions are kept on one half of the even folds for what they
showed on the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from labeler.classes import Group
from labeler.effects import Effects
from labeler.head_moments import HeadSums, make_rule, of_heads, rule_error, sums_of
from labeler.intervals import tells
from labeler.labels import HeadLabel, Rule
from labeler.lift import Near
from labeler.prepare import Vocabulary
from labeler.select import Problem, Selection, nnls, select
from labeler.shape import Shape
from labeler.simplicity import levels
from labeler.statistics import Statistics, merge, split_folds
from labeler.thresholds import Thresholds

BASELINE = 1e-6
"""A relation whose square, a row, is under this is the baseline itself (as "nearby (8)" in a window
of 7): sums of single precision tell no more."""


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
        self.kind = kind
        self.groups = vocabulary.classes.groups
        self.heads = shape.of_kind(kind)
        self.names = [shape.heads[head] for head in self.heads]
        choose, judge, first, second = split_folds(len(folds))
        level = levels(vocabulary.relations)
        folds = [of_heads(fold) for fold in folds]
        whole = merge(folds[i] for i in choose)
        self.choose = sums_of(whole, kind, self.heads, level)
        self.choosers = [sums_of(folds[i], kind, self.heads, level) for i in choose]
        self.first = sums_of(merge(folds[i] for i in first), kind, self.heads, level)
        self.second = sums_of(merge(folds[i] for i in second), kind, self.heads, level)
        self.judges = [sums_of(folds[i], kind, self.heads, level) for i in judge]
        self.tells = tells(np.array([sums.rows.sum() for sums in self.judges]))
        """Whether the judging folds are enough to test on."""
        self.whole = whole
        """All choosing folds together."""
        self.lift = Near.of(whole, self.heads, kind).lift
        self.allowed = self._allowed(self.lift)
        had = self.choose.present.sum(axis=0)
        self.even = whole["target_uniform"][kind] / np.maximum(had, 1.0)
        """What an even spread gives the targets of each relation, where it has some."""
        self.leaves = [c for c in range(len(vocabulary.classes)) if self.choose.rows[c] > 0]
        """The classes that choosing prompts have."""

    def hearing(self, effects: Effects) -> HeadFit:
        """The same fit, with effects that count `WEIGHT` times as much as patterns do.

        They do wherever labels are chosen and tested, in no R² and not in the fit of all relations.
        """
        choose, judge, first, second = split_folds(len(self.choosers) + len(self.judges))
        scale = effects.scale(self.heads, choose, self.choose.energy.sum(axis=1))

        def both(sums: HeadSums, *folds: int) -> HeadSums:
            return replace(sums, effects=effects.sums(self.heads, folds, scale))

        found = copy(self)
        found.choose = both(self.choose, *choose)
        found.first, found.second = both(self.first, *first), both(self.second, *second)
        found.choosers = [both(x, i) for i, x in zip(choose, self.choosers, strict=True)]
        found.judges = [both(x, i) for i, x in zip(judge, self.judges, strict=True)]
        return found

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
        """The classes of the general rule: those that no choosing prompt has, too."""
        inside = {leaf for index in taken for leaf in self.groups[index].leaves}
        return [leaf for leaf in range(len(self.vocabulary.classes)) if leaf not in inside]

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
            own = self.group_selection(np.arange(len(self.heads)), index, self.first)
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
        leaves = self.groups[index].leaves
        return self._allowed(Near.within(self.whole, self.heads, self.kind, leaves).lift)

    def group_selection(self, heads: ndarray, index: int, sums: HeadSums) -> Selection:
        """An exception's own predictions for some heads."""
        problem = sums.problem(self.groups[index].leaves, self.group_allowed(index)).of(heads)
        return self._select(problem, self.thresholds.max_exception_predictions)

    def _label(self, head: int, taken: list[int]) -> HeadLabel:
        rest = self._outside(taken)
        one = np.array([head])
        general = self.general(one, rest, self.choose)
        exceptions = []
        for index in taken:
            group, own = self.groups[index], self.group_selection(one, index, self.choose)
            exceptions.append(self._rule(own, group.leaves, group))
        rule = self._rule(general, tuple(rest), None)
        return HeadLabel(self.names[head], rule, tuple(exceptions))

    def _rule(self, own: Selection, leaves: Sequence[int], group: Group | None) -> Rule:
        chosen = [int(relation) for relation in own.chosen[0] if relation >= 0]
        weight = own.weight[0][own.chosen[0] >= 0]
        return make_rule(self.choose, chosen, weight, leaves, group)

    def listed(self, count: int) -> Int[ndarray, "head listed"]:
        """The relations that the fit of all leans on most, for each head."""
        _, weight = self.dense()
        moment = self.choose.moment[:, self.leaves].transpose(1, 0, 2)
        leans = np.einsum("chr,chr->hr", weight, moment) * self.allowed
        return np.argsort(-leans, axis=1, kind="stable")[:, :count]

    def errors(self, labels: Sequence[HeadLabel]) -> tuple[ndarray, ndarray]:
        """Squared error of printed labels and of the baseline, `[judging fold, head]`."""
        error = np.stack([self._error(sums, labels) for sums in self.judges])
        baseline = np.stack([sums.energy.sum(axis=1) for sums in self.judges])
        return error, baseline

    def general_r2(self, labels: Sequence[HeadLabel]) -> Float[ndarray, " head"]:
        """R² on judging folds of each general rule on its own rows; 0 where it has none."""
        found = np.zeros(len(labels))
        for head, label in enumerate(labels):
            leaves = list(label.general.leaves)
            energy = sum(float(sums.energy[head, leaves].sum()) for sums in self.judges)
            error = sum(rule_error(sums.of_patterns, head, label.general) for sums in self.judges)
            found[head] = 1 - error / energy if energy > 1e-9 else 0.0
        return found

    def _error(self, sums: HeadSums, labels: Sequence[HeadLabel]) -> Float[ndarray, " head"]:
        total = np.zeros(len(labels))
        for head, label in enumerate(labels):
            for rule in label.rules:
                total[head] += rule_error(sums.of_patterns, head, rule)
        return total

    def dense(self) -> tuple[ndarray, Float[ndarray, "class head relation"]]:
        """Errors of all relations by class, `[judging fold, head]`, and their weights."""
        weight = nnls(
            self.choose.gram[self.leaves],
            self.choose.moment[:, self.leaves].transpose(1, 0, 2),
            least=BASELINE * np.maximum(self.choose.present[self.leaves], 1.0),
        )
        errors = []
        for sums in self.judges:
            moment = sums.moment[:, self.leaves].transpose(1, 0, 2)
            linear = np.einsum("chr,chr->h", weight, moment)
            square = np.einsum("chr,chr->h", weight @ sums.gram[self.leaves], weight)
            errors.append(sums.energy.sum(axis=1) - 2 * linear + square)
        return np.stack(errors), weight


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
