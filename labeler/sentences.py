"""Where sentences begin after a dot that is part of a word, or do not after one that is no stop."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

from heuristics.full_stops import FULL_STOP, OPENER

_STOP, _OPENER = re.compile(FULL_STOP), re.compile(OPENER)


def mark_sentences(doc: Any) -> Any:
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
