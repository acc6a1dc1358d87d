"""The parts of a report that a page loads when they are opened, by name; each a packed string."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy import ndarray

from labeler.results import RunFolder
from reports.activation_view import heat_part
from reports.head_view import by_name, class_wordings
from reports.neuron_parts import neuron_parts
from reports.pack import Dictionary, pack, rounded
from reports.strips import cost_strips, head_strips
from reports.wording import number, sentence, visible

Part = tuple[str, Callable[[], str]]


def parts(folder: RunFolder) -> Iterator[Part]:
    """(name, how to make it) of every part, in a fixed order."""
    yield from _head_parts(folder)
    yield from _pattern_parts(folder)
    yield from neuron_parts(folder)
    if (heat := heat_part(folder)) is not None:
        yield "heat", lambda: heat


def _head_parts(folder: RunFolder) -> Iterator[Part]:
    """`heads-L0`: strips and every relation measured."""
    evidence = by_name(folder.evidence_heads)
    labelled = dict(
        zip(folder.heads["name"], folder.heads["confidence"].ne("unlabelled"), strict=True)
    )
    classes = class_wordings(folder)
    every = by_name(folder.predictions[folder.predictions["query_class"].fillna("").eq("")])

    def make(names: list[str]) -> str:
        tokens: Dictionary[str] = Dictionary()
        costs = cost_strips(folder.costs[folder.costs["name"].isin(names)], tokens)
        heads = {
            name: {
                "strips": head_strips(evidence.get(name, []), labelled[name], tokens, classes),
                "costs": costs.get(name, []),
                "relations": _relations(every.get(name, [])),
            }
            for name in names
        }
        return pack({"tokens": tokens.items, "heads": heads})

    for layer, names in _layers(folder.heads):
        yield f"heads-L{layer}", lambda names=names: make(names)  # type: ignore[misc]


def _layers(table: pd.DataFrame) -> list[tuple[int, list[str]]]:
    layers: dict[int, list[str]] = defaultdict(list)
    for name, layer in zip(table["name"], table["layer"], strict=True):
        layers[int(layer)].append(str(name))
    return sorted(layers.items())


def _relations(rows: list[dict[str, Any]]) -> list[list[Any]]:
    """[phrase, name, mass, coverage, lift, low, high, selected], the largest mass first.

    The name is empty where it is the phrase, but for an article.
    """
    ordered = sorted(rows, key=lambda row: -(number(row["mass"]) or 0.0))
    columns = ("mass", "coverage", "lift", "lift_low", "lift_high")
    return [
        [
            *_called(sentence(row["phrase"]), sentence(row["prediction"])),
            *rounded((number(row[column]) for column in columns), 3),
            bool(row["selected"]),
        ]
        for row in ordered
    ]


def _called(phrase: str, name: str) -> tuple[str, str]:
    return phrase, "" if name in (phrase, phrase.removeprefix("the ")) else name


def _pattern_parts(folder: RunFolder) -> Iterator[Part]:
    """`patterns-L0`: real and predicted patterns of the showcase, one byte a cell.

    A cell is 255·√a: small attention keeps its steps, and what is read off is right to 0.4%.
    """
    prompts = folder.showcase()
    names = folder.heads["name"].tolist()

    def make(rows: list[int]) -> str:
        head = {
            "prompts": [
                {"id": sentence(p["id"]), "tokens": [visible(token) for token in p["tokens"]]}
                for p in prompts
            ],
            "heads": [names[row] for row in rows],
        }
        cells = [
            lower_triangle(np.asarray(prompt[kind][row]))
            for prompt in prompts
            for row in rows
            for kind in ("real", "label")
        ]
        return pack(head, b"".join(cells))

    if prompts:
        for layer, wanted in _layers(folder.heads):
            rows = [names.index(name) for name in wanted]
            yield f"patterns-L{layer}", lambda rows=rows: make(rows)  # type: ignore[misc]


def lower_triangle(pattern: ndarray) -> bytes:
    """The causal half of a pattern, row by row, as bytes of 255·√a."""
    cells = pattern[np.tril_indices(pattern.shape[0])].astype(float)
    scaled = np.sqrt(np.clip(np.nan_to_num(cells), 0, 1)) * 255
    return (scaled + 0.5).astype(np.uint8).tobytes()
