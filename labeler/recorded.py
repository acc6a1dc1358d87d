"""What a run's texts, heuristics and model say of a shard, kept on disk between trials.

Only the new heuristics differ from one trial to the next; nothing else is asked again.
"""

from __future__ import annotations

import os
import re
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import time

import numpy as np
import scipy.sparse as sp
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from heuristics.text import Text
from labeler.batches import batches, pad
from labeler.columns import at_tokens
from labeler.corpus import Shard
from labeler.head_sums import HeadPlan
from labeler.layout import Layout
from labeler.neuron_sums import products
from labeler.predictors import predictor_matrix
from labeler.prepare import Prepared, Vocabulary, visible_pairs
from labeler.score import Scorer, Work
from labeler.session import Session

KEPT = 2 * 2**30
"""Bytes of activations at most: of a trial that has more, everything is asked again each time."""
LONG = 3600
"""Seconds after which a half of a record is of no trial that goes on."""
OURS = re.compile(r"[0-9a-f]{32}")
NAMES = ("classes", "number", "key", "graded", "weight", "column_number", "column", "neurons")
"""The arrays of a record, but for patterns."""


@dataclass(frozen=True, eq=False)
class Known:
    """What a run's vocabulary says of a text: classes, target pairs as given, neurons' columns.

    Row `relation · n + query` of `pairs` has the weights of that relation's keys at that query, in
    columns `query · n + key`.
    """

    classes: Int[ndarray, " pos"]
    pairs: sp.csr_matrix
    columns: sp.csr_matrix

    @classmethod
    def of(cls, text: Text, vocabulary: Vocabulary) -> Known:
        """Ask the heuristics."""
        n, n_relations = len(text), len(vocabulary.relations)
        pairs = visible_pairs(text, vocabulary.relations)
        cell = (pairs.query * n + pairs.key).astype(np.int32)
        ends = _ends(pairs.number.ravel())
        return cls(
            classes=vocabulary.classes.assign(text),
            pairs=sp.csr_matrix((pairs.weight, cell, ends), (n_relations * n, n * n)),
            columns=predictor_matrix(text, vocabulary.neurons),
        )


@dataclass(frozen=True, eq=False)
class Record:
    """Arrays over a shard, text after text or batch after batch.

    `classes` `[pos]`; `number` of keys `[relation, query]` of each text, and their `key`; which
    relations of each text are `graded`, and their `weight` (that of others is 1); `column_number`
    `[pos]` and `column`. By batch, as `Layout` has them: attention `cells_0` `[cell, head]` of
    layer 0 and so on; `neurons` `[token, neuron]`.
    """

    arrays: Mapping[str, ndarray]

    @classmethod
    def made(cls, session: Session, texts: Sequence[Text]) -> Record:
        """Ask the heuristics and the model of a run."""
        parts = defaultdict[str, list[ndarray]](list)
        known = [Known.of(text, session.vocabulary) for text in texts]
        for one in known:
            _add(one, parts)
        items = [
            Prepared(text, one.classes, (), one.columns)
            for text, one in zip(texts, known, strict=True)
        ]
        _add_activations(session, items, parts)
        return cls({name: np.concatenate(part) for name, part in parts.items()})

    @classmethod
    def read(cls, folder: Path, n_layers: int) -> Record | None:
        """None where there is none, or what there is is damaged."""
        try:
            # Copied when written to: torch takes no arrays that are read-only.
            names = [*NAMES, *(f"cells_{layer}" for layer in range(n_layers))]
            return cls({name: np.load(folder / f"{name}.npy", mmap_mode="c") for name in names})
        except (OSError, ValueError, EOFError):
            return None

    def write(self, folder: Path) -> None:
        """Write all of it or nothing; OSError where that cannot be."""
        half = folder.with_name(f".{folder.name}.{os.getpid()}")
        try:
            half.mkdir(parents=True, exist_ok=True)
            for name, array in self.arrays.items():
                np.save(half / f"{name}.npy", array)
            shutil.rmtree(folder, ignore_errors=True)
            half.rename(folder)
        finally:
            shutil.rmtree(half, ignore_errors=True)

    def known(self, texts: Sequence[Text], vocabulary: Vocabulary) -> Iterator[Known]:
        """What is known of each of the shard's texts."""
        take, n_relations = _Taken(self.arrays), len(vocabulary.relations)
        for text in texts:
            n = len(text)
            number = take("number", n_relations * n).astype(np.int64)
            query = np.repeat(np.tile(np.arange(n, dtype=np.int32), n_relations), number)
            cell = query * np.int32(n) + take("key", len(query))
            by_relation = number.reshape(n_relations, n).sum(axis=1)
            graded = np.repeat(take("graded", n_relations), by_relation)
            weight = np.ones(len(cell))
            weight[graded] = take("weight", int(graded.sum()))
            columns = _ends(take("column_number", n))
            index = take("column", int(columns[-1]))
            yield Known(
                classes=take("classes", n),
                pairs=sp.csr_matrix((weight, cell, _ends(number)), (n_relations * n, n * n)),
                columns=sp.csr_matrix(
                    (np.ones(len(index), dtype=np.float32), index, columns),
                    (n, len(vocabulary.neurons)),
                ),
            )

    def score(self, scorer: Scorer, work: Iterator[Work]) -> None:
        """Add what the model says of the targets and columns of new heuristics, batch by batch."""
        take, shape = _Taken(self.arrays), scorer.shape
        for batch in work:
            for layer, window in enumerate(shape.windows):
                plan: HeadPlan = batch.plans[shape.kinds.index(window)]
                cells = take(f"cells_{layer}", plan.cells.layout.n_cells)
                plan.add_targets(scorer.sums, shape.heads_of(layer), cells)
            if batch.columns.shape[1]:
                x = torch.from_numpy(take("neurons", batch.columns.shape[0]))
                for index, moment in products(batch.columns, x):
                    scorer.sums["predictor_moment"][index] += moment


@dataclass(frozen=True)
class Records:
    """The records of a run in a folder of the cache, where those of one run are kept at a time."""

    folder: Path
    n_layers: int

    def have(self, shards: Sequence[Shard]) -> bool:
        """Whether all of these are there, and whole."""
        found = (Record.read(self.folder / shard.id, self.n_layers) for shard in shards)
        return all(record is not None for record in found)

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(path.stat().st_size for path in self.folder.glob("*/*.npy"))

    def make_room(self) -> None:
        """Remove those of other runs, and halves of long ago: their trials were killed."""
        others = [path for path in self.folder.parent.glob("*") if OURS.fullmatch(path.name)]
        halves = [path for path in self.folder.glob(".*") if time() - path.stat().st_mtime > LONG]
        for old in (*(path for path in others if path != self.folder), *halves):
            shutil.rmtree(old, ignore_errors=True)

    def record(self, session: Session, shard: Shard, texts: Sequence[Text]) -> Record:
        """A shard's, from disk or made now."""
        folder = self.folder / shard.id
        found = Record.read(folder, self.n_layers)
        if found is None:
            found = Record.made(session, texts)
            with suppress(OSError):
                found.write(folder)
        return found


def fits(session: Session, tokens: float) -> bool:
    """Whether the activations over so many tokens can be kept, were every text as long as can be.

    What the texts say takes as much again at most.
    """
    shape = session.model.shape
    n_heads, n_neurons = shape.n_layers * shape.n_heads, shape.n_layers * shape.d_mlp
    return tokens * 4 * (n_heads * session.limit / 2 + n_neurons) <= KEPT


class _Taken:
    """Hands out arrays piece by piece, each from where it was left."""

    def __init__(self, arrays: Mapping[str, ndarray]) -> None:
        self.arrays, self.at = arrays, defaultdict[str, int](int)

    def __call__(self, name: str, count: int) -> ndarray:
        start = self.at[name]
        self.at[name] += count
        return self.arrays[name][start : start + count]


def _ends(number: ndarray) -> Int[ndarray, " row+1"]:
    return np.concatenate([[0], np.cumsum(number)])


def _add(known: Known, parts: Mapping[str, list[ndarray]]) -> None:
    """Add what the heuristics say of a text."""
    pairs, columns, n = known.pairs, known.columns, len(known.classes)
    number = np.diff(pairs.indptr)
    relation = np.repeat(np.arange(len(number)) // n, number)
    graded = np.bincount(relation[pairs.data != 1], minlength=len(number) // n) > 0
    parts["classes"].append(known.classes)
    parts["number"].append(number.astype(np.uint16))
    parts["key"].append((pairs.indices % n).astype(np.uint16))
    parts["graded"].append(graded)
    parts["weight"].append(pairs.data[graded[relation]].astype(np.float32))
    parts["column_number"].append(np.diff(columns.indptr))
    parts["column"].append(columns.indices)


def _add_activations(
    session: Session, items: Sequence[Prepared], parts: Mapping[str, list[ndarray]]
) -> None:
    """Run the model over a shard for patterns, at cells that are seen, and `hook_post`."""
    model, shape = session.model, session.model.shape
    for batch in batches(items, session.settings.token_budget):
        layouts = [
            Layout.of(batch, window, len(session.vocabulary.classes), shape.n_ctx)
            for window in shape.kinds
        ]
        n_tokens = sum(len(item) - item.first for item in batch)
        neurons = np.zeros((n_tokens, shape.n_layers * shape.d_mlp), dtype=np.float32)
        hooks: dict[str, Callable[[Tensor], None]] = {}
        for layer, window in enumerate(shape.windows):
            layout = layouts[shape.kinds.index(window)]
            found = parts[f"cells_{layer}"]
            hooks[f"blocks.{layer}.attn.hook_pattern"] = partial(_cells, found, layout)
            if shape.d_mlp:
                own = neurons[:, shape.neurons_of(layer)]
                hooks[f"blocks.{layer}.mlp.hook_post"] = partial(_tokens, own, batch)
        model.read(pad(batch), hooks)
        parts["neurons"].append(neurons)


def _cells(found: list[ndarray], layout: Layout, pattern: Float[Tensor, "b h q k"]) -> None:
    found.append(layout.cells_of(pattern))


def _tokens(
    found: Float[ndarray, "token neuron"],
    batch: Sequence[Prepared],
    value: Float[Tensor, "b pos neuron"],
) -> None:
    found[:] = at_tokens(value, batch).cpu().numpy()
