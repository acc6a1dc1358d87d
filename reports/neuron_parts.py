"""The parts about neurons: columns of a layer for the list, details in chunks for the pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from labeler.results import GOES_ON, RunFolder
from reports.head_view import by_name
from reports.pack import Dictionary, pack, rounded
from reports.reviewed import in_short, said, verdicts, worded
from reports.shapes import bars_path
from reports.strips import neuron_strips
from reports.wording import (
    decimal,
    number,
    numbers_of,
    rise,
    rise_span,
    sentence,
    span,
    tokens_of,
    visible,
)

CHUNK = 256
"""Neurons whose details share a file."""

FIGURES = (
    *("r2", "r2_low", "r2_high", "r2_reinitialised", "r2_partial", "auroc", "average_precision"),
    *("base_rate", "precision_top", "mean", "std", "min", "q1", "median", "q3", "max"),
    *("output_kurtosis", "output_skew"),
)
LABEL_ON = "label_on"
"""The part of all tokens on which a label expects more than on average."""

ABLATIONS = {"zero": "silenced", "mean": "held at its mean"}
"""Conditions of `labeler verify --neurons` as the page names them."""

Row = dict[str, Any]


@dataclass(frozen=True)
class _More:
    """Tables of the run folder, by neuron."""

    evidence: dict[str, list[Row]]
    predictions: dict[str, list[Row]]
    pairs: dict[str, list[Row]]
    ablated: dict[str, list[Row]]


def neuron_parts(folder: RunFolder) -> Iterator[tuple[str, Callable[[], str]]]:
    """`neurons-L0`: columns; `details-L0-3`: what the pages of neurons 768 to 1023 show more."""
    table = folder.neurons
    if table.empty:
        return
    ablated = folder.replacement[folder.replacement["scope"].eq("neuron")]
    predictions = folder.predictions
    chosen = predictions["selected"].eq(True) & predictions["name"].isin(set(table["name"]))
    more = _More(
        evidence=by_name(folder.evidence_neurons),
        predictions=by_name(predictions[chosen]),
        pairs=by_name(folder.pairs, "neuron"),
        ablated=by_name(ablated),
    )
    for layer, rows in table.groupby(table["layer"].astype(int), sort=True):
        ordered = rows.sort_values("neuron", kind="stable")
        yield (
            f"neurons-L{layer}",
            lambda rows=ordered: pack(neuron_columns(rows, folder, more.evidence)),  # type: ignore[misc]
        )
        for chunk, some in ordered.groupby(ordered["neuron"].astype(int) // CHUNK, sort=True):
            yield (
                f"details-L{layer}-{chunk}",
                lambda some=some: _details(some, more),  # type: ignore[misc]
            )


def neuron_columns(
    rows: pd.DataFrame, folder: RunFolder, evidence: dict[str, list[Row]]
) -> dict[str, Any]:
    """The neurons of one layer as columns, words and tokens by number."""
    words: Dictionary[str] = Dictionary()
    tokens: Dictionary[str] = Dictionary()
    found = verdicts(folder.review)
    records = rows.to_dict("records")
    labels = [worded(row["label"], found.get(row["name"])) for row in records]
    listed = {
        column: [[tokens.number(visible(t)) for t in tokens_of(cell)[:10]] for cell in rows[column]]
        for column in ("promotes", "suppresses")
    }
    return {
        "layer": int(rows["layer"].iloc[0]),
        "neuron": [int(value) for value in rows["neuron"]],
        **{key: rounded(pd.to_numeric(rows[key], errors="coerce")) for key in FIGURES},
        LABEL_ON: rounded([_mean(numbers_of(tenths)) for tenths in rows["precision_deciles"]]),
        "label": [words.number(label) for label, _ in labels],
        "gist": [words.number(in_short(row, found.get(row["name"]))) for row in records],
        "automatic": [words.number(automatic) for _, automatic in labels],
        "review": [words.number(said(found.get(name))) for name in rows["name"]],
        **{key: [words.number(sentence(v)) for v in rows[key]] for key in ("kind", "confidence")},
        "role": [words.number(sentence(v) if isinstance(v, str) else "") for v in rows["role"]],
        "fires": [_fires_on(evidence.get(name, []), tokens) for name in rows["name"]],
        **listed,
        "words": words.items,
        "tokens": tokens.items,
        "chunk": CHUNK,
        "figures": (*FIGURES, LABEL_ON),
    }


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _fires_on(rows: list[Row], tokens: Dictionary[str]) -> list[int]:
    """Numbers of the distinct tokens that the top examples peak on, the strongest first."""
    seen: dict[int, None] = {}
    for row in rows:
        place = int(row["position"]) - int(row["start"])
        strip = tokens_of(row["tokens"])
        if row["kind"] == "top" and 0 <= place < len(strip):
            while place and strip[place] == GOES_ON:
                place -= 1
            seen[tokens.number(visible(strip[place]))] = None
    return list(seen)[:6]


def _details(rows: pd.DataFrame, more: _More) -> str:
    """What a neuron's page shows beyond the columns: strips, histogram, predictions, heads, …"""
    tokens: Dictionary[str] = Dictionary()
    neurons = {}
    for row in rows.to_dict("records"):
        name = str(row["name"])
        neurons[name] = {
            "strips": neuron_strips(
                more.evidence.get(name, []), numbers_of(row["precision_deciles"]), tokens
            ),
            "histogram": _histogram(row),
            "said": [_said(one) for one in more.predictions.get(name, [])],
            "heads": [_follows(one) for one in more.pairs.get(name, [])],
            "ablated": [
                [ABLATIONS[one["condition"]], rise(one["rise"]), rise_span(one)]
                for one in more.ablated.get(name, [])
                if one["condition"] in ABLATIONS
            ],
        }
    return pack({"tokens": tokens.items, "neurons": neurons})


def _histogram(row: Row) -> list[Any] | None:
    """[path, low, high], heights by the square root of the count: tails are what one looks for."""
    edges, counts = numbers_of(row.get("edges")), numbers_of(row.get("counts"))
    if len(counts) < 2 or len(edges) != len(counts) + 1:
        return None
    return [bars_path(np.sqrt(counts).tolist()), round(edges[0], 3), round(edges[-1], 3)]


def _said(row: Row) -> list[str]:
    """A prediction, its weight with its sign, and the part of the variance that it adds."""
    weight = number(row["share"]) or 0.0
    signed = f"+{decimal(weight)}" if weight > 0 else decimal(weight)
    return [sentence(row["phrase"]).replace(" | ", ", "), signed, decimal(row["gain"], 3)]


def _follows(row: Row) -> list[Any]:
    interval = span(row["correlation_low"], row["correlation_high"])
    return [str(row["head"]), number(row["correlation"]), interval, number(row["weight_path"])]
