"""A head of the run folder as the page shows it: every figure worded, every shape computed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from labeler.results import RunFolder
from reports.label import Line, lines_of
from reports.reviewed import Verdict, gist_of, in_short, said, verdicts, worded
from reports.shapes import Tick, distance_curve
from reports.wording import (
    CONDITIONS,
    MARKS,
    NOTHING,
    decimal,
    number,
    percent,
    percent_span,
    probability,
    rise,
    rise_span,
    sentence,
    share,
    share_span,
    span,
)

Row = dict[str, Any]
ALWAYS = 0.97
"""From this coverage on a prediction is taken to have a target at every query, as in labels."""


@dataclass(frozen=True)
class ShareView:
    """One printed prediction of a head, for all queries or for those of a class."""

    name: str
    phrase: str
    text: str
    fraction: float
    low: float | None
    high: float | None
    interval: str
    lift: str
    lift_interval: str
    coverage: str
    q: str


@dataclass(frozen=True)
class GroupView:
    """The shares that hold on one query class; the empty class is "all queries"."""

    wording: str
    shares: list[ShareView]
    rest: str
    rest_fraction: float
    general: bool


@dataclass(frozen=True)
class CurveView:
    """A distance profile."""

    wording: str
    path: str
    ticks: list[Tick]
    top: str


@dataclass(frozen=True)
class CostView:
    """The rise of perplexity under one condition, as a bar."""

    condition: str
    text: str
    rise: str
    interval: str
    fraction: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class FollowerView:
    """A neuron that fires where the head attends, or the other way round."""

    neuron: str
    label: str
    correlation: str
    interval: str
    fraction: float
    path: str


@dataclass(frozen=True)
class Standing:
    """How well the label of a head holds."""

    confidence: str
    mark: str
    r2: float | None
    r2_text: str
    r2_interval: str
    recovered: float | None
    recovered_text: str
    recovered_interval: str
    facts: list[tuple[str, str, str]]


@dataclass(frozen=True)
class HeadView(Standing):
    """A head. `gist` is its label in short; empty where there is none, or a reader reworded it."""

    name: str
    layer: int
    head: int
    label: str
    gist: str
    lines: list[Line]
    automatic: str
    verdict: Verdict | None
    review: str
    groups: list[GroupView]
    curves: list[CurveView]
    costs: list[CostView]
    followers: list[FollowerView]

    @property
    def general(self) -> GroupView | None:
        """The shares that hold on all queries, where there are any."""
        return next((group for group in self.groups if group.general and group.shares), None)


def by_name(table: pd.DataFrame, column: str = "name") -> dict[str, list[Row]]:
    """Rows of a table grouped by component, in their order."""
    if "query_class" in table:
        table = table.assign(query_class=table["query_class"].fillna("").astype(object))
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in table.to_dict("records"):
        groups[str(row[column])].append(row)
    return groups


def class_wordings(folder: RunFolder) -> dict[str, str]:
    """How labels say each query class: `on a full stop`."""
    return {c["name"]: c.get("wording", c["name"]) for c in folder.run.get("query_classes", [])}


def head_views(folder: RunFolder) -> list[HeadView]:
    """All heads, in the order of heads.parquet."""
    found = verdicts(folder.review)
    predictions = folder.predictions
    chosen = by_name(predictions[predictions["selected"].eq(True)])
    profiles = by_name(folder.profiles)
    scope = folder.replacement["scope"].eq("head")
    costs = by_name(folder.replacement[scope])
    pairs = by_name(folder.pairs, "head")
    neurons = folder.neurons.filter(["name", "label", "gist"])
    following = neurons[neurons["name"].isin(set(folder.pairs["neuron"]))]
    labels = {
        row["name"]: in_short(row, found.get(row["name"])) for row in following.to_dict("records")
    }
    classes = class_wordings(folder)
    views = []
    for row in folder.heads.to_dict("records"):
        name = str(row["name"])
        label, automatic = worded(row["label"], found.get(name))
        standing = _standing({str(key): value for key, value in row.items()})
        views.append(
            HeadView(
                **vars(standing),
                name=name,
                layer=int(row["layer"]),
                head=int(row["head"]),
                label=label,
                gist=gist_of(row.get("gist"), label, automatic),
                lines=lines_of(label),
                automatic=automatic,
                verdict=found.get(name),
                review=said(found.get(name)),
                groups=_groups(chosen.get(name, []), row.get("unexplained"), classes),
                curves=_curves(profiles.get(name, []), classes),
                costs=_costs(costs.get(name, [])),
                followers=_followers(pairs.get(name, []), labels),
            )
        )
    return views


def _standing(row: Row) -> Standing:
    confidence = row["confidence"] if row["confidence"] in MARKS else "unlabelled"
    # Where no label stands, an even spread stood in for the head, and wins back nothing of itself.
    nothing = confidence == "unlabelled"
    recovered = None if nothing else number(row["recovered"])
    interval = "" if nothing else percent_span(row["recovered_low"], row["recovered_high"])
    return Standing(
        confidence=confidence,
        mark=MARKS[confidence],
        r2=number(row["r2"]),
        r2_text=decimal(row["r2"]),
        r2_interval=span(row["r2_low"], row["r2_high"]),
        recovered=recovered,
        recovered_text=percent(recovered),
        recovered_interval=interval,
        facts=list(_facts(row)),
    )


def _facts(row: Row) -> Iterator[tuple[str, str, str]]:
    """(name, figure, what it means) of what was measured."""
    table = (
        (
            "R², value-weighted",
            decimal(row.get("r2_weighted")),
            "the label rests on attention; this is how it does on attention times what is written",
        ),
        ("R², all relations", decimal(row["r2_dense"]), "the ceiling of the vocabulary"),
        ("R², distance alone", decimal(row["r2_distance"]), "no words, only how far back"),
        ("remainder", percent(row["unexplained"]), "what the label spreads over all tokens"),
        ("on the first position", percent(row["first_position_share"]), "attention sink"),
        (
            "the same, value-weighted",
            percent(row["first_position_share_weighted"]),
            "how much of what is written comes from there",
        ),
        ("entropy", decimal(row["entropy"]), "nats, mean over queries"),
        ("share of the layer's writing", percent(row["written"]), "by norm of what it adds"),
        ("induction", percent(row["induction"]), "mass on induction targets, random tokens"),
        ("cost of the label", decimal(row["cost"], 4), "nats a token, when it replaces the head"),
    )
    for name, text, meaning in table:
        if number(text.rstrip("%").replace("−", "-").lstrip("<")) is not None:
            yield name, text, meaning


def _by_class(rows: list[Row]) -> list[tuple[str, list[Row]]]:
    """Rows by query class, those of all queries first."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["query_class"]].append(row)
    return sorted(found.items(), key=lambda item: item[0] != "")


def _groups(rows: list[Row], unexplained: Any, classes: dict[str, str]) -> list[GroupView]:
    groups = []
    for name, own in _by_class(rows):
        ordered = sorted(own, key=lambda row: number(row["order"]) or 0)
        shares = [_share(row) for row in ordered if number(row["share"]) is not None]
        left = max(0.0, 1 - sum(item.fraction for item in shares))
        general = number(unexplained)
        rest = general if name == "" and general is not None else left
        wording = sentence(classes.get(name, f"on {name}")) if name else "on all queries"
        groups.append(GroupView(wording, shares, share(rest), rest, name == ""))
    return groups


def _share(row: Row) -> ShareView:
    covered = number(row["coverage"])
    return ShareView(
        name=sentence(row["prediction"]),
        phrase=sentence(row["phrase"]),
        text=share(row["share"]),
        fraction=min(max(number(row["share"]) or 0.0, 0.0), 1.0),
        low=number(row["share_low"]),
        high=number(row["share_high"]),
        interval=share_span(row["share"], row["share_low"], row["share_high"]),
        lift=NOTHING if number(row["lift"]) is None else f"{decimal(row['lift'], 1)}×",
        lift_interval=span(row["lift_low"], row["lift_high"], 1),
        coverage=percent(covered) if covered is not None and covered < ALWAYS else "",
        q=probability(row["q"]),
    )


def _curves(rows: list[Row], classes: dict[str, str]) -> list[CurveView]:
    curves = []
    for name, own in _by_class(rows)[:4]:
        shape, ticks, top = distance_curve(
            [row["distance"] for row in own], [number(row["attention"]) or 0.0 for row in own]
        )
        wording = sentence(classes.get(name, f"on {name}")) if name else "all queries"
        if shape:
            curves.append(CurveView(wording, shape, ticks, percent(top)))
    return curves


def _costs(rows: list[Row]) -> list[CostView]:
    known = [row for row in rows if row["condition"] in CONDITIONS and row["condition"] != "clean"]
    top = max((number(r["rise_high"]) or number(r["rise"]) or 0.0 for r in known), default=0.0)
    order = list(CONDITIONS)
    views = []
    for row in sorted(known, key=lambda row: order.index(row["condition"])):
        scaled = {
            key: None if (value := number(row[key])) is None or top <= 0 else max(value / top, 0.0)
            for key in ("rise", "rise_low", "rise_high")
        }
        views.append(
            CostView(
                condition=row["condition"],
                text=CONDITIONS[row["condition"]],
                rise=rise(row["rise"]),
                interval=rise_span(row),
                fraction=scaled["rise"] or 0.0,
                low=scaled["rise_low"],
                high=scaled["rise_high"],
            )
        )
    return views


def _followers(rows: list[Row], labels: dict[str, str]) -> list[FollowerView]:
    ordered = sorted(rows, key=lambda row: -abs(number(row["correlation"]) or 0.0))[:8]
    return [
        FollowerView(
            neuron=str(row["neuron"]),
            label=labels.get(row["neuron"]) or "unlabelled",
            correlation=decimal(row["correlation"]),
            interval=span(row["correlation_low"], row["correlation_high"]),
            fraction=number(row["correlation"]) or 0.0,
            path=decimal(row["weight_path"]),
        )
        for row in ordered
    ]
