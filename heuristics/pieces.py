"""Words and their pieces: in a small vocabulary most words are two to four tokens."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from heuristics.contract import feature, relation
from heuristics.matching import Pieces, at_keys
from heuristics.targets import Targets
from heuristics.text import Text, per_text


class Back(NamedTuple):
    """A word some words before the query's, punctuation counted, and which pieces of it."""

    words: int
    pieces: Pieces
    name: str
    phrase: str


BACK = (
    Back(1, "all", "previous word", "the previous word"),
    Back(1, "last", "end of the previous word", "the end of the previous word"),
    Back(1, "first", "start of the previous word", "the start of the previous word"),
    Back(2, "all", "two words back", "the word before the previous one"),
    Back(2, "last", "end of two words back", "the end of the word before the previous one"),
    Back(3, "last", "end of three words back", "the end of the word three back"),
)


def word_back(text: Text, words: int) -> Int[ndarray, " pos"]:
    """The last piece of the word some words back; −1 at the beginning of the text."""
    keys = text.position
    for _ in range(words):
        keys = np.where(keys > 0, text.word_start[keys] - 1, -1)
    return keys


@relation("{back.name}", phrase="{back.phrase}", positional=True, back=BACK)
def words_back(text: Text, back: Back) -> Targets:
    """The word {back.words} before the query's own ({back.pieces} pieces); a mark or line
    break counts as a word."""
    return at_keys(text, word_back(text, back.words), back.pieces)


class Fading(NamedTuple):
    """Which pieces of earlier words, and how that is called."""

    pieces: Pieces
    name: str
    phrase: str


FADINGS = (
    Fading("last", "word ends fading", "the ends of the last words, the nearer the more"),
    Fading("all", "words fading", "the last words, the nearer the more"),
)
FADING_WORDS = 12


@relation("{fading.name}", phrase="{fading.phrase}", positional=True, fading=FADINGS)
def words_fading(text: Text, fading: Fading) -> Targets:
    """The 12 words before the query's own ({fading.pieces} pieces), the nearest weighted 1, the
    next 1/2, then 1/4, …"""
    ends = np.flatnonzero((text.word_end == text.position) & ~text.is_start)
    before = np.searchsorted(ends, text.word_start)
    words = Targets.from_spans(np.maximum(before - FADING_WORDS, 0), before)
    weight = 0.5 ** (before[words.query] - 1 - words.key)
    if fading.pieces == "last":
        return Targets(words.query, ends[words.key], weight)
    start = np.maximum(text.word_start[ends], 1)
    spans = Targets.from_spans(start[words.key], ends[words.key] + 1)
    size = (ends + 1 - start)[words.key]
    return Targets(words.query[spans.query], spans.key, (weight / size)[spans.query])


@relation(
    "earlier pieces, else current token",
    phrase="the earlier pieces of the current word (on a word's first piece, itself)",
    positional=True,
)
def earlier_or_current(text: Text) -> Targets:
    """All pieces of the query's word before the query; the query itself where there is none."""
    start = np.maximum(text.word_start, 1)
    return Targets.from_spans(start, np.maximum(text.position, start + 1)).visible(first=1)


@relation(
    "earlier pieces, else previous word",
    phrase="the earlier pieces of the current word (on a word's first piece, the previous word)",
    positional=True,
)
def earlier_or_previous(text: Text) -> Targets:
    """All pieces of the query's word before the query; the previous word where there is none."""
    opens = text.word_start == text.position
    start = np.where(opens, text.word_start[word_back(text, 1)], text.word_start)
    return Targets.from_spans(np.maximum(start, 1), text.position)


@relation("start of the current word", positional=True)
def current_word_start(text: Text) -> Targets:
    """The first piece of the word that the query continues; none on a first piece."""
    inside = (text.piece > 0) & (text.word_start > 0)
    return Targets.from_keys(np.where(inside, text.word_start, -1))


@relation(
    "earlier pieces of the current word",
    phrase="the earlier pieces of the current word",
    positional=True,
)
def earlier_pieces(text: Text) -> Targets:
    """All pieces of the query's word before the query."""
    return Targets.from_spans(np.maximum(text.word_start, 1), text.position)


@relation("current word so far", phrase="the current word so far", positional=True)
def current_word(text: Text) -> Targets:
    """All pieces of the query's word, the query included."""
    return Targets.from_spans(np.maximum(text.word_start, 1), text.position + 1)


@feature("whole word", plural="words of a single token", query_class=True)
def whole_word(text: Text) -> ndarray:
    """A word that is a single token; punctuation left out."""
    return (text.piece == 0) & (text.word_end == text.position) & letters(text)


@feature(
    "first piece",
    noun="first piece of a longer word",
    plural="first pieces of longer words",
    lifts=("nearest", "recent"),
    query_class=True,
)
def first_piece(text: Text) -> ndarray:
    """The first of several pieces of a word; punctuation left out."""
    return (text.piece == 0) & (text.word_end > text.position) & letters(text)


@feature(
    "second piece", noun="second piece of a word", plural="second pieces of words", query_class=True
)
def second_piece(text: Text) -> ndarray:
    """The second piece of a word; punctuation left out."""
    return (text.piece == 1) & letters(text)


@feature(
    "third piece", noun="third piece of a word", plural="third pieces of words", query_class=True
)
def third_piece(text: Text) -> ndarray:
    """The third piece of a word; punctuation left out."""
    return (text.piece == 2) & letters(text)


@feature(
    "fourth piece or later",
    noun="fourth or later piece of a word",
    plural="fourth and later pieces of words",
    query_class=True,
)
def later_piece(text: Text) -> ndarray:
    """The fourth piece of a word, or a later one; punctuation left out."""
    return (text.piece > 2) & letters(text)


@feature(
    "word continuation",
    noun="continuation of a word",
    plural="continuations of words",
    query_class=True,
)
def continuation(text: Text) -> ndarray:
    """Any piece of a word but the first; punctuation left out."""
    return (text.piece > 0) & letters(text)


@feature(
    "last piece",
    noun="last piece of a longer word",
    plural="last pieces of longer words",
    query_class=True,
)
def last_piece(text: Text) -> ndarray:
    """The last of several pieces of a word; punctuation left out."""
    return (text.piece > 0) & (text.word_end == text.position) & letters(text)


@feature(
    "word ending",
    noun="end of a word",
    plural="ends of words",
)
def word_ending(text: Text) -> ndarray:
    """The last piece of any word, single-token words included; punctuation left out."""
    return (text.word_end == text.position) & letters(text)


@feature(
    "word beginning",
    noun="start of a word",
    plural="starts of words",
)
def word_beginning(text: Text) -> ndarray:
    """The first piece of any word, single-token words included; punctuation left out."""
    return (text.piece == 0) & letters(text)


@per_text
def letters(text: Text) -> ndarray:
    """Positions whose word has a letter or a digit."""
    return text.on_words(
        np.array([_has_letter(word) for word in text.parse.text.tolist()], dtype=bool)
    )


def _has_letter(word: str) -> bool:
    return word.isalnum() or any(map(str.isalnum, word))
