"""The text's side of a shard's statistics: what needs no model and is shared by all its heads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float, Int
from numpy import ndarray

from labeler.distance import N_BANDS
from labeler.layout import Layout
from labeler.neuron_sums import add_columns
from labeler.prepare import Pairs, Prepared

CELLS, CLASSES = 4_096, 16
"""Query classes are multiplied together in runs of about so many cells, of so many classes."""
DENSE_KEYS = 4
"""Relations with more keys a query than this go through dense products, others through sparse."""


@dataclass(frozen=True, eq=False)
class TargetCells:
    """The target pairs of a batch as a sparse matrix over its cells.

    Row `class · relations + relation` of `weighted` holds U at the queries of the class; `counted`
    has the same places, with 1 for every key but the first position.
    """

    layout: Layout
    weighted: sp.csr_matrix
    counted: sp.csr_matrix
    present: Float[ndarray, "relation row"]
    number: Float[ndarray, "relation row"]
    pairs: Float[ndarray, " relation"]

    @classmethod
    def of(cls, items: Sequence[Prepared], kind: int, layout: Layout) -> TargetCells:
        """From the pairs of every text, run by run: the keys of a relation at a row."""
        parts = [item.pairs[kind] for item in items]
        key = np.concatenate([part.key for part in parts])
        weight = np.concatenate([part.weight for part in parts], dtype=np.float32)
        number = layout.rows_of([part.number for part in parts])
        count = layout.by_class_and_row(number)
        ends = np.cumsum(count)
        begin = layout.by_class_and_row(layout.rows_of(_begins(parts))) - (ends - count)
        place = np.repeat(begin, count)
        place += np.arange(len(place))
        # Every place is in range: "wrap" only saves looking whether it is.
        key, weight = key.take(place, mode="wrap"), weight.take(place, mode="wrap")
        cell = np.broadcast_to(layout.start - layout.lowest, number.shape)
        cell = np.repeat(layout.by_class_and_row(cell).astype(np.int32), count) + key
        sizes = np.repeat(np.diff(layout.class_rows), len(number))
        bounds = np.append(0, ends)[np.append(0, np.cumsum(sizes))].astype(np.int32)
        shape = (layout.n_classes * len(number), layout.n_cells)
        number = number.astype(np.float32)
        return cls(
            layout=layout,
            weighted=sp.csr_matrix((weight, cell, bounds), shape=shape),
            counted=sp.csr_matrix(((key > 0).astype(np.float32), cell, bounds), shape=shape),
            present=(number > 0).astype(np.float32),
            number=number,
            pairs=number.sum(axis=1),
        )

    def add_counts(self, sums: dict[str, ndarray], kind: int) -> None:
        """How often each relation has targets, and at what distance."""
        layout = self.layout
        n_buckets = sums["profile_pairs"].shape[2]
        share = 1.0 / layout.visible
        sums["visible_rows"][kind] += layout.classes(share)
        sums["target_uniform"][kind] += self.number @ share
        filled = np.flatnonzero(np.diff(layout.class_rows))
        if len(filled):
            first = layout.class_rows[filled]
            sums["present"][kind][filled] += np.add.reduceat(self.present, first, axis=1).T
        self._add_pairs(sums["class_target_pairs"][kind], sums["target_pairs"][kind])
        each = np.asarray(layout.by_distance.sum(axis=1), dtype=np.float64)
        each = each.reshape(layout.n_classes, N_BANDS, n_buckets)
        sums["profile_pairs"][kind] += each.sum(axis=1)
        sums["band_pairs"][kind] += each.sum(axis=0)

    def _add_pairs(
        self,
        by_class: Float[ndarray, "class relation bucket"],
        by_band: Float[ndarray, "relation band bucket"],
    ) -> None:
        """Target pairs by the bucket of their distance; those of first positions are left out."""
        layout, n_relations = self.layout, len(self.present)
        n_buckets = by_class.shape[2]
        width = n_buckets + 1  # the last is for first positions
        bucket = np.where(layout.key > 0, layout.bucket, n_buckets)
        segment = np.arange(layout.n_classes * n_relations)
        number, cell = np.diff(self.weighted.indptr), self.weighted.indices.astype(np.intp)
        code = np.repeat(segment * width, number)
        code += bucket[cell]
        counts = np.bincount(code, minlength=len(segment) * width)
        by_class += counts.reshape(-1, n_relations, width)[:, :, :n_buckets]
        code = np.repeat(segment % max(n_relations, 1) * (N_BANDS * width), number)
        code += (layout.band[layout.row] * width + bucket)[cell]
        counts = np.bincount(code, minlength=n_relations * N_BANDS * width)
        by_band += counts.reshape(n_relations, N_BANDS, width)[:, :, :n_buckets]

    def add_gram(self, gram: Float[ndarray, "class relation relation"]) -> None:
        """Σ_q ⟨V_i, V_j⟩ by class, V being U less the baseline where a relation has a target."""
        layout, n_relations = self.layout, len(self.present)
        many = self.pairs > DENSE_KEYS * len(layout.query)
        order = np.argsort(many, kind="stable")
        place = np.argsort(order)
        square = place[:, None] * n_relations + place
        products = Products.of(self.weighted, place, n_relations - int(many.sum()))
        share = self.present / np.sqrt(layout.visible).astype(np.float32)
        rows, cells = layout.class_rows, layout.class_cells
        for start, stop in _runs(cells):
            for c, block in products.of_classes(range(start, stop), cells):
                has = share[:, rows[c] : rows[c + 1]]
                gram[c] += block.take(square) - has @ has.T


@dataclass(frozen=True, eq=False)
class Products:
    """Σ_q ⟨U_i, U_j⟩ of a batch by class, relations with few keys (`split` of them) before others.

    A row of the sparse matrix of U has cells of one class alone. `few` has the rows of relations
    with few keys; `place` is where in a dense matrix `[cell, relation]` each of its values stands.
    """

    weighted: sp.csr_matrix
    few: sp.csr_matrix
    place: Int[ndarray, " pair"]
    n_relations: int
    split: int

    @classmethod
    def of(cls, weighted: sp.csr_matrix, column: Int[ndarray, " relation"], split: int) -> Products:
        """From rows by class, then relation; `column` has the place of each relation."""
        n_relations = len(column)
        n_classes = weighted.shape[0] // max(n_relations, 1)
        place = weighted.indices.astype(np.int64) * n_relations
        place += np.repeat(np.tile(column, n_classes), np.diff(weighted.indptr))
        narrow = np.argsort(column)[:split]
        rows = np.arange(n_classes)[:, None] * n_relations + narrow
        return cls(weighted, weighted[rows.ravel()], place, n_relations, split)

    def of_classes(
        self, classes: range, cells: Int[ndarray, " class+1"]
    ) -> Iterator[tuple[int, Float[ndarray, "relation relation"]]]:
        """The products of each class that has cells; these are dense one run of classes a time."""
        split, n_relations = self.split, self.n_relations
        first, last = int(cells[classes.start]), int(cells[classes.stop])
        ends = self.weighted.indptr
        own = slice(ends[classes.start * n_relations], ends[classes.stop * n_relations])
        dense = np.zeros((last - first, n_relations), dtype=np.float32)
        dense.ravel()[self.place[own] - first * n_relations] = self.weighted.data[own]
        ends = self.few.indptr[classes.start * split : classes.stop * split + 1]
        own = slice(ends[0], ends[-1])
        columns = self.few.indices[own] - first
        few = sp.csr_matrix(
            (self.few.data[own], columns, ends - ends[0]), (len(ends) - 1, last - first)
        )
        cross = (few @ dense).reshape(len(classes), split, n_relations)
        for c, own_cross in zip(classes, cross, strict=True):
            if cells[c + 1] > cells[c]:
                many = dense[cells[c] - first : cells[c + 1] - first, split:]
                found = np.empty((n_relations, n_relations), dtype=np.float32)
                found[:split] = own_cross
                found[split:, :split] = own_cross[:, split:].T
                found[split:, split:] = many.T @ many
                yield c, found


def _begins(parts: Sequence[Pairs]) -> list[Int[ndarray, "relation pos"]]:
    """Where the pairs of each relation and query begin among those of all texts."""
    found, first = [], 0
    for part in parts:
        ends = first + np.cumsum(part.number.ravel())
        found.append((ends - part.number.ravel()).reshape(part.number.shape))
        first = int(ends[-1]) if len(ends) else first
    return found


def _runs(bounds: Int[ndarray, " class+1"]) -> Iterator[tuple[int, int]]:
    """Classes that have cells cut into runs: of about so many cells, of so many classes at most."""
    start = 0
    for c in range(1, len(bounds)):
        cells = bounds[c] - bounds[start]
        if cells >= CELLS or c - start >= CLASSES or c == len(bounds) - 1:
            if cells > 0:
                yield start, c
            start = c


def text_sums(
    sums: dict[str, ndarray], columns: sp.csr_matrix, targets: Sequence[TargetCells]
) -> None:
    """Add the text's side of a batch; `targets` has one entry a window kind."""
    add_columns(sums, columns)
    sums["rows"] += np.diff(targets[0].layout.class_rows)
    for kind, cells in enumerate(targets):
        cells.add_counts(sums, kind)
        cells.add_gram(sums["gram"][kind])
