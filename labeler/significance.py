"""Which predictions of a head hold on the judging folds, and how sure their shares are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from labeler.fit_heads import HeadFit
from labeler.head_moments import HeadSums, fitted_shares, make_rule, rule_error, small_problem
from labeler.intervals import benjamini_hochberg, margin, p_positive, passes
from labeler.labels import HeadLabel, Rule
from labeler.select import Problem


@dataclass(frozen=True)
class Test:
    """One prediction of one rule: does leaving it out cost on the judging folds?

    `query_class` is empty for the general rule; `relation` −1 stands for an exception as a whole.
    """

    head: int
    query_class: str
    relation: int
    p: float
    q: float


@dataclass(frozen=True)
class Worth:
    """What a printed prediction is worth on the choosing folds.

    `gain` is the part of the head's variance, on the rule's rows, that leaving it out would cost;
    `share_low` and `share_high` bound its share, which is printed rounded.
    """

    gain: float
    share_low: float
    share_high: float


def tested_labels(fit: HeadFit) -> tuple[list[HeadLabel], list[Test]]:
    """The labels of a fit without what does not hold on judging folds, and all tests."""
    labels = fit.labels()
    tests = tests_of(fit, labels)
    return keep_significant(fit, labels, tests), tests


def refit(sums: HeadSums, head: int, rule: Rule, keep: Sequence[int]) -> Rule:
    """The rule with some of its relations only, weights fitted anew."""
    problem = small_problem(sums, head, keep, rule.leaves)
    weight = problem.weights(np.arange(len(keep))[None])[0]
    return make_rule(sums, keep, weight, rule.leaves, rule.group)


def tests_of(fit: HeadFit, labels: Sequence[HeadLabel]) -> list[Test]:
    """Every prediction and exception of every label, tested, with q over them all."""
    found = [test for head, label in enumerate(labels) for test in _tests(fit, head, label)]
    q = benjamini_hochberg(np.array([test.p for test in found]))
    return [replace(test, q=float(value)) for test, value in zip(found, q, strict=True)]


def _tests(fit: HeadFit, head: int, label: HeadLabel) -> Iterator[Test]:
    for rule in label.rules:
        if rule.group is not None:
            yield _exception(fit, head, rule, label.general)
        relations = [term.relation for term in rule.terms]
        judged = _judged(fit, head, refit(fit.choose, head, rule, relations))
        for relation in relations:
            less = refit(fit.choose, head, rule, [r for r in relations if r != relation])
            p = _p(fit, head, rule, _judged(fit, head, less) - judged)
            yield Test(head, rule.query_class, relation, p, np.nan)


def _exception(fit: HeadFit, head: int, rule: Rule, general: Rule) -> Test:
    """An exception as a whole, against the general rule on its rows."""
    instead = replace(general, leaves=rule.leaves)
    p = _p(fit, head, rule, _judged(fit, head, instead) - _judged(fit, head, rule))
    return Test(head, rule.query_class, -1, p, np.nan)


def worth_of(fit: HeadFit, head: int, label: HeadLabel) -> dict[tuple[str, int], Worth]:
    """Every prediction that a label prints, by query class and relation."""
    found = {}
    for rule in label.rules:
        relations = [term.relation for term in rule.terms]
        error = rule_error(fit.choose, head, rule)
        energy = max(fit.choose.variance(head, rule.leaves), 1e-12)
        # About the share as it was fitted: rounding may be as much as the interval is wide.
        fitted = fitted_shares(small_problem(fit.choose, head, relations, rule.leaves))
        margins = _margins(fit.choosers, fit.choose, head, rule)
        bounds = zip(rule.terms, fitted - margins, fitted + margins, strict=True)
        for term, lowest, highest in bounds:
            less = refit(fit.choose, head, rule, [r for r in relations if r != term.relation])
            gain = (rule_error(fit.choose, head, less) - error) / energy
            low, high = max(float(lowest), 0.0), min(float(highest), 1.0)
            found[rule.query_class, term.relation] = Worth(gain, low, high)
    return found


def _judged(fit: HeadFit, head: int, rule: Rule) -> Float[ndarray, " fold"]:
    """The squared error of a rule on each judging fold."""
    return np.array([rule_error(sums, head, rule) for sums in fit.judges])


def _p(fit: HeadFit, head: int, rule: Rule, gain: Float[ndarray, " fold"]) -> float:
    """p of what is gained on each judging fold, in parts of the variance on the rule's rows."""
    energy = np.array([sums.variance(head, rule.leaves) for sums in fit.judges])
    return float(p_positive(gain[:, None], energy[:, None])[0])


def _margins(
    folds: Sequence[HeadSums], whole: HeadSums, head: int, rule: Rule
) -> Float[ndarray, " term"]:
    """Half intervals of a rule's shares: jackknife over choosing folds, selection held fixed."""
    relations = [term.relation for term in rule.terms]
    if not relations:
        return np.zeros(0)
    total = small_problem(whole, head, relations, rule.leaves)
    parts = [small_problem(out, head, relations, rule.leaves) for out in folds]
    left_out = np.stack([_share_without(total, part) for part in parts])
    rows = np.array([[out.rows[list(rule.leaves)].sum()] for out in folds])
    return margin(left_out, np.broadcast_to(rows, left_out.shape))


def _share_without(a: Problem, b: Problem) -> ndarray:
    left = replace(a, gram=a.gram - b.gram, moment=a.moment - b.moment, energy=a.energy - b.energy)
    return fitted_shares(left)


def keep_significant(
    fit: HeadFit, labels: Sequence[HeadLabel], tests: Sequence[Test]
) -> list[HeadLabel]:
    """Labels without what failed or could not be tested; the rest refitted on choosing folds."""
    rate = fit.thresholds.false_discovery_rate
    held = passes(np.array([test.q for test in tests]), rate)
    kept = {(t.head, t.query_class, t.relation) for t, ok in zip(tests, held, strict=True) if ok}
    return [_kept(fit, head, label, kept) for head, label in enumerate(labels)]


def _kept(fit: HeadFit, head: int, label: HeadLabel, kept: set[tuple[int, str, int]]) -> HeadLabel:
    exceptions = []
    freed: tuple[int, ...] = ()
    for rule in label.exceptions:
        if (head, rule.query_class, -1) in kept:
            exceptions.append(refit(fit.choose, head, rule, _held(head, rule, kept)))
        else:
            freed += rule.leaves
    general = replace(label.general, leaves=tuple(sorted({*label.general.leaves, *freed})))
    rule = refit(fit.choose, head, general, _held(head, general, kept))
    return HeadLabel(label.name, rule, tuple(exceptions))


def _held(head: int, rule: Rule, kept: set[tuple[int, str, int]]) -> list[int]:
    return [t.relation for t in rule.terms if (head, rule.query_class, t.relation) in kept]
