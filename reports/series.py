"""How a series of runs went: mean R² and the share of heads labelled, run by run, as a chart."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from reports.shapes import Chart, Line, Tick, apart, path
from reports.wording import decimal, number, percent

WIDTH, HEIGHT = 430, 120
ROOM = 96
"""Pixels that the name of a run takes beneath the axis."""

LONGEST = 15


def series_chart(titles: Sequence[str], counts: Sequence[Mapping[str, Any]]) -> Chart | None:
    """Two lines over the runs in their order, from zero (or the least R²) to one.

    None below three runs: what two did stands in the table.
    """
    if len(titles) < 3:
        return None
    r2 = [number(run["mean_r2"]) for run in counts]
    labelled = [run["labelled"] / run["heads"] if run["heads"] else None for run in counts]
    low = min(0.0, *(value for value in r2 if value is not None), 0.0)
    steps = [WIDTH * index / (len(titles) - 1) for index in range(len(titles))]

    def height(value: float) -> float:
        return HEIGHT * (1 - (value - low) / (1 - low))

    def line(name: str, text: str, values: list[float | None], words: list[str]) -> Line | None:
        points = [
            (x, height(value), f"{title}: {word}")
            for x, value, title, word in zip(steps, values, titles, words, strict=True)
            if value is not None
        ]
        drawn = path([(x, y) for x, y, _ in points])
        return Line(name, text, drawn, "", points, points[-1][1]) if points else None

    found = [
        line("label", "mean R²", r2, [decimal(value) for value in r2]),
        line("labelled", "heads labelled", labelled, [percent(value) for value in labelled]),
    ]
    lines = [item for item in found if item is not None]
    ends = apart([item.end for item in lines], HEIGHT)
    return Chart(
        WIDTH,
        HEIGHT,
        _names(titles, steps),
        [Tick(height(value), decimal(value, 1)) for value in (0.0, 0.5, 1.0)],
        [replace(item, end=end) for item, end in zip(lines, ends, strict=True)],
    )


def _names(titles: Sequence[str], steps: Sequence[float]) -> list[Tick]:
    """The names of as many runs as have room, the last among them."""
    last = len(titles) - 1
    every = math.ceil(ROOM * last / WIDTH)
    return [
        Tick(x, title if len(title) <= LONGEST else f"{title[: LONGEST - 1]}…")
        for index, (x, title) in enumerate(zip(steps, titles, strict=True))
        if (last - index) % every == 0
    ]
