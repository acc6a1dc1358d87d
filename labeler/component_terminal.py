"""What the terminal shows of one head or neuron: label, figures, predictions, evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from rich.table import Table
from rich.text import Text

from labeler.describe import percent
from labeler.results import RunFolder
from labeler.terminal import MARKS, laid_out, visible

DISAGREE = ("feature without activation", "activation without feature")
SHOWN = {"best": 3, "worst": 2, "top": 4, **dict.fromkeys(DISAGREE, 2)}
TITLES = {
    "best": "explained best",
    "worst": "explained worst",
    "top": "strongest activation",
    "feature without activation": "the label says so, the neuron does not",
    "activation without feature": "the neuron fires, the label does not say so",
}
"""Kinds of evidence in words, as the report's."""
STRONGEST = 4
BEYOND = 0.2
"""The part of a query's attention that is left of a strip, from which on that is said."""


def component(
    folder: RunFolder, name: str, reworded: str = "", reviewed: str = ""
) -> Iterator[Any]:
    """One head or neuron: its label or a reader's words, its predictions, its examples.

    `reviewed` is what a reader decided, in a line.
    """
    neurons = "N" in name
    frame = folder.neurons if neurons else folder.heads
    row = frame[frame["name"] == name].iloc[0]
    sure = str(row["confidence"])
    label = visible(str(row["label"])) or "unlabelled"
    general, *exceptions = [reworded] if reworded else laid_out(label)
    yield Text(f"{name}  {MARKS[sure]}{general}", style="bold")
    yield from (Text(f"– {exception}") for exception in exceptions)
    if reviewed:
        yield Text(f"{reviewed}{f' (automatic: {label})' if reworded else ''}", style="italic")
    yield Text("\n".join(_measured(row, sure)), style="dim")
    rows = folder.predictions
    rows = rows[(rows["name"] == name) & rows["selected"].astype(bool)]
    classes = {c["name"]: c.get("wording") for c in folder.run.get("query_classes", [])}
    if len(rows):
        yield _weights(rows) if neurons else _shares(rows, classes)
    evidence = folder.evidence_neurons if neurons else folder.evidence_heads
    own = evidence[evidence["name"] == name]
    for kind, examples in own.groupby("kind", sort=False):
        count = SHOWN.get(str(kind), 0 if "decile" in kind else 1)
        exception = str(kind).removeprefix("exception: ")
        told = TITLES.get(exception) or classes.get(exception) or exception
        for _, example in examples.head(count).iterrows():
            yield Text(f"\n{visible(told)} · {visible(example['prompt'])}", style="dim")
            yield _neuron_strip(example) if neurons else _head_strip(example)


def _measured(row: pd.Series, sure: str) -> Iterator[str]:
    """What the label is worth, a line each."""
    if pd.isna(row["r2"]):
        yield f"no held-out R²  ({sure})"
    else:
        yield f"held-out R² {row['r2']:.3f}{_interval(row)}  ({sure})"
    if pd.notna(row.get("r2_weighted")):
        yield f"rests on attention; value-weighted R² {row['r2_weighted']:.3f}"
    if pd.notna(row.get("cost")):
        costs, back = f"{np.expm1(row['cost']):+.2%} perplexity", row.get("recovered")
        if sure == "unlabelled":  # then an even spread stood in for it
            yield f"spread evenly it costs {costs}"
        else:
            won = "inert here" if pd.isna(back) else f"recovered {back:.2f}"
            yield f"put in the head's place it costs {costs}, {won}"


def _interval(row: pd.Series) -> str:
    known = pd.notna(row["r2_low"]) and pd.notna(row["r2_high"])
    return f" [{row['r2_low']:.3f}, {row['r2_high']:.3f}]" if known else ""


def _shares(rows: pd.DataFrame, classes: Mapping[str, str | None]) -> Table:
    """What a head's label says it attends to, and the name of each relation that is not its words.

    `classes` are query classes in words.
    """
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("on")
    table.add_column("attends to")
    for column in ("share", "lift", "q"):
        table.add_column(column, justify="right", no_wrap=True)
    own = rows["query_class"].fillna("")
    turn = own.map({name: number for number, name in enumerate(dict.fromkeys(["", *own]))})
    for _, row in rows.assign(turn=turn).sort_values(["turn", "order"]).iterrows():
        name, said = visible(str(row["prediction"])), visible(str(row["phrase"]))
        words = Text(said)
        if name not in (said, f"({said})", said.removeprefix("the ")):
            words.append(f" ({name})", style="dim")
        on = row["query_class"] or "any query"
        table.add_row(
            Text(visible((classes.get(on) or on).removeprefix("on "))),
            words,
            percent(row["share"]),
            "" if pd.isna(row["lift"]) else f"{row['lift']:.1f}",
            _q(row),
        )
    return table


def _weights(rows: pd.DataFrame) -> Table:
    """What a neuron's label is made of."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("prediction")
    for column in ("weight", "q"):
        table.add_column(column, justify="right", no_wrap=True)
    for _, row in rows.sort_values("order").iterrows():
        table.add_row(Text(visible(str(row["phrase"]))), f"{row['share']:+.3f}", _q(row))
    return table


def _q(row: pd.Series) -> str:
    return "" if pd.isna(row["q"]) else f"{row['q']:.1g}"


def _head_strip(example: pd.Series) -> Text:
    text = Text()
    strongest = max(max(example["real"]), 1e-9)
    at = example["query"] - example["start"]
    for index, (token, value) in enumerate(zip(example["tokens"], example["real"], strict=True)):
        level = int(value / strongest * 4)
        style = ("", "underline", "reverse dim", "reverse", "bold reverse")[level]
        text.append(_marked(token, index == at), style=style)
    strongest_first = np.argsort(-np.asarray(example["real"], dtype=float), kind="stable")
    keys = ", ".join(
        f"{_quoted(example['tokens'][key])} {example['real'][key]:.0%}"
        for key in strongest_first[:STRONGEST]
        if example["real"][key] >= 0.01
    )
    query = _quoted(example["tokens"][at])
    text.append(f"\nfrom {query} at {example['query']} to {keys or 'nothing here'}", style="dim")
    beyond = 1 - sum(example["real"])
    return text.append(f"; {beyond:.0%} further left" if beyond >= BEYOND else "", style="dim")


def _marked(token: str, it: bool) -> str:
    """A token of a strip; the one that the strip is about is in brackets."""
    return f"[{visible(token)}]" if it else visible(token)


def _quoted(token: str) -> str:
    return f"‘{visible(token)}’"


def _neuron_strip(example: pd.Series) -> Text:
    text = Text()
    at = example["position"] - example["start"]
    for index, token in enumerate(example["tokens"]):
        text.append(_marked(token, index == at), style="bold" if index == at else "")
    return text.append(f"  {example['value']:+.2f}", style="dim")
