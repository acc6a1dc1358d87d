"""Small prepared texts with hand-made relations: no pipeline, no model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy import ndarray

from heuristics.contract import Heuristic, feature, relation
from heuristics.parse import Parse
from heuristics.targets import Targets
from heuristics.text import Text
from labeler.prepare import Prepared, Vocabulary, build_vocabulary, prepare


@relation("start of text", positional=True, start=True)
def start_of_text(text: Text) -> ndarray:
    return (text.key == 0) & (text.query >= 0)


@relation("current token", positional=True)
def current_token(text: Text) -> ndarray:
    return (text.key == text.query) & (text.key > 0)


@relation("previous token", positional=True)
def previous_token(text: Text) -> ndarray:
    return (text.key == text.query - 1) & (text.key > 0)


@relation("every a", phrase="all a's so far")
def every_a(text: Text) -> ndarray:
    return np.broadcast_to(text.matches({"a"})[None, :], (text.n_pos, text.n_pos)) & (text.key > 0)


@relation("fading")
def fading(text: Text) -> Targets:
    query, key = np.nonzero((text.key < text.query) & (text.key > 0))
    return Targets(query, key, 1.0 / (query - key))


@feature("letter a", plural="a's", query_class=True)
def letter_a(text: Text) -> ndarray:
    return text.matches({"a"})


RELATIONS: tuple[Heuristic, ...] = tuple(
    sorted((start_of_text, current_token, previous_token, every_a, fading), key=lambda h: h.name)
)


def letters(string: str, name: str = "made") -> Text:
    """A text with a token and a word for every letter, BOS in front."""
    n = len(string)
    place = np.arange(n)
    words = np.array([*string, ""], dtype=object)[:-1]
    blank = np.array([""] * n + [""], dtype=object)[:-1]
    parse = Parse(
        start=place,
        end=place + 1,
        text=words,
        lemma=words,
        pos=blank,
        dep=blank,
        head=place,
        sentence=np.zeros(n, dtype=np.int64),
        entity=blank,
        parsed=False,
    )
    return Text(
        id=name,
        string=string,
        token_ids=np.array([99, *(1 + ord(c) % 90 for c in string)]),
        offsets=np.array([(0, 0), *((i, i + 1) for i in range(n))]).reshape(-1, 2),
        has_bos=True,
        parse=parse,
    )


def vocabulary_of(texts: Sequence[Text]) -> Vocabulary:
    """The hand-made relations and whatever classes the texts bear out."""
    return build_vocabulary([letter_a, *RELATIONS], texts)


def prepared(
    texts: Sequence[Text], vocabulary: Vocabulary, windows: Sequence[int | None] = (None,)
) -> list[Prepared]:
    return [prepare(text, vocabulary, windows) for text in texts]


def random_letters(rng: np.random.Generator, count: int, longest: int = 14) -> list[Text]:
    """Texts of 1 to `longest` letters out of four."""
    return [
        letters("".join(rng.choice(list("abcd"), rng.integers(1, longest + 1))), f"t{i}")
        for i in range(count)
    ]


def random_patterns(rng: np.random.Generator, n_heads: int, n: int, window: int | None = None):
    """Causal attention patterns inside a window: rows of sum 1."""
    query, key = np.arange(n)[:, None], np.arange(n)[None, :]
    seen = (key <= query) & (query - key < (window or n))
    raw = rng.gamma(0.5, size=(n_heads, n, n)) * seen + 1e-9 * seen
    return (raw / raw.sum(axis=2, keepdims=True)).astype(np.float32)
