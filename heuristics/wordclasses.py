"""Parts of speech: Universal POS where there is a parse, word lists for closed classes without.

Reference: universaldependencies.org/u/pos.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from jaxtyping import Bool
from numpy import ndarray

from heuristics import wordlists
from heuristics.contract import feature, relation
from heuristics.lookup import tagged_words
from heuristics.targets import Targets
from heuristics.text import Text, per_text

FALLBACK: dict[str, Collection[str]] = {
    "ADP": wordlists.PREPOSITIONS,
    "AUX": wordlists.AUXILIARIES,
    "CCONJ": wordlists.COORDINATING,
    "DET": wordlists.DETERMINERS,
    "INTJ": wordlists.INTERJECTIONS,
    "NUM": wordlists.NUMBERS,
    "PART": wordlists.PARTICLES,
    "PRON": wordlists.PRONOUNS,
    "SCONJ": wordlists.SUBORDINATING,
}


def tagged(text: Text, *tags: str) -> Bool[ndarray, " pos"]:
    """Positions whose word has one of these Universal POS tags."""
    if text.parse.parsed:
        return text.on_words(tagged_words(text, *tags))
    listed = text.parse.listed({word for tag in tags for word in FALLBACK.get(tag, ())})
    decided = _decided(text)
    return text.on_words(listed & ((decided == "") | np.isin(decided, tags)))


@per_text
def _decided(text: Text) -> ndarray:
    """Without a parse, the tag of a word that its neighbour decides; '' for other words.

    "To" is a preposition where a noun phrase can be seen to begin, else the infinitive's; "'s" is
    an auxiliary after a pronoun, else the possessive's; "no" an interjection before a mark. "That"
    and its like are pronouns before a mark or another function word, a conjunction ("that" alone)
    where a noun phrase begins, else determiners.
    """
    parse, listed = text.parse, text.parse.listed
    initial = [word[:1] for word in parse.text]
    nominal = listed(wordlists.DETERMINERS | wordlists.PRONOUNS | wordlists.NUMBERS)
    nominal |= np.array([letter.isupper() or letter.isdigit() for letter in initial], bool)
    mark = np.array([not letter.isalnum() for letter in initial], bool)
    function = mark | listed(
        wordlists.AUXILIARIES | wordlists.PREPOSITIONS | wordlists.COORDINATING | wordlists.WH_WORDS
    )
    pronoun = listed(wordlists.PRONOUNS | wordlists.WH_WORDS | {"here", "let"})
    before_nominal = np.append(nominal, False)[1:]
    before_mark, before_function = np.append(mark, True)[1:], np.append(function, True)[1:]
    after_pronoun = np.append(False, pronoun)[: len(parse)]
    to, clitic, no = listed({"to"}), listed({"'s", "’s"}), listed({"no"})
    that, pointing = listed({"that"}), listed(wordlists.DEMONSTRATIVES)
    choices = {
        "ADP": to & before_nominal,
        "PART": to | (clitic & ~after_pronoun),
        "AUX": clitic,
        "INTJ": no & before_mark,
        "SCONJ": that & before_nominal,
        "PRON": pointing & (before_function | before_nominal),
        "DET": no | pointing,
    }
    return np.select(list(choices.values()), list(choices), "")


@feature(
    "noun",
    lifts=("nearest", "every", "recent"),
    unit="word",
    query_class=True,
    parse=True,
)
def noun(text: Text) -> ndarray:
    """A common noun."""
    return tagged(text, "NOUN")


@feature(
    "verb",
    lifts=("nearest", "nearest end", "every", "recent"),
    unit="word",
    query_class=True,
    parse=True,
)
def verb(text: Text) -> ndarray:
    """A verb that is no auxiliary."""
    return tagged(text, "VERB")


@feature("auxiliary", plural="auxiliaries", lifts=("nearest",), unit="word", query_class=True)
def auxiliary(text: Text) -> ndarray:
    """An auxiliary or a copula."""
    return tagged(text, "AUX")


@feature(
    "adjective",
    lifts=("nearest",),
    unit="word",
    query_class=True,
    parse=True,
)
def adjective(text: Text) -> ndarray:
    """An adjective."""
    return tagged(text, "ADJ")


@feature("adverb", lifts=("nearest", "every"), unit="word", query_class=True, parse=True)
def adverb(text: Text) -> ndarray:
    """An adverb."""
    return tagged(text, "ADV")


@feature("determiner", lifts=("nearest", "every", "recent"), unit="word", query_class=True)
def determiner(text: Text) -> ndarray:
    """An article or another determiner."""
    return tagged(text, "DET")


@feature("preposition", lifts=("nearest", "every"), unit="word", query_class=True)
def preposition(text: Text) -> ndarray:
    """A preposition, or a particle of a phrasal verb that is tagged as one."""
    return tagged(text, "ADP")


@feature("coordinating conjunction", lifts=("nearest",), query_class=True)
def coordinating(text: Text) -> ndarray:
    """ "And", "but", "or" and their like."""
    return tagged(text, "CCONJ")


@feature("subordinating conjunction", lifts=("nearest",), query_class=True)
def subordinating(text: Text) -> ndarray:
    """ "Because", "if", "that" and their like."""
    return tagged(text, "SCONJ")


@feature("number", query_class=True)
def number(text: Text) -> ndarray:
    """A numeral, in words or in digits."""
    return tagged(text, "NUM") | text.regex(r"\d")


@feature("particle", query_class=True)
def particle(text: Text) -> ndarray:
    """The "to" of infinitives, "not", the possessive "'s"."""
    return tagged(text, "PART")


@feature("interjection", query_class=True)
def interjection(text: Text) -> ndarray:
    """ "Oh", "hello", "yes" and their like."""
    return tagged(text, "INTJ")


@per_text
def content_mask(text: Text) -> Bool[ndarray, " pos"]:
    """Nouns, names, verbs, adjectives and adverbs."""
    return tagged(text, "NOUN", "PROPN", "VERB", "ADJ", "ADV")


@per_text
def function_mask(text: Text) -> Bool[ndarray, " pos"]:
    """Words of closed classes."""
    return tagged(text, "DET", "ADP", "AUX", "CCONJ", "SCONJ", "PART", "PRON")


@feature(
    "content word",
    lifts=("nearest", "nearest end", "every", "recent"),
    unit="word",
    query_class=True,
    parse=True,
)
def content_word(text: Text) -> ndarray:
    """A noun, name, verb, adjective or adverb."""
    return content_mask(text)


@feature(
    "function word",
    lifts=("nearest", "recent"),
    unit="word",
    query_class=True,
)
def function_word(text: Text) -> ndarray:
    """A determiner, preposition, auxiliary, conjunction, pronoun or particle."""
    return function_mask(text)


@relation(
    "content words fading over 8",
    phrase="the content words among the last 8 or so tokens, the nearer the more",
    parse=True,
)
def content_fading(text: Text) -> Targets:
    """Nouns, names, verbs, adjectives and adverbs before the query, weighted exp(−distance/8)."""
    marked = np.flatnonzero(content_mask(text) & ~text.is_start)
    first = np.searchsorted(marked, text.position - 48)
    spans = Targets.from_spans(first, np.searchsorted(marked, text.position))
    key = marked[spans.key]
    return Targets(spans.query, key, np.exp((key - spans.query) / 8))
