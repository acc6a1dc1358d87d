"""What new heuristics share with those that a run had: sums of products, from the texts alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float
from numpy import ndarray

from heuristics.text import Text
from labeler.predictors import predictor_matrix
from labeler.prepare import Pairs, Prepared, Vocabulary, relation_pairs
from labeler.recorded import Known

TOGETHER = 8
"""New relations that are multiplied with the old ones at once: it bounds the memory."""


class SharedSums:
    """Sums over texts: `gram`, `[window, class, old, new]`, of relations by query class, and
    `predictor_gram`, `[old, new]`, of the columns that describe neurons.
    """

    def __init__(self, old: Vocabulary, new: Vocabulary, kinds: Sequence[int | None]) -> None:
        self.old, self.new, self.kinds = old, new, kinds
        n_classes = len(old.classes)
        shape = (len(kinds), n_classes, len(old.relations), len(new.relations))
        self.gram = np.zeros(shape)
        self.predictor_gram = np.zeros((len(old.neurons), len(new.neurons)))

    def read(self, text: Text, known: Known) -> Prepared:
        """A text prepared for the new heuristics; what they share with the old ones is added."""
        item = Prepared(
            text=text,
            classes=known.classes,
            pairs=relation_pairs(text, self.new.relations, self.kinds),
            predictors=predictor_matrix(text, self.new.neurons),
        )
        if self.new.relations:
            self._relations(item, known.pairs)
        if self.new.features:
            shared = known.columns[item.first :].T @ item.predictors[item.first :]
            self.predictor_gram += shared.toarray()
        return item

    def _relations(self, item: Prepared, pairs: sp.csr_matrix) -> None:
        """⟨V, V′⟩ = ⟨U, U′⟩ − 1 / visible, where both have a target."""
        n_classes, n_old, n_new = self.gram.shape[1:]
        n = len(item)
        of_class = np.equal.outer(np.arange(n_classes), item.classes).astype(float)
        for kind, window in enumerate(self.kinds):
            old = pairs if window is None else _within(pairs, n, window)
            visible = np.minimum(np.arange(1, n + 1), window or n)
            for start in range(0, n_new, TOGETHER):
                new = slice(start, min(start + TOGETHER, n_new))
                found = (old @ _given(item.pairs[kind], new, n)).reshape(n_old, n, -1)
                total = found[:, :, -1:]  # what makes the row of an old relation sum to 1
                shared = found[:, :, :-1] / np.where(total > 0, total, 1.0)
                has = item.pairs[kind].present[new].T / visible[:, None]
                product = np.where(total > 0, shared - has, 0.0)
                by_query = product.transpose(1, 0, 2).reshape(n, -1)
                by_class = (of_class @ by_query).reshape(n_classes, n_old, -1)
                self.gram[kind][:, :, new] += by_class


def _within(pairs: sp.csr_matrix, n: int, window: int) -> sp.csr_matrix:
    """Only what a local layer sees."""
    query, key = np.divmod(pairs.indices, n)
    weight = pairs.data * (query - key < window)
    return sp.csr_matrix((weight, pairs.indices, pairs.indptr), pairs.shape)


def _given(pairs: Pairs, new: slice, n: int) -> Float[ndarray, "cell new+1"]:
    """U of some relations by cell, query · n + key, and last a column of ones."""
    own = (pairs.relation >= new.start) & (pairs.relation < new.stop)
    given = np.zeros((n * n, new.stop - new.start + 1))
    cell, column = pairs.query[own] * n + pairs.key[own], pairs.relation[own] - new.start
    given[cell, column] = pairs.weight[own]
    given[:, -1] = 1.0
    return given
