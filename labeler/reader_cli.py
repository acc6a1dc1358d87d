"""`labeler review` and `labeler compare`: what readers said, and what changed between runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from labeler.paths import PATH, local_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from labeler.review import Merged

SHOWN = 12
MOVED = 0.005
"""Heads whose labels are farther apart than this, as a part of the attention, are shown."""


def run_path(run: str) -> Path:
    """A run folder as it was named; one at a URL is fetched into the cache."""
    from labeler.remote import run_path as found

    return found(run)


def review(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.", parser=local_path)],
    file: Annotated[
        Path, typer.Argument(metavar="REVIEW", help="A review.json of a reader.", parser=local_path)
    ],
) -> None:
    """Merge a reader's verdicts into a run.

    Its report and exports show the reviewed wording.
    """
    from labeler.review import merge_review
    from labeler.terminal import console

    merged = merge_review(run, file)
    shown = console()
    for line in _summary(merged):
        shown.print(line, highlight=False, markup=False)
    if merged.conflicts:
        shown.print(_conflicts(merged))
    write_report_again(run)


def write_report_again(run: Path) -> None:
    """Bring a run's report up to date and say where it is; nothing where it has none."""
    from labeler.results import open_run
    from labeler.terminal import console

    if (run / "report").is_dir():
        from reports.render import render

        written = render(open_run(run), run / "report")
        console().print(f"Report: {written}", highlight=False, markup=False, soft_wrap=True)


def _summary(merged: Merged) -> list[str]:
    counts = merged.counts
    from labeler.terminal import visible

    readers = ", ".join(visible(name) or "a reader without a name" for name in merged.readers)
    kinds = {"agree": "agreed", "edit": "reworded", "reject": "rejected", "": "noted only"}
    every = ", ".join(f"{counts[kind]} {word}" for kind, word in kinds.items())
    return [
        f"{merged.new} new, {merged.changed} changed, {merged.same} as they were.",
        f"In all: {every}; by {readers or 'nobody'}.",
    ]


def _conflicts(merged: Merged) -> Table:
    from rich.table import Table
    from rich.text import Text

    from labeler.terminal import visible

    table = Table(title_justify="left", box=None, pad_edge=False, header_style="bold")
    table.title = f"Readers differ on {len(merged.conflicts)}; the latest is shown, all are kept"
    for column in ("", "reader", "verdict", "description", "when"):
        table.add_column(column)
    for conflict in merged.conflicts:
        for index, said in enumerate(conflict.said):
            cells = (
                conflict.name if not index else "",
                said["reviewer"] or "–",
                said["verdict"],
                said["label"] if said["verdict"] != "reject" else "",
                said["when"][:10],
            )
            table.add_row(*(Text(visible(cell)) for cell in cells))
    return table


def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN RUN …", help="Run folders or URLs, the earliest first.", parser=run_path
        ),
    ],
    out: Annotated[Path, typer.Option(**PATH, help="The page to write.")] = Path("compare.html"),
) -> None:
    """What changed between runs: a table and a page.

    They may be of checkpoints, models or corpora.
    """
    from labeler.errors import ConfigError
    from labeler.results import open_run
    from labeler.terminal import console
    from reports.compare import compare as compared
    from reports.compare import write_comparison

    if len(runs) < 2:
        raise ConfigError(f"compare takes two run folders or more, got {len(runs)}")
    if out.is_dir():
        raise ConfigError(
            f"--out {out} is a folder; name the page to write, {out / 'compare.html'}"
        )
    folders = [open_run(path) for path in runs]
    for folder in folders:
        folder.refuse_own(out)
    found = compared(folders)
    shown = console()
    for caution in found.cautions:
        console(stderr=True).print(f"note: {caution}", highlight=False, markup=False)
    moved = [head for head in found.heads if head.farthest >= MOVED]
    if moved:
        shown.print(_table(found.titles, moved[:SHOWN]))
    still = [head for head in found.heads if head.farthest < MOVED and not head.silent]
    rest = {"that moved more than a percent": len(moved[SHOWN:])}
    rest["that moved by less than a percent"] = len(still)
    for what, count in rest.items():
        if count:
            shown.print(f"and {count} {what}", style="dim", highlight=False)
    if moved or still:
        shown.print()
    shown.print(found.summary, highlight=False, markup=False)
    written = write_comparison(found, out)
    shown.print(f"Page: {written}", highlight=False, markup=False, soft_wrap=True)


def _table(titles: Sequence[str], heads: Sequence[Any]) -> Table:
    from rich.table import Table
    from rich.text import Text

    from labeler.terminal import visible

    table = Table(box=None, pad_edge=False, padding=(0, 2, 1, 0), header_style="bold")
    table.add_column("Head", no_wrap=True)
    table.add_column("distance", justify="right", no_wrap=True)
    table.add_column("ΔR²", justify="right", no_wrap=True)
    for title in (titles[0], titles[-1]):
        table.add_column(Text(visible(title)), ratio=1)
    for head in heads:
        first, last = head.told[0], head.told[-1]
        said = [(told.brief if told else "") or "unlabelled" for told in (first, last)]
        if last and last.repeats(first):
            said[1] = "same"
        elif said[1] == said[0]:
            said[1] = "the same in short"
        change = (
            "–" if head.change is None else f"{round(head.change, 2) + 0.0:+.2f}"
        )  # −0.001 is no fall
        cells = (head.name, f"{head.distance or 0:.0%}", change, *said)
        table.add_row(*(Text(visible(cell)) for cell in cells))
    return table
