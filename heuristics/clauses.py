"""Clauses, read off a dependency parse: which word heads the clause that a word belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray

if TYPE_CHECKING:
    from heuristics.parse import Parse

# Universal Dependencies' clausal relations (universaldependencies.org/u/dep): each heads a clause.
CLAUSAL = ("root", "ccomp", "advcl", "acl", "csubj", "parataxis")
_PREDICATES = ("VERB", "AUX")


def clause_heads(parse: Parse) -> Int[ndarray, " word"]:
    """For each word the head of its innermost clause.

    A word heads a clause if its relation is clausal (subtypes aside), or if it is a predicate (a
    verb, or a word with a copula) that is joined to one which heads a clause: in "wanted to play
    and sing" neither "play" nor "sing" does. Punctuation belongs to the clause of the word that it
    is written against, the one before it if both or none.
    """
    heads = np.arange(len(parse))
    if not parse.parsed:
        return parse.sentence_start[heads] if len(parse) else heads
    predicate = np.isin(parse.pos, _PREDICATES)
    predicate[parse.head[parse.dep == "cop"]] = True
    is_head = np.isin(parse.label, CLAUSAL) | (parse.head == heads)
    conjunct = parse.label == "conj"
    joined = conjunct & predicate & predicate[parse.head]
    is_head |= joined & is_head[climb(parse.head, ~conjunct)]
    return _attach_punctuation(parse, climb(parse.head, is_head))


def climb(head: Int[ndarray, " word"], stops: Bool[ndarray, " word"]) -> Int[ndarray, " word"]:
    """For each word the nearest one at which to stop, itself or above it in the tree."""
    found = np.arange(len(head))
    for _ in range(len(head)):
        climbed = np.where(stops[found], found, head[found])
        if (climbed == found).all():
            break
        found = climbed
    return found


def _attach_punctuation(parse: Parse, found: Int[ndarray, " word"]) -> Int[ndarray, " word"]:
    """Punctuation goes with the word it is written against, the one before it if both or none."""
    marks = np.asarray(parse.pos == "PUNCT", dtype=bool)
    goes_on = parse.sentence[1:] == parse.sentence[:-1]  # from each word but the last
    touches = parse.end[:-1] == parse.start[1:]
    opens = marks & np.append(goes_on & touches, False) & ~np.append(False, touches)[: len(marks)]
    closes = marks & np.append(False, goes_on)[: len(marks)] & ~opens
    for word in np.flatnonzero(opens).tolist()[::-1]:
        found[word] = found[word + 1]
    for word in np.flatnonzero(closes).tolist():
        found[word] = found[word - 1]
    return found


def clause_starts(parse: Parse) -> Int[ndarray, " word"]:
    """For each word the first word of its clause, even where another clause stands between.

    A leading conjunction, subordinator or speech mark that belongs to the clause counts.
    """
    seen: dict[tuple[int, int], int] = {}
    clauses = zip(parse.sentence.tolist(), parse.clause_head.tolist(), strict=True)
    start = [seen.setdefault(clause, word) for word, clause in enumerate(clauses)]
    return np.array(start, dtype=np.int64)
