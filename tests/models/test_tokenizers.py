"""Every token at its characters, for tokenizers of every kind, against a walk over the string."""

from __future__ import annotations

import unicodedata
from types import SimpleNamespace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from labeler.annotate import ParseCache, annotate
from labeler.corpus import Prompt
from labeler.model import LanguageModel
from labeler.pipeline import Pipeline
from labeler.tokenizer import untrimmed
from tests.properties.test_alignment import reference_words

from .tokenizers_of import ADDED, KINDS, tokenizer_of, walk

PIECES = ["Tom", " the", " said", " ", "  ", "ai", ".", '"', "É", "é", "e\u0301", "n\u0303\u0323",
          "ﬁ", "½", "İ", "ß", "a", "THE", "'", "3", ", "]  # fmt: skip
"""Of WordPiece and the characters' tokenizer some are unknown: those stand in the middle of words."""
WILD = [*PIECES, "\n", "\n\n", "🙂", "中", "\x00", "\u200b", "\u202e", "שלום", "👨‍👩‍👧", "\u0301"]
known = st.lists(st.sampled_from(PIECES), min_size=1, max_size=20).map("".join)
wild = st.lists(st.sampled_from(WILD), min_size=1, max_size=20).map("".join)
UNKNOWN = {
    "WordPiece, lower case, no accents": "ﬁ½ßİ",
    "characters": "É\u0301\u0303\u0323½İß",
}


class Reader:
    """A tokenizer of a kind as the labeler reads it, without a model."""

    def __init__(self, kind: str, bos: str | None = None) -> None:
        self.kind, self.bos = kind, None
        self.tokenizer = untrimmed(tokenizer_of(kind, bos))
        self.bos = self.tokenizer.bos_token_id
        self.shape = SimpleNamespace(name=kind, vocabulary=10_000)

    def tokenize(self, string: str):
        return LanguageModel.tokenize(self, string)  # type: ignore[arg-type]


@pytest.fixture(scope="module", params=KINDS)
def reader(request: pytest.FixtureRequest) -> Reader:
    return Reader(request.param)


@settings(max_examples=60, deadline=None)
@given(string=known)
@example("Tom")
@example(" the")
@example("   the")
@example("e\u0301e\u0301")
@example("½ﬁ½")
@example("İİ a")
def test_tokens_stand_where_the_walk_finds_them(reader: Reader, string: str):
    string = "".join(c for c in string if c not in UNKNOWN.get(reader.kind, ""))
    ids, offsets = reader.tokenize(string)
    pieces = reader.tokenizer.convert_ids_to_tokens(ids.tolist())
    assert [tuple(span) for span in offsets.tolist()] == walk(reader.kind, string, pieces)


@settings(max_examples=40, deadline=None)
@given(string=wild)
@example("a\u0301")
@example("\u0301a")
def test_whatever_the_string_spans_are_in_order_and_nothing_read_is_lost(
    reader: Reader, string: str
):
    ids, offsets = reader.tokenize(string)
    assert len(ids) == len(offsets)
    before = 0
    covered = set()
    for start, end in offsets.tolist():
        assert before <= start <= end <= len(string)
        before = start
        covered.update(range(start, end))
    # Normalisers drop spaces, control characters and accents, and nothing else may be missing.
    lost = [c for i, c in enumerate(string) if i not in covered and not c.isspace()]
    assert {unicodedata.category(c)[0] for c in lost} <= {"C", "M"}


@settings(max_examples=25, deadline=None)
@given(string=wild)
def test_words_are_those_of_the_definition(reader: Reader, string: str):
    cache = ParseCache(PIPELINE, None)
    for text in annotate([Prompt("p", string)], reader, cache, 512):  # type: ignore[arg-type]
        assert text.word.tolist() == reference_words(text)


PIPELINE = Pipeline("embedded")


def test_an_added_token_is_one_token_at_its_characters(reader: Reader):
    string = f"Tom{ADDED} the"
    ids, offsets = reader.tokenize(string)
    added = reader.tokenizer.convert_tokens_to_ids(ADDED)
    [place] = [index for index, token in enumerate(ids) if token == added]
    assert tuple(offsets[place]) == (3, 3 + len(ADDED))


@pytest.mark.parametrize("kind", KINDS)
def test_bos_comes_first_where_there_is_one(kind: str):
    with_bos, without = Reader(kind, "<bos>"), Reader(kind)
    ids, offsets = with_bos.tokenize("Tom the")
    assert ids[0] == with_bos.bos
    assert offsets[0].tolist() == [0, 0]
    bare, spans = without.tokenize("Tom the")
    assert without.bos is None
    assert ids[1:].tolist() == bare.tolist()
    assert offsets[1:].tolist() == spans.tolist()
