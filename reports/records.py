"""Rows for exports: reviewed wording first, the automatic one kept, numbers unrounded."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from labeler.results import RunFolder
from reports.head_view import by_name
from reports.reviewed import Verdict, verdicts

Record = dict[str, Any]

PRINTED = (
    *("prediction", "phrase", "query_class", "share", "share_low", "share_high", "coverage"),
    *("lift", "lift_low", "lift_high", "p", "q"),
)

DRAWN = {"edges", "counts"}
"""Columns that pictures are drawn from: sixty figures a neuron, which no table of labels wants."""


def components(table: pd.DataFrame, found: dict[str, Verdict]) -> list[Record]:
    """Rows of heads or neurons as plain values, with `label` as a reader left it."""
    records = []
    for row in table.to_dict("records"):
        record = {str(k): plain(value) for k, value in row.items() if k not in DRAWN}
        verdict = found.get(record["name"])
        automatic = record["label"] or ""
        corrected = bool(verdict and verdict.verdict == "edit" and verdict.label.strip())
        record["label"] = verdict.label.strip() if verdict and corrected else automatic
        record["automatic_label"] = automatic
        record["verdict"] = verdict.verdict if verdict else ""
        record["note"] = verdict.note if verdict else ""
        record["reviewer"] = verdict.reviewer if verdict else ""
        records.append(record)
    return records


def head_records(folder: RunFolder) -> list[Record]:
    """Heads."""
    return components(folder.heads, verdicts(folder.review))


def neuron_records(folder: RunFolder) -> list[Record]:
    """Neurons."""
    return components(folder.neurons, verdicts(folder.review))


def document(folder: RunFolder) -> Record:
    """The whole of a run's labels as one JSON value."""
    table = folder.predictions
    chosen = by_name(table[table["selected"].eq(True)].sort_values("order", kind="stable"))
    printed = {
        name: [{key: plain(row[key]) for key in PRINTED} for row in rows]
        for name, rows in chosen.items()
    }
    kept = ("created", "versions", "model", "corpus", "counts", "headline", "figures")
    return {
        "schema": 1,
        "run_key": folder.key,
        "run": {key: plain(folder.run[key]) for key in kept if key in folder.run},
        "replacement_curve": plain(folder.run.get("replacement_curve") or []),
        "heads": [r | {"predictions": printed.get(r["name"], [])} for r in head_records(folder)],
        "neurons": [
            r | {"predictions": printed.get(r["name"], [])} for r in neuron_records(folder)
        ],
    }


def plain(value: Any) -> Any:
    """Python values without NaN: what is not a number is null."""
    if isinstance(value, np.ndarray | list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or value is pd.NA or (isinstance(value, float) and not np.isfinite(value)):
        return None
    return value
