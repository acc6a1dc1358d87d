"""Geometry of the pictures of activations, with answers known beforehand."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from reports import plots

EDGES = [-2.0, -1.0, 0.0, 1.0, 2.0]


def hook(counts: list[float], low: float, high: float) -> dict[str, object]:
    return {"mean": 0.0, "std": 1.0, "min": low, "max": high, "edges": EDGES, "counts": counts}


def test_both_histograms_lie_on_one_axis() -> None:
    """Before: all between −1 and 0, the second quarter; after: all between 1 and 2, the last."""
    drawn = plots.overlay(hook([0, 1, 0, 0], -2, 2), hook([0, 0, 0, 1], -2, 2), 400, 100)
    assert drawn is not None

    def raised(path: str) -> list[int]:
        steps = re.findall(r"V([\d.]+)H([\d.]+)", path)
        return [math.ceil(float(x)) for y, x in steps if float(y) < 50]

    assert (min(raised(drawn.before)), max(raised(drawn.before))) == (107, 200)
    assert (min(raised(drawn.after)), max(raised(drawn.after))) == (307, 400)
    assert [tick.text for tick in drawn.ticks] == ["−2", "−1", "0", "1", "2"]
    assert [tick.at for tick in drawn.ticks] == [0, 100, 200, 300, 400]


def test_no_overlay_of_what_is_no_histogram() -> None:
    good, bad = hook([1, 1, 1, 1], -2, 2), hook([0, 0, 0, 0], -2, 2)
    assert plots.overlay(good, bad) is None
    assert plots.overlay(hook([1, 1, 1, 1], 1, 1), hook([1, 1, 1, 1], 1, 1)) is None


@pytest.mark.parametrize(
    ("low", "high", "about", "expected"),
    [
        (0, 10, 5, [0, 2, 4, 6, 8, 10]),
        (-0.17, 0.9, 4, [0, 0.5]),
        (0, 6.3, 3, [0, 5]),
        (3, 4, 4, [3, 3.5, 4]),
    ],
)
def test_nice_values_are_round_and_inside(
    low: float, high: float, about: int, expected: list[float]
) -> None:
    assert plots.nice(low, high, about) == pytest.approx(expected)


def summary(middle: float) -> dict[str, float]:
    return {
        "min": -1,
        "q1": middle - 0.5,
        "median": middle,
        "q3": middle + 0.5,
        "max": 9,
        "mean": 1,
    }


def test_boxes_stand_side_by_side_in_their_order() -> None:
    drawn = plots.boxes([summary(0), summary(1), summary(2)], [0.4, 0.2, 0.1], 90, 100)
    assert drawn is not None
    assert (drawn.step, drawn.width) == (30, 90)
    assert drawn.columns == [(0, 1), (30, 0.5), (60, 0.25)]
    medians = [float(y) for y in re.findall(r"M[\d.]+ ([\d.]+)H", drawn.medians)]
    assert medians == sorted(medians, reverse=True)
    assert {round(y, 1) for _, y in drawn.means} == {medians[1]}
    heights = [tick.at for tick in drawn.ticks]
    assert (min(heights), max(heights)) == pytest.approx((0, 100))
    assert {tick.text for tick in drawn.ticks} >= {"−1", "0", "9"}


def test_boxes_need_something_to_show() -> None:
    assert plots.boxes([], []) is None
    flat = dict.fromkeys(("min", "q1", "median", "q3", "max", "mean"), 0.0)
    assert plots.boxes([flat], [0.1]) is None


def test_lines_begin_at_zero_and_reach_the_highest() -> None:
    """Positions 1, 3, 7 lie an octave apart; the greatest value is at the top."""
    drawn = plots.by_position([1, 3, 7], [("a", [2.0, 4.0, 1.0])], 200, 100)
    assert drawn is not None
    assert drawn.lines == [("a", "M0.0 50.0L100.0 0.0L200.0 75.0", 75.0)]
    assert drawn.y[0].at == 100


@pytest.mark.parametrize("values", [[], [1.0]])
def test_a_line_needs_two_points(values: list[float]) -> None:
    assert plots.by_position(range(len(values)), [("a", values)]) is None


def test_a_scatter_keeps_its_proportions() -> None:
    """Twice as wide as high: the height takes half of the square, in the middle."""
    placed = plots.scatter([[0, 0], [4, 2], [2, 1]], 100)
    assert placed == [(0, 75), (100, 25), (50, 50)]


def test_points_that_coincide_lie_in_the_middle() -> None:
    assert plots.scatter([[1, 1], [1, 1]], 100) == [(50, 50), (50, 50)]


def test_a_feature_that_parts_the_points_explains_all_of_their_spread() -> None:
    points = [[0, 0]] * 3 + [[5, 5]] * 7
    assert plots.told_apart(points, [0, 1, 2]) == pytest.approx(1)
    assert plots.told_apart(points, range(10)) == 0
    assert plots.told_apart([[1, 1]] * 4, [0]) == 0


def test_a_feature_at_random_explains_next_to_nothing() -> None:
    rng = np.random.default_rng(0)
    assert plots.told_apart(rng.normal(size=(2000, 2)), range(0, 2000, 2)) < 0.01
