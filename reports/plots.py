"""Geometry of the pictures of activations: numbers in, SVG coordinates out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from reports.shapes import Tick, apart, bars_path, decades, path, signed_log, spread_over
from reports.wording import number, significant

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Overlay:
    """Two histograms over one axis, each as high as its own highest bar."""

    before: str
    after: str
    ticks: list[Tick]


@dataclass(frozen=True)
class Boxes:
    """Five-number summaries side by side over a common axis, linear about zero, then logarithmic.

    `columns` has, for each, the place of its left edge and how far it is from the rest, 0 to 1.
    """

    width: int
    height: int
    step: float
    whiskers: str
    boxes: str
    medians: str
    means: list[tuple[float, float]]
    ticks: list[Tick]
    columns: list[tuple[float, float]]


@dataclass(frozen=True)
class Curves:
    """Lines over log2(1 + position), from zero up."""

    lines: list[tuple[str, str, float]]
    x: list[Tick]
    y: list[Tick]


def overlay(before: Row, after: Row, width: int = 300, height: int = 90) -> Overlay | None:
    """Two rows of hooks.parquet, within four deviations of either mean."""
    reach = [_reach(row) for row in (before, after)]
    low, high = min(r[0] for r in reach), max(r[1] for r in reach)
    if not (math.isfinite(low) and math.isfinite(high) and high > low):
        return None
    shapes = []
    for row in (before, after):
        bars = spread_over(row["edges"], row["counts"], low, high, 60)
        if bars is None:
            return None
        shapes.append(bars_path(bars.tolist(), width, height))
    ticks = [Tick((v - low) / (high - low) * width, significant(v)) for v in nice(low, high, 4)]
    return Overlay(shapes[0], shapes[1], ticks)


def _reach(row: Row) -> tuple[float, float]:
    mean, std = float(row["mean"]), float(row["std"])
    return max(float(row["min"]), mean - 4 * std), min(float(row["max"]), mean + 4 * std)


def nice(low: float, high: float, about: int) -> list[float]:
    """Round values between two bounds, some `about` of them."""
    rough = (high - low) / about
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * k for k in (1, 2, 5, 10) if unit * k >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(step * k, 12) for k in range(first, math.floor(high / step + 1e-9) + 1)]


def boxes(
    rows: Sequence[Row], distances: Sequence[float], width: int = 900, height: int = 200
) -> Boxes | None:
    """Summaries (`min` … `max`, `mean`) side by side, with a bar for the distance of each."""
    kept = [row for row in rows if number(row.get("median")) is not None]
    if not kept or len(kept) != len(distances):
        return None
    spread = float(np.median([row["q3"] - row["q1"] for row in kept]))
    unit = spread if spread > 0 else 1.0
    low, high = min(row["min"] for row in kept), max(row["max"] for row in kept)
    if not high > low:
        return None
    bottom, top = signed_log([low, high], unit)

    def y(value: float) -> float:
        return float(height * (1 - (signed_log([value], unit)[0] - bottom) / (top - bottom)))

    step = min(width / len(kept), 34.0)
    whiskers, filled, medians, means = [], [], [], []
    for index, row in enumerate(kept):
        left, right = index * step + step * 0.2, index * step + step * 0.8
        middle = (left + right) / 2
        at = {key: y(row[key]) for key in ("min", "q1", "median", "q3", "max", "mean")}
        whiskers.append(f"M{middle:.1f} {at['min']:.1f}V{at['max']:.1f}")
        filled.append(f"M{left:.1f} {at['q1']:.1f}H{right:.1f}V{at['q3']:.1f}H{left:.1f}Z")
        medians.append(f"M{left:.1f} {at['median']:.1f}H{right:.1f}")
        means.append((middle, at["mean"]))
    furthest = max([*distances, 1e-12])
    marks = [low, *(mark for mark in decades(low, high, unit) if low < mark < high), high]
    return Boxes(
        width=math.ceil(step * len(kept)),
        height=height,
        step=step,
        whiskers="".join(whiskers),
        boxes="".join(filled),
        medians="".join(medians),
        means=means,
        ticks=_apart([Tick(y(value), significant(value)) for value in marks]),
        columns=[(index * step, distance / furthest) for index, distance in enumerate(distances)],
    )


def _apart(ticks: list[Tick], gap: float = 15) -> list[Tick]:
    """Ticks that do not cover each other; the ends of the axis, first and last, stay."""
    kept = [ticks[0], ticks[-1]]
    for tick in ticks[1:-1]:
        if all(abs(tick.at - other.at) >= gap for other in kept):
            kept.append(tick)
    return kept


def by_position(
    positions: Sequence[float],
    series: Sequence[tuple[str, Sequence[float]]],
    width: int = 320,
    height: int = 110,
) -> Curves | None:
    """Lines by position, averaged within steps of a quarter of an octave."""
    at = np.asarray(positions, dtype=float)
    if len(at) < 2:
        return None
    scaled = np.log2(1 + at)
    start, reach = scaled.min(), scaled.max() - scaled.min()
    cells = np.round(scaled * 4).astype(int)
    top = max(float(np.max(values)) for _, values in series)
    if not (math.isfinite(top) and top > 0 and reach > 0):
        return None
    drawn: list[tuple[str, str]] = []
    ends: list[float] = []
    for name, values in series:
        y = np.asarray(values, dtype=float)
        means = [(scaled[cells == c].mean(), y[cells == c].mean()) for c in np.unique(cells)]
        points = [((s - start) / reach * width, height * (1 - m / top)) for s, m in means]
        ends.append(points[-1][1])
        drawn.append((name, path(points)))
    lines = [(*line, end) for line, end in zip(drawn, apart(ends, height), strict=True)]
    marks = [p for p in (0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024) if at[0] <= p <= at[-1]]
    x = [Tick((math.log2(1 + p) - start) / reach * width, str(p)) for p in marks]
    y_ticks = [Tick(height * (1 - v / top), significant(v)) for v in nice(0, top, 3)]
    return Curves(lines, x, y_ticks)


def scatter(points: Sequence[Sequence[float]], size: int = 360) -> list[tuple[float, float]]:
    """Points in a square, both axes to the same scale, y upwards."""
    placed = np.asarray(points, dtype=float)
    middle = (placed.max(axis=0) + placed.min(axis=0)) / 2
    extent = max(float(np.ptp(placed, axis=0).max()), 1e-12)
    moved = (placed - middle) / extent * size + size / 2
    return [(float(x), float(size - y)) for x, y in moved]


def told_apart(points: Sequence[Sequence[float]], inside: Sequence[int]) -> float:
    """The fraction of the points' spread that lies between those inside and the others (η²)."""
    placed = np.asarray(points, dtype=float)
    mask = np.zeros(len(placed), dtype=bool)
    mask[list(inside)] = True
    total = float(placed.var(axis=0).sum())
    if total <= 0 or not 0 < mask.sum() < len(placed):
        return 0.0
    gap = placed[mask].mean(axis=0) - placed[~mask].mean(axis=0)
    return float(mask.mean() * (1 - mask.mean()) * (gap**2).sum() / total)
