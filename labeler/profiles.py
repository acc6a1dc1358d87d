"""What distance alone says of a head: its own profile by query class, as a pattern."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from labeler.distance import bucket_edges
from labeler.predict import baseline
from labeler.prepare import Prepared
from labeler.shape import Shape
from labeler.statistics import Statistics, summed

ROUNDS = 40


@dataclass(frozen=True, eq=False)
class Profiles:
    """Each head's own distance profile by query class, measured on the choosing folds.

    A row gives its keys attention in proportion to `near` at their distance, whatever its length;
    the first position has the part `first` of the row besides. `edges` are those of the buckets.
    """

    near: Float[Tensor, "head class bucket"]
    first: Float[Tensor, "head class"]
    edges: tuple[int, ...]

    @classmethod
    def of(cls, choosing: Sequence[Statistics], shape: Shape) -> Profiles:
        """From the statistics of the choosing folds."""
        edges = bucket_edges(shape.n_ctx)
        pairs, rows = summed(choosing, "profile_pairs"), summed(choosing, "rows")
        mass, first = summed(choosing, "profile"), summed(choosing, "first")
        near, own = np.zeros_like(mass), np.zeros_like(first)
        for kind, window in enumerate(shape.kinds):
            heads = shape.of_kind(kind)
            seen = _Rows.of(pairs[kind], rows, edges, window)
            near[heads], own[heads] = _fitted(mass[heads], first[heads], seen)
        return cls(
            torch.from_numpy(near).float(), torch.from_numpy(own).float(), tuple(edges.tolist())
        )

    def patterns(
        self, heads: slice, item: Prepared, window: int | None
    ) -> Float[Tensor, "head query key"]:
        """Patterns of some heads; uniform for a class that no choosing prompt had."""
        n = len(item)
        even, leaf = baseline(n, window), torch.from_numpy(item.classes.astype(np.int64))
        near = self.near[heads][:, leaf]
        found = near.gather(2, _buckets(n, self.edges).expand(len(near), n, n)) * (even > 0)
        total = found.sum(dim=2, keepdim=True)
        found = torch.where(total > 1e-9, found / total.clamp(min=1e-9), even)
        first = self.first[heads][:, leaf] * (even[:, 0] > 0)
        found *= 1 - first[:, :, None]
        found[:, :, 0] += first
        return found


@dataclass(frozen=True, eq=False)
class _Rows:
    """The rows of each class by length: `count` whose first key is at a distance in a bucket,
    `keys` that such a row has in each bucket, the first among them."""

    count: Float[ndarray, "class length"]
    keys: Float[ndarray, "length bucket"]
    sees_first: Float[ndarray, " length"]

    @classmethod
    def of(
        cls,
        pairs: Float[ndarray, "class bucket"],
        rows: Float[ndarray, " class"],
        edges: Int[ndarray, " edge"],
        window: int | None,
    ) -> _Rows:
        """From pairs by distance: a row without its first key has one at each distance below its
        own. Within a bucket rows are taken to be spread evenly."""
        start, stop = edges[:-1].astype(float), edges[1:].astype(float)
        limit = stop[-1] if window is None else float(window)
        width = np.clip(np.minimum(stop, limit) - start, 0, None)
        longer = pairs / np.maximum(width, 1)  # rows that are longer than a distance of the bucket
        # Before a bucket of one distance, and beyond the window, there is one value to go by.
        single = (stop - start == 1)[:-1] | (width == 0)[1:]
        within = np.where(single, longer[:, :-1], (longer[:, :-1] + longer[:, 1:]) / 2)
        within *= width[:-1] > 0
        none = np.zeros((len(rows), 1))
        at_start = np.concatenate([rows[:, None], within, none], axis=1)
        count = np.maximum(at_start[:, :-1] - at_start[:, 1:], 0.0)
        middle = (start + stop - 1) / 2
        keys = np.clip(np.minimum(middle[:, None], limit) - start, 0, stop - start)
        sees_first = (middle < limit).astype(float)
        return cls(count, keys + np.diag(sees_first), sees_first)


def _fitted(
    mass: Float[ndarray, "head class bucket"], first: Float[ndarray, "head class"], rows: _Rows
) -> tuple[ndarray, ndarray]:
    """Weights of distances, and the part that the first position has besides.

    Attention is taken as choices of a key, in proportion to weights (Luce's model), and the weights
    found by the iteration of Hunter, Annals of Statistics 2004, beside the part as a mixture.
    """
    weight, own = np.ones_like(mass), np.zeros_like(first)
    number = np.maximum((rows.count * rows.sees_first).sum(axis=1), 1e-9)
    for _ in range(ROUNDS):
        total = np.maximum(weight @ rows.keys.T, 1e-12)
        chance = weight * rows.sees_first / total  # of the first position, by its distance
        expected = (rows.count * chance).sum(axis=2) / number
        own = np.clip((first / number - expected) / np.maximum(1 - expected, 1e-9), 0.0, 1 - 1e-6)
        others = (1 - own[:, :, None] * rows.sees_first) * rows.count
        seen = (others / total) @ rows.keys
        weight = np.where(seen > 1e-9, (mass + others * chance) / np.maximum(seen, 1e-9), 0.0)
    return weight, own


@lru_cache(maxsize=4)
def _buckets(n: int, edges: tuple[int, ...]) -> Int[Tensor, "query key"]:
    """The bucket of each distance; keys ahead of the query are anywhere."""
    query, key = torch.arange(n)[:, None], torch.arange(n)[None, :]
    return torch.bucketize((query - key).clamp(min=0), torch.tensor(edges), right=True) - 1
