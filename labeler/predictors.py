"""The columns that neurons are described by, and how labels say them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import scipy.sparse as sp
from jaxtyping import Bool
from numpy import ndarray

from heuristics.check import feature_mask
from heuristics.contract import Heuristic
from heuristics.text import Text, per_text
from labeler.config import Settings
from labeler.describe import listed

MIN_COUNT = 20

HERE = ("noun", "verb", "adjective", "proper noun", "pronoun", "function word", "word beginning")
BEFORE = ("comma", "full stop", "speech mark", "determiner", "adjective", "verb", "preposition")


@dataclass(frozen=True)
class NeuronVocabulary:
    """What may be said of a neuron, in the order of its columns.

    `features` at the token and at the one before it, some of them at both (`HERE` after `BEFORE`);
    the identity of frequent `tokens` here, of the most frequent ones one position back, of the word
    so far where a token goes on with one (`words_so_far`: "moo", "moon"), and of the word before
    this one (`previous_words`). `limit` is the most tokens that were asked for.
    """

    features: tuple[Heuristic, ...]
    tokens: tuple[int, ...]
    words_so_far: tuple[str, ...] = ()
    previous_words: tuple[str, ...] = ()
    limit: int = Settings.frequent_tokens

    @property
    def n_previous(self) -> int:
        """How many of the frequent tokens are looked for one position back as well."""
        return min(self.limit // 2, len(self.tokens))

    @cached_property
    def pairs(self) -> list[tuple[int, int]]:
        """Which feature here, after which feature: the columns that hold where both do."""
        index = {item.name: i for i, item in enumerate(self.features)}
        return [
            (index[here], index[before])
            for here in HERE
            for before in BEFORE
            if here in index and before in index
        ]

    @property
    def conjunctions(self) -> range:
        """The columns of `pairs`."""
        start = 2 * len(self.features)
        return range(start, start + len(self.pairs))

    @cached_property
    def families(self) -> tuple[range, range, range, range]:
        """Columns that exclude each other: token, previous token, word so far, previous word."""
        start = self.conjunctions.stop
        sizes = (len(self.tokens), self.n_previous, len(self.words_so_far))
        bounds = np.cumsum([start, *sizes, len(self.previous_words)]).tolist()
        token, previous, so_far, word = (range(a, b) for a, b in pairwise(bounds))
        return token, previous, so_far, word

    @cached_property
    def named(self) -> tuple[dict[Any, int], ...]:
        """The column of each token, previous token, word so far and previous word."""
        previous = self.tokens[: self.n_previous]
        values = (self.tokens, previous, self.words_so_far, self.previous_words)
        found = zip(values, self.families, strict=True)
        return tuple(dict(zip(known, columns, strict=True)) for known, columns in found)

    def __len__(self) -> int:
        return self.families[-1].stop

    @property
    def positional(self) -> Bool[ndarray, " column"]:
        """Columns that are about position alone."""
        own = [item.module == "heuristics.position" for item in self.features]
        found = np.zeros(len(self), dtype=bool)
        found[: 2 * len(own)] = own + own
        return found


def build_neuron_vocabulary(
    features: tuple[Heuristic, ...], texts: Sequence[Text], limit: int
) -> NeuronVocabulary:
    """At most `limit` frequent tokens of a sample, words in proportion, whatever its order."""
    return NeuronVocabulary(
        features,
        tuple(_frequent((text.token_ids[1:].tolist() for text in texts), limit)),
        tuple(_frequent((word_so_far(text).tolist() for text in texts), limit * 3 // 4)),
        tuple(_frequent((previous_word(text).tolist() for text in texts), limit // 4)),
        limit,
    )


def _frequent(values: Iterator[list[Any]], limit: int) -> list[Any]:
    """The most frequent values, the empty string aside."""
    counts: Counter[Any] = Counter()
    for part in values:
        counts.update(part)
    counts.pop("", None)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [value for value, count in ranked[:limit] if count >= MIN_COUNT]


@per_text
def word_so_far(text: Text) -> ndarray:
    """Each word up to and with the token, in lower case; '' on a word's first piece."""
    found = np.full(len(text), "", dtype=object)
    inner = np.flatnonzero(text.piece >= 1)
    starts, ends = text.offsets[text.word_start[inner], 0], text.offsets[inner, 1]
    for place, start, end in zip(inner.tolist(), starts.tolist(), ends.tolist(), strict=True):
        found[place] = text.string[start:end].lower().strip()
    return found


@per_text
def previous_word(text: Text) -> ndarray:
    """The word before each token's word; '' where there is none."""
    before = text.word_start - 1
    words = text.words.astype(object)
    return np.asarray(np.where(before >= text.has_bos, words[np.maximum(before, 0)], ""))


def predictor_matrix(text: Text, vocabulary: NeuronVocabulary) -> sp.csr_matrix:
    """`[pos, column]`, 0 or 1."""
    n, width, n_features = len(text), len(vocabulary), len(vocabulary.features)
    dense = np.zeros((n, width), dtype=bool)
    if n_features:
        here = np.array([feature_mask(item, text) for item in vocabulary.features], dtype=bool)
        dense[:, :n_features] = here.T
        dense[1:, n_features : 2 * n_features] = dense[:-1, :n_features]
        own, before = np.array(vocabulary.pairs, dtype=np.int64).reshape(-1, 2).T
        pairs = vocabulary.conjunctions
        dense[1:, pairs.start : pairs.stop] = (here[own, 1:] & here[before, :-1]).T
    tokens = text.token_ids.tolist()
    values = (tokens, [None, *tokens], word_so_far(text).tolist(), previous_word(text).tolist())
    for columns, known in zip(vocabulary.named, values, strict=True):
        found = np.array([columns.get(value, -1) for value in known[:n]], dtype=np.int64)
        place = np.flatnonzero(found >= 0)
        dense[place, found[place]] = True
    flat = np.flatnonzero(dense)
    ends = np.searchsorted(flat, np.arange(n + 1) * width)
    column = flat - np.repeat(np.arange(n) * width, np.diff(ends))
    one = np.ones(len(flat), dtype=np.float32)
    return sp.csr_matrix((one, column.astype(np.int32), ends.astype(np.int32)), (n, width))


@dataclass(frozen=True)
class Predictor:
    """One column in words; `identity` is a token or word by name, `family` what it groups with.

    `brief` is the phrase of a group in short; empty for a single column.
    """

    name: str
    phrase: str
    identity: bool = False
    positional: bool = False
    family: str = ""
    brief: str = ""


def predictors(vocabulary: NeuronVocabulary, token: Callable[[int], str]) -> list[Predictor]:
    """In the order of the columns of `predictor_matrix`."""
    positional = vocabulary.positional
    n = len(vocabulary.features)
    found = [
        Predictor(item.name, item.phrase, positional=bool(positional[i]))
        for i, item in enumerate(vocabulary.features)
    ]
    found += [
        Predictor(f"after {item.name}", f"what follows {item.phrase}", False, bool(positional[i]))
        for i, item in enumerate(vocabulary.features, start=n)
    ]
    own = vocabulary.features
    found += [
        Predictor(
            f"{own[here].name} after {own[before].name}",
            f"{own[here].phrase} right after {own[before].phrase}",
        )
        for here, before in vocabulary.pairs
    ]
    shown = [shown_token(token(index)) for index in vocabulary.tokens]
    so_far = [quoted(word) for word in vocabulary.words_so_far]
    words = [quoted(word) for word in vocabulary.previous_words]
    families = (
        ("token", shown),
        ("after token", shown[: vocabulary.n_previous]),
        ("word so far", so_far),
        ("after word", words),
    )
    for family, values in families:
        found += [Predictor(f"{family} {value}", value, True, False, family) for value in values]
    return found


PHRASES = {
    "token": "{}",
    "after token": "what follows {}",
    "word so far": "tokens at which the word so far is {}",
    "after word": "the word after {}",
}
"""Family → how a label says a group of it."""


NAMED = 3
"""How many members of a group are named in short, the strongest, where two or more are not."""


def grouped(members: Sequence[Predictor]) -> Predictor:
    """Several columns of a family as one prediction; a single column is itself."""
    first, family = members[0], members[0].family
    if not family:
        return first
    phrases = [item.phrase for item in members]
    others = len(phrases) - NAMED
    brief = [*phrases[:NAMED], f"{others} others"] if others > 1 else phrases
    return Predictor(
        name=f"{family} {' | '.join(phrases)}",
        phrase=PHRASES[family].format(listed(phrases, "or")),
        identity=True,
        family=family,
        brief=PHRASES[family].format(listed(brief, "or")),
    )


_SPACES = str.maketrans({" ": "·", "\n": "⏎", "\t": "⇥", "\r": "␍"})


def shown_token(string: str) -> str:
    """A token in quotes, with its white space visible."""
    return quoted(string.translate(_SPACES))


def quoted(string: str) -> str:
    """In double quotes; one that has some itself, in single ones."""
    mark = "'" if '"' in string and "'" not in string else '"'
    return f"{mark}{string}{mark}"
