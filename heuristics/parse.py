"""What a pipeline says of a string, word by word."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray

from heuristics.clauses import clause_heads, clause_starts
from heuristics.frozen import derived, protect
from heuristics.occurrences import Occurrences


@dataclass(frozen=True, eq=False)
class Parse:
    """What the pipeline says of a string, as arrays over its words (spaCy tokens).

    `pos` is Universal POS; `dep` is in Universal Dependencies names, whatever the pipeline's own
    scheme (the mapping is in `heuristics.schemes`). `head` is a word's syntactic head, itself for
    a root. `sentence` counts from 0. Without a parser `dep` and `pos` are empty strings, every word
    is its own head and `parsed` is false.
    """

    start: Int[ndarray, " word"]
    end: Int[ndarray, " word"]
    text: ndarray
    lemma: ndarray
    pos: ndarray
    dep: ndarray
    head: Int[ndarray, " word"]
    sentence: Int[ndarray, " word"]
    entity: ndarray
    parsed: bool = True

    def __post_init__(self) -> None:
        protect(self)

    def __len__(self) -> int:
        return len(self.start)

    @derived
    def lower(self) -> ndarray:
        """The words in lower case."""
        return np.array([word.lower() for word in self.text.tolist()], dtype=object)

    @derived
    def label(self) -> ndarray:
        """The dependency labels without their subtypes."""
        return np.array([dep.partition(":")[0] for dep in self.dep.tolist()], dtype="<U12")

    @derived
    def _words(self) -> Occurrences:
        return Occurrences(self.lower)

    def listed(self, words: Collection[str]) -> Bool[ndarray, " word"]:
        """Words that are among some, given in lower case."""
        return self._words.among(words)

    @derived
    def clause_head(self) -> Int[ndarray, " word"]:
        """For each word, the word that heads the innermost clause it belongs to."""
        return clause_heads(self)

    @derived
    def clause_start(self) -> Int[ndarray, " word"]:
        """For each word, the first word of its clause; a nested clause is not part of the outer."""
        return clause_starts(self)

    @derived
    def sentence_start(self) -> Int[ndarray, " word"]:
        """For each word, the first word of its sentence."""
        if not len(self):
            return np.zeros(0, dtype=np.int64)
        first = np.searchsorted(self.sentence, self.sentence, side="left")
        return first.astype(np.int64)
