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
from labeler.prepare import Prepared

CELLS, CLASSES = 16_384, 16
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
        """From the pairs of every text; the same places serve both matrices."""
        parts = [item.pairs[kind] for item in items]
        n_relations, n_rows = len(parts[0].present), len(layout.query)
        relation = np.concatenate([part.relation for part in parts])
        key = np.concatenate([part.key for part in parts])
        weight = np.concatenate([part.weight for part in parts], dtype=np.float32)
        row = np.concatenate([rank[p.query] for rank, p in zip(layout.rank, parts, strict=True)])
        segment = (layout.leaf * n_relations).astype(np.int32)[row] + relation
        cell = (layout.start - layout.lowest).astype(np.int32)[row] + key
        shape = (layout.n_classes * n_relations, layout.n_cells)
        weighted = sp.csr_matrix((weight, (segment, cell)), shape=shape)
        beyond = (layout.key > 0).astype(np.float32)[weighted.indices]
        counted = sp.csr_matrix((beyond, weighted.indices, weighted.indptr), shape=shape)
        number = np.bincount(relation * np.int32(n_rows) + row, minlength=n_relations * n_rows)
        number = number.reshape(n_relations, n_rows).astype(np.float32)
        return cls(
            layout=layout,
            weighted=weighted,
            counted=counted,
            present=(number > 0).astype(np.float32),
            number=number,
            pairs=number.sum(axis=1),
        )

    def add_counts(self, sums: dict[str, ndarray], kind: int) -> None:
        """How often each relation has targets, and at what distance."""
        layout, n_relations = self.layout, len(self.present)
        n_buckets = sums["profile_pairs"].shape[2]
        share = 1.0 / layout.visible
        sums["visible_rows"][kind] += layout.classes(share)
        sums["target_uniform"][kind] += self.number @ share
        for c, first, last in _filled(layout.class_rows):
            sums["present"][kind][c] += self.present[:, first:last].sum(axis=1, dtype=np.float64)
        bucket = np.where(layout.key > 0, layout.bucket, n_buckets).astype(np.int32)
        number, width = np.diff(self.weighted.indptr), n_buckets + 1
        segment = np.repeat(np.arange(self.weighted.shape[0], dtype=np.int32), number)
        found = bucket[self.weighted.indices]
        counts = np.bincount(segment * width + found, minlength=self.weighted.shape[0] * width)
        counts = counts.reshape(layout.n_classes, n_relations, width)[:, :, :n_buckets]
        sums["class_target_pairs"][kind] += counts
        relation = np.tile(np.arange(n_relations, dtype=np.int32), layout.n_classes)
        place = (layout.band.astype(np.int32)[layout.row] * width + bucket)[self.weighted.indices]
        code = np.repeat(relation * np.int32(N_BANDS * width), number) + place
        counts = np.bincount(code, minlength=n_relations * N_BANDS * width)
        counts = counts.reshape(n_relations, N_BANDS, width)[:, :, :n_buckets]
        sums["target_pairs"][kind] += counts
        each = np.asarray(layout.by_distance.sum(axis=1), dtype=np.float64)
        each = each.reshape(layout.n_classes, N_BANDS, n_buckets)
        sums["profile_pairs"][kind] += each.sum(axis=1)
        sums["band_pairs"][kind] += each.sum(axis=0)

    def add_gram(self, gram: Float[ndarray, "class relation relation"]) -> None:
        """Σ_q ⟨V_i, V_j⟩ by class, V being U less the baseline where a relation has a target."""
        layout = self.layout
        many = self.pairs > DENSE_KEYS * len(layout.query)
        wide, narrow = np.flatnonzero(many), np.flatnonzero(~many)
        place = np.argsort(np.concatenate([narrow, wide]))
        share = self.present / np.sqrt(layout.visible).astype(np.float32)
        rows, cells = layout.class_rows, layout.class_cells
        for start, stop in _runs(cells):
            block = self._products(narrow, wide, start, stop)
            for c in range(start, stop):
                if cells[c + 1] > cells[c]:
                    has = share[:, rows[c] : rows[c + 1]]
                    gram[c] += block[c - start][place][:, place] - has @ has.T

    def _products(
        self, narrow: ndarray, wide: ndarray, start: int, stop: int
    ) -> Float[ndarray, "class relation relation"]:
        """Σ_q ⟨U_i, U_j⟩ for the classes of a run, narrow relations before wide ones.

        A row of `weighted` has cells of one class alone, so one product serves all of them.
        """
        bounds, n_relations = self.layout.class_cells, len(self.present)
        n_classes, split, lowest = stop - start, len(narrow), bounds[start]
        first_row = (np.arange(start, stop) * n_relations)[:, None]
        few = _rows(self.weighted, (first_row + narrow).ravel(), lowest, bounds[stop])
        many = _rows(self.weighted, (first_row + wide).ravel(), lowest, bounds[stop])
        dense = np.zeros((bounds[stop] - lowest, len(wide)), dtype=np.float32)
        column = np.repeat(np.tile(np.arange(len(wide)), n_classes), np.diff(many.indptr))
        dense[many.indices, column] = many.data
        block = np.zeros((n_classes, n_relations, n_relations), dtype=np.float32)
        pairs = few @ few.T
        row = np.repeat(np.arange(pairs.shape[0]), np.diff(pairs.indptr))
        block[row // split, row % split, pairs.indices % split] = pairs.data
        cross = (few @ dense).reshape(n_classes, split, len(wide))
        block[:, :split, split:] = cross
        block[:, split:, :split] = cross.transpose(0, 2, 1)
        for c in range(start, stop):
            own = dense[bounds[c] - lowest : bounds[c + 1] - lowest]
            block[c - start, split:, split:] = own.T @ own
        return block


def _rows(
    matrix: sp.csr_matrix, rows: Int[ndarray, " row"], first: int, last: int
) -> sp.csr_matrix:
    """Some rows of a sparse matrix that only have columns from `first` up to `last`."""
    own = matrix[rows]
    return sp.csr_matrix((own.data, own.indices - first, own.indptr), (len(rows), last - first))


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


def _filled(bounds: Int[ndarray, " class+1"]) -> list[tuple[int, int, int]]:
    """The classes that have something, with where it begins and ends."""
    return [
        (c, int(bounds[c]), int(bounds[c + 1]))
        for c in range(len(bounds) - 1)
        if bounds[c + 1] > bounds[c]
    ]
