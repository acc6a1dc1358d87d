"""Where sentences begin, as far as a parser has not learnt it, or a splitter at marks sees it."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

from heuristics.full_stops import FULL_STOP, OPENER

_ENDS, _CLOSING = '.!?…:"”’»', ('"', "”", "’", "»", "''")
_STOP, _OPENER = re.compile(FULL_STOP), re.compile(OPENER)


def mark_abbreviations(doc: Any) -> Any:
    """Say before a parse that "at 5 p.m. He left" is two sentences, and "No. 5 won" is one.

    spaCy keeps the dot of an abbreviation with its word, so that a parser sees no end there.
    """
    stops = {found.start() for found in _STOP.finditer(doc.text)}
    for word, following in pairwise(doc):
        if word.text[-1] == ".":
            stops_here = word.idx + len(word) - 1 in stops
            if stops_here and len(word) > 1 and _OPENER.match(following.text):
                following.is_sent_start = True
            elif not stops_here and len(word) == 1 and not following.is_space:
                following.is_sent_start = False
    return doc


def mark_lines(doc: Any) -> Any:
    """Say to a splitter at marks that a line break ends a sentence, and what ends none.

    A break belongs to the sentence before. It ends one after a mark or where a line is blank, so
    that hard-wrapped text stays whole. A small letter after speech goes on: "“Stop!” he said".
    """
    for before, word, following in zip(doc, doc[1:], doc[2:], strict=False):
        if "\n" in word.text:
            word.is_sent_start = False
            if word.text.count("\n") > 1 or before.text[-1] in _ENDS:
                following.is_sent_start = True
        elif word.text in _CLOSING and not before.whitespace_ and following.text[0].islower():
            following.is_sent_start = False
    return doc
