"""One prompt as a heuristic sees it: tokens, where they stand in the string, and the parse."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray

from heuristics.frozen import derived, protect, read_only
from heuristics.overlap import characters, primary_word
from heuristics.parse import Parse
from heuristics.speech import Speech, match_speech

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Text:
    """A prompt's tokens with their character spans, its parse, and what follows from them.

    Arrays run over positions (`pos`), the beginning-of-text token included where the model has one
    (`has_bos`; its span is empty). None of them may be written to. Per-word values reach positions
    through `word`: the word with which a token shares most non-space characters, −1 for none.
    """

    id: str
    string: str
    token_ids: Int[ndarray, " pos"]
    offsets: Int[ndarray, "pos 2"]
    has_bos: bool
    parse: Parse
    doc: Callable[[], Any] = field(default=lambda: None, repr=False)

    def __post_init__(self) -> None:
        protect(self)

    def __len__(self) -> int:
        return len(self.token_ids)

    @property
    def n_pos(self) -> int:
        """The number of positions."""
        return len(self.token_ids)

    @derived
    def _memo(self) -> dict[Callable[[Text], Any], Any]:
        return {}

    def memo(self, function: Callable[[Text], T]) -> T:
        """A function of this text, computed once and shared; its answer is never written to."""
        known = self._memo
        if function not in known:
            known[function] = read_only(function(self))
        found: T = known[function]
        return found

    @derived
    def position(self) -> Int[ndarray, " pos"]:
        """0, 1, 2, …"""
        return np.arange(self.n_pos)

    @property
    def query(self) -> Int[ndarray, "pos 1"]:
        """The query position of every cell of a relation, to be broadcast against `key`."""
        return self.position[:, None]

    @property
    def key(self) -> Int[ndarray, "1 pos"]:
        """The key position of every cell of a relation, to be broadcast against `query`."""
        return self.position[None, :]

    @derived
    def tokens(self) -> ndarray:
        """The characters that each token stands for, leading space included; '' for BOS."""
        return np.array([self.string[a:b] for a, b in self.offsets.tolist()], dtype=object)

    @derived
    def is_start(self) -> Bool[ndarray, " pos"]:
        """The first position: BOS where there is one."""
        return self.position == 0

    @derived
    def is_bos(self) -> Bool[ndarray, " pos"]:
        """BOS; nowhere for a model without one."""
        return self.is_start & self.has_bos

    # --- from words to positions -------------------------------------------------------------

    @derived
    def word(self) -> Int[ndarray, " pos"]:
        """The word of each token, by the largest overlap of non-space characters; −1 for none."""
        return primary_word(self)

    @derived
    def piece(self) -> Int[ndarray, " pos"]:
        """0 for the first piece of a word, 1 for the second, …; −1 where there is no word."""
        return np.where(self.word < 0, -1, self.position - self.word_start)

    @derived
    def word_start(self) -> Int[ndarray, " pos"]:
        """The position of the first piece of each token's word; the token itself without a word."""
        return _run_starts(self.word)

    @derived
    def word_end(self) -> Int[ndarray, " pos"]:
        """The position of the last piece of each token's word; the token itself without a word."""
        flipped = _run_starts(self.word[::-1])
        return (self.n_pos - 1 - flipped)[::-1].copy()

    @derived
    def first_position(self) -> Int[ndarray, " word"]:
        """For each word, the position of its first piece; −1 where it has none (cut off)."""
        return self._word_edge(self.position[::-1])

    @derived
    def last_position(self) -> Int[ndarray, " word"]:
        """For each word, the position of its last piece; −1 where it has none (cut off)."""
        return self._word_edge(self.position)

    def _word_edge(self, order: Int[ndarray, " pos"]) -> Int[ndarray, " word"]:
        edge = np.full(len(self.parse), -1, dtype=np.int64)
        kept = order[self.word[order] >= 0]
        edge[self.word[kept]] = kept
        return edge

    def of_word(self, values: ndarray, missing: Any) -> ndarray:
        """A per-word array carried to positions; `missing` where a token has no word."""
        padded = np.empty(len(values) + 1, dtype=values.dtype)
        padded[:-1], padded[-1] = values, missing
        return np.asarray(padded[self.word])

    def on_words(self, mask: Bool[ndarray, " word"]) -> Bool[ndarray, " pos"]:
        """Positions whose word is marked."""
        return np.asarray(self.of_word(np.asarray(mask, dtype=bool), False))

    def on_characters(self, mask: Bool[ndarray, " char"]) -> Bool[ndarray, " pos"]:
        """Positions whose characters include a marked one: for what is finer than a token."""
        total = np.zeros(len(mask) + 1, dtype=np.int64)
        np.cumsum(mask, out=total[1:])
        start, end = total[self.offsets.T]
        return np.asarray(end > start)

    def of_characters(self, values: Int[ndarray, " char"], missing: int) -> Int[ndarray, " pos"]:
        """The largest value among each token's characters; `missing` for a token without any."""
        found = np.maximum.reduceat(np.append(values, missing), self.offsets.ravel())[::2]
        return np.where(self.offsets[:, 1] > self.offsets[:, 0], found, missing)

    def at_character(self, index: int) -> int:
        """The position whose token covers a character; −1 if none does."""
        hit = np.flatnonzero((self.offsets[:, 0] <= index) & (index < self.offsets[:, 1]))
        return int(hit[-1]) if len(hit) else -1

    @derived
    def char_position(self) -> Int[ndarray, " char"]:
        """For each character the position that covers it, the last one if several do; −1."""
        covering = np.full(len(self.string), -1, dtype=np.int64)
        position, character = characters(self.offsets[:, 0], self.offsets[:, 1])
        covering[character] = position
        return covering

    # --- what the words are ------------------------------------------------------------------

    @derived
    def words(self) -> ndarray:
        """Each position's word in lower case; '' for none."""
        return self.of_word(self.parse.lower, "")

    @derived
    def lemma(self) -> ndarray:
        """Each position's lemma; '' for none."""
        return self.of_word(self.parse.lemma, "")

    @derived
    def pos(self) -> ndarray:
        """Each position's Universal POS tag; '' for none."""
        return self.of_word(self.parse.pos, "")

    @derived
    def dep(self) -> ndarray:
        """Each position's dependency label, in Universal Dependencies names; '' for none."""
        return self.of_word(self.parse.dep, "")

    @derived
    def head(self) -> Int[ndarray, " pos"]:
        """The position of the last piece of the syntactic head's word; −1 for none."""
        last = np.append(self.last_position, -1)
        return np.asarray(last[self.of_word(self.parse.head, -1)])

    @derived
    def sentence(self) -> Int[ndarray, " pos"]:
        """The number of each position's sentence; −1 where there is no word."""
        return self.of_word(self.parse.sentence, -1)

    @derived
    def clause(self) -> Int[ndarray, " pos"]:
        """The word that heads each position's innermost clause; −1 where there is no word."""
        return self.of_word(self.parse.clause_head, -1)

    @derived
    def clause_start(self) -> Int[ndarray, " pos"]:
        """The position of the first piece of the first word of the clause; −1 for none."""
        first = np.append(self.first_position, -1)
        return np.asarray(first[self.of_word(self.parse.clause_start, -1)])

    @derived
    def sentence_start(self) -> Int[ndarray, " pos"]:
        """The position of the first piece of the first word of the sentence; −1 for none."""
        first = np.append(self.first_position, -1)
        return np.asarray(first[self.of_word(self.parse.sentence_start, -1)])

    @derived
    def initials(self) -> ndarray:
        """The first letter or digit of each position's word in lower case; '' for none."""
        first = [word[:1] for word in self.words.tolist()]
        return np.array([letter if letter.isalnum() else "" for letter in first], dtype=object)

    @derived
    def speech(self) -> Speech:
        """Speech marks and what they enclose, matched on characters."""
        return match_speech(self.string)

    @derived
    def speech_depth(self) -> Int[ndarray, " pos"]:
        """How many speeches a token is in, its own marks included; 0 outside."""
        return self.of_characters(self.speech.depth, 0)

    @derived
    def speech_opener(self) -> Int[ndarray, " pos"]:
        """The position of the mark that opened the speech a token is in or closes; −1 outside."""
        opener = self.of_characters(self.speech.opener, -1)
        return np.asarray(np.append(self.char_position, -1)[opener])

    @derived
    def speech_speaker(self) -> Int[ndarray, " pos"]:
        """Inside speech, the last position of the word for who speaks, said before it; else −1."""
        from heuristics.dialogue import turns

        return np.asarray(np.append(self.last_position, -1)[turns(self).speaker])

    def same(self, values: ndarray) -> Bool[ndarray, "query key"]:
        """Where query and key have the same value of an array over positions; '' is like nothing.

        `text.same(text.words)` is `words[:, None] == words[None, :]`, ten times as fast.
        """
        known: dict[Any, int] = {}
        codes = np.array([known.setdefault(value, len(known)) for value in values.tolist()])
        found: ndarray = codes[:, None] == codes[None, :]
        return found & (codes != known.get("", -1))[:, None]

    def matches(self, words: Collection[str]) -> Bool[ndarray, " pos"]:
        """Positions whose word is one of `words`, case aside; TypeError for a string."""
        if isinstance(words, str):
            raise TypeError(f"matches takes several words, as in {{{words!r}}}; got a string")
        wanted = {word.lower() for word in words}
        return self.on_words(self.parse.listed(wanted)) | ((self.word < 0) & ("" in wanted))

    def regex(self, pattern: str, flags: int = 0) -> Bool[ndarray, " pos"]:
        """Positions that share a character with a match of a regular expression on the string."""
        if (pattern, flags) not in self._searched:
            mask = np.zeros(len(self.string), dtype=bool)
            for match in re.finditer(pattern, self.string, flags):
                mask[slice(*match.span())] = True
            self._searched[pattern, flags] = self.on_characters(mask)
        return self._searched[pattern, flags].copy()

    @derived
    def _searched(self) -> dict[tuple[str, int], Bool[ndarray, " pos"]]:
        return {}


def per_text(function: Callable[[Text], T]) -> Callable[[Text], T]:
    """Make a function of a text compute once per text; callers share the answer, read-only."""

    @wraps(function)
    def shared(text: Text) -> T:
        return text.memo(function)

    return shared


def _run_starts(values: Int[ndarray, " pos"]) -> Int[ndarray, " pos"]:
    """For each position, where the run of equal values ≥ 0 that it is in begins."""
    index = np.arange(len(values))
    new = np.ones(len(values), dtype=bool)
    new[1:] = (values[1:] != values[:-1]) | (values[1:] < 0)
    return np.maximum.accumulate(np.where(new, index, 0))
