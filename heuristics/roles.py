"""Who does what to whom: subject, verb and object of the clause and of the sentence."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from heuristics.contract import feature, relation
from heuristics.grammar import Grammar, grammar
from heuristics.matching import Pieces, at_keys, at_words, match
from heuristics.targets import Targets
from heuristics.text import Text


@feature(
    "subject",
    lifts=("nearest", "nearest end", "recent"),
    unit="word",
    parse=True,
)
def subject(text: Text) -> ndarray:
    """The head word of a subject (UD `nsubj`, `csubj`)."""
    return text.on_words(grammar(text).is_label("nsubj", "csubj"))


@feature("object", lifts=("nearest",), unit="word", parse=True)
def object_(text: Text) -> ndarray:
    """The head word of a direct or indirect object (UD `obj`, `iobj`)."""
    return text.on_words(grammar(text).is_label("obj", "iobj"))


@feature(
    "clause verb",
    noun="verb of a clause",
    plural="verbs of clauses",
    lifts=("nearest", "nearest end", "recent"),
    unit="word",
    parse=True,
)
def clause_verb(text: Text) -> ndarray:
    """The verb of a clause; its copula or auxiliary where it has none. An infinitive that belongs
    to another verb ("wanted to play") heads no clause of its own."""
    return text.on_words(grammar(text).is_verb)


@feature(
    "main verb of a sentence",
    plural="main verbs of sentences",
    lifts=("every",),
    unit="word",
    parse=True,
)
def sentence_verb(text: Text) -> ndarray:
    """The verb of a sentence's main clause; its copula where it has none."""
    found = grammar(text)
    mask = np.zeros(len(text.parse), dtype=bool)
    roots = np.unique(found.root)
    verbs = found.verb[roots[roots >= 0]]
    mask[verbs[verbs >= 0]] = True
    return text.on_words(mask)


class Role(NamedTuple):
    """A role in the query's clause or in its sentence's main clause, and which pieces of it."""

    name: str
    role: str
    pieces: Pieces
    phrase: str


ROLES = (
    Role("subject of the clause", "subject", "all", "the subject of the clause"),
    Role("verb of the clause", "verb", "all", "the verb of the clause"),
    Role("end of the clause's verb", "verb", "last", "the last piece of the clause's verb"),
)


def _get(found: Grammar, role: str) -> Int[ndarray, " word"]:
    return found.subject if role == "subject" else found.verb


@relation("{role.name}", phrase="{role.phrase}", parse=True, role=ROLES)
def role_of_clause(text: Text, role: Role) -> Targets:
    """The {role.role} of the innermost clause, where it stands before the query's word;
    {role.pieces} pieces."""
    found = grammar(text)
    return at_words(text, text.of_word(_get(found, role.role)[found.clause], -1), role.pieces)


@relation(
    "{role} of the sentence",
    phrase="the {role} of the sentence's main clause",
    parse=True,
    role=("subject", "verb"),
)
def role_of_sentence(text: Text, role: str) -> Targets:
    """The {role} of the sentence's main clause, if it stands before the query's word."""
    found = grammar(text)
    of_root = np.append(_get(found, role), -1)[found.root]
    return at_words(text, text.of_word(of_root, -1))


@relation(
    "subject of the previous sentence", phrase="the subject of the previous sentence", parse=True
)
def subject_of_previous_sentence(text: Text) -> Targets:
    """The subject of the main clause of the sentence before."""
    found = grammar(text)
    number = text.parse.sentence
    before = np.searchsorted(number, number) - 1
    root = np.where(before >= 0, np.append(found.root, -1)[before], -1)
    return at_words(text, text.of_word(np.append(found.subject, -1)[root], -1))


@relation("object of the clause", phrase="the object of the clause", parse=True)
def object_of_clause(text: Text) -> Targets:
    """The nearest object of the innermost clause before the query's word."""
    found = match(text.clause, marked=object_(text), limit=text.word_start)
    return at_keys(text, found.nearest())


@relation("object of the sentence", phrase="the object of the sentence's main verb", parse=True)
def object_of_sentence(text: Text) -> Targets:
    """The object of the sentence's root, before the query's word."""
    found = grammar(text)
    of_root = found.is_label("obj", "iobj") & (found.head == found.root)
    marked = text.on_words(of_root)
    return at_keys(text, match(text.sentence, marked=marked, limit=text.word_start).nearest())
