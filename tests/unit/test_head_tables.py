"""Whether a head has a label, and what is said where it has none."""

import math
from dataclasses import replace

import numpy as np
import pytest

from labeler.head_tables import TOO_FEW, confidence, head_confidence, why_unlabelled
from labeler.labels import HeadLabel, Rule, Term
from labeler.thresholds import Thresholds

LIMITS = Thresholds()
EVENLY = np.array([0.0, 0.98])
"""Relation 0 has one of very many keys; relation 1 all but the first of fifty."""
SOMETHING = HeadLabel("L0H0", Rule((Term(0, 0.4, 1.0),), (0,)), ())
EVEN = HeadLabel("L0H0", Rule((Term(0, 0.022, 1.0),), (0,)), ())
NOTHING = HeadLabel("L0H0", Rule((), (0,)), ())


def test_without_an_interval_above_zero_there_is_no_label():
    assert confidence(0.9, 0.1, True, LIMITS) == "clear"
    for low in (0.0, -0.1, math.nan):
        assert confidence(0.9, low, True, LIMITS) == "unlabelled"
    assert head_confidence(SOMETHING, 0.9, math.nan, 0.9, EVENLY, LIMITS) == "unlabelled"


def test_a_label_that_moves_next_to_nothing_is_none():
    """Spreads over all visible tokens (98%), with more on all but the first (2.2%)."""
    assert head_confidence(SOMETHING, 0.2, 0.1, 0.2, EVENLY, LIMITS) == "likely"
    assert head_confidence(EVEN, 0.2, 0.1, 0.2, EVENLY, LIMITS) == "unlabelled"
    assert head_confidence(EVEN, 0.9, 0.8, 0.9, EVENLY, LIMITS) == "unlabelled"
    # 2% of all attention, but all of it where there is a target.
    rare = HeadLabel("L0H0", Rule((Term(0, 0.02, 0.02),), (0,)), ())
    assert head_confidence(rare, 0.2, 0.1, 0.2, EVENLY, LIMITS) == "likely"
    # Half of it, to all but the first of fifty tokens, which an even spread gives 98% already.
    all_but_one = HeadLabel("L0H0", Rule((Term(1, 0.5, 1.0),), (0,)))
    assert all_but_one.general.moved(EVENLY) == pytest.approx(0.5 * 0.02)
    assert head_confidence(all_but_one, 0.2, 0.1, 0.2, EVENLY, LIMITS) == "unlabelled"
    # An exception counts where the label is clear, as it does for the general rule's own R².
    exception = HeadLabel("L0H0", EVEN.general, (SOMETHING.general,))
    assert head_confidence(exception, 0.4, 0.3, 0.4, EVENLY, LIMITS) == "unlabelled"
    assert head_confidence(exception, 0.6, 0.5, 0.4, EVENLY, LIMITS) == "clear"


def test_the_reason_on_short_prompts_is_what_copies_reach():
    raised = replace(LIMITS, head_floor=0.153)
    reached = "one head in fifty of re-initialised copies reaches 0.153 on prompts so short"
    why = why_unlabelled(SOMETHING, 0.12, 0.12, EVENLY, True, raised, raised=True)
    assert why == f"what held explains 0.120 of it, and {reached}"
    why = why_unlabelled(SOMETHING, 0.2, 0.1, EVENLY, True, raised, raised=True)
    assert why == f"what held explains 0.20 of it, its general rule 0.100 where {reached}"


@pytest.mark.parametrize(
    ("label", "r2", "general", "tells", "why"),
    [
        (SOMETHING, 0.9, 0.9, False, TOO_FEW),
        (NOTHING, 0.0, 0.0, True, "nothing that was tried held on the judging prompts"),
        # Rounded down: 0.0599 is not 0.06.
        (SOMETHING, 0.0599, 0.01, True, "what held explains 0.059 of it, and 0.06 is asked"),
        (
            SOMETHING,
            0.15,
            0.0599,
            True,
            "what held explains 0.15 of it, its general rule 0.059 where 0.06 is asked",
        ),
        (
            EVEN,
            0.2,
            0.2,
            True,
            "what held explains 0.20 of it, but moves 0.022 of its attention where 0.05 is asked",
        ),
        (SOMETHING, 0.15, 0.1, True, "what held explains 0.15 of it, which may be chance"),
    ],
)
def test_the_reason_is_the_one_that_kept_the_label_back(label, r2, general, tells, why):
    assert why_unlabelled(label, r2, general, EVENLY, tells, LIMITS) == why
