"""Which label costs most, and at which tokens: what the loss is made of after `labeler verify`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from labeler.results import RunFolder
from reports.grid import column
from reports.head_view import by_name
from reports.wording import MARKS, decimal, number, sentence, tokens_of, visible

SHOWN = 8
"""Heads that the overview names."""

Row = dict[str, Any]


@dataclass(frozen=True)
class DearToken:
    """A token whose loss rises most when a head runs on its label, with its surroundings."""

    rise: str
    place: str
    before: list[str]
    token: str
    after: list[str]


@dataclass(frozen=True)
class DearView:
    """A head whose label costs much."""

    name: str
    mark: str
    cost: str
    tokens: list[DearToken]


def dearest(folder: RunFolder) -> list[DearView]:
    """The labelled heads whose labels cost most, the dearest first; empty before verification."""
    heads = folder.heads.assign(cost=column(folder.heads, "cost"))
    labelled = heads[heads["confidence"].ne("unlabelled") & heads["cost"].gt(0)]
    ordered = labelled.sort_values("cost", ascending=False, kind="stable").head(SHOWN)
    tokens = by_name(folder.costs) if len(ordered) else {}
    return [
        DearView(
            str(row["name"]),
            MARKS.get(row["confidence"], ""),
            decimal(row["cost"], 4),
            [_token(one) for one in _ranked(tokens.get(str(row["name"]), []))[:2]],
        )
        for row in ordered.to_dict("records")
    ]


def _ranked(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: -(number(row["rise"]) or 0.0))


def _token(row: Row) -> DearToken:
    shown = [visible(token) for token in tokens_of(row["tokens"])]
    at = min(max(int(row["position"]) - int(row["start"]), 0), len(shown) - 1)
    place = f"{sentence(row['prompt'])}:{int(row['position'])}"
    return DearToken(decimal(row["rise"]), place, shown[:at], shown[at], shown[at + 1 :])
