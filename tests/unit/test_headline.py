"""The sentence of a run: what it says of heads, and what it may not leave out."""

from __future__ import annotations

from labeler.headline import headline

ALL = {"heads": 16, "heads_labelled": 16, "neurons": 0, "neurons_labelled": 0}
HALF = ALL | {"heads_labelled": 8}
FIGURES = {"mean_r2": 0.26, "mean_r2_labelled": 0.41, "mean_r2_distance": 0.22}
HELD_OUT = (
    "on average a label explains 41% of what its head's attention does beyond spreading evenly, on "
    "text it was not chosen on"
)


def test_labels_that_explain_less_than_distance_alone_are_said_to():
    def said(counts: dict[str, int], **figures: float | None) -> str:
        return headline(counts, FIGURES | figures, 16, 200, "")

    assert said(HALF) == f"8 of 16 heads are labelled; {HELD_OUT}."
    below = "over all heads labels explain 26%, less than distance alone (31%)"
    assert said(HALF, mean_r2_distance=0.31) == f"8 of 16 heads are labelled; {HELD_OUT}; {below}."
    # One mean is of all heads already, and is not said twice.
    below = "less than distance alone does (52%)"
    of_all = said(ALL, mean_r2=0.41, mean_r2_distance=0.52)
    assert of_all == f"16 of 16 heads are labelled; {HELD_OUT}, {below}."


def test_what_is_equal_as_printed_is_not_called_less():
    def said(distance: float | None) -> str:
        figures = FIGURES | {"mean_r2": 0.256, "mean_r2_distance": distance}
        return headline(HALF, figures, 16, 200, "")

    assert "distance" not in said(0.264)  # both are 26%
    assert "labels explain 26%, less than distance alone (27%)" in said(0.266)
    assert "distance" not in said(None)


def test_labels_chosen_by_effect_are_said_to_be():
    said = headline(HALF, FIGURES, 16, 200, "", by_effect=True)
    assert said.startswith(
        "8 of 16 heads are labelled, their labels chosen more by effect than by "
    )
    assert "effect" not in headline(HALF, FIGURES, 16, 200, "")
    # Too few prompts to test anything: nothing was chosen.
    assert "effect" not in headline(HALF, FIGURES, 0, 3, "", by_effect=True)
