"""Which words of a text have a tag or a lemma: looked up, not searched for word by word."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from jaxtyping import Bool
from numpy import ndarray

from heuristics.occurrences import Occurrences
from heuristics.text import Text, per_text


def tagged_words(text: Text, *tags: str) -> Bool[ndarray, " word"]:
    """Words with one of these Universal POS tags."""
    return _tags(text).among(tags)


def lemma_listed(text: Text, lemmas: Collection[str]) -> Bool[ndarray, " word"]:
    """Words whose lemma, in lower case, is among some."""
    return _lemmas(text).among(lemmas)


@per_text
def lower_lemma(text: Text) -> ndarray:
    """The lemma of each word in lower case."""
    return np.array([lemma.lower() for lemma in text.parse.lemma.tolist()], dtype=object)


@per_text
def _tags(text: Text) -> Occurrences:
    return Occurrences(text.parse.pos)


@per_text
def _lemmas(text: Text) -> Occurrences:
    return Occurrences(lower_lemma(text))
