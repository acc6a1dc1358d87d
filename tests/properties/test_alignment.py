"""Tokens and words of any string: never a crash, never a word that the token does not touch."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from heuristics.check import feature_mask, relation_targets
from heuristics.registry import load_heuristics
from heuristics.text import Text
from labeler.alignment import as_bytes
from labeler.annotate import ParseCache, annotate
from labeler.corpus import Prompt
from labeler.model import LanguageModel
from labeler.pipeline import Pipeline
from labeler.session import EMBEDDED_MODEL

LIMIT = 512
PIECES = [
    *("Tom", "said", " ", "  ", "\n", "\n\n", "\t", ".", ",", "!", "?", '"', "“", "”", "'", "’"),
    *("«", "»", "‘", "...", "…", "—", "-", "don't", "Mr.", "3.14", "a", "B", "\x00", "\u200b"),
    *(
        "👨‍👩‍👧",
        "🙂",
        "שלום",
        "مرحبا",
        "e\u0301",
        "n\u0303\u0323",
        "日本語",
        "\u202e",
        "\ufeff",
        "ﬁ",
        "ß",
    ),
    *("I", "but", "said, ", '."', ',"', "x" * 40, "\r\n", "\u2028", "𝒳", "\u0300"),
]
hostile = st.one_of(
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=30).map("".join),
    st.text(min_size=1, max_size=60),
)


class Annotator:
    """The story model's tokenizer and the embedded pipeline, without the model."""

    def __init__(self) -> None:
        tokenizer = AutoTokenizer.from_pretrained(str(EMBEDDED_MODEL))
        shape = SimpleNamespace(name="story model", vocabulary=len(tokenizer))
        self.model = SimpleNamespace(tokenizer=tokenizer, bos=tokenizer.bos_token_id, shape=shape)
        self.model.tokenize = partial(LanguageModel.tokenize, self.model)
        self.cache = ParseCache(Pipeline("embedded"), None)

    def __call__(self, string: str) -> list[Text]:
        prompts = [Prompt("hostile", string)]
        return annotate(prompts, self.model, self.cache, LIMIT, "split")


@pytest.fixture(scope="module")
def texts_of() -> Annotator:
    return Annotator()


def reference_words(text: Text) -> list[int]:
    """By its definition: most shared non-space characters, the first word of several."""
    found = []
    words = list(zip(text.parse.start.tolist(), text.parse.end.tolist(), strict=True))
    for start, end in text.offsets.tolist():
        shared = [
            sum(not text.string[i].isspace() for i in range(max(start, a), min(end, b)))
            for a, b in words
        ]
        if shared and max(shared) > 0:
            found.append(shared.index(max(shared)))
            continue
        # A token of spaces alone belongs to the word that it opens, a line break to none.
        opened = [
            index
            for index, (a, b) in enumerate(words)
            if a <= end < b and end > start and not text.string[end].isspace()
        ]
        broken = "\n" in text.string[start:end]
        found.append(opened[0] if opened and not broken else -1)
    return found


def _sound(text: Text) -> None:
    """What must hold of every text, whatever its characters."""
    n = len(text)
    assert text.offsets.shape == (n, 2)
    assert (text.offsets >= 0).all()
    assert (text.offsets <= len(text.string)).all()
    assert (text.offsets[:, 0] <= text.offsets[:, 1]).all()
    # Tokens come in the order of the string and, BOS aside, cover what is not cut off.
    assert (np.diff(text.offsets[1:, 0]) >= 0).all()
    known = text.word >= 0
    assert (np.diff(text.word[known]) >= 0).all()
    assert ((text.word_start <= text.position) & (text.position <= text.word_end)).all()
    assert (text.word[text.word_start] == text.word).all()


@settings(max_examples=60, deadline=None)
@given(hostile)
@example('"Nested “quotes ‘in» quotes" and "unclosed')
@example("a\x00b \x00 c")
@example(" ")
@example("\n\n\n")
@example("👨‍👩‍👧" * 20)
@example("e" + "\u0301" * 50)
@example("\u202eabc\u202c שלום, Tom said.")
def test_words_are_those_of_the_definition(texts_of: Annotator, string: str) -> None:
    for text in texts_of(string):
        _sound(text)
        assert text.word.tolist() == reference_words(text)


@settings(max_examples=12, deadline=None)
@given(hostile)
@example('"Tom," said “Mia, ”\n\n"No!')
def test_no_heuristic_fails_on_any_string(texts_of: Annotator, string: str) -> None:
    for text in texts_of(string):
        for item in load_heuristics():
            if item.kind == "feature":
                feature_mask(item, text)
                continue
            targets = relation_targets(item, text)
            assert ((targets.query >= 0) & (targets.query < len(text))).all()
            assert ((targets.key >= 0) & (targets.key < len(text))).all()
            assert (targets.weight > 0).all()


def test_the_tokens_of_a_string_are_its_characters(texts_of: Annotator) -> None:
    (text,) = texts_of('Tom said, "The 🙂 café is é open."')
    covered = np.zeros(len(text.string), dtype=bool)
    for start, end in text.offsets:
        covered[start:end] = True
    assert covered.all()


@pytest.mark.parametrize("string", ["x" * 100_000, "“" * 3_000, "ab" * 5_000 + " c"])
def test_a_hundred_kilobytes_without_a_space(texts_of: Annotator, string: str) -> None:
    found = texts_of(string)
    for text in (found[0], found[-1]):
        _sound(text)
        assert len(text) <= LIMIT
        assert text.word.tolist() == reference_words(text)
        for item in load_heuristics(only=("previous token", "previous word", "comma")):
            if item.kind == "relation":
                relation_targets(item, text)
            else:
                feature_mask(item, text)


@pytest.mark.parametrize(
    ("piece", "expected"),
    [
        ("<0xE2>", "<0xE2>"),  # SentencePiece's own
        ("âĢ", "<0xE2><0x80>"),  # the first two bytes of a curly quote, as GPT-2 writes them
        ("Ġâ", " <0xE2>"),
        ("▁x", ""),
    ],
)
def test_bytes_that_spell_nothing_are_shown_as_bytes(piece: str, expected: str):
    assert as_bytes(piece) == expected
