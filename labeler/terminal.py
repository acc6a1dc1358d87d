"""What the terminal shows: progress, the head table, one component, errors in one line."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Sequence
from typing import Any

import pandas as pd
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars
from rich.table import Table
from rich.text import Text

from labeler.families import FAMILIES
from labeler.results import RunFolder

MARKS = {"clear": "", "likely": "~ ", "weak": "~~ ", "unlabelled": ""}
EXCEPTION = re.compile(r"; (?=on [^;:]+: )")
ONLY_ITSELF = re.compile(r"; (on [^;:]*, only to itself)\.$")
STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
STYLES = {"clear": "bold", "likely": "", "weak": "dim", "unlabelled": "dim italic"}


class TerminalProgress:
    """A bar with rate and time left on a terminal; plain lines elsewhere."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.bars: Bars | None = None
        self.task: Any = None
        self.name, self.unit, self.total, self.done = "", "", 0, 0
        self.since = self.told = time.monotonic()

    def __enter__(self) -> TerminalProgress:
        if self.console.is_terminal:
            self.bars = Bars(
                TextColumn("{task.description:<12}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[unit]}, {task.fields[rate]}"),
                TimeRemainingColumn(),
                console=self.console,
                transient=True,
            )
            self.bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.bars is not None:
            self.bars.stop()

    def stage(self, name: str, total: int, unit: str) -> None:
        """A new stage begins."""
        self.name, self.unit, self.total, self.done = name, unit, total, 0
        self.since = self.told = time.monotonic()
        if self.bars is not None:
            if self.task is not None:
                self.bars.remove_task(self.task)
            self.task = self.bars.add_task(name, total=total, unit=unit, rate="…")
        else:
            self.console.print(f"{name}: {total:,} {unit}", highlight=False)

    def advance(self, steps: int = 1) -> None:
        """So many steps are done."""
        self.done += steps
        now = time.monotonic()
        rate = self.done / max(now - self.since, 1e-9)
        if self.bars is not None:
            shown = f"{rate:,.1f}/s" if rate < 100 else f"{rate:,.0f}/s"
            self.bars.update(self.task, completed=self.done, rate=shown)
        elif now - self.told > 10 and self.done < self.total:
            self.told = now
            left = (self.total - self.done) / max(rate, 1e-9)
            line = (
                f"  {self.done:,} of {self.total:,} {self.unit}, {rate:,.1f}/s, {left:,.0f} s left"
            )
            self.console.print(line, highlight=False)

    def note(self, text: str) -> None:
        """A line of its own above the bar."""
        line = f"  {visible(text)}"
        self.console.print(line, highlight=False, markup=False, soft_wrap=True)


def console(stderr: bool = False) -> Console:
    """A console; wide enough for whole labels where the output is no terminal."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else 110
    return Console(stderr=stderr, width=width, soft_wrap=False)


def family_table() -> Table:
    """The supported model families, one a row."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("Family", "Neurons", "For example"):
        table.add_column(name, no_wrap=name != "For example")
    for family in FAMILIES:
        table.add_row(family.name, family.neurons, family.examples)
    return table


def head_table(heads: pd.DataFrame) -> Table:
    """The head-description table: labels in short, where a run has them so."""
    table = Table(padding=(0, 2, 1, 0), pad_edge=False, box=None, header_style="bold")
    table.add_column("Head", no_wrap=True)
    table.add_column("Description", ratio=1)
    table.add_column("held-out R²", justify="right", no_wrap=True)
    for _, row in heads.iterrows():
        sure = str(row["confidence"])
        gist = row.get("gist")
        label = gist if isinstance(gist, str) and gist else str(row["label"])
        general, *exceptions = laid_out(visible(label) or "unlabelled")
        said = Text(MARKS[sure] + general, style=STYLES[sure])
        for exception in exceptions:
            said.append(f"\n– {exception}", style="not bold dim")
        table.add_row(row["name"], said, "–" if pd.isna(row["r2"]) else f"{row['r2']:.2f}")
    return table


def in_full(run: str) -> Text:
    """What stands beneath the table of heads: how to have one in full."""
    return Text(f"In short; `labeler show {visible(run)} L0H0` has a label in full.", style="dim")


def laid_out(label: str) -> list[str]:
    """A head's label as its general rule and its exceptions, one a line."""
    itself = ONLY_ITSELF.search(label)
    body = label[: itself.start()] if itself else label.removesuffix(".")
    general, _, others = body.partition(" (aside from ")
    parts = EXCEPTION.split(f"on {others.removesuffix(')')}") if others else []
    stop = "." if label.endswith(".") else ""
    return [f"{general}{stop}", *parts, *([itself[1]] if itself else [])]


def replacement_table(folder: RunFolder) -> Table:
    """Rise of perplexity by fraction of heads replaced, label beside ceilings and ablations."""
    conditions = ("label", "dense", "distance_profile", "uniform", "first_position")
    table = Table(box=None, pad_edge=False, header_style="bold", title_justify="left")
    table.title = "Rise of perplexity by what stands in for heads"
    for column in ("heads replaced", *conditions):
        table.add_column(column.replace("_", " "), justify="right")
    for point in folder.run["replacement_curve"]:
        rises = [_rise(point[condition]) for condition in conditions]
        table.add_row(f"{point['fraction']:.0%}", *rises)
    return table


def _rise(value: float) -> str:
    return f"{round(value, 3) + 0.0:+,.1%}"  # −0.0001 is no fall


def ablation_table(rows: pd.DataFrame) -> Table:
    """What zeroing neurons, or holding them at their means, costs."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("neurons", "condition", "loss", "rise of perplexity", "95% interval"):
        table.add_column(column, justify="left" if column in ("neurons", "condition") else "right")
    for _, row in rows.iterrows():
        low, high = row["rise_low"], row["rise_high"]
        interval = "" if pd.isna(low) else f"{low:+.2%} to {high:+.2%}"
        table.add_row(
            row["name"], row["condition"], f"{row['loss']:.4f}", f"{row['rise']:+.2%}", interval
        )
    return table


def visible(string: str) -> str:
    """Text of a corpus as a terminal may print it: what would steer the terminal is escaped."""
    string = string.replace("\n", "⏎")
    return STEERING.sub(lambda match: ascii(match.group())[1:-1], string)


def hook_table(rows: Sequence[dict[str, Any]]) -> Table:
    """Seven figures a hook."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("hook", no_wrap=True)
    names = ("mean", "std", "min", "q1", "median", "q3", "max")
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        # −0.00001 is 0.0000
        table.add_row(row["hook"], *(f"{round(row[name], 4) + 0.0:.4f}" for name in names))
    return table
