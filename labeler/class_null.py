"""Which classes mean more to a neuron than random sets of tokens do.

With random weights an MLP really is a function of its token, so any class of tokens explains
something. A class counts only where it explains more than the best of as many classes made of other
tokens: token identities are exchanged among tokens of about the same frequency, all classes are
carried over, and the best of them is chosen anew, a hundred times. That holds of activations from
which position and classes were taken out, not of what a neuron's own choice of tokens leaves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

DRAWS = 100
LEVEL = 0.98
JITTER = 1.0
"""Standard deviation, in log frequency, by which tokens move when identities are exchanged."""

FEW_TOKENS = 2.0
"""A class that rests on fewer tokens than this is the identity of a token under another name."""

OWN_VARIANCE = 0.3
"""The part of a class's variance that position, or its parts, must leave unexplained."""


@dataclass(frozen=True, eq=False)
class ClassColumns:
    """Columns that are classes, and the columns of token identity at the same place."""

    classes: ndarray
    tokens: ndarray


def effective_tokens(
    count: Float[ndarray, "token class"], total: Float[ndarray, " class"]
) -> Float[ndarray, " class"]:
    """1 / Σ p² over tokens, p being the share of a class's occurrences on a token.

    Occurrences on tokens too rare to have a column count as spread over many.
    """
    share = count / np.maximum(total, 1.0)
    return np.asarray(1.0 / np.maximum((share**2).sum(axis=0), 1e-6))


def exchanged(count: Float[ndarray, " token"], draws: int) -> list[ndarray]:
    """Permutations of tokens that keep each near its frequency."""
    rng = np.random.default_rng(0)
    size = np.log(np.maximum(count, 1.0))
    order = np.argsort(-size, kind="stable")
    found = []
    for _ in range(draws):
        moved = np.argsort(-(size + JITTER * rng.standard_normal(len(size))), kind="stable")
        permutation = np.empty(len(size), dtype=np.int64)
        permutation[order] = moved
        found.append(permutation)
    return found


@dataclass(frozen=True, eq=False)
class Sums:
    """What the comparison needs: sums of columns, and moments once position, say, is taken out.

    `gram` and `total` are counts; `spread` is what is left of each column's variance, and `moment`
    of its covariance with each neuron, once other columns have explained what they can.
    """

    gram: Float[ndarray, "column column"]
    total: Float[ndarray, " column"]
    count: float
    spread: Float[ndarray, " column"]
    moment: Float[ndarray, "neuron column"]
    energy: Float[ndarray, " neuron"]


def allowed_classes(
    sums: Sums, places: list[ClassColumns], floor: float, draws: int = DRAWS
) -> Bool[ndarray, "neuron column"]:
    """Which class columns each neuron may be given.

    A class passes where its gain by itself is above the 98th percentile of the best gain of random
    classes, and at least `floor` of the variance. One that position explains for the most part is
    no class.
    """
    energy = np.maximum(sums.energy, 1e-12)
    allowed = np.zeros(sums.moment.shape, dtype=bool)
    gains, nulls = [], np.zeros((len(energy), draws))
    for place in places:
        columns = place.classes
        raw = sums.total[columns] * (1 - sums.total[columns] / sums.count)
        spread = sums.spread[columns]
        own = spread > OWN_VARIANCE * raw
        gain = sums.moment[:, columns] ** 2 / np.maximum(spread, 1e-9) / energy[:, None]
        gains.append(np.where(own, gain, 0.0))
        nulls = np.maximum(nulls, _random_gains(sums, place, draws) / energy[:, None])
    threshold = np.maximum(np.quantile(nulls, LEVEL, axis=1), floor)
    for place, gain in zip(places, gains, strict=True):
        allowed[:, place.classes] = gain > threshold[:, None]
    return allowed


def _random_gains(sums: Sums, place: ClassColumns, draws: int) -> Float[ndarray, "neuron draw"]:
    """The best gain of all classes of a place, carried over to other tokens, draw by draw."""
    count = sums.total[place.tokens]
    share = sums.gram[np.ix_(place.tokens, place.classes)] / np.maximum(count, 1.0)[:, None]
    own = sums.moment[:, place.tokens].astype(np.float32)
    best = np.zeros((len(own), draws))
    for draw, permutation in enumerate(exchanged(count, draws)):
        carried = np.empty_like(share)
        carried[permutation] = share
        number = carried.T @ count
        spread = np.maximum(number * (1 - number / sums.count), 1e-9)
        scaled = np.where(number < 10, 0.0, carried / np.sqrt(spread)).astype(np.float32)
        best[:, draw] = np.abs(own @ scaled).max(axis=1).astype(np.float64) ** 2
    return best
