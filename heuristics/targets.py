"""What a relation says of a text: which keys each query looks to, and with what weight."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray


@dataclass(frozen=True, eq=False)
class Targets:
    """Target pairs of a relation over one text, sorted by query, each pair once.

    `weight` is positive; the labeler masks what the query cannot see and normalises each row to 1.
    """

    query: Int[ndarray, " pair"]
    key: Int[ndarray, " pair"]
    weight: Float[ndarray, " pair"]

    @classmethod
    def from_matrix(cls, matrix: ndarray) -> Targets:
        """From `Bool[query key]`, or from non-negative weights of the same shape."""
        flat = np.flatnonzero(matrix)
        query, key = np.divmod(flat, max(matrix.shape[1], 1))
        weight = np.ones(len(query)) if matrix.dtype == bool else matrix[query, key].astype(float)
        return cls(query, key, weight)

    @classmethod
    def from_keys(cls, keys: Int[ndarray, " pos"]) -> Targets:
        """One key a query; −1 for none."""
        query = (keys >= 0).nonzero()[0]
        return cls(query, keys[query], np.ones(len(query)))

    @classmethod
    def from_spans(cls, start: Int[ndarray, " pos"], stop: Int[ndarray, " pos"]) -> Targets:
        """All keys from `start` up to but without `stop`, per query; none where stop ≤ start."""
        count = np.maximum(stop - start, 0)
        query = np.arange(len(start)).repeat(count)
        key = np.arange(len(query))
        key += (start + count - count.cumsum()).repeat(count)
        return cls(query, key, np.ones(len(query)))

    def visible(self, first: int = 0) -> Targets:
        """Only pairs with first ≤ key ≤ query."""
        kept = (self.key <= self.query) & (self.key >= first)
        return self.only(kept)

    def only(self, kept: ndarray | slice) -> Targets:
        """Some of the pairs, in their order."""
        return Targets(self.query[kept], self.key[kept], self.weight[kept])

    def matrix(self, n_pos: int) -> Float[ndarray, "query key"]:
        """The weights as a dense matrix, zero where there is no target."""
        dense = np.zeros((n_pos, n_pos))
        dense[self.query, self.key] = self.weight
        return dense


def mask_to_keys(mask: Bool[ndarray, " pos"]) -> Int[ndarray, " pos"]:
    """For each position the nearest marked one strictly before it; −1 for none."""
    found = np.full(len(mask), -1)
    found[1:][mask[:-1]] = mask[:-1].nonzero()[0]
    return np.maximum.accumulate(found, out=found)
