"""Geometry with answers known beforehand."""

from __future__ import annotations

import re

import numpy as np
import pytest

from reports import shapes


def heights(path: str) -> list[float]:
    """The heights of the bars of `bars_path`, from 0 at the bottom to 1."""
    return [1 - float(y) / 48 for y in re.findall(r"V([\d.]+)H", path)]


def test_rebin_spreads_a_bucket_evenly() -> None:
    drawn = shapes.rebin([0, 1, 4], [10, 30], bins=4)
    assert drawn is not None
    assert (drawn.low, drawn.high) == (0, 4)
    assert heights(drawn.path) == pytest.approx([1, 1, 1, 1], abs=1e-3)


def test_rebin_leaves_no_valley_at_zero_of_logarithmic_buckets() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(0, 1, 100_000)
    positive = np.geomspace(1e-3, 30, 60)
    edges = np.concatenate([-positive[::-1], [0], positive])
    drawn = shapes.rebin(edges, np.histogram(values, edges)[0], 0.0, 1.0)
    assert drawn is not None
    bars = heights(drawn.path)
    assert min(bars[22:26]) > 0.9
    assert (drawn.low, drawn.high) == (-4, 4)
    assert drawn.mean == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("edges", "counts"), [([0, 1], [0]), ([0, 1], [1, 2]), ([], []), ([0, np.inf], [3])]
)
def test_rebin_draws_nothing_of_nothing(edges: list[float], counts: list[float]) -> None:
    assert shapes.rebin(edges, counts) is None


def test_distance_curve_is_as_high_as_its_highest_and_as_wide_as_it_reaches() -> None:
    path, ticks, top = shapes.distance_curve([0, 1, 3], [0.1, 0.4, 0.2], width=200, height=100)
    assert top == 0.4
    assert path == "M0.0 75.0L100.0 0.0L200.0 50.0"
    assert [(tick.at, tick.text) for tick in ticks][:2] == [(0, "0"), (100, "1")]


def test_decades_far_from_zero_are_evenly_apart() -> None:
    points = [(0.5, 0.01, None, None), (1.0, 9.0, None, None)]
    chart = shapes.rise_chart([("label", "labels", points)], {"label": ["a", "b"]}, 100, 100)
    assert chart is not None
    assert [tick.text for tick in chart.y] == ["0%", "+1%", "+10%", "+100%", "+1,000%"]
    zero, one, ten, hundred, thousand = (tick.at for tick in chart.y)
    assert (zero, thousand) == (100, 0)
    assert hundred - thousand == pytest.approx(ten - hundred, rel=0.01)
    assert zero - one < one - ten
    assert chart.lines[0].path.startswith(f"M50.0 {one:.1f}L100.0 ")


def test_decades_begin_at_that_of_the_unit_and_end_beyond_the_bounds() -> None:
    assert shapes.decades(-0.03, 5.0, 0.02) == [-0.1, -0.01, 0.0, 0.01, 0.1, 1.0, 10.0]


def test_a_fall_is_drawn_below_zero_with_the_words_of_its_own_point() -> None:
    points = [(0.25, -0.021, -0.03, -0.012), (0.5, 0.0, -0.01, 0.01), (1.0, 0.1, 0.07, 0.14)]
    said = {"dense": ["falls", "as it was", "rises"]}
    chart = shapes.rise_chart([("dense", "dense fit", points)], said, 100, 100)
    assert chart is not None
    assert [tick.text for tick in chart.y] == ["−10%", "−1%", "0%", "+1%", "+10%"]
    at = {tick.text: tick.at for tick in chart.y}
    (fall, _, falls), (none, zero, as_it_was), (_, high, rises) = [
        (x, y, words) for x, y, words in chart.lines[0].points
    ]
    assert (fall, none) == (25, 50)
    assert (falls, as_it_was, rises) == ("falls", "as it was", "rises")
    low = chart.lines[0].points[0][1]
    assert at["−1%"] < low < at["−10%"]
    assert zero == pytest.approx(at["0%"])
    assert high == pytest.approx(at["+10%"])
    assert chart.lines[0].band.count("L") == 5


def test_names_at_line_ends_do_not_overlap() -> None:
    series = [(str(i), str(i), [(1.0, 1.0 + i / 1000, None, None)]) for i in range(5)]
    chart = shapes.rise_chart(series, {str(i): ["x"] for i in range(5)})
    assert chart is not None
    ends = sorted(line.end for line in chart.lines)
    assert min(np.diff(ends)) >= 14.9
    assert ends[-1] <= chart.height


@pytest.mark.parametrize("rise", [9e-5, 0.0])
def test_a_rise_of_next_to_nothing_is_drawn_at_the_foot(rise: float) -> None:
    """A hundredth of a percent is a hundredth of the way to one percent."""
    points = [(0.5, rise, None, None), (1.0, rise, None, None)]
    chart = shapes.rise_chart([("label", "labels", points)], {"label": ["a", "b"]}, 100, 100)
    assert chart is not None
    assert [tick.text for tick in chart.y] == ["0%", "+1%"]
    assert chart.lines[0].points[0][1] == pytest.approx(100 * (1 - rise / 0.01), abs=0.2)


def test_names_keep_their_order_and_stay_within_the_chart() -> None:
    """Two at the bottom: the lower one stays, the upper one makes room."""
    assert shapes.apart([99, 100, 10], 100) == [85, 100, 10]
    assert shapes.apart([50, 20], 100) == [50, 20]
    assert shapes.apart([50, 50], 100) == [50, 65]


def test_no_chart_of_nothing() -> None:
    assert shapes.rise_chart([], {}) is None
