"""What holds on the judging folds stays, what does not is dropped and not replaced."""

from __future__ import annotations

import math
from copy import copy
from dataclasses import replace

import numpy as np
import pytest

from labeler.fit_heads import HeadFit
from labeler.head_moments import printed, rule_error, small_problem
from labeler.intervals import benjamini_hochberg, p_positive
from labeler.labels import HeadLabel, Rule
from labeler.significance import keep_significant, refit, worth_of
from labeler.significance import tests_of as all_tests
from labeler.thresholds import Thresholds
from tests.oracles.synthetic import Made, clean_pattern, noisy, statistics_of
from tests.unit.made_texts import RELATIONS, prepared, random_letters, vocabulary_of

NAMES = [relation.name for relation in RELATIONS]
HEADS = (
    Made("previous token", {"previous token": 0.6, "start of text": 0.2}),
    Made("sink; on a's itself", {"start of text": 0.8}, {"on a letter a": {"current token": 0.9}}),
    Made("nothing", {}),
)


@pytest.fixture(scope="module")
def fit() -> HeadFit:
    found = random_letters(np.random.default_rng(1), 400, 14)
    texts = list({text.string: text for text in found if len(text.string) > 3}.values())
    vocabulary = vocabulary_of(texts)
    items = prepared(texts, vocabulary)

    def given(item) -> np.ndarray:
        rng = np.random.default_rng(int(item.text.id[1:]))
        clean = [clean_pattern(made, item, vocabulary) for made in HEADS]
        return np.stack([noisy(pattern, rng, 20.0, 0.0) for pattern in clean]).astype(np.float32)

    folds, shape = statistics_of([items[i::16] for i in range(16)], vocabulary, given)
    return HeadFit(folds, shape, vocabulary, 0, Thresholds())


def _names(rule: Rule) -> set[str]:
    return {NAMES[term.relation] for term in rule.terms}


def _with_noise(fit: HeadFit, label: HeadLabel, name: str) -> HeadLabel:
    """The label with one more prediction, which explains nothing."""
    relations = [term.relation for term in label.general.terms]
    weight = np.array([*(term.weight for term in label.general.terms), 0.05])
    general = label.general
    problem = small_problem(fit.choose, 0, [*relations, NAMES.index(name)], general.leaves)
    assert problem.coverage is not None
    terms = tuple(
        replace(general.terms[0], relation=relation, share=float(w * c), coverage=float(c))
        for relation, w, c in zip(
            [*relations, NAMES.index(name)], weight, problem.coverage, strict=True
        )
    )
    return HeadLabel(label.name, Rule(terms, general.leaves), label.exceptions)


def test_what_was_planted_passes(fit: HeadFit) -> None:
    labels = fit.labels()
    tests = all_tests(fit, labels)
    assert {
        (t.head, NAMES[t.relation]) for t in tests if t.relation >= 0 and not t.query_class
    } == {
        (0, "previous token"),
        (0, "start of text"),
        (1, "start of text"),
    }
    assert all(test.p < 1e-4 and test.q < 1e-3 for test in tests)
    assert keep_significant(fit, labels, tests)[0].general.terms == labels[0].general.terms


def test_what_explains_nothing_is_dropped_and_not_replaced(fit: HeadFit) -> None:
    labels = fit.labels()
    padded = [_with_noise(fit, labels[0], "every a"), *labels[1:]]
    tests = all_tests(fit, padded)
    (extra,) = [t for t in tests if t.head == 0 and t.relation == NAMES.index("every a")]
    assert extra.q > 0.05
    kept = keep_significant(fit, padded, tests)
    assert _names(kept[0].general) == {"previous token", "start of text"}
    assert kept[0].general == labels[0].general


def test_a_p_value_is_that_of_leaving_one_out(fit: HeadFit) -> None:
    labels = fit.labels()
    tests = all_tests(fit, labels)
    label = labels[0]
    relations = [term.relation for term in label.general.terms]
    full = refit(fit.choose, 0, label.general, relations)
    for relation in relations:
        less = refit(fit.choose, 0, label.general, [r for r in relations if r != relation])
        cost = [rule_error(s, 0, less) - rule_error(s, 0, full) for s in fit.judges]
        (test,) = [t for t in tests if (t.head, t.query_class, t.relation) == (0, "", relation)]
        energy = [s.energy[0, list(label.general.leaves)].sum() for s in fit.judges]
        expected = p_positive(np.array(cost)[:, None], np.array(energy)[:, None])
        assert test.p == pytest.approx(float(expected[0]))
    q = benjamini_hochberg(np.array([test.p for test in tests]))
    assert [test.q for test in tests] == pytest.approx(q.tolist())


def test_an_exception_is_tested_as_a_whole(fit: HeadFit) -> None:
    labels = fit.labels()
    tests = all_tests(fit, labels)
    (whole,) = [t for t in tests if t.relation == -1]
    assert whole.head == 1
    assert whole.p < 1e-4
    assert {_names(rule).pop() for rule in labels[1].exceptions} == {"current token"}


def test_rows_of_an_exception_that_fails_go_back_to_the_general_rule(fit: HeadFit) -> None:
    labels = fit.labels()
    failed = [replace(t, q=1.0) if t.relation == -1 else t for t in all_tests(fit, labels)]
    kept = keep_significant(fit, labels, failed)[1]
    assert kept.exceptions == ()
    freed = set(labels[1].exceptions[0].leaves)
    assert set(kept.general.leaves) == set(labels[1].general.leaves) | freed
    assert _names(kept.general) == {"start of text"}
    # Refitted where a fifth and more of the rows no longer go there.
    assert kept.general.terms[0].share < labels[1].general.terms[0].share
    # Its interval is that of what it says now, not of what was tested.
    worth = worth_of(fit, 1, kept)["", kept.general.terms[0].relation]
    assert worth.share_low < kept.general.terms[0].share < worth.share_high
    assert worth.share_high < labels[1].general.terms[0].share


def test_the_interval_of_a_share_by_its_noise(fit: HeadFit) -> None:
    label = fit.labels()[0]
    found = worth_of(fit, 0, label)
    for term in label.general.terms:
        worth = found["", term.relation]
        assert worth.gain > 0
        # Noise of 30% in a row's share over 3,000 rows is half a percent.
        assert term.share - 0.025 < worth.share_low < term.share < worth.share_high
        assert worth.share_high < term.share + 0.025
        # It stands around the share as it was fitted, which is printed rounded.
        fitted = (worth.share_low + worth.share_high) / 2
        assert printed(fitted) == term.share
        assert abs(fitted - term.share) > 1e-6


def test_folds_without_a_prompt_do_not_narrow_the_interval_of_a_share(fit: HeadFit) -> None:
    label, names = fit.labels()[0], vars(fit.choose)
    none = replace(
        fit.choose,
        **{n: np.zeros_like(v) for n, v in names.items() if n not in ("level", "effects")},
    )
    padded = copy(fit)
    padded.choosers = [*fit.choosers, none, none]
    assert worth_of(padded, 0, label) == worth_of(fit, 0, label)
    padded.choosers = [fit.choose, none, none]  # all of it in one fold
    assert all(math.isnan(worth.share_low) for worth in worth_of(padded, 0, label).values())


def test_a_label_of_nothing_has_nothing_to_test(fit: HeadFit) -> None:
    labels = fit.labels()
    assert labels[2].general.terms == ()
    assert not any(test.head == 2 for test in all_tests(fit, labels))
