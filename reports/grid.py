"""The layer × head map: which figure, on which scale, and where each head falls on it."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from reports.wording import decimal

METRICS = (
    ("r2", "held-out R²", "one"),
    ("r2_dense", "R², all relations", "one"),
    ("beyond_distance", "R² minus R² of distance alone", "two"),
    ("recovered", "recovered when replaced", "one"),
    ("cost", "cost of the label (nats)", "one"),
    ("unexplained", "remainder", "one"),
    ("first_position_share", "on the first position", "one"),
    ("induction", "induction", "one"),
    ("entropy", "entropy (nats)", "one"),
    ("written", "share of the layer's writing", "one"),
)
"""What the layer × head map can show: column, name, one-way or two-way scale."""


@dataclass(frozen=True)
class Metric:
    """A figure for every head, with the step 0 to 10 of the scale that each falls on."""

    key: str
    text: str
    scale: str
    values: list[str]
    steps: list[int | None]
    low: str
    high: str


def metrics(heads: pd.DataFrame) -> list[Metric]:
    """The figures that were measured for at least one head."""
    table = heads.assign(beyond_distance=column(heads, "r2") - column(heads, "r2_distance"))
    found = []
    for key, text, scale in METRICS:
        values = column(table, key)
        if values.notna().any():
            found.append(_metric(key, text, scale, values))
    return found


def column(table: pd.DataFrame, name: str) -> pd.Series:
    """A column as floats; what is not a number is NaN."""
    return pd.to_numeric(table[name], errors="coerce").astype(float)


def _metric(key: str, text: str, scale: str, values: pd.Series) -> Metric:
    digits = 3 if key == "cost" else 2
    if scale == "two":
        high = max(float(values.abs().max()), 1e-9)
        low = -high
    else:
        low, high = min(0.0, float(values.min())), max(float(values.max()), 1e-9)
        high = 1.0 if 0.5 < high <= 1 and key != "entropy" else high
    steps = [
        None if pd.isna(v) else int(min(max((v - low) / (high - low), 0), 1) * 10 + 0.5)
        for v in values
    ]
    texts = [decimal(v, digits) for v in values]
    return Metric(key, text, scale, texts, steps, decimal(low, digits), decimal(high, digits))


def grid(heads: pd.DataFrame) -> list[tuple[int, list[int]]]:
    """Rows of heads.parquet by number, layer by layer."""
    layers: dict[int, list[int]] = {}
    for index, layer in enumerate(heads["layer"]):
        layers.setdefault(int(layer), []).append(index)
    return sorted(layers.items())
