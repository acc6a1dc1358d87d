"""What stood in the text before: duplicates, and what came after them (induction).

References: Olsson et al., "In-context Learning and Induction Heads" (2022); Wang et al.,
"Interpretability in the Wild" (2022) for duplicate-token heads.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray

from heuristics.contract import feature, relation
from heuristics.lookup import lower_lemma, tagged_words
from heuristics.matching import Matches, at_keys, codes, match, word_ends
from heuristics.names import title_words
from heuristics.targets import Targets
from heuristics.text import Text, per_text
from heuristics.wordclasses import content_mask, tagged


def shifted(code: Int[ndarray, " pos"], by: int = 1) -> Int[ndarray, " pos"]:
    """Each position's code from `by` positions before; −1 at the beginning."""
    return np.concatenate([np.full(by, -1, dtype=np.int64), code])[: len(code)]


@per_text
def token_code(text: Text) -> Int[ndarray, " pos"]:
    """Token ids; −1 for BOS."""
    return np.where(text.is_bos, -1, text.token_ids).astype(np.int64)


@per_text
def bigram_code(text: Text) -> Int[ndarray, " pos"]:
    """A number for each pair of a token and the one before; −1 where there is no pair."""
    return _paired(token_code(text), shifted(token_code(text)))


def _paired(first: Int[ndarray, " pos"], second: Int[ndarray, " pos"]) -> Int[ndarray, " pos"]:
    known = (first >= 0) & (second >= 0)
    return np.where(known, first * (int(second.max(initial=0)) + 1) + second, -1)


@per_text
def word_code(text: Text) -> Int[ndarray, " pos"]:
    """A number for each word, case aside, the same for all its pieces; −1 without letters."""
    form = [word if word[:1].isalnum() else "" for word in text.parse.lower.tolist()]
    return text.of_word(codes(np.array(form, dtype=object)), -1)


@per_text
def lemma_code(text: Text) -> Int[ndarray, " pos"]:
    """A number for each lemma; the word's where the pipeline gives none."""
    words, lemmas = text.parse.lower.tolist(), lower_lemma(text).tolist()
    form = [
        (lemma or word) if word[:1].isalnum() else ""
        for lemma, word in zip(lemmas, words, strict=True)
    ]
    return text.of_word(codes(np.array(form, dtype=object)), -1)


@per_text
def same_token(text: Text) -> Matches:
    """Earlier positions of the query's token."""
    return match(token_code(text))


@relation("duplicate token", phrase="all earlier copies of the current token")
def duplicate(text: Text) -> Targets:
    """Earlier positions of the same token (previous-token unigram)."""
    return same_token(text).every()


@relation("nearest duplicate token", phrase="the nearest earlier copy of the current token")
def nearest_duplicate(text: Text) -> Targets:
    """The nearest earlier position of the same token."""
    return Targets.from_keys(same_token(text).nearest())


@relation(
    "duplicate bigram",
    phrase="the ends of earlier copies of the last two tokens",
)
def duplicate_bigram(text: Text) -> Targets:
    """Earlier positions where the same token stood after the same token (skip n-gram, backward)."""
    return match(bigram_code(text)).every()


@relation(
    "nearest duplicate bigram",
    phrase="the end of the nearest earlier copy of the last two tokens",
)
def nearest_duplicate_bigram(text: Text) -> Targets:
    """The nearest earlier position where the same token stood after the same token."""
    return Targets.from_keys(match(bigram_code(text)).nearest())


@relation("same token before", phrase="all tokens after earlier copies of the previous token")
def same_context(text: Text) -> Targets:
    """Earlier positions whose previous token is the query's previous token."""
    return match(shifted(token_code(text))).every()


class Induction(NamedTuple):
    """What has to be the same as just before the query."""

    what: str
    phrase: str


REPEATED = (
    Induction("token", "the current token"),
    Induction("bigram", "the last two tokens"),
)
_CODES = {"token": token_code, "bigram": bigram_code}


def _after(text: Text, what: str) -> Matches:
    code = _CODES[what](text)
    return match(shifted(code), code, limit=text.position + 1)


@relation(
    "after duplicate {repeated.what}",
    phrase="the tokens after earlier copies of {repeated.phrase}",
    source="Olsson et al. 2022, induction heads",
    repeated=REPEATED,
)
def after_duplicate(text: Text, repeated: Induction) -> Targets:
    """Every position right after an earlier copy of {repeated.phrase} (induction)."""
    return _after(text, repeated.what).every()


@relation(
    "after nearest duplicate {repeated.what}",
    phrase="the token after the nearest earlier copy of {repeated.phrase}",
    source="Olsson et al. 2022, induction heads",
    repeated=REPEATED,
)
def after_nearest_duplicate(text: Text, repeated: Induction) -> Targets:
    """The position right after the nearest earlier copy of {repeated.phrase} (induction)."""
    return Targets.from_keys(_after(text, repeated.what).nearest())


@per_text
def same_word(text: Text) -> Matches:
    """Pieces of earlier occurrences of the query's word."""
    return match(word_code(text), limit=text.word_start)


@relation("duplicate word", phrase="all earlier occurrences of the current word")
def duplicate_word(text: Text) -> Targets:
    """All pieces of every earlier occurrence of the same word, case aside."""
    return same_word(text).every()


@relation("nearest duplicate word", phrase="the nearest earlier occurrence of the current word")
def nearest_duplicate_word(text: Text) -> Targets:
    """All pieces of the nearest earlier occurrence of the same word."""
    return at_keys(text, same_word(text).nearest())


@relation(
    "same piece of a duplicate word",
    phrase="the same piece of the current word in an earlier occurrence",
)
def same_piece(text: Text) -> Targets:
    """The piece with the query's number in earlier occurrences of the same word."""
    code = word_code(text)
    return match(_paired(code, text.piece), limit=text.word_start).every()


@relation("after duplicate word", phrase="the words after earlier occurrences of the current word")
def after_duplicate_word(text: Text) -> Targets:
    """The first piece after every earlier occurrence of the same word (induction over words)."""
    return _after_word(text).every()


@relation(
    "after nearest duplicate word",
    phrase="the word after the nearest earlier occurrence of the current word",
)
def after_nearest_duplicate_word(text: Text) -> Targets:
    """The word after the nearest earlier occurrence of the same word, all its pieces."""
    return at_keys(text, _after_word(text).nearest())


def _after_word(text: Text) -> Matches:
    code = word_code(text)
    opens = text.word_start == text.position
    return match(shifted(code), code, marked=opens, limit=text.word_start + 1)


@relation("words with the same lemma", phrase="all earlier forms of the current word")
def same_lemma(text: Text) -> Targets:
    """All pieces of earlier words with the same lemma ("ran" from "running")."""
    return match(lemma_code(text), limit=text.word_start).every()


@relation("words with the same initial", phrase="all earlier words with the same initial letter")
def same_initial(text: Text) -> Targets:
    """All pieces of earlier words that begin with the same letter or digit."""
    return match(_initial_code(text), limit=text.word_start).every()


@per_text
def _initial_code(text: Text) -> Int[ndarray, " pos"]:
    return codes(text.initials)


@relation(
    "nearest word of the same class",
    phrase="the nearest earlier word of the same part of speech",
    parse=True,
)
def nearest_class(text: Text) -> Targets:
    """All pieces of the nearest earlier word with the same Universal POS tag."""
    return at_keys(text, match(codes(text.pos), limit=text.word_start).nearest())


@feature(
    "repeated token",
)
def repeated_token(text: Text) -> ndarray:
    """A token that stood in the text before."""
    return stood_before(token_code(text), text.position)


def stood_before(code: Int[ndarray, " pos"], limit: Int[ndarray, " pos"]) -> Bool[ndarray, " pos"]:
    """Where the same code stood before `limit`: at the first position too, which is no key."""
    _, first, number = np.unique(code, return_index=True, return_inverse=True)
    return (code >= 0) & (first[number] < limit)


@feature("repeated word", plural="words that stood in the text before")
def repeated_word(text: Text) -> ndarray:
    """A word that stood in the text before, case aside."""
    return stood_before(word_code(text), text.word_start)


@feature(
    "new word",
    noun="new content word",
    plural="content words not seen in the text before",
    lifts=("nearest",),
    unit="word",
)
def new_word(text: Text) -> ndarray:
    """A content word at its first occurrence in the text."""
    return content_words(text) & ~repeated_word(text)


def content_words(text: Text) -> ndarray:
    """Content words; without a parse, all words that are not of a closed class."""
    if text.parse.parsed:
        return content_mask(text)
    closed = tagged(text, "DET", "ADP", "AUX", "CCONJ", "SCONJ", "PART", "PRON", "INTJ")
    return (word_code(text) >= 0) & ~closed


@feature(
    "repeated bigram",
    noun="token of a repeated pair",
    plural="tokens that complete a pair seen before",
)
def repeated_bigram(text: Text) -> ndarray:
    """A token that stood before after the same token."""
    return stood_before(bigram_code(text), text.position)


@per_text
def favourite_noun(text: Text) -> Int[ndarray, " word"]:
    """For each word the last mention of the noun or name most often mentioned before it; −1.

    It has been mentioned twice at least; the latest mentioned wins a tie. Titles are left out.
    """
    found = np.full(len(text.parse), -1, dtype=np.int64)
    counts: dict[str, int] = {}
    best, last = 1, -1
    nominal = tagged_words(text, "NOUN", "PROPN") & ~title_words(text)
    nominal &= text.first_position >= 0  # not cut off
    words = zip(text.parse.lower.tolist(), nominal.tolist(), strict=True)
    for word, (form, counted) in enumerate(words):
        found[word] = last
        if counted:
            counts[form] = counts.get(form, 0) + 1
            if counts[form] >= max(best, 2):
                best, last = counts[form], word
    return found


@relation("most repeated noun", phrase="the most repeated noun so far", parse=True)
def most_repeated(text: Text) -> Targets:
    """The last mention of the noun or name that stood most often, twice at least, before the
    query's word; titles ("Mr.") are left out."""
    return at_keys(text, word_ends(text)[text.of_word(favourite_noun(text), -1)])
