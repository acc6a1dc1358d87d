"""Jackknife intervals over folds, one-sided tests of differences, false discovery rate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from scipy.special import stdtr, stdtrit

LEVEL = 0.95
FEWEST, FEWEST_EFFECTIVE = 3, 2
"""Folds that an interval or a test takes: as they are, and as folds of equal size."""


def margin(left_out: Float[ndarray, "fold ..."], size: Float[ndarray, "fold ..."]) -> ndarray:
    """Half the width of jackknife intervals, from figures made without each of the folds in turn.

    NaN where folds are too few, or too unequal, to tell (see `_spread`).
    """
    error, degrees = _spread(left_out, size)
    return np.asarray(stdtrit(degrees, (1 + LEVEL) / 2) * error)


def tells(size: Float[ndarray, " fold"]) -> bool:
    """Whether folds of such sizes are enough for an interval or a test."""
    return bool(np.isfinite(_spread(np.zeros((len(size), 1)), size[:, None])[0][0]))


def _spread(left_out: ndarray, size: ndarray) -> tuple[ndarray, ndarray]:
    """Jackknife standard errors (Efron and Tibshirani 1993, chapter 11), degrees of freedom.

    Student's t has as many degrees as there are folds of equal size that would tell as much, less
    one: (Σ size)² / Σ size² (Kish 1965). With the number of folds itself intervals of unequal folds
    are too narrow. Folds of no size, or of one that rounding left below 0, are no folds. NaN with
    fewer than three folds, or fewer than two that count.
    """
    size = np.maximum(size, 0.0)
    held = size > 0
    n = held.sum(axis=0)
    count = np.maximum(n, 1)
    mean = (left_out * held).sum(axis=0) / count
    error = np.sqrt((held * (left_out - mean) ** 2).sum(axis=0) * (n - 1).clip(0) / count)
    part = size / np.maximum(size.sum(axis=0), 1e-300)
    effective = 1 / np.maximum((part**2).sum(axis=0), 1e-300)
    told = (n >= FEWEST) & (effective >= FEWEST_EFFECTIVE)
    return np.where(told, error, np.nan), np.where(told, effective - 1, np.nan)


def r_squared(
    error: Float[ndarray, "fold signal"], energy: Float[ndarray, "fold signal"]
) -> tuple[ndarray, ndarray, ndarray]:
    """1 − Σ error / Σ energy with a jackknife interval over folds."""
    return ratio(energy - error, energy)


def ratio(
    over: Float[ndarray, "fold ..."], under: Float[ndarray, "fold ..."]
) -> tuple[ndarray, ndarray, ndarray]:
    """Σ over / Σ under with its jackknife interval over folds; 0 where the denominator is 0."""
    whole, left_out = _left_out(over, under)
    half = margin(left_out, np.abs(under))
    return whole, whole - half, whole + half


def _left_out(over: ndarray, under: ndarray) -> tuple[ndarray, ndarray]:
    """Σ over / Σ under, and the same without each of the folds."""
    total, energy = over.sum(axis=0), under.sum(axis=0)
    return _divide(total, energy), _divide(total - over, energy - under)


def numbered(names: Sequence[str]) -> Int[ndarray, " name"]:
    """Equal names by equal numbers, in the order that they come in."""
    known: dict[str, int] = {}
    return np.array([known.setdefault(name, len(known)) for name in names], dtype=np.int64)


def _divide(over: ndarray, under: ndarray) -> ndarray:
    positive = under > 1e-12
    return np.asarray(np.where(positive, over / np.where(positive, under, 1.0), 0.0))


def p_positive(
    gain: Float[ndarray, "fold test"], size: Float[ndarray, "fold test"]
) -> Float[ndarray, " test"]:
    """One-sided p that Σ gain / Σ size is positive: by its jackknife error and Student's t.

    A mean over folds would ask more of folds that differ in size, whose gains do, too. NaN where
    folds are too few or too unequal.
    """
    whole, left_out = _left_out(gain, size)
    error, degrees = _spread(left_out, size)
    p = stdtr(degrees, -whole / np.maximum(error, 1e-300))
    certain = np.where(whole > 0, 0.0, 1.0)
    return np.asarray(np.where(error == 0, certain, p))


def benjamini_hochberg(p: Float[ndarray, " test"]) -> Float[ndarray, " test"]:
    """q values: the false discovery rate at which each test would pass (1995); NaN stays NaN."""
    q = np.full(len(p), np.nan)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known], kind="stable")]
    if not len(order):
        return q
    scaled = p[order] * len(order) / np.arange(1, len(order) + 1)
    q[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return q


def passes(q: Float[ndarray, " test"], rate: float) -> Bool[ndarray, " test"]:
    """Which tests hold at a false discovery rate; those that could not be made do not."""
    return np.asarray(np.nan_to_num(q, nan=1.0) <= rate)
