"""A label laid out for reading: the sentence, its exceptions line by line, figures set back.

Nothing is reworded: the pieces, joined, are the label again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_ASIDE = " (aside from "
"""Leads the first exception in a sentence; alone on a line it reads "on", as the others do."""
_END = re.compile(r"\)(?:; (?P<alone>on [^()]*, only to itself))?\.?$")
_NEXT = re.compile(r"; (?=on [^;]*?: )")
_QUIET = re.compile(r"; the rest spread over all visible tokens \([^()]*\)| \(<?[\d.,]+%\)")


@dataclass(frozen=True)
class Piece:
    """Some words, and whether they are a figure or filler that the eye may pass over."""

    text: str
    quiet: bool


@dataclass(frozen=True)
class Line:
    """The sentence or one exception; what joins it to its neighbours stands apart."""

    before: str
    pieces: list[Piece]
    after: str


def lines_of(label: str) -> list[Line]:
    """The lines of a label: one, where its form is not that of a sentence with exceptions."""
    parted = label.split(_ASIDE, maxsplit=1)
    end = _END.search(parted[-1])
    if len(parted) == 1 or end is None:
        return [Line("", pieces_of(label), "")]
    sentence, rest = parted
    exceptions = _NEXT.split(rest[: end.start()])
    last = "); " if end["alone"] else rest[end.start() :]
    afters = ["; "] * (len(exceptions) - 1) + [last]
    lines = [Line("", pieces_of(sentence), "")]
    for place, (text, after) in enumerate(zip(exceptions, afters, strict=True)):
        lines.append(Line("" if place else _ASIDE, pieces_of(text), after))
    if end["alone"]:
        lines.append(Line("", pieces_of(end["alone"]), rest[end.end("alone") :]))
    return lines


def pieces_of(text: str) -> list[Piece]:
    """Shares in brackets, and where the rest goes, are quiet."""
    pieces, at = [], 0
    for found in _QUIET.finditer(text):
        pieces.append(Piece(text[at : found.start()], quiet=False))
        pieces.append(Piece(found[0], quiet=True))
        at = found.end()
    pieces.append(Piece(text[at:], quiet=False))
    return [piece for piece in pieces if piece.text]
