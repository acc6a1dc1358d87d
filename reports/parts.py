"""The parts of a report that a page loads when they are opened, by name; each a packed string."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy import ndarray

from labeler.results import RunFolder
from reports.head_view import by_name
from reports.pack import Dictionary, pack, rounded
from reports.reviewed import verdicts, worded
from reports.shapes import rebin
from reports.view import tokens_of
from reports.wording import number, sentence, visible

CHUNK = 256
"""Neurons whose strips share a file."""

FIGURES = (
    *("r2", "r2_low", "r2_high", "r2_reinitialised", "r2_partial", "auroc", "average_precision"),
    *("base_rate", "mean", "std", "min", "q1", "median", "q3", "max"),
)

Part = tuple[str, Callable[[], str]]


def parts(folder: RunFolder) -> Iterator[Part]:
    """(name, how to make it) of every part, in a fixed order."""
    yield from _head_parts(folder)
    yield from _pattern_parts(folder)
    yield from _neuron_parts(folder)


def _head_parts(folder: RunFolder) -> Iterator[Part]:
    """`heads-L0`: strips and every relation measured."""
    evidence = by_name(folder.evidence_heads)
    every = by_name(folder.predictions[folder.predictions["query_class"].fillna("").eq("")])

    def make(names: list[str]) -> str:
        tokens: Dictionary[str] = Dictionary()
        heads = {
            name: {
                "strips": [_head_strip(row, tokens) for row in evidence.get(name, [])],
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


def _head_strip(row: dict[str, Any], tokens: Dictionary[str]) -> dict[str, Any]:
    return {
        "kind": sentence(row["kind"]),
        "prompt": sentence(row["prompt"]),
        "query": int(row["query"]),
        "start": int(row["start"]),
        "t": [tokens.number(visible(token)) for token in tokens_of(row["tokens"])],
        "real": rounded(row["real"], 3),
        "label": rounded(row["predicted"], 3),
        "r2": number(row["r2"]),
    }


def _relations(rows: list[dict[str, Any]]) -> list[list[Any]]:
    """[prediction, mass, coverage, lift, low, high, selected], the largest mass first."""
    ordered = sorted(rows, key=lambda row: -(number(row["mass"]) or 0.0))
    columns = ("mass", "coverage", "lift", "lift_low", "lift_high")
    return [
        [
            sentence(row["prediction"]),
            *rounded((number(row[column]) for column in columns), 3),
            bool(row["selected"]),
        ]
        for row in ordered
    ]


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


def _neuron_parts(folder: RunFolder) -> Iterator[Part]:
    """`neurons-L0`: columns; `strips-L0-3`: evidence of neurons 768 to 1023."""
    table = folder.neurons
    if table.empty:
        return
    evidence = by_name(folder.evidence_neurons)
    for layer, rows in table.groupby(table["layer"].astype(int), sort=True):
        ordered = rows.sort_values("neuron", kind="stable")
        yield (
            f"neurons-L{layer}",
            lambda rows=ordered: pack(neuron_columns(rows, folder, evidence)),  # type: ignore[misc]
        )
        chunks: dict[int, list[str]] = defaultdict(list)
        for name, neuron in zip(ordered["name"], ordered["neuron"], strict=True):
            if name in evidence:
                chunks[int(neuron) // CHUNK].append(name)
        for chunk, names in sorted(chunks.items()):
            yield (
                f"strips-L{layer}-{chunk}",
                lambda names=names: _strips(names, evidence),  # type: ignore[misc]
            )


def neuron_columns(
    rows: pd.DataFrame, folder: RunFolder, evidence: dict[str, list[dict[str, Any]]]
) -> dict[str, Any]:
    """The neurons of one layer as columns, words and tokens by number."""
    words: Dictionary[str] = Dictionary()
    tokens: Dictionary[str] = Dictionary()
    found = verdicts(folder.review)
    labels = [worded(r["label"], found.get(r["name"])) for r in rows.to_dict("records")]
    listed = {
        column: [[tokens.number(visible(t)) for t in tokens_of(cell)[:10]] for cell in rows[column]]
        for column in ("promotes", "suppresses")
    }
    return {
        "layer": int(rows["layer"].iloc[0]),
        "neuron": [int(value) for value in rows["neuron"]],
        **{key: rounded(pd.to_numeric(rows[key], errors="coerce")) for key in FIGURES},
        "label": [words.number(label) for label, _ in labels],
        "automatic": [words.number(automatic) for _, automatic in labels],
        **{key: [words.number(sentence(v)) for v in rows[key]] for key in ("kind", "confidence")},
        "role": [words.number(sentence(v) if isinstance(v, str) else "") for v in rows["role"]],
        "fires": [_fires_on(evidence.get(name, []), tokens) for name in rows["name"]],
        **listed,
        "histogram": _histograms(rows),
        "words": words.items,
        "tokens": tokens.items,
        "chunk": CHUNK,
        "figures": FIGURES,
    }


def _fires_on(rows: list[dict[str, Any]], tokens: Dictionary[str]) -> list[int]:
    """Numbers of the distinct tokens that the top examples peak on, the strongest first."""
    seen: dict[int, None] = {}
    for row in rows:
        place = int(row["position"]) - int(row["start"])
        strip = tokens_of(row["tokens"])
        if row["kind"] == "top" and 0 <= place < len(strip):
            seen[tokens.number(visible(strip[place]))] = None
    return list(seen)[:6]


def _histograms(rows: pd.DataFrame) -> list[Any] | None:
    """[path, low, high] a neuron, where the run folder carries `edges` and `counts`."""
    if "edges" not in rows.columns or "counts" not in rows.columns:
        return None
    drawn = []
    for row in rows.to_dict("records"):
        empty = row["edges"] is None or isinstance(row["edges"], float)
        shape = (
            None
            if empty
            else rebin(row["edges"], row["counts"], number(row["mean"]), number(row["std"]))
        )
        drawn.append(shape and [shape.path, round(shape.low, 3), round(shape.high, 3)])
    return drawn


def _strips(names: list[str], evidence: dict[str, list[dict[str, Any]]]) -> str:
    tokens: Dictionary[str] = Dictionary()
    neurons = {
        name: [
            {
                "kind": sentence(row["kind"]),
                "prompt": sentence(row["prompt"]),
                "position": int(row["position"]),
                "start": int(row["start"]),
                "value": number(row["value"]),
                "t": [tokens.number(visible(token)) for token in tokens_of(row["tokens"])],
                "values": rounded(row["values"], 3),
            }
            for row in evidence[name]
        ]
        for name in names
    }
    return pack({"tokens": tokens.items, "neurons": neurons})
