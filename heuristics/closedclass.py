"""Single words and small sets of words that stories turn on."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
from numpy import ndarray

from heuristics import wordlists
from heuristics.contract import feature
from heuristics.lookup import lower_lemma
from heuristics.text import Text, per_text
from heuristics.wordclasses import tagged


class Single(NamedTuple):
    """A word that is a class of its own."""

    word: str


def _singles(words: str) -> tuple[Single, ...]:
    return tuple(Single(word) for word in words.split())


@feature(
    '"{single.word}"',
    plural='occurrences of "{single.word}"',
    lifts=("nearest",),
    query_class=True,
    single=_singles("and but"),
)
def pivotal_word(text: Text, single: Single) -> ndarray:
    """The word "{single.word}", on which stories turn, case aside."""
    return text.matches({single.word})


@feature(
    '"{single.word}"',
    plural='occurrences of "{single.word}"',
    single=_singles("to the a was of in with for so that had day not"),
)
def plain_word(text: Text, single: Single) -> ndarray:
    """The word "{single.word}", case aside."""
    return text.matches({single.word})


@feature(
    "negation",
    plural="negations",
)
def negation(text: Text) -> ndarray:
    """A negative word ("not", "n't", "never", "no", …), the "not" of "cannot" among them."""
    return text.matches(wordlists.NEGATIONS) | text.regex(r"(?<=\bcan)not\b", re.IGNORECASE)


@feature(
    "wh-word",
)
def wh_word(text: Text) -> ndarray:
    """A question or relative word ("who", "what", "how", …)."""
    return text.matches(wordlists.WH_WORDS)


@feature("adverb of time", plural="adverbs of time")
def time_adverb(text: Text) -> ndarray:
    """When or how often ("then", "soon", "always", "today", …), as adverb or noun: neither the
    preposition ("after lunch") nor the adjective ("the first day"), nor "next to"."""
    found = text.matches(wordlists.TIME_ADVERBS) & ~text.regex(r"\bnext(?=\s+to\b)", re.IGNORECASE)
    return found & tagged(text, "ADV", "NOUN") if text.parse.parsed else found


@feature(
    "article",
)
def article(text: Text) -> ndarray:
    """ "The", "a", "an"."""
    return text.matches({"the", "a", "an"})


@feature("clitic", noun="clitic ('s, n't, 'll, …)", plural="clitics ('s, n't, 'll, …)")
def clitic(text: Text) -> ndarray:
    """What an apostrophe joins to the word before; "'em", which stands by itself, is none."""
    joined = np.append(False, text.parse.start[1:] == text.parse.end[:-1])[: len(text.parse)]
    form = [
        (word[:1] in "'’" and word[1:].isalpha()) or word in ("n't", "n’t")
        for word in text.parse.lower
    ]
    return text.on_words(np.array(form, dtype=bool) & joined)


@feature("plural noun", parse=True)
def plural_noun(text: Text) -> ndarray:
    """A common noun in the plural, by its form; "fish" and "sheep" are no plurals."""
    return tagged(text, "NOUN") & text.on_words(plural_words(text))


def _ends_in_plural(word: str) -> bool:
    return len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is"))


@per_text
def plural_words(text: Text) -> ndarray:
    """Words whose form is a plural's: irregular, or an -s that the lemma does not have."""
    return np.array(
        [
            word in wordlists.IRREGULAR_PLURALS or (_ends_in_plural(word) and lemma != word)
            for word, lemma in zip(text.parse.lower, lower_lemma(text), strict=True)
        ],
        dtype=bool,
    )
