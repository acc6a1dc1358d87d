"""What a pronoun stands for, by rule: the nearest noun that agrees in number and gender.

After Hobbs, "Resolving pronoun references" (1978) in spirit: agreement, no co-arguments, the
nearest sentence first, and subjects first for persons.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray

from heuristics import wordlists
from heuristics.closedclass import plural_words
from heuristics.contract import feature, relation
from heuristics.grammar import grammar
from heuristics.lookup import lemma_listed, tagged_words
from heuristics.matching import Matches, at_words
from heuristics.names import name_words, title_words
from heuristics.pronouns import pronoun_group
from heuristics.targets import Targets
from heuristics.text import Text, per_text

IT, THEY = 2, 3
WINDOW = 80
"""How many words back an antecedent may stand."""


@per_text
def mentions(text: Text) -> Bool[ndarray, " word"]:
    """Nouns and names that head their phrase; titles do not."""
    nominal = (tagged_words(text, "NOUN") | name_words(text)) & ~title_words(text)
    return nominal & ~grammar(text).is_label("compound", "flat")


@dataclass(frozen=True, eq=False)
class Agreement:
    """Which words he, she, it and they may stand for, and which are of a listed gender."""

    may: Bool[ndarray, "group word"]
    listed: Bool[ndarray, "group word"]


@per_text
def agreement(text: Text) -> Agreement:
    """Agreement in number and gender; unknown names, children and animals may be of any gender."""
    names, nominal, among = name_words(text), mentions(text), text.parse.listed

    plural = plural_words(text) & ~names
    single = nominal & ~plural
    male = (among(wordlists.MEN) & names) | among(wordlists.MALE_NOUNS)
    female = (among(wordlists.WOMEN) & names) | among(wordlists.FEMALE_NOUNS)
    person, animal = among(wordlists.PERSON_NOUNS), among(wordlists.ANIMALS)
    either = (names & ~male & ~female) | person | animal
    thing = ~names & ~male & ~female & ~person & ~among(wordlists.TIME_NOUNS)
    several = plural | (_coordinated(text) & (names | male | female | either))
    he, she, it, they = single & male, single & female, single & thing, nominal & several
    return Agreement(
        may=np.stack([he | (single & either), she | (single & either), it, they]),
        listed=np.stack([he, she, it, they]),
    )


def _coordinated(text: Text) -> Bool[ndarray, " word"]:
    """Words joined to another, the first among them."""
    found = grammar(text)
    joined = found.is_label("conj")
    both = joined.copy()
    both[found.head[joined]] = True
    return both


@per_text
def antecedents(text: Text) -> Int[ndarray, " word"]:
    """For each third-person pronoun the word it most likely stands for; −1 for none.

    It is the nearest thing for "it". For persons it is, in this order, the one fewest sentences
    away (a noun of no listed gender counts as one further), a subject, the nearest.
    """
    found = np.full(len(text.parse), -1, dtype=np.int64)
    if not text.parse.parsed:
        return found
    group, agrees, roles = pronoun_group(text), agreement(text), grammar(text)
    argument = roles.is_label("nsubj", "obj", "iobj", "obl")
    verb = np.where(argument, roles.head, -1).tolist()
    binds = (argument & ~text.parse.listed(wordlists.REFLEXIVES)).tolist()
    may = [np.flatnonzero(mask).tolist() for mask in agrees.may]
    away = 2 * (~agrees.listed - text.parse.sentence) + ~roles.is_label("nsubj")
    rank = (away * len(found) - np.arange(len(found))).tolist()
    for word in np.flatnonzero((group >= 0) & (group <= THEY)).tolist():
        kind, own = group[word], verb[word] if binds[word] else None
        near = [other for other in may[kind] if word - WINDOW <= other < word]
        near = [other for other in near if verb[other] != own]
        if near and kind == IT:
            found[word] = near[-1]
        elif near:
            found[word] = min(near, key=rank[kind].__getitem__)
    return found


@relation("antecedent", phrase="the antecedent of the pronoun", parse=True)
def antecedent(text: Text) -> Targets:
    """From he, she, it or they (any case), the noun or name it stands for, by rule."""
    return at_words(text, text.of_word(antecedents(text), -1))


@relation(
    "antecedent of the verb's object",
    phrase="the antecedent of the verb's pronoun object",
    parse=True,
)
def object_antecedent(text: Text) -> Targets:
    """From a verb with a pronoun as object, what that stands for ("banana" from "find it")."""
    found = grammar(text)
    stands_for = antecedents(text)
    of_verb = np.full(len(text.parse), -1, dtype=np.int64)
    objects = np.flatnonzero(found.is_label("obj", "iobj") & (stands_for >= 0))[::-1]
    of_verb[found.head[objects]] = stands_for[objects]
    return at_words(text, text.of_word(of_verb, -1))


@relation(
    "antecedent of the clause's subject",
    phrase="the antecedent of the clause's subject",
    parse=True,
)
def subject_antecedent(text: Text) -> Targets:
    """From a clause whose subject is a pronoun, what that stands for."""
    found = grammar(text)
    subject = found.subject[found.clause]
    return at_words(text, text.of_word(np.append(antecedents(text), -1)[subject], -1))


@relation("agreeing mentions", phrase="all earlier nouns that agree with the pronoun", parse=True)
def agreeing(text: Text) -> Targets:
    """From he, she, it or they, every earlier noun or name that agrees, all pieces, alike."""
    group, agrees = text.of_word(pronoun_group(text), -1), agreement(text).may
    keys = [np.flatnonzero(text.on_words(may) & ~text.is_start) for may in agrees]
    start, stop = np.zeros((2, text.n_pos), dtype=np.int64)
    first = 0
    for kind, own in enumerate(keys):
        queries = np.flatnonzero(group == kind)
        start[queries] = first
        stop[queries] = first + np.searchsorted(own, text.word_start[queries])
        first += len(own)
    return Matches(np.concatenate(keys), start, stop).every()


@feature(
    "person",
    noun="name or word for a person",
    plural="names and words for persons",
    lifts=("nearest", "recent"),
    unit="word",
)
def person(text: Text) -> ndarray:
    """A name, be it of a place, or a noun for a person ("girl", "mom", "friend", "children")."""
    people = wordlists.MALE_NOUNS | wordlists.FEMALE_NOUNS | wordlists.PERSON_NOUNS
    return _means(text, people | {"people"}) | text.on_words(name_words(text))


@feature("animal", noun="word for an animal", plural="words for animals")
def animal(text: Text) -> ndarray:
    """A noun for an animal or another creature ("dog", "mice", "dragon"), or a name made of it."""
    return _means(text, wordlists.ANIMALS)


def _means(text: Text, words: frozenset[str]) -> ndarray:
    """Positions whose word or its lemma is listed: the plural too, where the pipeline has lemmas.

    A verb is none ("to duck", "he fishes").
    """
    named = text.parse.listed(words) | lemma_listed(text, words)
    return text.on_words(named & ~tagged_words(text, "VERB"))


@feature("female name", noun="woman's or girl's name", plural="names of women and girls")
def female(text: Text) -> ndarray:
    """A common female name."""
    return text.matches(wordlists.WOMEN) & text.on_words(name_words(text))


@feature("male name", noun="man's or boy's name", plural="names of men and boys")
def male(text: Text) -> ndarray:
    """A common male name."""
    return text.matches(wordlists.MEN) & text.on_words(name_words(text))
