"""Relations by equality: keys that carry the same code as the query (token, clause, lemma, …)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray

from heuristics.targets import Targets
from heuristics.text import Text, per_text

Pieces = Literal["all", "first", "last"]


@dataclass(frozen=True, eq=False)
class Matches:
    """For each query a run of `keys`, from `start` up to but without `stop`, in text order."""

    keys: Int[ndarray, " match"]
    start: Int[ndarray, " pos"]
    stop: Int[ndarray, " pos"]

    def every(self) -> Targets:
        """All matching keys alike."""
        spans = Targets.from_spans(self.start, self.stop)
        return Targets(spans.query, self.keys[spans.key], spans.weight)

    def recent(self) -> Targets:
        """All matching keys, the nearest weighted 1, the next 1/2, then 1/3, …"""
        spans = Targets.from_spans(self.start, self.stop)
        weight = 1.0 / (self.stop[spans.query] - spans.key)
        return Targets(spans.query, self.keys[spans.key], weight)

    def nearest(self) -> Int[ndarray, " pos"]:
        """The last matching key of each query; −1 for none."""
        return self._at(self.stop - 1)

    def previous(self) -> Int[ndarray, " pos"]:
        """The last matching key but one; −1 for none."""
        return self._at(self.stop - 2)

    def first(self) -> Int[ndarray, " pos"]:
        """The first matching key of each query; −1 for none."""
        return self._at(self.start)

    def _at(self, index: Int[ndarray, " pos"]) -> Int[ndarray, " pos"]:
        inside = (index >= self.start) & (index < self.stop)
        if not len(self.keys):
            return np.full(len(index), -1, dtype=np.int64)
        return np.where(inside, self.keys[np.where(inside, index, 0)], -1)


def match(
    key_code: Int[ndarray, " pos"],
    query_code: Int[ndarray, " pos"] | None = None,
    marked: Bool[ndarray, " pos"] | None = None,
    limit: Int[ndarray, " pos"] | None = None,
) -> Matches:
    """Keys whose code equals the query's, among `marked`, before `limit` (the query by default).

    A negative code matches nothing, and position 0 is never a key.
    """
    n = len(key_code)
    query_code = key_code if query_code is None else query_code
    limit = np.arange(n) if limit is None else limit
    allowed = key_code >= 0
    if marked is not None:
        allowed &= marked
    keys = allowed[1:].nonzero()[0] + 1
    ranked = key_code[keys].astype(np.int64, copy=False) * (n + 1) + keys
    ranked.sort()
    wanted = query_code.astype(np.int64, copy=False) * (n + 1)
    start = ranked.searchsorted(wanted)
    stop = ranked.searchsorted(wanted + limit)
    stop = np.where(query_code < 0, start, np.maximum(stop, start))
    return Matches(ranked % (n + 1), start, stop)


def codes(values: ndarray) -> Int[ndarray, " pos"]:
    """Equal strings to equal numbers ≥ 0; −1 for ''."""
    table: dict[str, int] = {"": -1}
    numbers = [table.setdefault(value, len(table)) for value in values.tolist()]
    return np.array(numbers, dtype=np.int64)


def at_keys(text: Text, keys: Int[ndarray, " pos"], pieces: Pieces = "all") -> Targets:
    """The word that each query's key is a piece of: the whole of it, or its first or last piece."""
    kept = keys > 0
    index = np.where(kept, keys, 0)
    start, end = np.maximum(text.word_start[index], 1), text.word_end[index]
    if pieces == "first":
        return Targets.from_keys(np.where(kept & (start <= text.position), start, -1))
    if pieces == "last":
        return Targets.from_keys(np.where(kept & (end <= text.position), end, -1))
    return Targets.from_spans(start, np.where(kept, np.minimum(end, text.position) + 1, 0))


def at_words(text: Text, word: Int[ndarray, " pos"], pieces: Pieces = "all") -> Targets:
    """The word (an index into the parse) that each query points to; −1 or a later word is none."""
    end = word_ends(text)[word]
    before = (word >= 0) & (end < text.word_start)
    return at_keys(text, np.where(before, end, -1), pieces)


@per_text
def word_ends(text: Text) -> Int[ndarray, " word+1"]:
    """The position of each word's last piece, and at the end −1, which is what word −1 finds."""
    return np.append(text.last_position, -1)


def merged(parts: list[Targets]) -> Targets:
    """Targets whose pairs are disjoint, as one."""
    query = np.concatenate([part.query for part in parts])
    key = np.concatenate([part.key for part in parts])
    weight = np.concatenate([part.weight for part in parts])
    return Targets(query, key, weight).only(np.lexsort((key, query)))
