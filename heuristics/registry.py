"""Finding heuristics: find → load → check, one path for built-ins, installed packages and files."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from heuristics.contract import Family, Heuristic
from heuristics.errors import PluginError, did_you_mean, line_in
from heuristics.fingerprint import code_hash, module_hash
from heuristics.lifts import lifted

BUILTIN = (
    "heuristics.position",
    "heuristics.pieces",
    "heuristics.punctuation",
    "heuristics.speech_marks",
    "heuristics.names",
    "heuristics.wordclasses",
    "heuristics.closedclass",
    "heuristics.verbforms",
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
SWITCH = "LABELER_PLUGINS"
PROJECT = Path("heuristics.d")
"""A folder in the working directory whose files are plugins."""

Report = Callable[[PluginError], None]
"""Told of what is left out; without one the first error ends the loading."""


class Found(NamedTuple):
    """A place that may hold heuristics: a module name, or a file; and the package it is from."""

    origin: str
    path: Path | None = None
    package: str = ""
    version: str = ""
    module: str = ""


def find(plugins: Sequence[str] = ()) -> list[Found]:
    """Built-ins, then installed entry points, then `plugins` (files or modules), each sorted.

    A folder among `plugins` stands for its files. `LABELER_PLUGINS=""` switches installed plugins
    off; a list of package names in it, with commas between, keeps those.
    """
    found = [Found(name) for name in BUILTIN] + _installed()
    for plugin in sorted(set(plugins)):
        if Path(plugin).is_dir():
            found += [Found(file, Path(file)) for file in files_in(Path(plugin))]
        else:
            is_file = plugin.endswith(".py") or "/" in plugin or os.sep in plugin
            found.append(Found(plugin, Path(plugin) if is_file else None))
    return _told_apart(list({place.path or place.origin: place for place in found}.values()))


def _told_apart(found: list[Found]) -> list[Found]:
    """Files as modules: named after the file, and after its folder too where two share a name."""
    stems = Counter(place.path.stem for place in found if place.path)
    named = []
    for place in found:
        if place.path is None:
            named.append(place)
            continue
        name = f"labeler_plugin_{place.path.stem}"
        if stems[place.path.stem] > 1:
            name += f"_{hashlib.sha256(str(place.path.resolve()).encode()).hexdigest()[:6]}"
        named.append(place._replace(module=name))
    return named


def _installed() -> list[Found]:
    """Modules that installed packages declare; one that two packages declare is the first's."""
    switch = os.environ.get(SWITCH)
    wanted = None if switch is None else {name.strip() for name in switch.split(",")}
    found: dict[str, Found] = {}
    for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda point: point.value):
        package = point.dist.name if point.dist else ""
        if wanted is None or package in wanted:
            version = point.dist.version if point.dist else ""
            found.setdefault(point.module, Found(point.module, None, package, version))
    return list(found.values())


def files_in(folder: Path) -> list[str]:
    """The plugin files of a folder, sorted; those that begin with `_` or `test_` are not."""
    return sorted(
        str(path) for path in folder.glob("*.py") if not path.name.startswith(("_", "test_", "."))
    )


def project_plugins() -> list[str]:
    """The plugin files that stand in `heuristics.d` of the working directory."""
    return files_in(PROJECT) if PROJECT.is_dir() else []


def load(place: Found) -> ModuleType:
    """Import one place; whatever its import raises becomes a PluginError that names it."""
    shown = f"{place.origin} of package {place.package}" if place.package else place.origin
    if place.path is not None and not place.path.is_file():
        raise PluginError(f"plugin file not found: {place.path}; expected a Python file")
    try:
        if place.path is None:
            with _working_directory():
                return importlib.import_module(place.origin)
        return _from_file(place.path, place.module)
    except (Exception, SystemExit) as error:
        hint = _hint(place, error)
        said = " ".join(str(error).split())
        what = said if isinstance(error, PluginError) else f"{type(error).__name__}: {said}"
        line = line_in(str(place.path.resolve()), error) if place.path else ""
        reason = f"cannot be imported: {what}{line}{hint}"
        raise PluginError(f"plugin {shown} {reason}", module=place.origin, reason=reason) from error


def _hint(place: Found, error: BaseException) -> str:
    if not place.package and place.path is None and isinstance(error, ModuleNotFoundError):
        return "; expected a file (with its .py) or an installed module"
    return f"; {SWITCH}='' runs without installed plugins" if place.package else ""


@contextmanager
def _working_directory() -> Iterator[None]:
    """Modules that stand in the working directory are found, as `python -m` finds them."""
    here = str(Path.cwd())
    sys.path.append(here)
    try:
        yield
    finally:
        sys.path.remove(here)


def _from_file(path: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    if spec is None or spec.loader is None:
        raise ImportError("not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def classify(module: ModuleType, place: Found | None = None) -> list[Heuristic]:
    """The heuristics that a module declares (not those it imports), lifts included.

    Lists and tuples of heuristics count, names that begin with `_` do not.
    """
    declared: list[Heuristic] = []
    for name, value in vars(module).items():
        if name.startswith("_"):
            continue
        members = value if isinstance(value, Family | list | tuple) else [value]
        declared += [
            item
            for item in members
            if isinstance(item, Heuristic) and item.module == module.__name__
        ]
    source = module_hash(module.__name__)
    unique = [
        replace(
            item,
            hash=source or code_hash(item),
            package=place.package if place else "",
            version=place.version if place else "",
        )
        for item in {id(item): item for item in declared}.values()
    ]
    return unique + [relation for item in unique for relation in lifted(item)]


def load_heuristics(
    plugins: Sequence[str] = (),
    only: Sequence[str] = (),
    without: Sequence[str] = (),
    on_error: Report | None = None,
) -> tuple[Heuristic, ...]:
    """All heuristics, sorted by kind and name; unique, `only` and `without` applied by name.

    A feature and a relation may share a name: "comma" means both, "relation comma" the one.
    With `on_error` a plugin that cannot be loaded, or whose names clash with earlier ones, is
    reported and left out; without it that is a PluginError.
    """
    if isinstance(plugins, str):
        raise PluginError(f"plugins takes several names, as in [{plugins!r}]")
    by_key: dict[tuple[str, str], Heuristic] = {}
    for place in find(plugins):
        try:
            found = _declared(place)
        except PluginError as error:
            _tell(error, on_error)
            continue
        for item in found:
            other = by_key.setdefault((item.kind, item.name), item)
            if other is not item:
                _tell(_clash(other, item), on_error)
    names = {name for _, name in by_key}
    for name in (*only, *without):
        if name not in names and name not in map(" ".join, by_key):
            raise PluginError(f"unknown heuristic {name!r}: {did_you_mean(name, names)}")

    def among(key: tuple[str, str], chosen: Sequence[str]) -> bool:
        return key[1] in chosen or " ".join(key) in chosen

    return tuple(
        by_key[key]
        for key in sorted(by_key)
        if (not only or among(key, only)) and not among(key, without)
    )


def _declared(place: Found) -> list[Heuristic]:
    found = classify(load(place), place)
    if not found:
        reason = "declares no heuristic (@feature or @relation)"
        if place.origin == "__main__":
            reason += (
                "; it is the notebook or script that is running: go on from the one that declares "
                "them, or begin with a run that has them from a file"
            )
        raise PluginError(f"plugin {place.origin} {reason}", module=place.origin, reason=reason)
    return found


def declared(plugin: str) -> list[Heuristic]:
    """The heuristics of one plugin (a file, a folder or a module), lifts included."""
    known = set(find())
    return [item for place in find([plugin]) if place not in known for item in _declared(place)]


def _clash(first: Heuristic, second: Heuristic) -> PluginError:
    where = f"in {first.module} and in {second.module}; rename one, or leave one plugin out"
    if first.module == second.module:
        where = f"both in {first.module}; rename one"
    return PluginError(
        f"two heuristics are called {second.name!r}: {where}",
        heuristic=second.name,
        kind=second.kind,
        module=second.module,
        reason=f"has the name of a {first.kind} in {first.module}",
    )


def _tell(error: PluginError, on_error: Report | None) -> None:
    if on_error is None:
        raise error
    on_error(error)


@cache
def _built_in() -> dict[str, list[Heuristic]]:
    by_name: dict[str, list[Heuristic]] = {}
    for name in BUILTIN:
        for item in classify(importlib.import_module(name)):
            by_name.setdefault(item.name, []).append(item)
    return by_name


def builtin(name: str) -> Heuristic:
    """A built-in by its name, to compose with; a feature where a relation has the same name."""
    known = _built_in()
    if name not in known:
        raise PluginError(f"no built-in is called {name!r}: {did_you_mean(name, known)}")
    return min(known[name], key=lambda item: item.kind)


def relations(heuristics: Iterable[Heuristic]) -> tuple[Heuristic, ...]:
    """Those that speak about heads."""
    return tuple(item for item in heuristics if item.kind == "relation")


def features(heuristics: Iterable[Heuristic]) -> tuple[Heuristic, ...]:
    """Those that speak about positions."""
    return tuple(item for item in heuristics if item.kind == "feature")
