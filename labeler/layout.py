"""Where the visible cells (query, key) of a batch lie: query class by query class, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import scipy.sparse as sp
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from labeler.distance import N_BANDS, bands, bucket_edges
from labeler.prepare import Prepared


@dataclass(frozen=True, eq=False)
class Layout:
    """The rows of a batch, sorted by query class, and their cells one after the other.

    A row is a query of a text, the first of each text left out; its cells are the keys that it sees
    through the window. So the cells of a class are one run, and sums by class are sums over runs.
    `position` numbers the rows' queries among the positions of all texts.
    """

    text: Int[ndarray, " row"]
    query: Int[ndarray, " row"]
    leaf: Int[ndarray, " row"]
    visible: Int[ndarray, " row"]
    start: Int[ndarray, " row"]
    position: Int[ndarray, " row"]
    n_classes: int
    n_ctx: int

    @classmethod
    def of(
        cls, items: Sequence[Prepared], window: int | None, n_classes: int, n_ctx: int
    ) -> Layout:
        """The layout of a batch for heads with one window."""
        lengths = [len(item) for item in items]
        text = np.repeat(np.arange(len(items)), lengths)
        query = np.concatenate([np.arange(n) for n in lengths])
        leaf = np.concatenate([item.classes for item in items])
        rows = np.flatnonzero(query > 0)
        rows = rows[np.argsort(leaf[rows], kind="stable")]
        visible = query[rows] + 1 if window is None else np.minimum(query[rows] + 1, window)
        return cls(
            text=text[rows],
            query=query[rows],
            leaf=leaf[rows],
            visible=visible,
            start=np.cumsum(visible) - visible,
            position=rows,
            n_classes=n_classes,
            n_ctx=n_ctx,
        )

    def rows_of(
        self, values: Sequence[Int[ndarray, "relation pos"]]
    ) -> Int[ndarray, "relation row"]:
        """Values at the positions of every text in the order of rows."""
        return np.concatenate(values, axis=1)[:, self.position]

    def by_class_and_row(
        self, values: Int[ndarray, "relation row"]
    ) -> Int[ndarray, " class·relation·row"]:
        """Values in the order of classes, then relations, then rows."""
        bounds = pairwise(self.class_rows.tolist())
        return np.concatenate([values[:, first:last].ravel() for first, last in bounds])

    @property
    def n_cells(self) -> int:
        """All cells of the batch."""
        return int(self.visible.sum())

    @cached_property
    def class_rows(self) -> Int[ndarray, " class+1"]:
        """Where the rows of each class begin, and where the last ones end."""
        return np.searchsorted(self.leaf, np.arange(self.n_classes + 1))

    @cached_property
    def class_cells(self) -> Int[ndarray, " class+1"]:
        """Where the cells of each class begin, and where the last ones end."""
        return np.append(self.start, self.n_cells)[self.class_rows]

    @cached_property
    def row(self) -> Int[ndarray, " cell"]:
        """The row of each cell."""
        return np.repeat(np.arange(len(self.query)), self.visible)

    @cached_property
    def key(self) -> Int[ndarray, " cell"]:
        """The key of each cell."""
        return np.arange(self.n_cells) - np.repeat(self.start - self.lowest, self.visible)

    @cached_property
    def lowest(self) -> Int[ndarray, " row"]:
        """The first key that each row sees."""
        return self.query + 1 - self.visible

    @cached_property
    def bucket(self) -> Int[ndarray, " cell"]:
        """The bucket of each cell's distance."""
        return bucket_table(self.n_ctx)[self.query[self.row] - self.key]

    @cached_property
    def band(self) -> Int[ndarray, " row"]:
        """The band of each row's query position."""
        return bands(self.query)

    @cached_property
    def by_class(self) -> sp.csr_matrix:
        """Sums cells by class: `[class, cell]`."""
        one = np.ones(self.n_cells, dtype=np.float32)
        index = np.arange(self.n_cells, dtype=np.int32)
        return sp.csr_matrix(
            (one, index, self.class_cells.astype(np.int32)), (self.n_classes, len(one))
        )

    @cached_property
    def at_first(self) -> sp.csr_matrix:
        """Sums the cells of the first position by class: `[class, cell]`."""
        cell = self.start[self.lowest == 0]
        place = (self.leaf[self.lowest == 0], cell)
        one = np.ones(len(cell), dtype=np.float32)
        return sp.csr_matrix((one, place), shape=(self.n_classes, self.n_cells))

    @cached_property
    def by_distance(self) -> sp.csr_matrix:
        """Sums cells by class, band and bucket, first positions left out."""
        n_buckets = len(bucket_edges(self.n_ctx)) - 1
        code = (self.leaf * N_BANDS + self.band)[self.row] * n_buckets + self.bucket
        kept = np.flatnonzero(self.key > 0).astype(np.int32)
        shape = (self.n_classes * N_BANDS * n_buckets, self.n_cells)
        one = np.ones(len(kept), dtype=np.float32)
        return sp.csr_matrix((one, (code[kept].astype(np.int32), kept)), shape=shape)

    @cached_property
    def index(self) -> tuple[Tensor, Tensor, Tensor]:
        """The text, query and key of each cell."""
        text, query, key = self.text[self.row], self.query[self.row], self.key
        return torch.from_numpy(text), torch.from_numpy(query), torch.from_numpy(key)

    def cells_of(self, pattern: Float[Tensor, "b h q k"]) -> Float[ndarray, "cell h"]:
        """The attention at each cell."""
        text, query, key = (part.to(pattern.device) for part in self.index)
        found: ndarray = pattern[text, :, query, key].float().cpu().numpy()
        return found

    def classes(self, values: Float[ndarray, " row"]) -> Float[ndarray, " class"]:
        """Sums a value a row by class."""
        return np.bincount(self.leaf, values, minlength=self.n_classes)


def bucket_table(n_ctx: int) -> Int[ndarray, " distance"]:
    """Distance → bucket."""
    edges = bucket_edges(n_ctx)
    return np.repeat(np.arange(len(edges) - 1), np.diff(edges))
