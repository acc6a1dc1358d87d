"""Which of two relations that explain the same is the simpler thing to say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from heuristics.contract import Heuristic

PLAINEST = frozenset({"start of text", "current token", "previous token"})
PLAIN = frozenset(
    {
        *("two tokens back", "three tokens back", "four tokens back"),
        *("nearby (8)", "nearby (32)", "anywhere"),
    }
)
TWOFOLD = frozenset({"earlier pieces, else current token", "earlier pieces, else previous word"})
"""Where the current word has no earlier piece, what they fall back on says the same."""
CORE = frozenset(
    {
        *("nearest structural pivot", "every structural pivot"),
        *("opening mark of this speech", "current and previous proper nouns"),
        *("same clause", "same sentence", "subject of the sentence"),
        *("duplicate token", "after duplicate token", "antecedent"),
        *("start of the clause", "start of the sentence", "subject of the clause"),
        *("verb of the clause", "object of the clause", "syntactic head"),
    }
)
LIFTED = ("nearest ", "every ")
BUILT_IN = "heuristics."


def level(item: Heuristic) -> int:
    """0 for the plainest; the steps of `levels`."""
    if item.name in PLAINEST:
        return 0
    if item.name in PLAIN:
        return 1
    if item.positional and item.name not in TWOFOLD:
        return 2
    if item.name in CORE or item.name in TWOFOLD or not item.module.startswith(BUILT_IN):
        return 3
    lifted = item.name.startswith(LIFTED) and "duplicate" not in item.name
    return 4 if lifted else 5


def levels(relations: Sequence[Heuristic]) -> Int[ndarray, " relation"]:
    """How much each relation needs to be explained, 0 for the least.

    First the sink and the two nearest tokens, then other offsets and windows, then what needs words
    but no content, then the relations of the source's table, those of plugins and those that say
    two things, then "the nearest comma" and "all commas so far", then the rest. Where all words are
    single tokens "the previous token" and "the end of the previous word" are the same pattern, and
    only the first is a finding.
    """
    return np.array([level(item) for item in relations], dtype=np.int64)
