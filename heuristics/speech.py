"""Speech marks, matched by character: a token may open, close and end a sentence all at once."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray

_CLOSER = {'"': '"', "“": "”", "«": "»", "»": "«", "„": "“”", "‘": "’", "「": "」", "『": "』"}
"""Opening mark → what may close it: »so« is German and Danish, „so” Polish and Dutch."""
_MARK = re.compile(rf"[\n{''.join(_CLOSER)}{''.join(_CLOSER.values())}]")
_BEFORE_CLOSER, _AFTER_CLOSER = ".!?,;:…)'’", ".,;:!?)]—-"
_WORD = re.compile(r"(?!(?:tis|twas|em|til|till|cause|n|bout)\b)[^\W\d_]", re.IGNORECASE)
"""A letter, but not of a word that is written with an apostrophe in front."""
_SENTENCE_END = set(".!?…:;,—-\"”»«’'」』。！？؟")


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

    Straight double marks alternate, but one right after a word or a mark, with no word behind it,
    opens nothing (`5'6" tall`). Curly marks, guillemets and corner brackets open and close by their
    shape; guillemets that point inwards (`»So«`) open where a word follows them and none precedes.
    A single curly mark counts only as a pair, since either form may be an apostrophe (`‘Twas`,
    `don’t`). Straight single marks are apostrophes. A line break is a paragraph break where the
    line before it ends in punctuation, so that speech in hard-wrapped text stays open.
    """
    spans: list[tuple[int, int]] = []
    open_marks: list[tuple[int, str]] = []
    for found in _MARK.finditer(string):
        index, character = found.start(), found[0]
        if character == "\n":
            if _breaks_paragraph(string, index):
                spans.extend(_cut_off(open_marks, index))
                open_marks.clear()
            continue
        closed = _closed_by(open_marks, string, index)
        if closed >= 0:
            spans.append((open_marks[closed][0], index))
            del open_marks[closed:]
        elif _opens(string, index):
            open_marks.append((index, _CLOSER[character]))
    spans.extend(_cut_off(open_marks, len(string)))
    return _from_spans(len(string), sorted(spans))


def _cut_off(open_marks: list[tuple[int, str]], index: int) -> list[tuple[int, int]]:
    """Speech that ends without a mark; a single mark without its pair is no speech."""
    return [(start, -index) for start, closer in open_marks if closer != "’"]


def _closed_by(open_marks: list[tuple[int, str]], string: str, index: int) -> int:
    """Which open mark a character closes; −1 for none. Single ones above it were apostrophes."""
    character = string[index]
    if character == "’":
        if string[index + 1 : index + 2].isalpha() or not open_marks:
            return -1
        return len(open_marks) - 1 if open_marks[-1][1] == "’" else -1
    for at in range(len(open_marks) - 1, -1, -1):
        if open_marks[at][1] != "’":
            return at if character in open_marks[at][1] else -1
    return -1


def _opens(string: str, index: int) -> bool:
    character, before = string[index], string[index - 1 : index]
    if character == "‘":
        return not before.isalnum() and _WORD.match(string, index + 1) is not None
    if character == '"':
        after = string[index + 1 : index + 2]
        follows = before.isalnum() or before in _BEFORE_CLOSER
        return not (before and follows and (not after or after.isspace() or after in _AFTER_CLOSER))
    if character == "»":
        after = string[index + 1 : index + 2]
        return (not before.strip() or before in "([—–-") and after.strip() != ""
    return character in _CLOSER


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
