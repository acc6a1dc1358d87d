"""Examples and counter-examples: rows of heads, activations of neurons, token by token."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor

from heuristics.text import Text
from labeler.batches import batches, pad
from labeler.labels import HeadLabel
from labeler.model import LanguageModel
from labeler.predict import baseline
from labeler.prepare import Prepared
from labeler.results import GOES_ON

ROWS = 3
BEFORE, AFTER = 16, 6
MAX_STRIP = 64
EARLY = 8
"""Queries before this one see too little to show anything."""
HIDDEN = 1e3
"""What a row counts less, the most of which lies before the strip."""


@dataclass(frozen=True, eq=False)
class Row:
    """One query of one head: what it attends to, and what its label says."""

    value: float
    text: Text
    query: int
    real: ndarray
    predicted: ndarray

    @property
    def token(self) -> int:
        """The id of the query's token."""
        return int(self.text.token_ids[self.query])


@dataclass
class HeadEvidence:
    """Keeps, for each head, the rows best and worst explained, one a prompt, and exceptions'.

    The best, by how much and how well they are explained (the squared attention explained, times
    R²), are of queries that the general rule speaks of, each of another token; they and those of
    exceptions show half of the attention or more within the strip, where any row does.
    """

    labels: Sequence[HeadLabel]
    n_heads: int

    def __post_init__(self) -> None:
        self.best: list[list[Row]] = [[] for _ in self.labels]
        self.worst: list[list[Row]] = [[] for _ in self.labels]
        self.exceptions: dict[tuple[int, int], list[Row]] = {}

    def __call__(self, item: Prepared, layer: int, real: Tensor, said: Tensor) -> None:
        """A `Watch` of `measure`."""
        n, text = len(item), replace(item.text)  # without what heuristics computed
        flat = baseline(n, None)
        error = ((real - said) ** 2).sum(dim=2)
        energy = ((real - flat) ** 2).sum(dim=2)
        explained = energy - error
        # Times R²: else the best are the sharpest rows, however little of them is explained.
        explained *= explained.abs() / energy.clamp(min=1e-12)
        early = min(EARLY, n - 1)
        explained -= HIDDEN * (real.tril(-MAX_STRIP).sum(dim=2) > 0.5)
        error[:, :early], explained[:, :early] = -1, -2 * HIDDEN
        for h in range(real.shape[0]):
            head = layer * self.n_heads + h
            label = self.labels[head]
            general = torch.from_numpy(np.isin(item.classes, label.general.leaves))
            if general.any():
                own = torch.where(general, explained[h], -torch.inf)
                self._keep(self.best[head], text, own, real[h], said[h], of_each_token=True)
            self._keep(self.worst[head], text, error[h], real[h], said[h])
            for number, rule in enumerate(label.exceptions):
                inside = torch.from_numpy(np.isin(item.classes, list(rule.leaves)))
                if inside.any():
                    own = torch.where(inside, explained[h], -torch.inf)
                    rows = self.exceptions.setdefault((head, number), [])
                    self._keep(rows, text, own, real[h], said[h])

    def _keep(
        self,
        rows: list[Row],
        text: Text,
        value: Tensor,
        real: Tensor,
        said: Tensor,
        of_each_token: bool = False,
    ) -> None:
        query = int(value.argmax())
        best = float(value[query])
        alike = [row for row in rows if of_each_token and row.token == text.token_ids[query]]
        last = alike or rows[ROWS - 1 :]
        if last and best <= last[0].value:
            return
        row = Row(best, text, query, real[query].numpy().copy(), said[query].numpy().copy())
        rows[:] = [other for other in rows if other not in alike] + [row]
        rows.sort(key=lambda row: -row.value)
        del rows[ROWS:]

    def table(self) -> Iterator[dict[str, Any]]:
        """Rows of `evidence/heads.parquet`."""
        for head, label in enumerate(self.labels):
            kinds = [("best", self.best[head]), ("worst", self.worst[head])]
            for number, rule in enumerate(label.exceptions):
                rows = self.exceptions.get((head, number), [])
                kinds.append((f"exception: {rule.query_class}", rows))
            for kind, rows in kinds:
                for rank, row in enumerate(rows):
                    yield {"name": label.name, "kind": kind, "rank": rank, **_row(row)}


def _row(row: Row) -> dict[str, Any]:
    start = max(0, row.query + 1 - MAX_STRIP)
    stop = row.query + 1
    real, predicted = row.real[:stop], row.predicted[:stop]
    even = 1.0 / stop
    energy = float(((real - even) ** 2).sum())
    return {
        "prompt": row.text.id,
        "query": row.query,
        "start": start,
        "tokens": strings(row.text, start, stop),
        "real": [round(float(x), 4) for x in real[start:]],
        "predicted": [round(float(x), 4) for x in predicted[start:]],
        "r2": 1 - float(((real - predicted) ** 2).sum()) / energy if energy > 0 else None,
    }


def strings(text: Text, start: int = 0, stop: int | None = None) -> list[str]:
    """Tokens as shown: the characters they stand for, each once; BOS by name."""
    seen = np.maximum.accumulate(np.append(0, text.offsets[:-1, 1]))
    shown = [
        text.string[max(int(a), int(known)) : b] or (GOES_ON if b > a else "")
        for (a, b), known in zip(text.offsets[start:stop], seen[start:stop], strict=True)
    ]
    if text.has_bos and start == 0:
        shown[:1] = ["⟨start⟩"]
    return shown


class NeuronEvidence:
    """Top activations of every neuron, one a prompt, and a reservoir of tokens chosen by hash."""

    def __init__(self, n_neurons: int, d_mlp: int, reservoir: int, top: int) -> None:
        self.d_mlp = d_mlp
        self.limit = reservoir
        self.value = np.full((top, n_neurons), -np.inf, dtype=np.float32)
        self.text = np.zeros((top, n_neurons), dtype=np.int64)
        self.position = np.zeros((top, n_neurons), dtype=np.int64)
        self.texts: dict[str, int] = {}
        self._items: dict[int, Prepared] = {}
        self.places: list[tuple[int, int]] = []
        self._row: dict[tuple[int, int], int] = {}
        self.n_neurons = n_neurons

    def choose(self, texts: Sequence[Text]) -> None:
        """Fix the reservoir: the positions with the lowest hash of (prompt, position)."""
        ranked: list[tuple[bytes, int, int]] = []
        for index, text in enumerate(texts):
            self.texts[text.id] = index
            for position in range(int(text.has_bos), len(text)):
                key = f"{text.string}\0{text.id}\0{position}".encode()
                ranked.append((hashlib.blake2b(key, digest_size=8).digest(), index, position))
        ranked.sort()
        self.places = sorted((index, position) for _, index, position in ranked[: self.limit])
        self._row = {place: row for row, place in enumerate(self.places)}
        self.x = np.zeros((len(self.places), self.n_neurons), dtype=np.float32)

    @property
    def items(self) -> list[Prepared]:
        """The texts that were seen, in the order of `choose`, without their target pairs."""
        return [self._items[index] for index in range(len(self.texts))]

    def __call__(self, batch: Sequence[Prepared], layer: int, post: Tensor) -> None:
        """Called by `measure` with `hook_post` of a layer."""
        neurons = slice(layer * self.d_mlp, (layer + 1) * self.d_mlp)
        for row, item in enumerate(batch):
            index = self.texts[item.text.id]
            if layer == 0:
                self._items[index] = replace(item, text=replace(item.text), pairs=())
            x = post[row, : len(item)].float().cpu().numpy()
            self._top(neurons, index, x[item.first :], item.first)
            for position in range(item.first, len(item)):
                place = self._row.get((index, position))
                if place is not None:
                    self.x[place, neurons] = x[position]

    def _top(self, neurons: slice, index: int, x: ndarray, first: int) -> None:
        if not len(self.value):
            return
        position = x.argmax(axis=0)
        value = x[position, np.arange(x.shape[1])]
        lowest = self.value[-1, neurons]
        entering = np.flatnonzero(value > lowest)
        if not len(entering):
            return
        columns = entering + (neurons.start or 0)
        self.value[-1, columns] = value[entering]
        self.text[-1, columns] = index
        self.position[-1, columns] = position[entering] + first
        order = np.argsort(-self.value[:, columns], axis=0, kind="stable")
        for array in (self.value, self.text, self.position):
            array[:, columns] = np.take_along_axis(array[:, columns], order, axis=0)

    def places_top(self, neuron: int) -> list[tuple[int, int, float]]:
        """(text, position, value) of the strongest activations of a neuron, one a text."""
        return [
            (int(self.text[i, neuron]), int(self.position[i, neuron]), float(self.value[i, neuron]))
            for i in range(len(self.value))
            if np.isfinite(self.value[i, neuron])
        ]


def strip(item: Prepared, position: int) -> tuple[int, list[str]]:
    """Where a strip around a position starts, and its tokens."""
    start, stop = max(0, position - BEFORE), min(len(item), position + AFTER + 1)
    return start, strings(item.text, start, stop)


def fill_values(
    examples: Sequence[dict[str, Any]], items: Sequence[Prepared], model: LanguageModel
) -> None:
    """Give every example about a neuron the activations along its strip, in place."""
    by_text: dict[str, list[dict[str, Any]]] = {}
    for example in examples:
        by_text.setdefault(example["prompt"], []).append(example)
    needed = [item for item in items if item.text.id in by_text]
    for batch in batches(needed):
        kept: dict[int, Tensor] = {}
        hooks = {
            f"blocks.{layer}.mlp.hook_post": partial(kept.__setitem__, layer)
            for layer in range(model.shape.n_layers)
        }
        model.read(pad(batch), hooks)
        for row, item in enumerate(batch):
            for example in by_text[item.text.id]:
                layer, neuron = (int(part) for part in example["name"][1:].split("N"))
                stop = example["start"] + len(example["tokens"])
                values = kept[layer][row, example["start"] : stop, neuron].float().tolist()
                example["values"] = [round(value, 4) for value in values]
