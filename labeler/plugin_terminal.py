"""What `labeler heuristics check` shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from rich.table import Table
from rich.text import Text as Line

from heuristics.check import evaluated, feature_mask
from heuristics.contract import Heuristic
from heuristics.text import Text
from labeler.plugin_check import Checked, CheckedPlugin
from labeler.plugins import SLOW_MS
from labeler.terminal import visible

SHOWN = 60
"""Tokens of a rendered example."""
SAME = 0.9
"""From this overlap on a heuristic is said to be nearly another."""


def checked_plugin(checked: CheckedPlugin) -> Iterator[Any]:
    """The check of a whole plugin, a heuristic a block."""
    for row in checked.found:
        yield from _block(row, checked.showcase)
        yield ""
    failed = sum(bool(row.error) for row in checked.found)
    yield Line(
        f"Asked about {checked.n_prompts} stories ({checked.n_tokens:,} tokens): "
        f"{len(checked.found) - failed} of {len(checked.found)} heuristics keep the contract.",
        style="dim",
    )


def _block(row: Checked, showcase: list[Text]) -> Iterator[Any]:
    item = row.item
    verdict = ("fails", "bold red") if row.error else ("ok", "green")
    yield Line.assemble((f"{item.kind} {item.name}", "bold"), "  ", verdict)
    table = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(width=10, no_wrap=True, style="dim")
    table.add_column(ratio=1)
    for name, said in _rows(row, showcase):
        table.add_row(Line(f"  {name}"), said)
    yield table


def _rows(row: Checked, showcase: list[Text]) -> Iterator[tuple[str, Line]]:
    item = row.item
    if row.error:
        yield "error", Line(visible(row.error))
        return
    if item.kind == "feature":
        yield "label", Line(f"fires on {item.phrase}")
        yield "rate", Line(f"fires on {_percent(row.rate)} of tokens")
    else:
        yield "label", Line(f"attends to {item.phrase}")
        covered, rate = _percent(row.coverage), _percent(row.rate)
        yield "rate", Line(f"names a key at {covered} of queries, {rate} of the visible keys")
    usual = f"the median built-in {item.kind} takes {row.usual:.2f}"
    yield "cost", Line(f"{row.cost:.2f} ms per 1,000 tokens; {usual}")
    if row.nearest:
        near = [f"{_percent(share)} the same as {name!r}" for name, share in row.nearest]
        yield "nearest", Line(", ".join(near))
    for note in _notes(row):
        yield "note", Line(note, "yellow")
    for line in _example(item, showcase):
        yield "example", line


def _notes(row: Checked) -> Iterator[str]:
    kind = row.item.kind
    if row.only_start:
        yield f"names the first position alone, which is left out: @{kind}(…, start=True)"
    elif (kind == "feature" and row.rate == 0) or (kind == "relation" and row.coverage == 0):
        yield "never fires on this corpus"
    if row.rate == 1:
        yield "fires everywhere, so it says nothing"
    if row.ahead > 0:
        yield (
            f"{_percent(row.ahead)} of its pairs look ahead of the query; the labeler drops them"
        )
    if row.reads_on:
        yield "says something else when the text ends sooner: it reads on, which no head can"
    if row.undeclared_parse:
        yield f"uses the parse and does not say so: @{kind}(…, parse=True)"
    if row.cost >= SLOW_MS:
        yield f"slow: {row.cost / max(row.usual, 1e-9):,.0f} times the median built-in"
    if row.nearest and row.nearest[0][1] >= SAME:
        yield f"nearly {row.nearest[0][0]!r}; one of the two will do"


def _percent(share: float) -> str:
    if 0 < share < 0.0005:
        return "less than 0.1%"
    return f"{share:.0%}" if share >= 0.1 else f"{share:.1%}"


def _example(item: Heuristic, showcase: list[Text]) -> Iterator[Line]:
    """The showcase prompt on which it says most, and there the query with the most keys."""
    best = max(showcase, key=lambda text: _says(item, text), default=None)
    if best is None or not _says(item, best):
        return
    if item.kind == "feature":
        mask = feature_mask(item, best)
        yield _strip(best, mask, -1, int(np.flatnonzero(mask)[0]))
        return
    query, key, weight = evaluated(item, best)
    seen = (key <= query) & (query > 0) & (weight > 0)
    count = np.bincount(query[seen], minlength=len(best))
    some = np.flatnonzero(count)
    at = int(some[len(some) // 2])  # neither the first queries, with few keys, nor the last
    mask = np.zeros(len(best), dtype=bool)
    mask[key[seen & (query == at)]] = True
    yield _strip(best, mask, at, at)


def _says(item: Heuristic, text: Text) -> int:
    said = evaluated(item, text)
    if item.kind == "feature":
        return int(said[0].sum())
    return len(np.unique(said[0][(said[1] <= said[0]) & (said[0] > 0)]))


def _strip(text: Text, marked: Any, query: int, about: int) -> Line:
    """A stretch of text; what is marked stands in brackets, the query between arrows."""
    start = max(int(text.has_bos), min(about - SHOWN // 2, len(text) - SHOWN))
    line = Line("… " if start > text.has_bos else "")
    for position in range(start, min(start + SHOWN, len(text))):
        token = visible(str(text.tokens[position]))
        space = " " if token.startswith(" ") else ""
        word = token.strip()
        if position == query:
            word = f"→{word}←"
        if marked[position]:
            word = f"[{word}]"
        style = "bold reverse" if marked[position] else "bold underline"
        line.append(space)
        line.append(word, style=style if marked[position] or position == query else "")
    return line
