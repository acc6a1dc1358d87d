"""How well a neuron's label tells where it fires, on a reservoir of judging tokens."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

HIGH = 0.1
STRONGEST = 20
BINS = 32


def ranking(x: Float[ndarray, " token"], said: Float[ndarray, " token"]) -> dict[str, Any]:
    """AUROC, average precision and base rate of "among the top tenth", and precisions.

    `precision_top` is the fraction of the 20 strongest tokens on which the label expects more than
    on average; `precision_deciles` the same in each tenth of the activation, the lowest first.
    """
    nothing = {
        "auroc": None,
        "average_precision": None,
        "base_rate": None,
        "precision_top": None,
        "precision_deciles": None,
    }
    if len(x) < STRONGEST or np.ptp(x) == 0 or np.ptp(said) == 0:
        return nothing
    high = x > np.quantile(x, 1 - HIGH)
    if high.all() or not high.any():
        return nothing
    expects = said > said.mean()
    order = np.argsort(x, kind="stable")
    tenths = np.array_split(expects[order], 10)
    return {
        "auroc": auroc(high, said),
        "average_precision": average_precision(high, said),
        "base_rate": float(high.mean()),
        "precision_top": float(expects[order[-STRONGEST:]].mean()),
        "precision_deciles": [round(float(tenth.mean()), 4) for tenth in tenths],
    }


def auroc(high: ndarray, said: ndarray) -> float:
    """P(said on a high token > said on another), ties by half (Mann and Whitney 1947)."""
    values, inverse = np.unique(said, return_inverse=True)
    positive = np.bincount(inverse, weights=high, minlength=len(values))
    negative = np.bincount(inverse, minlength=len(values)) - positive
    below = np.concatenate([[0.0], np.cumsum(negative)[:-1]])
    pairs = positive.sum() * negative.sum()
    return float((positive * (below + negative / 2)).sum() / pairs)


def average_precision(high: ndarray, said: ndarray) -> float:
    """Σ (recall − recall before) · precision over the distinct values of the prediction."""
    values, inverse = np.unique(-said, return_inverse=True)
    hits = np.cumsum(np.bincount(inverse, weights=high, minlength=len(values)))
    seen = np.cumsum(np.bincount(inverse, minlength=len(values)))
    gained = np.diff(np.concatenate([[0.0], hits])) / max(hits[-1], 1.0)
    return float((gained * hits / seen).sum())


def histograms(x: Float[ndarray, "token neuron"]) -> tuple[list[Any], list[Any]]:
    """Edges and counts of 32 equal bins from least to most, a neuron each; None of the constant."""
    edges: list[Any] = []
    counts: list[Any] = []
    for column in x.T:
        low, high = (float(column.min()), float(column.max())) if len(column) else (0.0, 0.0)
        if not high > low:
            edges.append(None)
            counts.append(None)
            continue
        found, bounds = np.histogram(column.astype(np.float64), BINS, (low, high))
        edges.append(np.round(bounds, 5).astype(np.float32))
        counts.append(found)
    return edges, counts
