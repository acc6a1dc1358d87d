"""Which word each token belongs to, by the characters that they share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray

if TYPE_CHECKING:
    from heuristics.text import Text


def characters(
    start: Int[ndarray, " span"], end: Int[ndarray, " span"]
) -> tuple[Int[ndarray, " char"], Int[ndarray, " char"]]:
    """The characters of spans, span after span: which span each is of, and which one it is."""
    length = np.maximum(end - start, 0)
    span = np.repeat(np.arange(len(length)), length)
    before = np.cumsum(length) - length
    return span, np.arange(len(span)) + (start - before)[span]


def _blank(string: str) -> Bool[ndarray, " char"]:
    """Which characters are white space."""
    codes = np.frombuffer(string.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    found = np.zeros(len(string), dtype=bool)
    for space in filter(str.isspace, set(string)):
        found |= codes == ord(space)
    return found


def primary_word(text: Text) -> Int[ndarray, " pos"]:
    """Overlap of tokens and words by non-space characters; a lone space joins the word it opens."""
    owner = np.full(len(text.string) + 1, -1, dtype=np.int64)
    words, character = characters(text.parse.start, text.parse.end)
    owner[character] = words
    owner[:-1][_blank(text.string)] = -1
    position, character = characters(text.offsets[:, 0], text.offsets[:, 1])
    owned = owner[character]
    n_words = max(len(text.parse), 1)
    pair, count = np.unique((position * n_words + owned)[owned >= 0], return_counts=True)
    at, which = np.divmod(pair, n_words)
    order = np.lexsort((which, -count, at))
    first = np.ones(len(order), dtype=bool)
    first[1:] = at[order][1:] != at[order][:-1]
    word = np.full(text.n_pos, -1, dtype=np.int64)
    word[at[order][first]] = which[order][first]
    for index in np.flatnonzero((word < 0) & (text.offsets[:, 1] > text.offsets[:, 0])).tolist():
        start, end = text.offsets[index].tolist()
        if "\n" not in text.string[start:end]:
            word[index] = owner[end]
    return word
