"""The tokenizer tiles its text, the prompts suit the oracles, `expected` agrees with the hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from transformers import AutoTokenizer

from . import expected
from .conftest import Booted
from .facts import Pattern
from .neurons import CONSTRUCTED
from .prompts import LONGEST, SHORTEST, prompts
from .vocabulary import BOS, CLOSING, COMMA, INDEX, NAMES, OPENING, build_tokenizer, pieces

TINY = [BOS, "One", " day", ",", " Tom", " said", ",", OPENING, " Tom", ",", CLOSING, "."]


def _row(pattern: np.ndarray, query: int) -> dict[int, float]:
    return {key: float(share) for key, share in enumerate(pattern[query]) if share > 0}


@pytest.mark.parametrize(
    ("pattern", "query", "row"),
    [
        (expected.uniform, 3, {0: 0.25, 1: 0.25, 2: 0.25, 3: 0.25}),
        (expected.first_position, 5, {0: 1.0}),
        (expected.every_comma, 2, {0: 1 / 3, 1: 1 / 3, 2: 1 / 3}),
        (expected.every_comma, 9, {3: 1 / 3, 6: 1 / 3, 9: 1 / 3}),
        (expected.nearest_comma, 2, {0: 1.0}),
        (expected.nearest_comma, 8, {6: 1.0}),
        (expected.nearest_comma, 9, {9: 1.0}),
        (expected.nearest_pivot, 2, {0: 1.0}),
        (expected.nearest_pivot, 11, {11: 1.0}),
        (expected.sink_and_nearest_pivot, 2, {0: 1.0}),
        (expected.sink_and_nearest_pivot, 5, {0: 0.6, 3: 0.4}),
        (expected.opening_from_closing, 10, {7: 1.0}),
        (expected.opening_from_closing, 9, {8: 1.0}),
        (expected.duplicates, 8, {4: 1.0}),
        (expected.duplicates, 9, {3: 0.5, 6: 0.5}),
        (expected.duplicates, 1, {0: 0.5, 1: 0.5}),
        (expected.induction, 8, {5: 1.0}),
        (expected.induction, 9, {4: 0.5, 7: 0.5}),
        (expected.every_speech_mark, 11, {7: 0.5, 10: 0.5}),
        (expected.names_on_but, 5, {5: 1.0}),
    ],
)
def test_expected_patterns_by_hand(pattern: Pattern, query: int, row: dict[int, float]) -> None:
    assert _row(pattern(TINY), query) == pytest.approx(row)


def test_expected_previous_token_by_hand() -> None:
    row = _row(expected.back(1, math.log(7))(TINY), 3)
    assert row == pytest.approx({0: 0.1, 1: 0.1, 2: 0.7, 3: 0.1})


def test_expected_names_on_but_by_hand() -> None:
    tokens = [BOS, " Tom", ",", " Mia", ",", " but"]
    assert _row(expected.names_on_but(tokens), 5) == pytest.approx({1: 0.5, 3: 0.5})


def test_expected_xor_by_hand() -> None:
    """A name alone, after a comma alone: 1; a name after a comma, or neither: 0."""
    activation = CONSTRUCTED["L1N0"].activation
    assert activation is not None
    assert activation([BOS, " Tom", ",", " Mia", ",", " cat"]).tolist() == [0, 1, 0, 0, 0, 1]


@pytest.mark.parametrize("text", [*prompts(20), 'One cat,cat  "No"\nYes.'])
def test_offsets_tile_the_text(text: str) -> None:
    encoded = build_tokenizer(64)(text, return_offsets_mapping=True)
    spans = [text[start:end] for start, end in encoded["offset_mapping"]]
    assert spans == pieces(text)
    assert "".join(spans) == text


def test_the_saved_tokenizer_is_the_same(heads: Booted) -> None:
    text = prompts(1)[0]
    wanted = [INDEX[piece] for piece in pieces(text)]
    saved = AutoTokenizer.from_pretrained(heads.oracle.folder)
    assert saved.is_fast
    assert saved(text)["input_ids"] == wanted
    assert saved.decode(wanted) == text
    assert heads.model.to_tokens(text)[0].tolist() == [INDEX[BOS], *wanted]


def test_prompts_are_distinct_known_and_of_the_right_length() -> None:
    texts = prompts(320)
    assert len(set(texts)) == 320
    for text in texts:
        assert SHORTEST <= len(pieces(text)) <= LONGEST
        assert set(pieces(text)) <= set(INDEX)


def test_prompts_are_reproducible_and_extend_each_other() -> None:
    assert prompts(320)[:200] == prompts(200) == prompts()
    assert prompts(20, seed=1) != prompts(20)


def test_prompts_give_every_head_something_to_do() -> None:
    """Each text has a speech, opened before it is closed; 50 rows for each exception a half."""
    texts = [pieces(text) for text in prompts()]
    for tokens in texts:
        marks = [token for token in tokens if token in (OPENING, CLOSING)]
        assert marks
        assert marks == [OPENING, CLOSING] * (len(marks) // 2)
    everything = [token for tokens in texts for token in tokens]
    assert everything.count(CLOSING) >= 200
    assert everything.count(" but") + everything.count(" But") >= 100
    assert everything.count(COMMA) >= 400
    assert all(everything.count(name) >= 50 for name in NAMES)
