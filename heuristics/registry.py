"""Finding heuristics: find → load → check, one path for built-ins, installed packages and files."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from heuristics.contract import Family, Heuristic
from heuristics.errors import PluginError, did_you_mean
from heuristics.lifts import LIFTS, lifted

BUILTIN = (
    "heuristics.position",
    "heuristics.pieces",
    "heuristics.punctuation",
    "heuristics.speech_marks",
    "heuristics.names",
    "heuristics.wordclasses",
    "heuristics.closedclass",
    "heuristics.pronouns",
    "heuristics.repetition",
    "heuristics.spans",
    "heuristics.starts",
    "heuristics.roles",
    "heuristics.dependencies",
    "heuristics.dialogue",
    "heuristics.antecedent",
)
ENTRY_POINTS = "labeler.heuristics"


class Found(NamedTuple):
    """A place that may hold heuristics: a module name, or a file."""

    origin: str
    path: Path | None


def find(plugins: Sequence[str] = ()) -> list[Found]:
    """Built-ins, then installed entry points, then `plugins` (files or modules), each sorted.

    `LABELER_PLUGINS=""` switches installed plugins off.
    """
    found = [Found(name, None) for name in BUILTIN]
    if os.environ.get("LABELER_PLUGINS", "all") != "":
        installed = entry_points(group=ENTRY_POINTS)
        found += [Found(name, None) for name in sorted({point.value for point in installed})]
    for plugin in sorted(set(plugins)):
        is_file = plugin.endswith(".py") or "/" in plugin
        found.append(Found(plugin, Path(plugin) if is_file else None))
    return found


def load(place: Found) -> ModuleType:
    """Import one place; whatever its import raises becomes a PluginError that names it."""
    if place.path is not None and not place.path.is_file():
        raise PluginError(f"plugin file not found: {place.path}; expected a Python file")
    try:
        if place.path is None:
            return importlib.import_module(place.origin)
        name = f"labeler_plugin_{place.path.stem}"
        spec = importlib.util.spec_from_file_location(name, place.path)
        if spec is None or spec.loader is None:
            raise ImportError("not a Python file")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        return module
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        raise PluginError(f"plugin {place.origin} cannot be imported: {what}") from error


def classify(module: ModuleType) -> list[Heuristic]:
    """The heuristics that a module defines (not those it imports), lifts included."""
    declared: list[Heuristic] = []
    for value in vars(module).values():
        members = value if isinstance(value, Family) else [value]
        declared += [
            item
            for item in members
            if isinstance(item, Heuristic) and item.module == module.__name__
        ]
    unique = list({id(item): item for item in declared}.values())
    for item in unique:
        unknown = [lift for lift in item.lifts if lift not in LIFTS]
        if unknown:
            hint = did_you_mean(unknown[0], LIFTS)
            raise PluginError(
                f"{item.name!r} in {item.module}: unknown lift {unknown[0]!r}; {hint}"
            )
    return unique + [relation for item in unique for relation in lifted(item)]


def load_heuristics(
    plugins: Sequence[str] = (), only: Sequence[str] = (), without: Sequence[str] = ()
) -> tuple[Heuristic, ...]:
    """All heuristics, sorted by kind and name; unique, `only` and `without` applied by name."""
    by_key: dict[tuple[str, str], Heuristic] = {}
    for place in find(plugins):
        module = load(place)
        heuristics = classify(module)
        if not heuristics:
            raise PluginError(
                f"plugin {place.origin} declares no heuristic (@feature or @relation)"
            )
        for item in heuristics:
            other = by_key.setdefault((item.kind, item.name), item)
            if other is not item:
                raise PluginError(
                    f"two heuristics are called {item.name!r}: in {other.module} and in "
                    f"{item.module}; rename one, or leave one plugin out"
                )
    names = {name for _, name in by_key}
    for name in (*only, *without):
        if name not in names:
            raise PluginError(f"unknown heuristic {name!r}: {did_you_mean(name, names)}")
    return tuple(
        by_key[key]
        for key in sorted(by_key)
        if (not only or key[1] in only) and key[1] not in without
    )


def relations(heuristics: Iterable[Heuristic]) -> tuple[Heuristic, ...]:
    """Those that speak about heads."""
    return tuple(item for item in heuristics if item.kind == "relation")


def features(heuristics: Iterable[Heuristic]) -> tuple[Heuristic, ...]:
    """Those that speak about positions."""
    return tuple(item for item in heuristics if item.kind == "feature")


def module_hash(name: str) -> str:
    """SHA-256 of a module's source file, first 16 digits; '' where there is none."""
    file = getattr(sys.modules.get(name), "__file__", None)
    if not file or not Path(file).is_file():
        return ""
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()[:16]
