"""Lift by hand: what a relation gets, over what attention by distance alone would give it."""

from __future__ import annotations

import numpy as np
import pytest

from labeler.lift import head_lifts
from labeler.statistics import Statistics

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
    lifts = head_lifts(Statistics(ARRAYS), np.array([0]), 0)
    assert lifts.mass.tolist() == [[6.0, 0.0]]
    assert lifts.expected == pytest.approx(np.array([[4.0, 0.0]]))
    # 6 of 4 expected; a relation without targets has lift 0.
    assert lifts.general == pytest.approx(np.array([[1.5, 0.0]]))


def test_lift_within_classes_by_hand() -> None:
    lifts = head_lifts(Statistics(ARRAYS), np.array([0]), 0)
    # Class 0: 5/50 = 0.1 at distance 0, 10 targets: 1 expected, 3 found.
    assert lifts.of([0])[0, 0] == pytest.approx(3.0)
    # Class 1: 20/40 = 0.5 at distance 1, 4 targets: 2 expected, 3 found.
    assert lifts.of([1])[0, 0] == pytest.approx(1.5)
    assert lifts.of([0, 1])[0, 0] == pytest.approx(6 / 3)
