"""Distances between query and key in buckets, and query positions in bands."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int
from numpy import ndarray

EXACT = 17
RATIO = 1.25
BANDS = (1, 8, 16, 32, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 2048)


def bucket_edges(n_ctx: int) -> Int[ndarray, " edge"]:
    """First distance of every bucket, then `n_ctx`: exact up to 16, then growing by a quarter."""
    edges = list(range(min(EXACT, n_ctx)))
    width = float(EXACT)
    while width < n_ctx:
        edges.append(round(width))
        width *= RATIO
    return np.array([*edges, n_ctx])


def bands(positions: Int[ndarray, " pos"]) -> Int[ndarray, " pos"]:
    """Which band each query position lies in; attention at a distance shrinks along a row."""
    return np.searchsorted(np.array(BANDS), positions, side="right").astype(np.int64)


N_BANDS = len(BANDS) + 1
