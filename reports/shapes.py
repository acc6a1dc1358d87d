"""Geometry of the figures: numbers in, SVG coordinates out; the templates only place them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy import ndarray

Point = tuple[float, float, float | None, float | None]
"""x, y and the interval of y."""

Place = Callable[[float, float], tuple[float, float]]
"""From values to pixels."""


@dataclass(frozen=True)
class Tick:
    """A mark on an axis."""

    at: float
    text: str


@dataclass(frozen=True)
class Line:
    """One line of a chart: its path, where it ends and what to call it there."""

    name: str
    text: str
    path: str
    band: str
    points: list[tuple[float, float, str]]
    end: float


@dataclass(frozen=True)
class Chart:
    """Lines over two axes."""

    width: int
    height: int
    x: list[Tick]
    y: list[Tick]
    lines: list[Line]


@dataclass(frozen=True)
class Histogram:
    """Bars as one path, with the range that they cover and the place of the mean."""

    path: str
    low: float
    high: float
    mean: float | None


def path(points: Sequence[tuple[float, float]]) -> str:
    """A polyline as SVG path data, to a tenth of a pixel."""
    steps = (f"{x:.1f} {y:.1f}" for x, y in points)
    return "M" + "L".join(steps) if points else ""


def distance_curve(
    distances: Sequence[float], attention: Sequence[float], width: int = 320, height: int = 96
) -> tuple[str, list[Tick], float]:
    """Attention by distance over log2(1 + distance): path, ticks, and the highest value."""
    pairs = sorted((float(d), float(a)) for d, a in zip(distances, attention, strict=True))
    pairs = [(d, a) for d, a in pairs if math.isfinite(a) and d >= 0]
    if not pairs:
        return "", [], 0.0
    reach = math.log2(1 + max(pairs[-1][0], 1))
    top = max(max(a for _, a in pairs), 1e-9)
    points = [(math.log2(1 + d) / reach * width, height * (1 - a / top)) for d, a in thinned(pairs)]
    ticks = [
        Tick(math.log2(1 + d) / reach * width, str(d))
        for d in (0, 1, 2, 3, 5, 8, 16, 32, 64, 128, 256, 512)
        if d <= pairs[-1][0]
    ]
    return path(points), ticks, top


def thinned(pairs: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Every distance up to 8, then the mean of each eighth of an octave: no more can be seen."""
    cells: dict[float, list[tuple[float, float]]] = {}
    for d, a in pairs:
        cells.setdefault(d if d <= 8 else 8 + round(math.log2(1 + d) * 8), []).append((d, a))
    return [
        (sum(d for d, _ in cell) / len(cell), sum(a for _, a in cell) / len(cell))
        for cell in cells.values()
    ]


def rebin(
    edges: Sequence[float],
    counts: Sequence[float],
    mean: float | None = None,
    std: float | None = None,
    bins: int = 48,
) -> Histogram | None:
    """Buckets of any width as bars of equal width, within four deviations of the mean.

    A bucket is spread evenly over the bars it touches. Without that, logarithmic buckets drawn
    side by side would show a valley at zero that no activation has.
    """
    found = _buckets(edges, counts)
    if found is None:
        return None
    bounds, mass = found
    filled = np.flatnonzero(mass)
    low, high = float(bounds[filled[0]]), float(bounds[filled[-1] + 1])
    if mean is not None and std is not None and std > 0:
        low, high = max(low, mean - 4 * std), min(high, mean + 4 * std)
    if not high > low:
        return None
    bars = _spread(bounds, mass, low, high, bins)
    inside = None if mean is None else (mean - low) / (high - low)
    return Histogram(bars_path(bars.tolist()), low, high, inside)


def spread_over(
    edges: Sequence[float], counts: Sequence[float], low: float, high: float, bins: int
) -> ndarray | None:
    """Buckets as `bins` equal bars between two bounds; None of what is no histogram."""
    found = _buckets(edges, counts)
    return None if found is None else _spread(*found, low, high, bins)


def _buckets(edges: Sequence[float], counts: Sequence[float]) -> tuple[ndarray, ndarray] | None:
    bounds, mass = np.asarray(edges, dtype=float), np.asarray(counts, dtype=float)
    usable = len(bounds) == len(mass) + 1 and np.isfinite(bounds).all() and mass.sum() > 0
    return (bounds, mass) if usable else None


def _spread(bounds: ndarray, mass: ndarray, low: float, high: float, bins: int) -> ndarray:
    cumulative = np.concatenate([[0.0], np.cumsum(mass)])
    return np.diff(np.interp(np.linspace(low, high, bins + 1), bounds, cumulative))


def bars_path(values: Sequence[float], width: int = 240, height: int = 48) -> str:
    """Adjacent bars as one closed path."""
    top = max([*values, 1e-12])
    step = width / max(len(values), 1)
    parts = [f"M0 {height}"]
    for index, value in enumerate(values):
        y = height * (1 - value / top)
        parts.append(f"V{y:.1f}H{(index + 1) * step:.1f}")
    return "".join(parts) + f"V{height}Z"


LINEAR = 0.01
"""Rises of perplexity below one percent are drawn in proportion, those above by their logarithm."""


def signed_log(values: Sequence[float], unit: float) -> ndarray:
    """Linear below `unit`, logarithmic above it, on both sides of zero."""
    return np.arcsinh(np.asarray(values, dtype=float) / unit)


def rise_chart(
    series: Sequence[tuple[str, str, Sequence[Point]]],
    labels: dict[str, list[str]],
    width: int = 430,
    height: int = 220,
) -> Chart | None:
    """Fraction replaced against rise of perplexity, linear about zero, then logarithmic.

    `series`: (name, text, [(x, y, low, high)]) with x in 0..1; a y below zero is a fall.
    """
    values = [y for _, _, points in series for _, y, _, _ in points]
    if not values:
        return None
    marks = decades(min(values), max(values), LINEAR)
    bottom, top = signed_log([marks[0], marks[-1]], LINEAR)

    def place(x: float, y: float) -> tuple[float, float]:
        at = float(signed_log([min(max(y, marks[0]), marks[-1])], LINEAR)[0])
        return x * width, height * (1 - (at - bottom) / (top - bottom))

    lines = [_line(name, text, points, place, labels[name]) for name, text, points in series]
    y_ticks = [Tick(place(0, mark)[1], _percent(mark)) for mark in marks]
    xs = sorted({x for _, _, points in series for x, _, _, _ in points})
    return Chart(
        width, height, [Tick(x * width, f"{x:.0%}") for x in xs], y_ticks, _named(lines, height)
    )


def decades(low: float, high: float, unit: float) -> list[float]:
    """Zero and powers of ten on both sides, from that of `unit` on, until they hold both bounds."""
    first = math.floor(math.log10(unit))
    powers = [10.0 ** (first + step) for step in range(12)]

    def reaching(value: float) -> list[float]:
        return powers[: 1 + sum(power < value * (1 - 1e-9) for power in powers)]

    below = [-power for power in reaching(-low)] if low < 0 else []
    return [*below[::-1], 0.0, *reaching(high)]


def _percent(value: float) -> str:
    return f"{value * 100:+,.10g}%".replace("-", "−") if value else "0%"


def _line(name: str, text: str, points: Sequence[Point], place: Place, words: list[str]) -> Line:
    pairs = sorted(zip(points, words, strict=True), key=lambda pair: pair[0][0])
    ordered = [point for point, _ in pairs]
    middle = [place(x, y) for x, y, _, _ in ordered]
    edge = [place(x, low) for x, _, low, _ in ordered if low is not None]
    edge += [place(x, high) for x, _, _, high in ordered[::-1] if high is not None]
    band = path(edge) + "Z" if len(edge) > 3 else ""
    named = [(*at, word) for at, (_, word) in zip(middle, pairs, strict=True)]
    return Line(name, text, path(middle), band, named, middle[-1][1])


def apart(ends: Sequence[float], height: float, gap: float = 15) -> list[float]:
    """Where to write the names at line ends, so that none covers another or leaves the chart."""
    moved = list(ends)
    order = sorted(range(len(ends)), key=lambda index: ends[index])
    last = -gap
    for index in order:
        moved[index] = last = max(ends[index], last + gap)
    limit = height
    for index in reversed(order):
        moved[index] = min(moved[index], limit)
        limit = moved[index] - gap
    return moved


def _named(lines: list[Line], height: int) -> list[Line]:
    ends = apart([line.end for line in lines], height)
    return [replace(line, end=end) for line, end in zip(lines, ends, strict=True)]
