"""Jackknife intervals over folds, one-sided tests of differences, false discovery rate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from scipy.special import stdtr, stdtrit

LEVEL = 0.95


def margin(left_out: Float[ndarray, fold * figure]) -> ndarray:
    """Half the width of jackknife intervals, from figures made without each of the folds in turn.

    Efron and Tibshirani 1993, chapter 11; bounds by Student's t with folds − 1 degrees of freedom.
    """
    n = len(left_out)
    spread = ((left_out - left_out.mean(axis=0)) ** 2).sum(axis=0) * (n - 1) / n
    return np.asarray(stdtrit(n - 1, (1 + LEVEL) / 2) * np.sqrt(spread))


def r_squared(
    error: Float[ndarray, "fold signal"], energy: Float[ndarray, "fold signal"]
) -> tuple[ndarray, ndarray, ndarray]:
    """1 − Σ error / Σ energy with a jackknife interval over folds; NaN bounds below 3 folds."""
    return ratio(energy - error, energy)


def ratio(
    over: Float[ndarray, "fold signal"], under: Float[ndarray, "fold signal"]
) -> tuple[ndarray, ndarray, ndarray]:
    """Σ over / Σ under with its jackknife interval over folds; 0 where the denominator is 0."""
    held = (over != 0).any(axis=1) | (under != 0).any(axis=1)
    over, under = over[held], under[held]  # a fold that no prompt fell into says nothing
    folds = len(over)
    whole = _divide(over.sum(axis=0), under.sum(axis=0))
    if folds < 3:
        nothing = np.full(whole.shape, np.nan)
        return whole, nothing, nothing
    left_out = _divide(over.sum(axis=0) - over, under.sum(axis=0) - under)
    half = margin(left_out)
    return whole, whole - half, whole + half


def numbered(names: Sequence[str]) -> Int[ndarray, " name"]:
    """Equal names by equal numbers, in the order that they come in."""
    known: dict[str, int] = {}
    return np.array([known.setdefault(name, len(known)) for name in names], dtype=np.int64)


def _divide(over: ndarray, under: ndarray) -> ndarray:
    positive = under > 1e-12
    return np.asarray(np.where(positive, over / np.where(positive, under, 1.0), 0.0))


def p_positive(difference: Float[ndarray, "fold test"]) -> Float[ndarray, " test"]:
    """One-sided p that the mean over folds is positive (Student's t, folds − 1 degrees)."""
    folds = len(difference)
    if folds < 3:
        return np.full(difference.shape[1], np.nan)
    mean, spread = difference.mean(axis=0), difference.std(axis=0, ddof=1)
    scale = np.maximum(spread / np.sqrt(folds), 1e-300)
    p = stdtr(folds - 1, -mean / scale)
    return np.asarray(np.where(spread > 0, p, np.where(mean > 0, 0.0, 1.0)))


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
