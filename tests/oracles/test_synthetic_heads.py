"""Sixteen heads made from the annotation, with noise: each gives its meaning back in a label."""

from __future__ import annotations

import numpy as np
import pytest

from labeler.describe import head_sentence
from labeler.head_tables import head_confidence
from labeler.intervals import r_squared
from labeler.prepare import Prepared
from labeler.thresholds import Thresholds

from .synthetic import Fitted, clean_pattern, fitted, noisy, statistics_of, true_share
from .synthetic_heads import SIXTEEN, Stories, embedded_stories, generator, seeds

MIXING = 0.05
CLOSE = 0.025
"""Half a percent of rounding, and Dirichlet noise: 0.3 in a row's share over 500 rows is 0.013."""


@pytest.fixture(scope="module")
def stories(tmp_path_factory: pytest.TempPathFactory) -> Stories:
    return embedded_stories(tmp_path_factory.mktemp("parses"))


@pytest.fixture(scope="module")
def found(stories: Stories) -> Fitted:
    seed = seeds([item for fold in stories.folds for item in fold])

    def patterns(item: Prepared) -> np.ndarray:
        return np.stack(
            [
                noisy(
                    clean_pattern(made, item, stories.vocabulary),
                    generator(seed[item.text.id], head),
                    mixing=MIXING,
                )
                for head, made in enumerate(SIXTEEN)
            ]
        )

    folds, shape = statistics_of(stories.folds, stories.vocabulary, patterns)
    # A quarter of the stories has "but" less than the 50 times that a class is asked to stand.
    return fitted(folds, shape, stories.vocabulary, Thresholds(min_exception_rows=40))


def _rules(head: int) -> list[str]:
    return ["", *SIXTEEN[head].exceptions]


@pytest.mark.parametrize(
    ("head", "where"), [(head, where) for head in range(16) for where in _rules(head)]
)
def test_relations_and_shares_come_back(
    found: Fitted, stories: Stories, head: int, where: str
) -> None:
    made = SIXTEEN[head]
    given = made.exceptions[where] if where else made.weights
    items = stories.choosing
    expected = {
        name: (1 - MIXING) * true_share(made, items, stories.vocabulary, name, where)
        for name in given
    }
    assert found.shares(head, where) == pytest.approx(expected, abs=CLOSE)


def test_no_exception_is_made_up(found: Fitted) -> None:
    for head, made in enumerate(SIXTEEN):
        rules = {rule.group.wording for rule in found.labels[head].exceptions if rule.group}
        assert rules == set(made.exceptions), made.says


def test_all_but_the_diffuse_head_are_labelled(found: Fitted) -> None:
    r2, low, _ = r_squared(*found.fit.errors(found.labels))
    general = found.fit.general_r2(found.labels)
    limits = found.fit.thresholds
    sure = [
        head_confidence(label, r2[h], low[h], general[h], found.fit.even, limits)
        for h, label in enumerate(found.labels)
    ]
    assert [
        made.says for made, said in zip(SIXTEEN, sure, strict=True) if said == "unlabelled"
    ] == ["Nothing: spread over all visible tokens."]


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (0, ["the start of the other speaker's last turn", "the verb that announces the speech"]),
        (1, ["mostly to the nearest preceding structural pivot (start of text, comma, full stop)"]),
        (1, ['; on "but", only to itself.']),
        (2, ["mostly to the subject of the sentence's main clause where it can"]),
        (3, ["Attends mostly to the current token (", "also to the previous token ("]),
        (4, ["start of the clause", "nearest preceding coordinating conjunction"]),
        (5, ["Attends to the previous token (aside from the closing speech mark: attends mostly"]),
        (5, ["to the opening speech mark ("]),
        (6, ["earlier copies of the current token", "earlier copies of the last two tokens"]),
        (7, ["Attends mostly to the current and previous proper nouns where it can"]),
        (8, ["Attends mostly to the clause so far, the nearer the more"]),
        (9, ["the start of the clause", "the opening speech mark"]),
        (10, ["to the previous token", "earlier copies of the last two tokens"]),
        (11, ["to the start of the text", "to all commas so far", "verb before a proper noun"]),
        (11, ["closing speech mark: attends mostly to the nearest preceding proper noun"]),
        (12, ["Attends to the start of the text."]),
        (13, ["Attends mostly to all structural pivots so far (start of text, commas, full"]),
        (14, ["to the start of the text (57%), also to the nearest preceding structural pivot"]),
    ],
)
def test_the_label_reads_as_its_row_of_the_table(
    found: Fitted, stories: Stories, head: int, said: list[str]
) -> None:
    phrases = [item.phrase for item in stories.vocabulary.relations]
    sentence = head_sentence(found.labels[head], phrases.__getitem__)
    for part in said:
        assert part in sentence


def test_clean_patterns_are_attention(stories: Stories) -> None:
    item = stories.folds[0][0]
    for head, made in enumerate(SIXTEEN):
        clean = clean_pattern(made, item, stories.vocabulary)
        for pattern in (clean, noisy(clean, generator(0, head))):
            np.testing.assert_allclose(pattern.sum(axis=1), 1)
            assert (pattern >= 0).all()
            assert not np.triu(pattern, 1).any()


def test_noise_keeps_the_mean() -> None:
    # Dirichlet noise about a row has that row as its mean; mixing adds 5% of uniform.
    row = np.zeros((4, 4))
    row[0, 0] = row[1, 1] = row[2, 2] = 1
    row[3] = [0.5, 0.3, 0.2, 0.0]
    rng = np.random.default_rng(0)
    mean = np.mean([noisy(row, rng)[3] for _ in range(4000)], axis=0)
    # Variance p(1−p)/13 at most 0.0193: the mean of 4000 draws is within 4 · 0.0022 of its value.
    np.testing.assert_allclose(mean, 0.95 * row[3] + 0.05 / 4, atol=0.009)


def test_an_even_spread_gives_targets_their_part_of_what_is_seen(
    found: Fitted, stories: Stories
) -> None:
    """A query at position q sees q + 1 keys: q of them are not the first."""
    query = np.concatenate([np.arange(1, len(item)) for item in stories.choosing])
    names = [item.name for item in stories.vocabulary.relations]
    even = dict(zip(names, found.fit.even, strict=True))
    assert even["anywhere"] == pytest.approx(np.mean(query / (query + 1)))
    assert even["start of text"] == pytest.approx(np.mean(1 / (query + 1)))
