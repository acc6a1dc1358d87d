"""Every threshold of the method, in one place; the report prints them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Thresholds:
    """Settings of the fit and of the wording; the defaults are explained in docs/method.md.

    Fractions of a head's variance (0 to 1): `stop_effect` is the least that a prediction adds to
    be said at all, `tie_margin` what is given up for a simpler one. `stop_gain` is a fraction of
    the variance that is left. `effect_floor` is the least R² of a labelled neuron, `head_floor`
    that of a labelled head and of its general rule (see `head_tables.head_confidence`), more on
    short prompts (`head_control`). `moved_floor` is the least attention that a label moves: R² is
    of what a head does beyond spreading evenly, however little that is, and of random weights some
    heads only leave the first position out, by 1% to 2% of their attention, at R² 0.2.
    """

    max_predictions: int = 4
    max_exceptions: int = 3
    max_exception_predictions: int = 3
    max_neuron_predictions: int = 6
    stop_gain: float = 0.01
    stop_effect: float = 0.003
    tie_margin: float = 0.003
    exception_gain: float = 0.1
    min_exception_rows: int = 50
    lift_floor: float = 1.2
    effect_floor: float = 0.02
    head_floor: float = 0.06
    moved_floor: float = 0.05
    clear: float = 0.5
    likely: float = 0.2
    false_discovery_rate: float = 0.05
