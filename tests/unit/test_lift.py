"""Lift by hand: what a relation gets, over what attention by distance alone would give it."""

from __future__ import annotations

import numpy as np
import pytest

from labeler.lift import Near, lifts, lifts_within
from labeler.statistics import Statistics, merge

# One head; two distances (0 and 1); one band; two classes; relations 0 and 1.
ARRAYS = {
    # 100 pairs at distance 0 get 20 of attention, 80 pairs at distance 1 get 40: 0.2 and 0.5.
    "band_profile": np.array([[[20.0, 40.0]]]),
    "band_pairs": np.array([[[100.0, 80.0]]]),
    # Relation 0 has 10 targets at distance 0 and 4 at distance 1: 10 · 0.2 + 4 · 0.5 = 4 expected.
    # Relation 1 has none.
    "target_pairs": np.array([[[[10.0, 4.0]], [[0.0, 0.0]]]]),
    # By class: class 0 has a tenth of the attention at distance 0, half of that at distance 1.
    "profile": np.array([[[5.0, 20.0], [15.0, 20.0]]]),
    "profile_pairs": np.array([[[50.0, 40.0], [50.0, 40.0]]]),
    "class_target_pairs": np.array([[[[10.0, 0.0], [0.0, 0.0]], [[0.0, 4.0], [0.0, 0.0]]]]),
    "mass": np.array([[[3.0, 0.0], [3.0, 0.0]]]),
}


def test_lift_by_hand() -> None:
    near = Near.of(Statistics(ARRAYS), np.array([0]), 0)
    assert near.mass.tolist() == [[6.0, 0.0]]
    assert near.gives(near.targets) == pytest.approx(np.array([[4.0, 0.0]]))
    # 6 of 4 expected; a relation without targets has lift 0.
    assert near.lift == pytest.approx(np.array([[1.5, 0.0]]))


def test_lift_within_classes_by_hand() -> None:
    def lift(leaves: list[int]) -> float:
        return float(Near.within(Statistics(ARRAYS), np.array([0]), 0, leaves).lift[0, 0])

    # Class 0: 5/50 = 0.1 at distance 0, 10 targets: 1 expected, 3 found.
    assert lift([0]) == pytest.approx(3.0)
    # Class 1: 20/40 = 0.5 at distance 1, 4 targets: 2 expected, 3 found.
    assert lift([1]) == pytest.approx(1.5)
    assert lift([0, 1]) == pytest.approx(6 / 3)


def fold(attention: float, targets: float) -> Statistics:
    """One query of a rare class in each fold: its attention at distance 1, a target there or not."""
    mass = attention * targets
    arrays = {
        "band_profile": [[[0.0, attention]]],
        "band_pairs": [[[1.0, 1.0]]],
        "target_pairs": [[[[0.0, targets]]]],
        "target_uniform": [[targets / 2]],
        "profile": [[[0.0, attention]]],
        "profile_pairs": [[[1.0, 1.0]]],
        "class_target_pairs": [[[[0.0, targets]]]],
        "mass": [[[mass]]],
    }
    return Statistics({name: np.array(array) for name, array in arrays.items()})


FOLDS = [fold(0.8, 1), fold(0.2, 0), fold(0.6, 1), fold(0.4, 1)]


def test_what_distance_gives_is_asked_of_all_folds_together() -> None:
    """Each fold by itself would say that its target got just what its distance gives."""
    one, content = np.array([0]), np.array([False])
    # At distance 1 a mean of 0.5; three targets there got 1.8.
    assert Near.of(merge(FOLDS), one, 0).lift == pytest.approx(np.array([[1.2]]))
    # Without each of the folds that have a target, two targets and the mean of three folds.
    left_out = np.array([1.0 / (2 * 0.4), 1.2 / (2 * 1.4 / 3), 1.4 / (2 * 1.6 / 3)])
    half = 4.3027 * np.sqrt(((left_out - left_out.mean()) ** 2).sum() * 2 / 3)  # t, 2 degrees
    for found in (lifts(FOLDS, one, 0, content), lifts_within(FOLDS, one, 0, [0])):
        lift, low, high = (float(value[0, 0]) for value in found)
        assert lift == pytest.approx(1.2)
        assert (lift - low, high - lift) == pytest.approx((half, half), rel=1e-4)


def test_lift_of_a_position_is_over_uniform_attention() -> None:
    lift, _, _ = lifts(FOLDS, np.array([0]), 0, np.array([True]))
    assert lift == pytest.approx(np.array([[1.2]]))  # 1.8 of 1.5: three times one of two keys
