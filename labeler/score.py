"""One shard of texts and a model → statistics: the hot path.

The text's side (`text_sums`) is read in a thread while a GPU runs over the batch before.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar, cast

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from labeler.batches import TOKEN_BUDGET, batches, pad
from labeler.columns import at_tokens
from labeler.distance import N_BANDS, bucket_edges
from labeler.head_sums import HeadPlan
from labeler.hooks import add_hook, empty_sums, hook_names, sampled
from labeler.layout import Layout
from labeler.model import LanguageModel
from labeler.neuron_sums import add_neurons
from labeler.prepare import Prepared, Vocabulary
from labeler.shape import Shape
from labeler.statistics import Statistics
from labeler.text_sums import TargetCells, text_sums

S = TypeVar("S")
_END = object()


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


@dataclass(frozen=True, eq=False)
class Work:
    """A batch of which the text's side is read: what the model is to be asked."""

    batch: Sequence[Prepared]
    columns: sp.csr_matrix
    plans: Sequence[HeadPlan]
    sample: ndarray


class Scorer:
    """Adds up one shard: `read` has the text's side of a batch, `run` the model's.

    The two write to different arrays, so that one batch can be read while another one runs.
    """

    def __init__(self, model: LanguageModel, vocabulary: Vocabulary) -> None:
        self.model = model
        self.shape = model.shape
        self.size = Size.of(model.shape, vocabulary)
        self.sums = self.size.zeros()
        self.hooks = hook_names(model.shape)

    def read(self, batch: Sequence[Prepared]) -> Work:
        """Everything that needs no model."""
        columns = sp.vstack([item.predictors[item.first :] for item in batch], format="csr")
        targets = [
            TargetCells.of(
                batch, kind, Layout.of(batch, window, self.size.n_classes, self.shape.n_ctx)
            )
            for kind, window in enumerate(self.shape.kinds)
        ]
        text_sums(self.sums, columns, targets)
        return Work(batch, columns, [HeadPlan.of(cells) for cells in targets], sampled(batch))

    def run(self, work: Work) -> None:
        """The model over a batch that was read."""
        hooks = {}
        for layer, window in enumerate(self.shape.windows):
            plan = work.plans[self.shape.kinds.index(window)]
            add = partial(plan.add, self.sums, self.shape.heads_of(layer))
            hooks[f"blocks.{layer}.attn.hook_pattern"] = add
        for index, name in enumerate(self.hooks):
            hooks[name] = partial(self._values, work, index)
        self.model.read(pad(work.batch), hooks)

    def _values(self, work: Work, hook: int, value: Float[Tensor, "b pos d"]) -> None:
        name, values = self.hooks[hook], at_tokens(value, work.batch)
        add_hook(self.sums, hook, values, work.sample)
        if name.endswith("mlp.hook_post"):
            neurons = self.shape.neurons_of(int(name.split(".")[1]))
            add_neurons(self.sums, neurons, values, work.columns)

    def statistics(self) -> Statistics:
        """All that was added up so far."""
        return Statistics(self.sums).rounded()


def ahead(items: Iterable[S], overlap: bool) -> Generator[S, None, None]:
    """The same items; with `overlap`, each is computed in a thread while the one before is used."""
    if not overlap:
        yield from items
        return
    iterator = iter(items)
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, iterator, _END)
        while (found := coming.result()) is not _END:
            coming = pool.submit(next, iterator, _END)
            yield cast(S, found)


def score_shards(
    shards: Iterable[tuple[Scorer, Iterable[Sequence[Prepared]]]], overlap: bool
) -> Generator[Scorer, None, None]:
    """Run every batch of every scorer; each scorer when it is done.

    With `overlap` the next batch is read while the model runs over one.
    """

    def reading() -> Iterator[tuple[Scorer, Work | None]]:
        for scorer, batched in shards:
            for batch in batched:
                yield scorer, scorer.read(batch)
            yield scorer, None

    for scorer, work in ahead(reading(), overlap):
        if work is None:
            yield scorer
        else:
            scorer.run(work)


def score_shard(
    prepared: Sequence[Prepared],
    model: LanguageModel,
    vocabulary: Vocabulary,
    budget: int = TOKEN_BUDGET,
) -> Statistics:
    """The statistics of one shard: a pure function of its texts, the model and the vocabulary."""
    scorer = Scorer(model, vocabulary)
    return next(score_shards([(scorer, batches(prepared, budget))], overlap=False)).statistics()
