"""Effects beside patterns: how much they count, what they change, and that they change no R²."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from labeler import significance
from labeler.effects import BYTES, FEWEST, LISTED, Effects, how_many
from labeler.fit_heads import HeadFit
from labeler.head_moments import rule_error, small_problem
from labeler.labels import Rule, Term
from labeler.statistics import split_folds
from labeler.thresholds import Thresholds
from tests.oracles.synthetic import Made, statistics_of

from .test_fit_heads import N_FOLDS, NAMES, _folds, _noisy

HEADS = (
    Made("both", {"previous token": 0.3, "current token": 0.3}),
    Made("sink", {"start of text": 0.9}),
)
ONE = replace(Thresholds(), max_predictions=1, max_exceptions=0)
PREVIOUS, CURRENT = NAMES.index("previous token"), NAMES.index("current token")
START = NAMES.index("start of text")


def _fit(effects: Effects | None, limits: Thresholds = ONE) -> HeadFit:
    vocabulary, folds = _folds()
    found, shape = statistics_of(folds, vocabulary, lambda item: _noisy(HEADS, item))
    fit = HeadFit(found, shape, vocabulary, 0, limits)
    return fit if effects is None else fit.hearing(effects)


def _effects(*heard: float) -> Effects:
    """Only what the first head gives the previous token and the current one does something.

    Its pattern's effect is as if it gave each the half of it, each of an effect of its own.
    """
    n_classes = len(_folds()[0].classes)
    relations = np.array([[PREVIOUS, CURRENT], [PREVIOUS, CURRENT]])
    rows = np.array([[heard[0], 0, heard[0] / 2], [0, heard[1], heard[1] / 2]])
    cross = np.zeros((N_FOLDS, 2, n_classes, 3, 3), dtype=np.float32)
    cross[:, 0] = rows.T @ rows
    return Effects(relations, cross)


@pytest.mark.parametrize(("heard", "said"), [((2.0, 1.0), PREVIOUS), ((1.0, 2.0), CURRENT)])
def test_what_does_more_is_said(heard: tuple[float, float], said: int) -> None:
    label = _fit(_effects(*heard)).labels()[0]
    assert [term.relation for term in label.general.terms] == [said]


def test_effects_count_twice_as_much_as_the_pattern() -> None:
    """A head's effects, 0.5² · (3² + 2²) of each class and fold here, sum up to twice its energy."""
    plain, both = _fit(None), _fit(_effects(3.0, 2.0))
    leaves = range(len(_folds()[0].classes))
    pattern = plain.choose.energy[0].sum()
    assert both.choose.variance(0, leaves) == pytest.approx(3 * pattern)
    choose, judge, _, _ = split_folds(N_FOLDS)
    assert sum(sums.variance(0, leaves) - sums.energy[0].sum() for sums in both.judges) == (
        pytest.approx(2 * pattern * len(judge) / len(choose))
    )
    # The second head's attention does nothing: it is its pattern alone that counts.
    assert both.choose.variance(1, leaves) == pytest.approx(plain.choose.energy[1].sum())


def test_one_heads_problem_is_that_of_all_heads() -> None:
    both = _fit(_effects(3.0, 2.0))
    leaves = [0, 2]
    every = both.choose.problem(leaves, np.ones((2, len(NAMES)), dtype=bool))
    one = small_problem(both.choose, 0, [CURRENT, PREVIOUS], leaves)
    weight = np.array([[0.2, 0.1]])
    chosen = np.array([[CURRENT, PREVIOUS], [-1, -1]])
    expected = every.error(chosen, np.array([[0.2, 0.1], [0.0, 0.0]]))[0]
    assert one.error(np.array([[0, 1]]), weight)[0] == pytest.approx(expected)
    rule = Rule((Term(CURRENT, 0.2, 1.0), Term(PREVIOUS, 0.1, 1.0)), tuple(leaves))
    assert rule_error(both.choose, 0, rule) == pytest.approx(expected)
    assert every.allowed.sum() <= 2 * 2, "what is not listed may not be said"


def test_r2_is_of_the_pattern_alone() -> None:
    plain, both = _fit(None), _fit(_effects(3.0, 2.0))
    labels = both.labels()
    for found, expected in zip(both.errors(labels), plain.errors(labels), strict=True):
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(both.general_r2(labels), plain.general_r2(labels))


def test_what_only_its_effect_speaks_for_is_tested_by_it() -> None:
    """The first head gives the first position no more than an even spread would.

    The model does as if it did: judging folds must keep what the pattern alone would throw out.
    """
    effects = _effects(0.0, 1.0)
    relations = np.array([[PREVIOUS, START], [PREVIOUS, START]])
    fit = _fit(replace(effects, relations=relations), replace(ONE, max_predictions=4))
    labels, tests = significance.tested_labels(fit)
    assert START in [term.relation for term in labels[0].general.terms]
    own = [test for test in tests if test.head == 0 and test.relation == START]
    assert [test.q < 0.05 for test in own] == [True]
    fit.judges = [sums.of_patterns for sums in fit.judges]
    labels, tests = significance.tested_labels(fit)
    assert START not in [term.relation for term in labels[0].general.terms]


def test_the_relations_that_are_listed_are_those_that_explain() -> None:
    fit = _fit(None)
    listed = fit.listed(2)
    assert set(listed[0]) == {PREVIOUS, CURRENT}
    assert listed[1, 0] == NAMES.index("start of text")


def test_as_many_relations_are_listed_as_memory_has_room_for() -> None:
    assert how_many(16, 40, 104, 187) == LISTED
    assert how_many(16, 40, 104, 20) == 20
    count = how_many(16, 144, 104, 187)
    size = 4 * 16 * 144 * 104
    assert size * (count + 1) ** 2 <= BYTES < size * (count + 2) ** 2
    assert how_many(16, 10_000, 104, 187) == FEWEST
