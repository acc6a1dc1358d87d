"""The tree itself: heads and dependents, modifiers, dependency labels.

Labels are those of Universal Dependencies (universaldependencies.org/u/dep) in either scheme.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from heuristics.clauses import climb
from heuristics.contract import feature, relation
from heuristics.grammar import grammar
from heuristics.lookup import tagged_words
from heuristics.matching import Pieces, at_keys, at_words, match
from heuristics.targets import Targets
from heuristics.text import Text, per_text


class Label(NamedTuple):
    """A dependency label, subtypes included, and what it is called."""

    label: str
    noun: str
    plural: str


LABELS = (
    Label("root", "root of a sentence", "roots of sentences"),
    Label("obl", "oblique noun", "oblique nouns (on the mat, one day)"),
    Label("nmod", "noun or possessive by a noun", "nouns and possessives that modify a noun"),
    Label("amod", "adjective by its noun", "adjectives that modify a noun"),
    Label("compound", "part of a compound", "parts of compounds (bus stop, pick up)"),
    Label("conj", "word joined to another", 'words joined to one before (by "and" or a comma)'),
    Label("advcl", "adverbial clause's head", "heads of adverbial clauses"),
    Label("acl", "head of a clause by a noun", "heads of clauses that modify a noun"),
    Label("ccomp", "complement clause's head", "heads of complement clauses"),
    Label("xcomp", "open complement", "open complements of verbs"),
    Label("advmod", "adverbial modifier", "adverbial modifiers"),
    Label("mark", "clause marker", "clause markers (that, because, to)"),
    Label("cop", "copula", "copulas"),
    Label("vocative", "word for who is spoken to", "words for who is spoken to"),
)


@feature(
    "dependency {label.label}",
    noun="{label.noun}",
    plural="{label.plural}",
    parse=True,
    label=LABELS,
)
def dependency(text: Text, label: Label) -> ndarray:
    """A word with the dependency label `{label.label}` or a subtype of it, all its pieces."""
    return text.on_words(grammar(text).is_label(label.label))


def parents(text: Text) -> Int[ndarray, " word"]:
    """Each word's syntactic head; −1 for a root."""
    head = grammar(text).head
    return np.where(head == np.arange(len(head)), -1, head)


class Which(NamedTuple):
    """Which pieces of a word."""

    name: str
    pieces: Pieces


@relation(
    "{which.name}",
    phrase="the {which.name}",
    parse=True,
    which=(Which("syntactic head", "all"), Which("end of the syntactic head", "last")),
)
def syntactic_head(text: Text, which: Which) -> Targets:
    """The word that the query's word depends on, where it stands before it ({which.pieces}
    pieces)."""
    return at_words(text, text.of_word(parents(text), -1), which.pieces)


@relation("head of the syntactic head", parse=True)
def grandparent(text: Text) -> Targets:
    """The syntactic head's own head, where it stands before the query's word."""
    up = np.append(parents(text), -1)
    return at_words(text, text.of_word(up[up[:-1]], -1))


@relation("dependents", phrase="the words before that depend on the current one", parse=True)
def dependents(text: Text) -> Targets:
    """Earlier words whose syntactic head is the query's word, all pieces, alike."""
    return match(text.of_word(parents(text), -1), text.word, limit=text.word_start).every()


@relation(
    "nearest dependent",
    phrase="the nearest word before that depends on the current one",
    parse=True,
)
def nearest_dependent(text: Text) -> Targets:
    """The nearest earlier word whose syntactic head is the query's word, all pieces."""
    found = match(text.of_word(parents(text), -1), text.word, limit=text.word_start)
    return at_keys(text, found.nearest())


@relation("siblings", phrase="the words before with the same syntactic head", parse=True)
def siblings(text: Text) -> Targets:
    """Earlier words with the query word's syntactic head, all pieces, alike."""
    return match(text.of_word(parents(text), -1), limit=text.word_start).every()


MODIFIERS = ("amod", "det", "nummod", "nmod", "compound")


@relation("modifiers of the noun", phrase="the modifiers of the current noun", parse=True)
def modifiers(text: Text) -> Targets:
    """From a noun or name, its earlier determiners, adjectives and other modifiers, all pieces."""
    found = grammar(text)
    marked = text.on_words(found.is_label(*MODIFIERS))
    noun = text.on_words(tagged_words(text, "NOUN", "PROPN"))
    query = np.where(noun, text.word, -1)
    key = text.of_word(parents(text), -1)
    return match(key, query, marked=marked, limit=text.word_start).every()


@per_text
def phrase_head(text: Text) -> Int[ndarray, " word"]:
    """For each word the head of its noun phrase, as far as modifiers go; itself outside one.

    With its modifiers go what belongs to them ("very" in "a very big dog", the possessive "'s",
    "and" and what is joined by it) and the other words of a name.
    """
    found, dep = grammar(text), text.parse.dep
    modifies = found.is_label("amod", "det", "nummod", "compound", "flat")
    modifies = (modifies & (dep != "compound:prt")) | np.isin(dep, ("nmod:poss", "nmod:desc"))
    belongs = found.is_label("advmod", "case", "cc", "conj", "punct")
    inside = modifies.copy()
    for _ in range(3):
        inside |= belongs & inside[found.head]
    return climb(found.head, ~inside)


@relation("noun phrase so far", phrase="the noun phrase so far", parse=True)
def noun_phrase(text: Text) -> Targets:
    """Earlier words of the noun phrase that the query's word is in, all pieces, alike: modifiers
    before the noun and what belongs to them, no preposition before it and no clause after it."""
    return match(text.of_word(phrase_head(text), -1), limit=text.word_start).every()


@relation("word before the noun phrase", phrase="the word before the noun phrase", parse=True)
def before_noun_phrase(text: Text) -> Targets:
    """From each word of a noun phrase, the word before its first; else the previous word."""
    head = phrase_head(text)
    first = np.arange(len(head))
    first[head[::-1]] = first[::-1].copy()
    return at_words(text, text.of_word(first[head] - 1, -1))


@relation("preposition of the noun", phrase="the preposition before the noun", parse=True)
def own_preposition(text: Text) -> Targets:
    """The preposition that governs the query's word or the noun which it modifies; the possessive
    "'s" is none."""
    found = grammar(text)
    marked = text.on_words(found.is_label("case") & (text.parse.pos != "PART"))
    key = text.of_word(parents(text), -1)
    own = match(key, text.word, marked=marked, limit=text.word_start).nearest()
    modifier = text.on_words(found.is_label(*MODIFIERS, "flat", "acl"))
    noun = np.where(modifier, key, -1)
    of_head = match(key, noun, marked=marked, limit=text.word_start).nearest()
    return at_keys(text, np.where(own >= 0, own, of_head))
