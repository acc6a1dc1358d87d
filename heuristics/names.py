"""Names and capitals."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray

from heuristics.contract import feature, relation
from heuristics.grammar import grammar
from heuristics.lookup import tagged_words
from heuristics.matching import at_keys, at_words, codes, match
from heuristics.starts import sentence_opening_words
from heuristics.targets import Targets
from heuristics.text import Text, per_text
from heuristics.wordlists import TITLES


@per_text
def name_words(text: Text) -> Bool[ndarray, " word"]:
    """Proper nouns; without a parse, capitals inside a sentence."""
    if text.parse.parsed:
        return tagged_words(text, "PROPN")
    return inner_capitals(text)


@per_text
def inner_capitals(text: Text) -> Bool[ndarray, " word"]:
    """Words with a capital that opens neither a sentence nor speech; "I" left out."""
    spoken = np.append(text.speech.opening, False)[text.parse.start] | (text.parse.text == "``")
    opens = sentence_opening_words(text) | np.concatenate([[False], spoken])[: len(spoken)]
    return capitalised_words(text) & ~opens & (text.parse.lower != "i")


@per_text
def capitalised_words(text: Text) -> Bool[ndarray, " word"]:
    """Words that begin with a capital."""
    return np.array([word[:1].isupper() for word in text.parse.text.tolist()], dtype=bool)


@feature(
    "proper noun",
    lifts=("nearest", "latest", "first", "every", "recent"),
    unit="word",
    query_class=True,
)
def proper_noun(text: Text) -> ndarray:
    """A name, all its pieces."""
    return text.on_words(name_words(text))


@relation("current and previous proper nouns", phrase="the current and previous proper nouns")
def current_and_previous(text: Text) -> Targets:
    """From a name, its own pieces so far and the name before; nothing from other words."""
    mask = proper_noun(text)
    own = at_keys(text, np.where(mask, text.position, -1))
    before = match(np.where(mask, 0, -1), limit=text.word_start).nearest()
    other = at_keys(text, before)
    query = np.concatenate([other.query, own.query])
    key = np.concatenate([other.key, own.key])
    order = np.argsort(query, kind="stable")
    return Targets(query[order], key[order], np.ones(len(order)))


@relation("same name", phrase="the last mention of the same name")
def same_name(text: Text) -> Targets:
    """From a name, its last mention, all pieces, word by word; a title ("Mr.") is none."""
    return at_keys(text, match(_names(text), limit=text.word_start).nearest())


@per_text
def title_words(text: Text) -> Bool[ndarray, " word"]:
    """Titles before a name ("Mr." in "Mr. Fox")."""
    named = name_words(text)
    found = named & np.append(named[1:], False)[: len(named)]
    for word in np.flatnonzero(found).tolist():
        found[word] = text.parse.lower[word].rstrip(".") in TITLES
    return found


def _untitled(text: Text) -> Bool[ndarray, " word"]:
    return name_words(text) & ~title_words(text)


@per_text
def other_name(text: Text) -> Int[ndarray, " word"]:
    """For each name the last word of the nearest one before it that is another; −1 for none.

    Words in a row are one name, and a name that shares a word with the one before is the same.
    """
    found = np.full(len(text.parse), -1, dtype=np.int64)
    last, other = -1, -1
    forms: set[str] = set()
    for word in np.flatnonzero(_untitled(text)).tolist():
        if last >= 0 and word > last + 1 and text.parse.lower[word] not in forms:
            other = last
            forms = set()
        forms.add(text.parse.lower[word])
        found[word] = other
        last = word
    return found


@relation("another name", phrase="the nearest other name")
def another_name(text: Text) -> Targets:
    """From a name, the nearest name before it that is another one; of several words, the last."""
    return at_words(text, text.of_word(other_name(text), -1))


@per_text
def _names(text: Text) -> ndarray:
    return np.where(text.on_words(_untitled(text)), codes(text.words), -1)


@feature(
    "first name of the text",
    noun="mention of the first name",
    plural="mentions of the first name",
    lifts=("every",),
    unit="word",
)
def protagonist(text: Text) -> ndarray:
    """Every mention of the first proper noun of the text, titles aside ("Fox" in "Mr. Fox")."""
    named = text.on_words(_untitled(text))
    if not named.any():
        return named
    return named & np.asarray(text.words == text.words[named.argmax()])


@feature("capitalised word", lifts=("nearest", "every"), unit="word")
def capitalised(text: Text) -> ndarray:
    """A word that begins with a capital."""
    return text.on_words(capitalised_words(text))


@feature(
    "capital inside a sentence",
    noun="capitalised word inside a sentence",
    plural="capitalised words inside sentences",
)
def inner_capital(text: Text) -> ndarray:
    """A capitalised word that opens neither a sentence nor speech; "I" left out."""
    return text.on_words(inner_capitals(text))


@feature(
    "name as subject",
    noun="name that is a subject",
    plural="names that are subjects",
    unit="word",
    parse=True,
)
def name_subject(text: Text) -> ndarray:
    """A proper noun that is the subject of a clause."""
    return text.on_words(name_words(text) & grammar(text).is_label("nsubj"))
