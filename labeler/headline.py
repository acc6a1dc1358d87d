"""What a run found, in one sentence: no figure without what it has to be held against."""

from __future__ import annotations

from collections.abc import Mapping

FEW_PROMPTS = 50
"""With fewer a run says that they are few: sometimes nothing holds on half of them."""


def headline(
    counts: dict[str, int],
    figures: dict[str, float | None],
    n_folds: int,
    n_prompts: int,
    short: str,
    by_effect: bool = False,
) -> str:
    """What a run found, in one sentence; `short` is what is said of short prompts.

    `by_effect`: labels of heads were chosen for their effects as well.
    """
    said = f"{counts['heads_labelled']:,} of {counts['heads']:,} heads are labelled"
    if not n_folds:
        if counts["neurons"]:
            said += f"; {counts['neurons_labelled']:,} of {counts['neurons']:,} neurons"
        few = "1 prompt is" if n_prompts == 1 else f"{n_prompts} prompts are"
        return f"{said}: {few} too few to test a label on; some hundred make good labels."
    if by_effect:
        said += ", their labels chosen more by effect than by pattern"
    if figures["mean_r2_labelled"] is not None:
        said += (
            f"; on average a label explains {figures['mean_r2_labelled']:.0%} of what its head's "
            "attention does beyond spreading evenly, on text it was not chosen on"
            f"{_below_distance(figures, counts['heads_labelled'] == counts['heads'])}"
        )
    if counts["neurons"]:
        said += f"; {_of_neurons(counts, figures)}"
    if short:
        said += f". {short}"
    if n_prompts < FEW_PROMPTS:
        said += f". {n_prompts} prompts are few to test labels on; some hundred make good ones"
    return f"{said}."


def _below_distance(figures: Mapping[str, float | None], all_labelled: bool) -> str:
    """That the heads' own distance profiles explain more, where they do: no words are in them."""
    labels, distance = figures.get("mean_r2"), figures.get("mean_r2_distance")
    if labels is None or distance is None or round(labels, 2) >= round(distance, 2):
        return ""
    if all_labelled:
        return f", less than distance alone does ({distance:.0%})"
    mean = f"over all heads labels explain {labels:.0%}"
    return f"; {mean}, less than distance alone ({distance:.0%})"


def _of_neurons(counts: Mapping[str, int], figures: Mapping[str, float | None]) -> str:
    """What is said of neurons, each figure beside that of a re-initialised copy.

    How many have a label is said only where none has: those of a copy nearly all have one.
    """
    with_class, r2 = figures.get("neurons_with_class"), figures.get("neurons_r2_median")
    if not counts["neurons_labelled"] or with_class is None or r2 is None:
        return f"{counts['neurons_labelled']:,} of {counts['neurons']:,} neurons are labelled"
    there = figures.get("neurons_with_class_reinitialised")
    other = figures.get("neurons_r2_median_reinitialised")
    own, median = "no copy to compare with", ""
    if there is not None and other is not None:
        own, median = f"re-initialised copy: {there:.0%}", f" (copy: {other:.2f})"
    return (
        f"a class that beats random ones is in the labels of {with_class:.0%} of neurons ({own}), "
        f"and the median R² of all neurons is {r2:.2f}{median}"
    )
