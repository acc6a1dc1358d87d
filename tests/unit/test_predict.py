"""A label as a pattern: exact rows, sums of 1, and what happens where shares pass 1."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from labeler.labels import HeadLabel, Rule, Term
from labeler.predict import Rules, baseline, patterns
from tests.unit.made_texts import letters, prepared, random_letters, vocabulary_of

TEXTS = random_letters(np.random.default_rng(0), 80)
VOCABULARY = vocabulary_of(TEXTS)
NAMES = [relation.name for relation in VOCABULARY.relations]
EVERY = tuple(range(len(VOCABULARY.classes)))


def _label(terms: dict[str, tuple[float, float]], leaves: tuple[int, ...] = EVERY) -> HeadLabel:
    made = tuple(Term(NAMES.index(name), *given) for name, given in terms.items())
    return HeadLabel("L0H0", Rule(made, leaves))


def _pattern(label: HeadLabel, string: str, window: int | None = None) -> np.ndarray:
    (item,) = prepared([letters(string)], VOCABULARY, (window,))
    rules = Rules.of_labels([label], len(VOCABULARY.classes))
    return patterns(rules, item, 0, window)[0].numpy()


def test_a_row_by_hand() -> None:
    # 60% on the previous token, 20% on all a's where there are any (half of the rows: weight 0.4).
    label = _label({"previous token": (0.6, 1.0), "every a": (0.2, 0.5)})
    found = _pattern(label, "abca")
    # Query 3 sees BOS a b c: the previous token b gets 0.6, the only a gets 0.4, nothing is left.
    assert found[3] == pytest.approx([0, 0.4, 0.6, 0, 0], abs=1e-6)
    # Query 4: two a's share 0.4.
    assert found[4] == pytest.approx([0, 0.2, 0, 0.6, 0.2], abs=1e-6)
    # Query 1 is an "a" after BOS, which no relation but the start of the text holds: 0.4 on itself,
    # the rest over both visible keys.
    assert found[1] == pytest.approx([0.3, 0.7, 0, 0, 0], abs=1e-6)


def test_the_remainder_is_uniform_and_windows_hold() -> None:
    label = _label({"current token": (0.4, 1.0)})
    assert _pattern(label, "abc")[3] == pytest.approx([0.15, 0.15, 0.15, 0.55], abs=1e-6)
    assert _pattern(label, "abc", 2)[3] == pytest.approx([0, 0, 0.3, 0.7], abs=1e-6)


def test_shares_that_pass_one_are_scaled_down() -> None:
    label = _label({"current token": (0.5, 0.5), "start of text": (0.5, 1.0)})
    # Weights 1 and 0.5: two thirds and one third.
    assert _pattern(label, "bcd")[3] == pytest.approx([1 / 3, 0, 0, 2 / 3], abs=1e-6)


def test_an_exception_replaces_all_weights_on_its_class() -> None:
    group = next(g for g in VOCABULARY.classes.groups if g.name == "letter a")
    rest = tuple(leaf for leaf in EVERY if leaf not in group.leaves)
    general = Rule((Term(NAMES.index("previous token"), 1.0, 1.0),), rest)
    own = Rule((Term(NAMES.index("start of text"), 1.0, 1.0),), group.leaves, group)
    found = _pattern(HeadLabel("L0H0", general, (own,)), "bcab")
    assert found[2] == pytest.approx([0, 1, 0, 0, 0], abs=1e-6)
    assert found[3] == pytest.approx([1, 0, 0, 0, 0], abs=1e-6)
    assert found[4] == pytest.approx([0, 0, 0, 1, 0], abs=1e-6)


@pytest.mark.parametrize("window", [None, 3])
def test_every_row_is_attention(window: int | None) -> None:
    rng = np.random.default_rng(1)
    labels = [
        _label({name: (float(rng.uniform(0, 0.6)), float(rng.uniform(0.3, 1))) for name in NAMES})
        for _ in range(5)
    ]
    rules = Rules.of_labels(labels, len(VOCABULARY.classes))
    for item in prepared(TEXTS[:10], VOCABULARY, (window,)):
        found = patterns(rules, item, 0, window)
        assert (found >= 0).all()
        torch.testing.assert_close(found.sum(dim=2), torch.ones(5, len(item)))
        assert not (found * (baseline(len(item), window) == 0)).any()


def test_no_rule_is_the_baseline() -> None:
    rules = Rules.of_labels([_label({})], len(VOCABULARY.classes))
    (item,) = prepared([letters("abcd")], VOCABULARY)
    torch.testing.assert_close(patterns(rules, item, 0, None)[0], baseline(5, None))


def test_rules_of_a_dense_fit_keep_what_has_a_weight() -> None:
    weight = np.zeros((2, len(VOCABULARY.classes), len(NAMES)))
    weight[1, 0, 3] = 0.5
    rules = Rules.of_dense(weight)
    assert rules.relations.tolist() == [3]
    assert rules.heads([1]).weight.shape == (1, len(VOCABULARY.classes), 1)


def test_a_fit_that_passes_one_takes_from_all_keys_alike() -> None:
    # Scaled down, a share of all a's in a row would take from the previous token what the fit took
    # from every key: here 0.8 on the previous token and 0.8 on all a's, −0.6 on an even spread.
    weight = np.zeros((1, len(VOCABULARY.classes), len(NAMES)))
    weight[0, :, [NAMES.index("previous token"), NAMES.index("every a")]] = 0.8
    (item,) = prepared([letters("abca")], VOCABULARY)
    rules = Rules.of_dense(weight)
    found = patterns(rules, item, 0, None)[0].numpy()
    # Query 3 sees BOS a b c: −0.15 on each, 0.8 more on a and on b; below 0 is 0, and 1.3 → 1.
    assert found[3] == pytest.approx([0, 0.5, 0.5, 0, 0], abs=1e-6)
    # Query 4: −0.12 on each of five, 0.8 more on c, 0.4 more on each of two a's; 1.24 → 1.
    assert found[4] == pytest.approx([0, 0.28 / 1.24, 0, 0.68 / 1.24, 0.28 / 1.24], abs=1e-6)
    assert patterns(rules.heads([0]), item, 0, None)[0].numpy() == pytest.approx(found)
