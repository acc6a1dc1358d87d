"""Pronouns, by person and gender."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from heuristics import wordlists
from heuristics.contract import feature, relation
from heuristics.lookup import tagged_words
from heuristics.matching import at_keys, match
from heuristics.targets import Targets
from heuristics.text import Text, per_text
from heuristics.wordclasses import tagged


class Group(NamedTuple):
    """Pronouns of one person and gender."""

    name: str
    words: frozenset[str]
    plural: str


GROUPS = (
    Group("he", wordlists.HE, "masculine pronouns (he, him, his)"),
    Group("she", wordlists.SHE, "feminine pronouns (she, her)"),
    Group("it", wordlists.IT, "neuter pronouns (it, its)"),
    Group("they", wordlists.THEY, "plural pronouns (they, them, their)"),
    Group("I", wordlists.FIRST_PERSON, "first-person pronouns (I, my, we, …)"),
    Group("you", wordlists.SECOND_PERSON, "second-person pronouns (you, your)"),
)


_GROUP = {word: index for index, group in enumerate(GROUPS) for word in group.words}


@per_text
def pronoun_group(text: Text) -> Int[ndarray, " word"]:
    """For each word the index of its pronoun group in `GROUPS`; −1 for none, as the name "US"."""
    found = np.array([_GROUP.get(word, -1) for word in text.parse.lower.tolist()], dtype=np.int64)
    return np.where(tagged_words(text, "PROPN", "NOUN"), -1, found)


@feature(
    "pronoun",
    lifts=("nearest", "every", "recent"),
    unit="word",
    query_class=True,
)
def pronoun(text: Text) -> ndarray:
    """Any pronoun, possessives among them."""
    return tagged(text, "PRON") | text.on_words(pronoun_group(text) >= 0)


@feature(
    'pronoun "{group.name}"',
    noun='pronoun of the kind "{group.name}"',
    plural="{group.plural}",
    group=GROUPS,
)
def pronoun_of(text: Text, group: Group) -> ndarray:
    """One of the {group.plural}, by its form; a name or a noun ("the US") is none."""
    return text.on_words(pronoun_group(text) == GROUPS.index(group))


@feature("third-person pronoun", lifts=("recent",), unit="word")
def third_person(text: Text) -> ndarray:
    """He, she, it, they and their other cases."""
    group = pronoun_group(text)
    return text.on_words((group >= 0) & (group <= 3))


@relation(
    "nearest pronoun of the same kind",
    phrase="the nearest earlier pronoun of the same person and gender",
)
def same_group(text: Text) -> Targets:
    """From a pronoun, the nearest earlier one of the same person and gender ("his" to "he")."""
    code = text.of_word(pronoun_group(text), -1)
    return at_keys(text, match(code, limit=text.word_start).nearest())
