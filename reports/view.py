"""The run folder as the page shows it: plain values, rounded and worded, nothing left to decide."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from labeler.results import RunFolder
from reports.activation_view import ActivationsView, activations_view
from reports.costs import DearView, dearest
from reports.grid import Metric, column, grid, metrics
from reports.head_view import HeadView, head_views
from reports.reviewed import agreement, in_short, verdicts
from reports.run_facts import facts
from reports.shapes import Chart, rise_chart
from reports.wording import (
    MARKS,
    count,
    decimal,
    minus,
    number,
    percent,
    plural,
    rise,
    sentence,
    short_name,
    span,
    tokens_of,
    visible,
)

SHOWN_NEURONS = 40
"""Neurons that the page lists by itself; the rest come with a script."""

CURVES = {
    "label": "printed labels",
    "dense": "dense fit, all relations",
    "distance_profile": "distance profiles only",
    "uniform": "uniform over visible keys",
    "first_position": "all to the first position",
}
"""Conditions of the replacement curve, as the chart names them."""


@dataclass(frozen=True)
class NeuronRow:
    """A neuron as the server-rendered list shows it; `label` is in short where there is such."""

    name: str
    mark: str
    label: str
    kind: str
    r2: str
    r2_interval: str
    reinitialised: str
    auroc: str
    promotes: list[str]


@dataclass(frozen=True)
class ReportView:
    """Everything on the page that does not come later with a script."""

    title: str
    run_key: str
    headline: str
    replaced: str
    summary: list[str]
    facts: list[tuple[str, list[tuple[str, str]]]]
    thresholds: str
    chart: Chart | None
    curve: list[tuple[str, list[str]]]
    metrics: list[Metric]
    grid: list[tuple[int, list[int]]]
    heads: list[HeadView]
    verified: bool
    n_neurons: int
    neurons: list[NeuronRow]
    neurons_in_short: bool
    neuron_layers: list[int]
    neuron_kinds: list[tuple[str, str]]
    neuron_figures: str
    activations: ActivationsView
    dearest: list[DearView]
    failed: list[tuple[str, str, str]]
    heuristics: list[tuple[str, str, str]]

    @property
    def in_short(self) -> bool:
        """Whether the table of heads says any label in short."""
        return any(head.gist for head in self.heads)


def title_of(folder: RunFolder) -> str:
    """The name of the model; of a folder the last part."""
    return sentence(short_name(str(folder.run["model"]["name"])))


def view(folder: RunFolder) -> ReportView:
    """The view of a run."""
    run = folder.run
    heads = head_views(folder)
    chart, curve = _replacement(run.get("replacement_curve") or [])
    return ReportView(
        title=title_of(folder),
        run_key=folder.key,
        headline=minus(sentence(run.get("headline"))),
        replaced=minus(sentence(run.get("headline_replacement"))),
        summary=_summary(folder, heads),
        facts=facts(run),
        thresholds=thresholds_text(run.get("settings") or {}),
        chart=chart,
        curve=curve,
        metrics=metrics(folder.heads),
        grid=grid(folder.heads),
        heads=heads,
        verified=bool(curve),
        n_neurons=len(folder.neurons),
        neurons=_neurons(folder),
        neurons_in_short=_any_in_short(folder.neurons),
        neuron_layers=sorted({int(layer) for layer in folder.neurons["layer"]}),
        neuron_kinds=_kinds(folder.neurons),
        neuron_figures=_neuron_figures(run.get("figures") or {}),
        activations=activations_view(folder),
        dearest=dearest(folder),
        failed=[
            (
                sentence(f["name"] or "the whole plugin"),
                sentence(f.get("module")),
                sentence(f.get("error")),
            )
            for f in run.get("heuristics_failed") or []
        ],
        heuristics=[
            (sentence(h["name"]), sentence(h.get("kind")), _in_a_line(h.get("description")))
            for h in run.get("heuristics") or []
        ],
    )


def _in_a_line(text: Any) -> str:
    """A docstring, whose lines end where its source does."""
    return sentence(" ".join(str(text or "").split()))


def _summary(folder: RunFolder, heads: list[HeadView]) -> list[str]:
    """Sentences for a reader who did not run it."""
    marks = Counter(head.confidence for head in heads)
    text = ""
    if heads:
        parts = [f"{marks['clear']} clear", f"{marks['likely']} likely (~)"]
        parts += [f"{marks['weak']} weak (~~)", f"{marks['unlabelled']} unlabelled"]
        text = f"Of {plural(len(heads), 'head')}: {', '.join(parts)}. "
    figures = folder.run.get("figures") or {}
    means = [
        f"{wording} {decimal(figures[key])}"
        for key, wording in (
            ("mean_r2", "of the labels"),
            ("mean_r2_dense", "of all relations together"),
            ("mean_r2_distance", "of distance alone"),
        )
        if number(figures.get(key)) is not None
    ]
    if means:
        text += f"Mean held-out R² over all heads: {', '.join(means)}"
        own = figures.get("mean_r2_labelled")
        if number(own) is not None and marks["unlabelled"]:
            text += f"; over the labelled heads alone, of their labels {decimal(own)}"
        text += "."
    return [*([text.strip()] if text else []), *_reviewed(folder, [head.name for head in heads])]


def _reviewed(folder: RunFolder, names: list[str]) -> list[str]:
    counts = agreement(verdicts(folder.review), [*names, *folder.neurons["name"].tolist()])
    if not counts:
        return []
    text = f"{counts['agree']} agreed, {counts['edit']} reworded, {counts['reject']} rejected"
    return [f"Reviewed: {counts.total()}; {text}."]


def thresholds_text(settings: Mapping[str, Any]) -> str:
    """What the marks of confidence stand for, with the thresholds that were set."""
    flat = {**settings, **(settings.get("thresholds") or {})}
    clear, likely = decimal(flat.get("clear", 0.5), 1), decimal(flat.get("likely", 0.2), 1)
    return (
        f"No mark: held-out R² of {clear} or more. ~ likely: {likely} or more. "
        f"~~ weak: significant, below {likely}."
    )


def _replacement(rows: list[dict[str, Any]]) -> tuple[Chart | None, list[tuple[str, list[str]]]]:
    """The replacement curve as a chart and as a table, one row a fraction."""
    series, labels = [], {}
    for name in CURVES:
        found = [row for row in rows if number(row.get(name)) is not None]
        if found:
            labels[name] = [f"{row['fraction']:.0%}: {rise(row[name])}" for row in found]
            points = [
                (
                    float(row["fraction"]),
                    float(row[name]),
                    number(row.get(f"{name}_low")),
                    number(row.get(f"{name}_high")),
                )
                for row in found
            ]
            series.append((name, CURVES[name], points))
    table = [(f"{row['fraction']:.0%}", [rise(row.get(name)) for name in CURVES]) for row in rows]
    return rise_chart(series, labels), table


def _neurons(folder: RunFolder) -> list[NeuronRow]:
    """The best explained neurons; labels that merely look tokens up come after the others."""
    table = folder.neurons
    if table.empty:
        return []
    ranked = table.assign(r2=column(table, "r2"), lookup=table["kind"].eq("token detector"))
    ranked = ranked[ranked["confidence"].ne("unlabelled") & ranked["r2"].notna()]
    ranked = ranked.sort_values(["lookup", "r2"], ascending=[True, False], kind="stable")
    found = verdicts(folder.review)
    return [
        NeuronRow(
            name=row["name"],
            mark=MARKS.get(row["confidence"], ""),
            label=in_short(row, found.get(row["name"])),
            kind=sentence(row["kind"]),
            r2=decimal(row["r2"]),
            r2_interval=span(row["r2_low"], row["r2_high"]),
            reinitialised=decimal(row["r2_reinitialised"]),
            auroc=decimal(row["auroc"]),
            promotes=[visible(token) for token in tokens_of(row["promotes"])[:4]],
        )
        for row in ranked.head(SHOWN_NEURONS).to_dict("records")
    ]


def _any_in_short(neurons: pd.DataFrame) -> bool:
    return "gist" in neurons and bool((neurons["gist"] != neurons["label"]).any())


def _kinds(neurons: pd.DataFrame) -> list[tuple[str, str]]:
    counts = neurons["kind"].value_counts()
    total = max(len(neurons), 1)
    return [(sentence(kind), f"{count(n)} ({percent(n / total)})") for kind, n in counts.items()]


def _neuron_figures(figures: Mapping[str, Any]) -> str:
    """Figures on neurons, each beside the same of a re-initialised copy; empty without neurons."""
    parts = []
    for key, text, worded_as in (
        ("neurons_r2_median", "median held-out R² {}", decimal),
        ("neurons_r2_above_0.1", "{} above R² 0.1", percent),
        ("neurons_with_class", "{} with a class that beats random ones", percent),
    ):
        if number(figures.get(key)) is not None:
            other = worded_as(figures.get(f"{key}_reinitialised"))
            parts.append(text.format(f"{worded_as(figures[key])} ({other})"))
    if not parts:
        return ""
    return (
        f"Neurons, and in brackets a re-initialised copy of the model: {', '.join(parts)}. "
        "Its MLP is a function of the token, too: only the difference counts."
    )
