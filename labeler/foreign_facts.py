"""What run.json and the showcase must look like before anything is made of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from numpy import ndarray

from labeler.errors import RunFolderError
from labeler.readers import printable

OBJECTS = {"model", "corpus", "pipeline", "versions", "settings", "counts", "figures", "seconds"}
LISTS = {
    *("heuristics", "heuristics_failed", "heuristics_silent", "heuristics_slow"),
    *("query_classes", "replacement_curve", "replacement_order"),
}
STRINGS = {"created", "headline", "headline_replacement"}
NEEDED = {"model", "corpus"}
NAMED = {"heuristics", "heuristics_failed", "heuristics_silent", "heuristics_slow", "query_classes"}
"""Lists of objects with a `name`; their other values are strings and numbers."""


def check_facts(run: Mapping[str, Any], path: Path) -> None:
    """RunFolderError for a value of run.json that is not what docs/run-folder.md says it is."""
    for name in sorted(NEEDED - set(run)):
        raise _wrong(path, f"it has no {name!r}")
    kinds = ((OBJECTS, dict, "an object"), (LISTS, list, "a list"), (STRINGS, str, "a string"))
    for names, kind, said in kinds:
        for name in sorted(names & set(run)):
            if not isinstance(run[name], kind) and not (kind is str and run[name] is None):
                raise _wrong(path, f"{name!r} is not {said}")
    if not isinstance(run["model"].get("name"), str):
        raise _wrong(path, "'model' has no name")
    for name in sorted(NAMED & set(run)):
        _check_named(run[name], name, path)
    _check_figures(run, path)


def _check_named(items: Iterable[object], name: str, path: Path) -> None:
    for item in items:
        if not isinstance(item, dict) or not isinstance(item.get("name"), str):
            raise _wrong(path, f"something in {name!r} has no name")
        if not all(isinstance(value, str | int | float | None) for value in item.values()):
            raise _wrong(path, f"something in {name!r} is no string or number")


def _check_figures(run: Mapping[str, Any], path: Path) -> None:
    rows = [run.get("figures", {}), run.get("counts", {}), *run.get("replacement_curve", [])]
    for row in rows:
        if not isinstance(row, dict):
            raise _wrong(path, "something in 'replacement_curve' is no object")
        for name, value in row.items():
            if not isinstance(value, int | float | None):
                raise _wrong(path, f"{printable(repr(name), 60)} is no number")


def check_showcase(prompt: object, index: int, patterns: Mapping[str, ndarray], path: Path) -> None:
    """RunFolderError for a showcase prompt whose parts do not fit one another."""
    if not isinstance(prompt, dict):
        raise _wrong(path, f"prompt {index} is no object")
    tokens = prompt.get("tokens")
    if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
        raise _wrong(path, f"the tokens of prompt {index} are no list of strings")
    for name in ("id", "text"):
        if not isinstance(prompt.get(name), str):
            raise _wrong(path, f"prompt {index} has no {name}")
    shapes = []
    for name in (f"real_{index}", f"label_{index}"):
        if name not in patterns:
            raise _wrong(path, f"{name} is not in patterns.npz")
        shapes.append(patterns[name].shape)
        if patterns[name].dtype.kind not in "fiu":
            raise _wrong(path, f"{name} holds no numbers")
    n = len(tokens)
    if shapes[0] != shapes[1] or len(shapes[0]) != 3 or shapes[0][1:] != (n, n):
        raise _wrong(path, f"the patterns of prompt {index} are not [head, {n}, {n}]")


def _wrong(path: Path, what: str) -> RunFolderError:
    return RunFolderError(f"{printable(str(path))}: {what}; the run folder is damaged or foreign")
