"""What `labeler try` shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.table import Table
from rich.text import Text as Line

from labeler.terminal import laid_out, visible
from labeler.trial_fit import Change, Nearest, Trial

NEURONS = 8
"""Neurons that are shown; the rest are counted."""


def trial_report(trial: Trial) -> Iterator[Any]:
    """Heads that change, relations that change none, neurons that change, what it rests on."""
    yield Line(f"{len(trial.heads)} of {trial.n_heads} heads would change their label", "bold")
    if trial.new_classes:
        names = ", ".join(trial.new_classes)
        yield Line(f"As a query class for exceptions, {names} takes part only in a run.", "dim")
    for change in trial.heads:
        yield from _head(change)
    waiting = [row for row in trial.nearest if not row.taken]
    if waiting:
        yield Line("\nRelations that no label takes, and where they come nearest", "bold")
        for row in waiting:
            yield _waiting(row)
    if trial.n_neurons:
        counted = f"{len(trial.neurons)} of {trial.n_neurons:,}"
        yield Line(f"\n{counted} neurons would change their label", "bold")
        for change in trial.neurons[:NEURONS]:
            yield from _neuron(change)
        if len(trial.neurons) > NEURONS:
            yield Line(f"  … and {len(trial.neurons) - NEURONS} with less", "dim")
    yield ""
    yield Line(_basis(trial), "dim")


def _gained(change: Change, form: str) -> Iterator[Line]:
    """What it gains, and what it takes for that, with shares or weights in a form."""
    value, low, high = change.gain
    between = f", {low:+z.3f} to {high:+z.3f}" if low == low else ""
    yield Line.assemble(
        (f"\n{change.name}", "bold"),
        f"  held-out R² {change.r2_before:.3f} → {change.r2_after:.3f} ({value:+z.3f}{between})",
    )
    taken = [f"{name} {share:{form}} (q {q:.2g})" for name, share, q in change.taken]
    yield Line(f"  takes {', '.join(taken)}")


def _head(change: Change) -> Iterator[Any]:
    yield from _gained(change, ".1%")
    before = laid_out(visible(change.before)) if change.before else ["unlabelled"]
    after = laid_out(visible(change.after)) if change.after else ["unlabelled"]
    kept = {*before} & {*after}
    yield from (_marked("−", line, "red") for line in before if line not in kept)
    yield from (_marked("+", line, "green") for line in after if line not in kept)
    if kept:
        yield Line("  the rest of the label stays", "dim")


def _marked(mark: str, said: str, style: str = "") -> Table:
    """A mark, and text that is wrapped beside it."""
    table = Table.grid(pad_edge=False)
    table.add_column(width=4, no_wrap=True)
    table.add_column(ratio=1)
    table.add_row(Line(f"  {mark}", style), Line(said, style))
    return table


def _neuron(change: Change) -> Iterator[Any]:
    yield from _gained(change, "+.2f")
    yield _marked("+", visible(change.after), "green")


def _waiting(row: Nearest) -> Table:
    if row.lift == 0:  # attention is never nothing where there is a key
        return _marked("·", f"{row.relation}: names no key on these prompts")
    return _marked(
        "·",
        f"{row.relation}: {row.head}, where it would explain {row.gain:.2%} more of the head's "
        f"variance, at lift {row.lift:.2f}: {row.why}",
    )


def _basis(trial: Trial) -> str:
    heads = "both labels of a head chosen by pattern, those of the run by effect"
    if not trial.by_effect:
        heads = "heads get the labels that a run with the plugin would choose"
    what = (
        f"All {trial.prompts:,} prompts of the run: {heads}"
        if trial.complete
        else f"A trial on {trial.prompts:,} prompts of the run, both labels fitted on these "
        "(--max-prompts for more)"
    )
    said = (
        f"{what}. R² is on judging prompts, from the statistics; chosen on the others; what is "
        "taken holds at a false discovery rate of 5%."
    )
    if trial.n_neurons:
        said += (
            " Of neurons, only those are fitted again of which a new feature alone explains 2%; "
            "their rate is among these."
        )
    return said
