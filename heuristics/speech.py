"""Speech marks, matched by character: a token may open, close and end a sentence all at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray

_CLOSER = {"“": "”", "«": "»", "„": "“", "‘": "’"}
_SENTENCE_END = set(".!?…:;,—-\"”»’'")


@dataclass(frozen=True, eq=False)
class Speech:
    """The speech marks of a string, over its characters.

    `opener` is, for a character inside speech or closing it, the index of the mark that opened the
    innermost speech, −1 outside. `depth` counts the speeches around a character, marks included.
    """

    opening: Bool[ndarray, " char"]
    closing: Bool[ndarray, " char"]
    opener: Int[ndarray, " char"]
    depth: Int[ndarray, " char"]
    spans: tuple[tuple[int, int], ...]


def match_speech(string: str) -> Speech:
    """Match opening to closing marks; a paragraph break closes whatever is open.

    Straight double marks alternate, but that one right after a word or a sentence, with a space
    behind it, opens nothing (`5'6" tall`). Curly marks and guillemets open and close by their
    shape; a single curly mark counts only as a pair, since its closing form is also the apostrophe.
    A line break is a paragraph break where the line before it ends in punctuation, so that speech
    in hard-wrapped text stays open.
    """
    spans: list[tuple[int, int]] = []
    open_marks: list[tuple[int, str]] = []
    for index, character in enumerate(string):
        if character == "\n" and _breaks_paragraph(string, index):
            spans.extend((start, -index) for start, _ in open_marks)
            open_marks.clear()
        elif open_marks and character == open_marks[-1][1]:
            if character != "’" or not string[index + 1 : index + 2].isalpha():
                spans.append((open_marks.pop()[0], index))
        elif character == '"' and not _closes_word(string, index):
            open_marks.append((index, '"'))
        elif character in _CLOSER and not (character == "‘" and not _opens_word(string, index)):
            open_marks.append((index, _CLOSER[character]))
    spans.extend((start, -len(string)) for start, _ in open_marks)
    return _from_spans(len(string), sorted(spans))


def _opens_word(string: str, index: int) -> bool:
    return string[index + 1 : index + 2].isalpha()


def _closes_word(string: str, index: int) -> bool:
    before, after = string[index - 1 : index], string[index + 1 : index + 2]
    return (before.isalnum() or before in (".", "!", "?")) and after.isspace()


def _breaks_paragraph(string: str, index: int) -> bool:
    before = string[:index].rstrip(" \t\r")
    blank = string[index + 1 : index + 2] == "\n" or before.endswith("\n")
    return blank or not before or before[-1] in _SENTENCE_END


def _from_spans(length: int, spans: list[tuple[int, int]]) -> Speech:
    """Spans (open, close), outer first; a close ≤ 0 is where an unclosed speech was cut off."""
    opening = np.zeros(length, dtype=bool)
    closing = np.zeros(length, dtype=bool)
    opener = np.full(length, -1, dtype=np.int64)
    depth = np.zeros(length, dtype=np.int64)
    for start, close in spans:
        opening[start] = True
        if close > 0:
            closing[close] = True
        end = close + 1 if close > 0 else -close
        opener[start + 1 : end] = start
        depth[start:end] += 1
    return Speech(opening, closing, opener, depth, tuple(spans))
