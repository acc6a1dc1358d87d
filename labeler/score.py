"""One shard of texts and a model → statistics: the hot path."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import scipy.sparse as sp
import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from labeler.distance import N_BANDS, bands, bucket_edges
from labeler.hooks import add_values, empty_sums, hook_names
from labeler.model import LanguageModel, Shape
from labeler.prepare import Pairs, Prepared, Vocabulary
from labeler.statistics import Statistics

TOKEN_BUDGET = 2048
DENSE_KEYS = 4


def batches(prepared: Sequence[Prepared], budget: int = TOKEN_BUDGET) -> Iterator[list[Prepared]]:
    """Texts by length, cut so that a batch has at most `budget` padded tokens."""
    batch: list[Prepared] = []
    for item in sorted(prepared, key=lambda item: (len(item), item.text.id)):
        if batch and (len(batch) + 1) * len(item) > budget:
            yield batch
            batch = []
        batch.append(item)
    if batch:
        yield batch


def pad(batch: Sequence[Prepared]) -> Tensor:
    """Token ids of a batch, padded on the right, where causal attention does not see it."""
    longest = max(len(item) for item in batch)
    tokens = np.zeros((len(batch), longest), dtype=np.int64)
    for row, item in enumerate(batch):
        tokens[row, : len(item)] = item.text.token_ids
    return torch.from_numpy(tokens)


@dataclass(frozen=True)
class Size:
    """How large the statistics of a run are."""

    shape: Shape
    n_classes: int
    n_relations: int
    n_predictors: int

    @classmethod
    def of(cls, shape: Shape, vocabulary: Vocabulary) -> Size:
        """The size for a model and a vocabulary."""
        return cls(
            shape, len(vocabulary.classes), len(vocabulary.relations), vocabulary.n_predictors
        )

    def zeros(self) -> dict[str, ndarray]:
        """Empty statistics."""
        shape, c, r, p = self.shape, self.n_classes, self.n_relations, self.n_predictors
        w, n, m = len(shape.kinds), shape.n_layers * shape.n_heads, shape.n_layers * shape.d_mlp
        d = len(bucket_edges(shape.n_ctx)) - 1
        sizes: dict[str, tuple[int, ...]] = {
            "rows": (c,),
            "visible_rows": (w, c),
            "gram": (w, c, r, r),
            "present": (w, c, r),
            "moment": (n, c, r),
            "energy": (n, c),
            "mass": (n, c, r),
            "profile": (n, c, d),
            "profile_pairs": (w, c, d),
            "band_profile": (n, N_BANDS, d),
            "band_pairs": (w, N_BANDS, d),
            "target_pairs": (w, r, N_BANDS, d),
            "class_target_pairs": (w, c, r, d),
            "target_uniform": (w, r),
            "first": (n, c),
            "entropy": (n,),
            "tokens": (1,),
            "predictor_gram": (p, p),
            "predictor_sum": (p,),
            "predictor_moment": (p, m),
            "neuron_sum": (m,),
            "neuron_square": (m,),
        }
        arrays = {name: np.zeros(size) for name, size in sizes.items()}
        arrays["neuron_min"] = np.full(m, np.inf)
        arrays["neuron_max"] = np.full(m, -np.inf)
        return arrays | empty_sums(shape)


class Scorer:
    """Adds up one shard: `read` has the text's side of it, `run` the model's.

    The two write to different arrays, so that one shard can be read while another one runs.
    """

    def __init__(self, model: LanguageModel, vocabulary: Vocabulary) -> None:
        self.model = model
        self.shape = model.shape
        self.size = Size.of(model.shape, vocabulary)
        self.edges = bucket_edges(model.shape.n_ctx)
        self.sums = self.size.zeros()
        self.hooks = hook_names(model.shape)

    def read(self, prepared: Iterable[Prepared], budget: int = TOKEN_BUDGET) -> list[Work]:
        """Everything that needs no model; what the model is then to be asked."""
        found = []
        for batch in batches(list(prepared), budget):
            for item in batch:
                self._text(item)
            found.append((batch, [[_plan(item, p, self) for p in item.pairs] for item in batch]))
        return found

    def run(self, work: Iterable[Work]) -> Statistics:
        """Run the model over batches that were read; the shard's statistics."""
        for batch, plans in work:
            self._batch(batch, plans)
        return Statistics(self.sums).rounded()

    def _batch(self, batch: list[Prepared], plans: list[list[_Plan]]) -> None:
        hooks = {}
        for layer, window in enumerate(self.shape.windows):
            kind = self.shape.kinds.index(window)
            layer_plans = [plan[kind] for plan in plans]
            hooks[f"blocks.{layer}.attn.hook_pattern"] = partial(self._heads, layer, layer_plans)
            if self.shape.d_mlp:
                neurons = f"blocks.{layer}.mlp.hook_post"
                hooks[neurons] = partial(self._neurons, layer, batch, self.hooks.index(neurons))
        for index, name in enumerate(self.hooks):
            hooks.setdefault(name, partial(self._values, batch, index))
        self.model.read(pad(batch), hooks)

    def _values(self, batch: list[Prepared], hook: int, value: Float[Tensor, "b pos d"]) -> None:
        add_values(self.sums, hook, _kept(value, batch))

    def _text(self, item: Prepared) -> None:
        sums, n = self.sums, len(item)
        leaf = item.classes[1:]
        sums["tokens"] += n - item.first
        sums["rows"] += np.bincount(leaf, minlength=self.size.n_classes)
        f = item.predictors[item.first :]
        sums["predictor_gram"] += (f.T @ f).toarray()
        sums["predictor_sum"] += np.asarray(f.sum(axis=0)).ravel()
        for kind, window in enumerate(self.shape.kinds):
            self._targets(item, kind, window)

    def _targets(self, item: Prepared, kind: int, window: int | None) -> None:
        sums, n, pairs = self.sums, len(item), item.pairs[kind]
        visible = _visible(n, window)
        sums["visible_rows"][kind] += np.bincount(
            item.classes[1:], 1.0 / visible[1:], minlength=self.size.n_classes
        )
        _add_gram(sums["gram"][kind], sums["present"][kind], item.classes, pairs, visible)
        bucket = np.searchsorted(self.edges, pairs.query - pairs.key, side="right") - 1
        kept = pairs.key > 0
        relation, bucket = pairs.relation[kept], bucket[kept]
        band, leaf = bands(pairs.query[kept]), item.classes[pairs.query[kept]]
        _count(sums["target_pairs"][kind], relation, band, bucket)
        _count(sums["class_target_pairs"][kind], leaf, relation, bucket)
        sums["target_uniform"][kind] += np.bincount(
            pairs.relation, weights=1 / visible[pairs.query], minlength=self.size.n_relations
        )
        query = np.arange(1, n)[:, None]
        reach = np.minimum(query, (window or n))
        within = np.clip(reach - self.edges[None, :-1], 0, np.diff(self.edges)[None, :])
        by_class = _one_hot(item.classes, self.size.n_classes)[:, 1:]
        sums["profile_pairs"][kind] += by_class @ within
        sums["band_pairs"][kind] += _one_hot(bands(np.arange(n)), N_BANDS)[:, 1:] @ within

    def _heads(self, layer: int, plans: list[_Plan], pattern: Float[Tensor, "b h q k"]) -> None:
        heads = slice(layer * self.shape.n_heads, (layer + 1) * self.shape.n_heads)
        for row, plan in enumerate(plans):
            plan.add(self.sums, heads, pattern[row, :, : plan.n, : plan.n])

    def _neurons(
        self, layer: int, batch: list[Prepared], hook: int, post: Float[Tensor, "b pos m"]
    ) -> None:
        sums, d_mlp = self.sums, self.shape.d_mlp
        neurons = slice(layer * d_mlp, (layer + 1) * d_mlp)
        x = _kept(post, batch)
        add_values(self.sums, hook, x)
        f = sp.vstack([item.predictors[item.first :] for item in batch], format="csr")
        sums["predictor_moment"][:, neurons] += f.T @ x
        sums["neuron_sum"][neurons] += x.sum(axis=0, dtype=np.float64)
        sums["neuron_square"][neurons] += np.einsum("tm,tm->m", x, x, dtype=np.float64)
        np.minimum(sums["neuron_min"][neurons], x.min(axis=0), out=sums["neuron_min"][neurons])
        np.maximum(sums["neuron_max"][neurons], x.max(axis=0), out=sums["neuron_max"][neurons])


def _kept(value: Float[Tensor, "b pos d"], batch: list[Prepared]) -> Float[ndarray, "token d"]:
    """The values at real positions, BOS left out."""
    parts = [value[row, item.first : len(item)] for row, item in enumerate(batch)]
    return np.asarray(torch.cat(parts).float().cpu().numpy())


def _count(into: ndarray, *codes: ndarray) -> None:
    flat = np.ravel_multi_index(codes, into.shape)
    into += np.bincount(flat, minlength=into.size).reshape(into.shape)


def _visible(n: int, window: int | None) -> Float[ndarray, " query"]:
    seen = np.arange(1, n + 1, dtype=float)
    return seen if window is None else np.minimum(seen, window)


def _add_gram(
    gram: ndarray, present: ndarray, classes: ndarray, pairs: Pairs, visible: ndarray
) -> None:
    """Σ_q ⟨V_i, V_j⟩ per class. Relations with many keys a query go through dense products, the
    others through sparse ones; cells are laid out class by class."""
    n_relations, n = pairs.present.shape
    rows = np.argsort(classes[1:], kind="stable") + 1
    start = np.zeros(n, dtype=np.int64)
    start[rows] = np.cumsum(rows + 1) - (rows + 1)
    cells = n * (n + 1) // 2 - 1
    heavy = np.bincount(pairs.relation, minlength=n_relations) > DENSE_KEYS * n
    place = np.where(heavy, np.cumsum(heavy), np.cumsum(~heavy)) - 1
    wide, narrow = np.flatnonzero(heavy), np.flatnonzero(~heavy)
    in_wide = heavy[pairs.relation]
    column, leaf = start[pairs.query] + pairs.key, classes[pairs.query]
    dense = np.zeros((len(wide), cells), dtype=np.float32)
    dense[place[pairs.relation[in_wide]], column[in_wide]] = pairs.weight[in_wide]
    few = ~in_wide
    row = leaf[few] * max(len(narrow), 1) + place[pairs.relation[few]]
    sparse = sp.csr_matrix(
        (pairs.weight[few], (row, column[few])), shape=(len(gram) * max(len(narrow), 1), cells)
    )
    products = (sparse @ sparse.T).tocoo()
    c, i = np.divmod(products.row, max(len(narrow), 1))
    j = products.col % max(len(narrow), 1)
    gram[c, narrow[i] if len(narrow) else i, narrow[j] if len(narrow) else j] += products.data
    cross = (sparse @ dense.T).reshape(len(gram), max(len(narrow), 1), len(wide))
    has = pairs.present / np.sqrt(visible)
    for c in np.unique(classes[1:]):
        own = rows[classes[rows] == c]
        first, last = start[own[0]], start[own[-1]] + own[-1] + 1
        part = dense[:, first:last]
        gram[c][np.ix_(wide, wide)] += part @ part.T
        if len(narrow):
            gram[c][np.ix_(narrow, wide)] += cross[c]
            gram[c][np.ix_(wide, narrow)] += cross[c].T
        gram[c] -= has[:, own] @ has[:, own].T
        present[c] += pairs.present[:, own].sum(axis=1)


@dataclass(frozen=True, eq=False)
class _Plan:
    """How one text's patterns are summed: sparse matrices over the cells of a pattern."""

    n: int
    n_classes: int
    weighted: sp.csr_matrix
    mass: sp.csr_matrix
    offset: Float[ndarray, "class relation"]
    energy_offset: Float[ndarray, " class"]
    by_class: sp.csr_matrix
    by_band: sp.csr_matrix
    low: ndarray
    high: ndarray

    def add(self, sums: dict[str, ndarray], heads: slice, pattern: Float[Tensor, "h q k"]) -> None:
        """Add one text's patterns of one layer."""
        a = pattern.float().cpu().numpy()
        n_heads, n, _ = a.shape
        cells = np.ascontiguousarray(a.reshape(n_heads, n * n).T)
        moment = (self.weighted @ cells).T.reshape(n_heads, self.n_classes, -1)
        sums["moment"][heads] += moment - self.offset
        sums["mass"][heads] += (self.mass @ cells).T.reshape(moment.shape)
        square = np.einsum("hqk,hqk->qh", a, a)
        sums["energy"][heads] += (self.by_class @ square).T - self.energy_offset
        sums["first"][heads] += (self.by_class @ a[:, :, 0].T).T
        entropy = torch.special.entr(pattern[:, 1:].float()).sum(dim=(1, 2))
        sums["entropy"][heads] += entropy.cpu().numpy()
        total = np.zeros((n_heads, n, n + 1), dtype=np.float64)
        np.cumsum(a, axis=2, out=total[:, :, 1:])
        flat = total.reshape(n_heads, -1)
        bucketed = (flat[:, self.high] - flat[:, self.low]).transpose(1, 0, 2).reshape(n, -1)
        profile = (self.by_class @ bucketed).reshape(self.n_classes, n_heads, -1)
        sums["profile"][heads] += profile.transpose(1, 0, 2)
        band = (self.by_band @ bucketed).reshape(N_BANDS, n_heads, -1)
        sums["band_profile"][heads] += band.transpose(1, 0, 2)


Work = tuple[list[Prepared], list[list[_Plan]]]
"""A batch, and how the patterns of each of its texts are summed, by window kind."""


def _plan(item: Prepared, pairs: Pairs, scorer: Scorer) -> _Plan:
    n, size, kind = len(item), scorer.size, item.pairs.index(pairs)
    window = scorer.shape.kinds[kind]
    visible = _visible(n, window)
    segment = item.classes[pairs.query] * size.n_relations + pairs.relation
    cell = pairs.query * n + pairs.key
    weight = pairs.weight.astype(np.float32)
    one = np.ones(len(cell), dtype=np.float32)
    beyond = pairs.key > 0
    shape = (size.n_classes * size.n_relations, n * n)
    queries = np.arange(1, n)
    by_class = _one_hot(item.classes, size.n_classes)
    share = pairs.present.T / visible[:, None]
    edges = scorer.edges
    position = np.arange(n)[:, None]
    high = np.clip(position - edges[None, :-1] + 1, 1, None)
    low = np.clip(position - edges[None, 1:] + 1, 1, None)
    base = position * (n + 1)
    offset = np.bincount(item.classes[1:], 1.0 / visible[queries], minlength=size.n_classes)
    return _Plan(
        n=n,
        n_classes=size.n_classes,
        weighted=sp.csr_matrix((weight, (segment, cell)), shape=shape),
        mass=sp.csr_matrix((one[beyond], (segment[beyond], cell[beyond])), shape=shape),
        offset=by_class @ share,
        energy_offset=offset,
        by_class=by_class,
        by_band=_one_hot(bands(np.arange(n)), N_BANDS),
        low=base + np.minimum(low, high),
        high=base + high,
    )


def _one_hot(codes: ndarray, n_codes: int) -> sp.csr_matrix:
    """`[code, pos]`, the first position left out."""
    position = np.arange(1, len(codes))
    one = np.ones(len(position))
    return sp.csr_matrix((one, (codes[1:], position)), shape=(n_codes, len(codes)))


def score_shard(
    prepared: Iterable[Prepared],
    model: LanguageModel,
    vocabulary: Vocabulary,
    budget: int = TOKEN_BUDGET,
) -> Statistics:
    """The statistics of one shard: a pure function of its texts, the model and the vocabulary."""
    scorer = Scorer(model, vocabulary)
    return scorer.run(scorer.read(prepared, budget))
