"""Plugins in a run: where they come from, which fail, stay silent or take long, and what is said.

A heuristic is tried on a few texts before anything is written. Under `keep_going` plugins are asked
about every text of the corpus first, and what fails is left out from the start, so that the run is
the same as one that never knew of it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from heuristics.check import agrees_with_itself, evaluated
from heuristics.contract import Heuristic
from heuristics.registry import project_plugins
from heuristics.text import Text
from labeler.config import Settings
from labeler.errors import PluginError
from labeler.prepare import Vocabulary
from labeler.statistics import Statistics, summed

TRIED = 2
"""Texts on which every heuristic is tried, plugins twice."""

SLOW_MS = 50.0
"""Milliseconds per 1,000 tokens from which a plugin is called slow; built-ins take well below 1."""


_PART = re.compile(r"^its feature '[^']*' ")


def with_project(settings: Settings) -> Settings:
    """Plugin files by their full paths, those of `heuristics.d` among them."""
    found = [*settings.plugin, *project_plugins()]
    full = [str(Path(name).resolve()) if Path(name).exists() else name for name in found]
    return replace(settings, plugin=tuple(dict.fromkeys(full)))


def described(item: Heuristic) -> dict[str, str]:
    """A heuristic as run.json names it."""
    return {
        "name": item.name,
        "kind": item.kind,
        "module": item.module,
        "package": item.package,
        "version": item.version,
        "hash": item.hash,
        "description": item.description,
    }


@contextmanager
def hinting(keep_going: bool) -> Iterator[None]:
    """A plugin's error says how to go on without it."""
    try:
        yield
    except PluginError as error:
        if keep_going or not error.module:
            raise
        raise PluginError(
            f"{error}; --keep-going runs without it",
            heuristic=error.heuristic,
            kind=error.kind,
            module=error.module,
            prompt=error.prompt,
            reason=error.reason,
        ) from error


def tried(heuristics: Sequence[Heuristic], texts: Sequence[Text]) -> list[dict[str, Any]]:
    """Those that take long, with their cost; PluginError for one that fails or wavers."""
    slow = []
    tokens = max(sum(len(text) for text in texts), 1)
    for item in heuristics:
        began = time.perf_counter()
        for text in texts:
            agrees_with_itself(item, text)
        cost = (time.perf_counter() - began) / 2 / tokens * 1e6
        if cost >= SLOW_MS:
            slow.append({**_names(item), "ms_per_1000_tokens": round(cost)})
    return slow


def failing(heuristics: Sequence[Heuristic], texts: Iterable[Text]) -> list[PluginError]:
    """The first error of each heuristic that fails on any text."""
    found: dict[int, PluginError] = {}
    if not heuristics:
        return []
    for number, text in enumerate(texts):
        for index, item in enumerate(heuristics):
            if index not in found:
                try:
                    (agrees_with_itself if number < TRIED else evaluated)(item, text)
                except PluginError as error:
                    found[index] = error
    return [found[index] for index in sorted(found)]


def failed(error: PluginError) -> dict[str, str]:
    """An error as run.json keeps it; without `name` it is a whole plugin that was left out."""
    return {
        "name": error.heuristic,
        "kind": error.kind,
        "module": error.module,
        "prompt": error.prompt,
        "error": error.reason,
    }


def silent(vocabulary: Vocabulary, folds: Sequence[Statistics]) -> list[dict[str, str]]:
    """Plugins' heuristics that named nothing anywhere on the corpus."""
    present = summed(folds, "present").sum(axis=(0, 1))
    held = summed(folds, "predictor_sum")[: len(vocabulary.features)]
    counted = [*zip(vocabulary.features, held, strict=True)]
    counted += [*zip(vocabulary.relations, present, strict=True)]
    return [_names(item) for item, count in counted if count == 0 and not item.built_in]


def _names(item: Heuristic) -> dict[str, str]:
    return {"name": item.name, "kind": item.kind, "module": item.module}


def warnings(run: Mapping[str, Any]) -> list[str]:
    """What a reader of run.json should be told of its plugins, a line each."""
    lines = [_left_out(*group) for group in _grouped(run.get("heuristics_failed", []))]
    unparsed = len(run.get("heuristics_unparsed", []))
    if unparsed:
        lines.append(f"{unparsed} heuristics use the parse and took no part: the pipeline has none")
    lines += [
        f"{item['kind']} {item['name']!r} of {item['module']} never fired on this corpus"
        for item in run.get("heuristics_silent", [])
    ]
    lines += [
        f"{item['kind']} {item['name']!r} of {item['module']} is slow: "
        f"{item['ms_per_1000_tokens']:,} ms per 1,000 tokens"
        for item in run.get("heuristics_slow", [])
    ]
    return lines


def _grouped(rows: Sequence[Mapping[str, str]]) -> list[tuple[Mapping[str, str], list[str]]]:
    """A feature and its lifts fail alike: one line for what one module says about one prompt."""
    groups: dict[tuple[str, str], tuple[Mapping[str, str], list[str]]] = {}
    for row in rows:
        key = (row["module"], _PART.sub("", row["error"]))
        named = f"{row['kind']} {row['name']!r}" if row["name"] else ""
        groups.setdefault(key, (row, []))[1].append(named)
    return list(groups.values())


def _left_out(row: Mapping[str, str], names: Sequence[str]) -> str:
    where = f", prompt {row['prompt']!r}" if row["prompt"] else ""
    if not names[0]:
        return f"left out plugin {row['module']}: {row['error']}"
    return f"left out {', '.join(names)} of {row['module']}{where}: {row['error']}"
