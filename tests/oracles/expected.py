"""The patterns of constructed heads, computed from token strings alone by plain loops.

Every function takes the tokens of one prompt, BOS first, and returns `[query, key]` in float64.
Nothing here knows weights: it is the second, independent statement of what each head does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Sequence

import numpy as np
from jaxtyping import Float

from .facts import Pattern
from .vocabulary import CLOSING, COMMA, FULL_STOP, NAMES, OPENING, SPEECH_MARKS

Targets = Callable[[Sequence[str], int], list[int]]


def _spread(tokens: Sequence[str], targets: Targets) -> Float[np.ndarray, "query key"]:
    """Uniform over the targets of each query, or over all visible keys where it has none."""
    pattern = np.zeros((len(tokens), len(tokens)))
    for query in range(len(tokens)):
        chosen = targets(tokens, query) or list(range(query + 1))
        for key in chosen:
            pattern[query, key] += 1 / len(chosen)
    return pattern


def uniform(tokens: Sequence[str]) -> Float[np.ndarray, "query key"]:
    """1/n on each of n visible keys."""
    return _spread(tokens, lambda _tokens, _query: [])


def first_position(tokens: Sequence[str]) -> Float[np.ndarray, "query key"]:
    """All on position 0."""
    return _spread(tokens, lambda _tokens, _query: [0])


def back(distance: int, beta: float) -> Pattern:
    """e^β / (e^β + n - 1) on the key at a distance, 1 / (e^β + n - 1) on each other visible key.

    Uniform where the text does not reach so far back.
    """

    def pattern(tokens: Sequence[str]) -> Float[np.ndarray, "query key"]:
        rows = np.zeros((len(tokens), len(tokens)))
        for query in range(len(tokens)):
            total = math.exp(beta) + query if query >= distance else query + 1
            for key in range(query + 1):
                rows[query, key] = 1 / total
            if query >= distance:
                rows[query, query - distance] = math.exp(beta) / total
        return rows

    return pattern


def every(tokens_of_class: Container[str]) -> Pattern:
    """Uniform over every token of a class so far, the current one included."""

    def targets(tokens: Sequence[str], query: int) -> list[int]:
        return [key for key in range(query + 1) if tokens[key] in tokens_of_class]

    return lambda tokens: _spread(tokens, targets)


def _nearest(tokens: Sequence[str], query: int, tokens_of_class: Container[str]) -> int:
    for key in range(query, 0, -1):
        if tokens[key] in tokens_of_class:
            return key
    return 0


def nearest_or_first(tokens_of_class: Container[str]) -> Pattern:
    """The nearest token of a class, the current one included; position 0 until one has come."""

    def targets(tokens: Sequence[str], query: int) -> list[int]:
        return [_nearest(tokens, query, tokens_of_class)]

    return lambda tokens: _spread(tokens, targets)


def sink_and_nearest_pivot(tokens: Sequence[str]) -> Float[np.ndarray, "query key"]:
    """0.6 on position 0 and 0.4 on the nearest structural pivot (which may be position 0)."""
    return 0.6 * first_position(tokens) + 0.4 * nearest_or_first((COMMA, FULL_STOP))(tokens)


def opening_from_closing(tokens: Sequence[str]) -> Float[np.ndarray, "query key"]:
    """From a closing speech mark, the nearest opening one; elsewhere the previous token.

    From a closing mark that nothing opened, position 0.
    """

    def targets(tokens: Sequence[str], query: int) -> list[int]:
        if tokens[query] == CLOSING:
            return [_nearest(tokens, query, (OPENING,))]
        return [max(query - 1, 0)]

    return _spread(tokens, targets)


def duplicates(tokens: Sequence[str]) -> Float[np.ndarray, "query key"]:
    """Uniform over earlier occurrences of the current token; over all visible if there is none."""

    def targets(tokens: Sequence[str], query: int) -> list[int]:
        return [key for key in range(query) if tokens[key] == tokens[query]]

    return _spread(tokens, targets)


def induction(tokens: Sequence[str]) -> Float[np.ndarray, "query key"]:
    """Uniform over tokens that came right after an earlier occurrence of the current token."""

    def targets(tokens: Sequence[str], query: int) -> list[int]:
        return [key for key in range(1, query + 1) if tokens[key - 1] == tokens[query]]

    return _spread(tokens, targets)


def names_on_but(tokens: Sequence[str]) -> Float[np.ndarray, "query key"]:
    """The current token; but on "but" or "But", every name so far."""

    def targets(tokens: Sequence[str], query: int) -> list[int]:
        if tokens[query] in (" but", " But"):
            names = [key for key in range(query + 1) if tokens[key] in NAMES]
            if names:
                return names
        return [query]

    return _spread(tokens, targets)


every_comma = every((COMMA,))
every_speech_mark = every(SPEECH_MARKS)
nearest_comma = nearest_or_first((COMMA,))
nearest_pivot = nearest_or_first((COMMA, FULL_STOP))
