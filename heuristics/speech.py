"""Speech marks, matched by character: a token may open, close and end a sentence all at once."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray

_CLOSER = {'"': '"', "“": "”", "«": "»", "»": "«", "„": "“”", "「": "」", "『": "』"}
"""Opening mark → what may close it: »so« is German and Danish, „so” Polish and Dutch."""
_PAIRED = {"‘": "’", "'": "'", "``": "''"}
"""Those that count only as a pair, and else are apostrophes or the marks of code in Markdown."""
_MARK = re.compile(rf"``|''|\"{{3}}|[\n'’{''.join(_CLOSER)}{''.join(_CLOSER.values())}‘]")
_CODE = re.compile(r"(?:=\s*|\w[\[(]|\{\s*)[\[({]*\Z")
"""What stands before a string of code, `x = "a"` or `f("a")`."""
_BETWEEN_CODE = re.compile(r"[\s)\]}]*[,:+][\s(\[{]*")
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
    A single mark, curly or straight, counts only as a pair, since it may be an apostrophe (`‘Twas`,
    `don’t`), and so do the marks of TeX; a straight single one closes only after or before another
    mark, not in `the boys' ball`. A straight mark around a string of code (`x = "a"`) is none. A
    line break is a paragraph break where the line before it ends in punctuation, so that speech in
    hard-wrapped text stays open.
    """
    spans: list[tuple[int, int]] = []
    open_marks: list[tuple[int, str]] = []
    code = 0  # where the last string of code ended
    for found in _MARK.finditer(string):
        index, character = found.start(), found[0]
        if index < code or character == '"""':
            continue
        if character == "\n":
            if _breaks_paragraph(string, index):
                spans.extend(_cut_off(open_marks, index))
                open_marks.clear()
            continue
        closed = _closed_by(open_marks, string, index, character)
        if closed >= 0:
            spans.append((open_marks[closed][0], index))
            del open_marks[closed:]
        elif end := _code_end(string, index, code):
            code = end
        elif _opens(string, index, character):
            open_marks.append((index, _CLOSER.get(character) or _PAIRED[character]))
    spans.extend(_cut_off(open_marks, len(string)))
    return _from_spans(string, sorted(spans))


def _code_end(string: str, index: int, last: int) -> int:
    """Where a string of code that opens here ends, on its line; 0 where none opens."""
    if string[index] not in "\"'":
        return 0
    follows = last and _BETWEEN_CODE.fullmatch(string, last, index)
    if not follows and not _CODE.search(string, max(index - 8, 0), index):
        return 0
    end = string.find(string[index], index + 1) + 1
    return 0 if "\n" in string[index:end] else end


def _cut_off(open_marks: list[tuple[int, str]], index: int) -> list[tuple[int, int]]:
    """Speech that ends without a mark; a single mark without its pair is no speech."""
    return [(start, -index) for start, closer in open_marks if closer not in _PAIRED.values()]


def _closed_by(open_marks: list[tuple[int, str]], string: str, index: int, mark: str) -> int:
    """Which open mark this one closes; −1 for none. Single ones above it were apostrophes."""
    if mark in ("’", "'"):
        last = open_marks[-1][1] if open_marks else ""
        return len(open_marks) - 1 if mark == last and _closes(string, index, mark) else -1
    for at in range(len(open_marks) - 1, -1, -1):
        closer = open_marks[at][1]
        if closer not in ("’", "'"):
            return at if mark in closer else -1
    return -1


def _closes(string: str, index: int, mark: str) -> bool:
    """Whether a single mark can close: a curly one at a word's end, a straight one at a mark."""
    before, after = string[index - 1], string[index + 1 : index + 2]
    if mark == "’":
        return not after.isalpha()
    marked = before in _BEFORE_CLOSER or before in "—-" or not after.isspace()
    return not (after.isalnum() or before.isspace()) and marked


def _opens(string: str, index: int, mark: str) -> bool:
    before = string[index - 1 : index]
    if mark in ("‘", "'"):
        return not before.isalnum() and _WORD.match(string, index + 1) is not None
    if mark == '"':
        after = string[index + 1 : index + 2]
        follows = before.isalnum() or before in _BEFORE_CLOSER
        return not (before and follows and (not after or after.isspace() or after in _AFTER_CLOSER))
    if mark == "»":
        after = string[index + 1 : index + 2]
        return (not before.strip() or before in "([—–-") and after.strip() != ""
    return mark in _CLOSER or mark == "``"


def _breaks_paragraph(string: str, index: int) -> bool:
    before = string[:index].rstrip(" \t\r")
    blank = string[index + 1 : index + 2] == "\n" or before.endswith("\n")
    return blank or not before or before[-1] in _SENTENCE_END


def _from_spans(string: str, spans: list[tuple[int, int]]) -> Speech:
    """Spans (open, close), outer first; a close ≤ 0 is where an unclosed speech was cut off."""
    length = len(string)
    opening = np.zeros(length, dtype=bool)
    closing = np.zeros(length, dtype=bool)
    opener = np.full(length, -1, dtype=np.int64)
    depth = np.zeros(length, dtype=np.int64)
    for start, close in spans:
        width = 2 if string[start] == "`" else 1
        opening[start : start + width] = True
        end = close + width if close > 0 else -close
        if close > 0:
            closing[close:end] = True
        opener[start + width : end] = start
        depth[start:end] += 1
    return Speech(opening, closing, opener, depth, tuple(spans))
