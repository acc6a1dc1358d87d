"""Functions that write a matrix for a sentence, as relations: the alignment is done here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

from heuristics.text import Text

UNITS = {"words": re.compile(r"\w+|[^\w\s]"), "spaces": re.compile(r"\S+")}
"""What a function may count in: words and single punctuation marks, or what stands between spaces.
"""


class Stretch(NamedTuple):
    """A stretch of the string that is shown to the function, as characters."""

    start: int
    end: int


def from_sentence(
    function: Callable[[str], Any], units: str = "words", whole: bool = False
) -> Callable[[Text], ndarray]:
    """Make a relation's function of one that maps a sentence to a matrix `[unit, unit]`.

    The function gets each sentence of a text by itself (with `whole`, the whole text) and returns
    weights from each unit to each, `Bool` or non-negative floats. A unit is a word or a single
    punctuation mark (`units="words"`), what stands between spaces (`"spaces"`), or what the
    function says: if it returns `(units, matrix)`, the strings of its units in their order.

    A token belongs to the unit with which it shares most characters. From a token attention goes
    to the tokens of the units that the matrix names, a float weight shared among a unit's tokens.
    Raises ValueError (a PluginError in a run) where matrix and units do not fit.
    """
    if units not in UNITS:
        raise ValueError(f"units={units!r}; expected one of {', '.join(map(repr, UNITS))}")

    def pattern(text: Text) -> ndarray:
        found = np.zeros((len(text), len(text)))
        for stretch in _stretches(text, whole):
            sentence = text.string[stretch.start : stretch.end]
            spans, matrix = _answer(function(sentence), sentence, units)
            unit = _unit_of_tokens(text, [(a + stretch.start, b + stretch.start) for a, b in spans])
            here = np.flatnonzero(unit >= 0)
            if not len(here):
                continue
            weight = matrix.astype(float)
            if matrix.dtype != bool:
                weight = weight / np.maximum(np.bincount(unit[here], minlength=len(spans)), 1)
            found[np.ix_(here, here)] = weight[np.ix_(unit[here], unit[here])]
        return found

    pattern.__doc__ = function.__doc__
    pattern.__name__ = getattr(function, "__name__", "pattern")
    return pattern


def _stretches(text: Text, whole: bool) -> Iterator[Stretch]:
    parse = text.parse
    if whole or not len(parse):
        if text.string.strip():
            yield Stretch(0, len(text.string))
        return
    first = np.flatnonzero(np.append(True, parse.sentence[1:] != parse.sentence[:-1]))
    last = np.append(first[1:], len(parse)) - 1
    for start, end in zip(parse.start[first].tolist(), parse.end[last].tolist(), strict=True):
        yield Stretch(start, end)


def _answer(answer: Any, sentence: str, units: str) -> tuple[list[tuple[int, int]], ndarray]:
    if isinstance(answer, tuple) and len(answer) == 2:
        spans, matrix = _located(answer[0], sentence), np.asarray(answer[1])
    else:
        spans = [match.span() for match in UNITS[units].finditer(sentence)]
        matrix = np.asarray(answer)
    if matrix.shape != (len(spans), len(spans)):
        raise ValueError(
            f"the matrix of {sentence[:40]!r} is {list(matrix.shape)}; the sentence has "
            f"{len(spans)} units, so expected [{len(spans)}, {len(spans)}]"
        )
    return spans, matrix


def _located(units: Sequence[str], sentence: str) -> list[tuple[int, int]]:
    """Where each unit stands, searched from the end of the one before."""
    spans, cursor = [], 0
    for unit in units:
        start = sentence.find(str(unit), cursor)
        if start < 0:
            raise ValueError(f"its unit {unit!r} does not stand in {sentence[:40]!r} from there on")
        cursor = start + len(str(unit))
        spans.append((start, cursor))
    return spans


def _unit_of_tokens(text: Text, spans: Sequence[tuple[int, int]]) -> ndarray:
    """For each token the unit with which it shares most characters; −1 for none."""
    owner = np.full(len(text.string), -1, dtype=np.int64)
    for index, (start, end) in enumerate(spans):
        owner[start:end] = index
    unit = np.full(len(text), -1, dtype=np.int64)
    for position, (start, end) in enumerate(text.offsets.tolist()):
        inside = owner[start:end]
        inside = inside[inside >= 0]
        if len(inside):
            unit[position] = np.bincount(inside).argmax()
    return unit
