"""Token strips for the pages of heads and neurons: titled groups, worded, tokens by number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from reports.head_view import by_name
from reports.pack import Dictionary, rounded
from reports.wording import decimal, number, percent, sentence, tokens_of, visible

Row = dict[str, Any]
Groups = list[dict[str, Any]]
"""`title`, and `rows` of `under` (two lines that say where and how much), `t`, `at`, and bars."""

BEYOND = 0.2
"""The part of a query's attention that is left of a strip, from which on that is said."""

NEURON_TITLES = {
    "top": "Strongest activations, one a prompt",
    "feature without activation": "The label says so, the neuron does not",
    "activation without feature": "The neuron fires, the label does not say so",
    "decile": "One example from each tenth of its activations",
}


def head_strips(
    rows: list[Row], labelled: bool, tokens: Dictionary[str], classes: Mapping[str, str]
) -> Groups:
    """Rows of evidence/heads.parquet about one head; `classes` are query classes in words.

    Without a label what is shown is what held, though it was too little.
    """
    what = "that the label explains" if labelled else "explained"
    titles = {kind: f"Rows {what} {kind}" for kind in ("best", "worst")}
    titles |= {f"exception: {name}": f"Exception: {said}" for name, said in classes.items()}
    groups: dict[str, list[Row]] = {}
    for row in rows:
        kind = str(row["kind"])
        title = sentence(titles.get(kind, kind))
        r2 = "" if number(row["r2"]) is None else f"R² {decimal(row['r2'])}"
        beyond = 1 - sum(row["real"])
        if beyond >= BEYOND:
            r2 = f"{r2}; {percent(beyond)} further left".removeprefix("; ")
        bars = {"real": rounded(row["real"], 3), "label": rounded(row["predicted"], 3)}
        groups.setdefault(title, []).append(
            _strip(row, int(row["query"]), [_place(row, "query"), r2], tokens) | bars
        )
    return [{"title": title, "rows": found} for title, found in groups.items()]


def cost_strips(table: pd.DataFrame, tokens: Dictionary[str]) -> dict[str, Groups]:
    """Rows of evidence/costs.parquet by head, the dearest token first."""
    return {
        name: [
            {
                "title": "Tokens at which the label costs most",
                "rows": [
                    _strip(
                        row,
                        int(row["position"]),
                        [_place(row, "position"), f"+{decimal(row['rise'])} nats"],
                        tokens,
                    )
                    for row in sorted(rows, key=lambda row: -(number(row["rise"]) or 0.0))
                ],
            }
        ]
        for name, rows in by_name(table).items()
    }


def neuron_strips(rows: list[Row], deciles: list[float], tokens: Dictionary[str]) -> Groups:
    """Rows of evidence/neurons.parquet about one neuron."""
    groups: dict[str, list[Row]] = {kind: [] for kind in NEURON_TITLES}
    for row in rows:
        kind = "decile" if row["kind"].startswith("decile") else row["kind"]
        if kind not in groups:
            continue
        place = _decile(row, deciles) if kind == "decile" else _place(row, "position")
        under = [decimal(row["value"]), place]
        strip = _strip(row, int(row["position"]), under, tokens)
        groups[kind].append(strip | {"values": rounded(row["values"], 3)})
    return [
        {"title": title, "rows": groups[kind]}
        for kind, title in NEURON_TITLES.items()
        if groups[kind]
    ]


def _decile(row: Row, deciles: list[float]) -> str:
    which = int(str(row["kind"]).removeprefix("decile "))
    share = number(deciles[which - 1]) if len(deciles) >= which else None
    return f"tenth {which}" + ("" if share is None else f", label on {percent(share)}")


def _place(row: Row, key: str) -> str:
    return f"{sentence(row['prompt'])}:{int(row[key])}"


def _strip(row: Row, at: int, under: list[str], tokens: Dictionary[str]) -> Row:
    shown = [tokens.number(visible(token)) for token in tokens_of(row["tokens"])]
    return {"under": under, "t": shown, "at": at - int(row["start"])}
