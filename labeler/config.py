"""Every option of a run: defaults, then a TOML file, then flags; resolved, checked, written out."""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from labeler.errors import ConfigError, did_you_mean
from labeler.paths import at_home
from labeler.readers import printable
from labeler.thresholds import Thresholds

Dtype = Literal["float32", "float64", "bfloat16", "float16"]
Long = Literal["split", "cut"]
EngineName = Literal["auto", "processes", "serial", "ray"]
ChooseBy = Literal["pattern", "effect"]


PLACES = {"model", "corpus", "out", "spacy", "plugin"}
"""Options that may be paths."""


@dataclass(frozen=True)
class Settings:
    """What `labeler run` was asked for, every default filled in; None stands for no limit.

    `long` says what becomes of a prompt longer than the context: several pieces, or its beginning.
    `token_budget` is the most padded tokens in a batch. `threads` are those of torch and BLAS, here
    and in every worker: one, all cores for the serial engine, and those of a run that goes on.
    `frequent_tokens` are looked for one by one by neurons, half as many one back, three quarters as
    many words so far, a quarter as many words before: memory and shards grow with them.
    `choose_by` says what labels of heads are chosen for: where heads attend, or twice as much for
    what that does to the model's predictions (`effects`).
    `top_activations` are shown of each neuron; `reservoir_tokens` are kept of all, 4 bytes each.
    """

    model: str = "embedded"
    corpus: str = "stories"
    column: str = "text"
    prompts: tuple[str, ...] = ()
    out: Path = Path("runs/labels")
    device: str = "auto"
    dtype: Dtype = "float32"
    revision: str | None = None
    device_map: str | None = None
    pickle: bool = False
    max_prompts: int | None = None
    max_tokens: int | None = None
    min_tokens: int = 1
    long: Long = "split"
    plugin: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    spacy: str = "embedded"
    seed: int = 0
    overwrite: bool = False
    resume: bool = False
    keep_going: bool = False
    verify: bool = False
    choose_by: ChooseBy = "pattern"
    reinitialised: bool = True
    token_budget: int = 2048
    prompts_per_shard: int = 64
    frequent_tokens: int = 256
    top_activations: int = 3
    reservoir_tokens: int = 3000
    engine: EngineName = "auto"
    address: str | None = None
    workers: int | None = None
    threads: int | None = None
    thresholds: Thresholds = field(default_factory=Thresholds)

    def to_dict(self) -> dict[str, Any]:
        """The settings as JSON can hold them; None stays None."""
        plain = {name: _plain(getattr(self, name)) for name in _names(Settings)}
        plain["thresholds"] = {name: getattr(self.thresholds, name) for name in _names(Thresholds)}
        return plain

    def to_toml(self) -> str:
        """A configuration file that gives these settings again; what is None is left out."""
        plain = self.to_dict()
        thresholds = plain.pop("thresholds")
        return "\n".join([*_toml(plain), "", "[thresholds]", *_toml(thresholds), ""])


def load_settings(config_file: Path | None, overrides: Mapping[str, Any]) -> Settings:
    """Settings from a TOML file, if any, under `overrides`: options and thresholds by name.

    An override of None was not given. Raises ConfigError for a file that cannot be read, an
    unknown name, a value of the wrong type or range, and options that exclude each other.
    """
    options: dict[str, Any] = {}
    thresholds: dict[str, Any] = {}
    if config_file is not None:
        where = f"{printable(str(config_file))}: "
        table = _read(config_file)
        inner = table.pop("thresholds", {})
        if not isinstance(inner, dict):
            raise ConfigError(
                f"{where}thresholds is {_shown(inner)}; expected a table [thresholds]"
            )
        options |= _checked(table, Settings, where)
        thresholds |= _checked(inner, Thresholds, f"{where}thresholds: ")
    given = {name: value for name, value in overrides.items() if value is not None}
    for name in sorted(set(given) & set(_names(Thresholds))):
        thresholds |= _checked({name: given.pop(name)}, Thresholds, "")
    given = _checked(given, Settings, "")
    _check_given(given)
    if "corpus" in given and not given["corpus"] == options.get("corpus") == "-":
        options.pop("prompts", None)  # the file's, which would be taken in its place
    options |= given
    settings = Settings(**options, thresholds=Thresholds(**thresholds))
    _check_together(settings)
    return settings


def _names(table: type[Settings] | type[Thresholds]) -> list[str]:
    return [option.name for option in fields(table)]


def _read(path: Path) -> dict[str, Any]:
    shown = printable(str(path))
    try:
        raw = path.read_bytes()
        return tomllib.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"configuration {shown} is not UTF-8: byte 0x{error.object[error.start]:02x} at byte "
            f"offset {error.start}; save it as UTF-8"
        ) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError(f"configuration {shown} cannot be read: {reason}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"configuration {shown} is not TOML: {printable(str(error))}") from error


def _checked(
    values: Mapping[str, Any], table: type[Settings] | type[Thresholds], where: str
) -> dict[str, Any]:
    """The values as the table's types; ConfigError for an unknown name or a value that is unfit."""
    hints = get_type_hints(table)
    known = [name for name in _names(table) if name != "thresholds"]
    checked: dict[str, Any] = {}
    for name, value in values.items():
        if name not in known:
            raise ConfigError(f"{where}{_unknown(name, known)}")
        if not _fits(value, hints[name]) or not _in_range(name, value, hints[name]):
            raise ConfigError(
                f"{where}{name} is {_shown(value)}; expected {_expected(name, hints[name], value)}"
            )
        checked[name] = _converted(_placed(value) if name in PLACES else value, hints[name])
    return checked


def _placed(value: Any) -> Any:
    """Paths with `~` spelt out; where a path may stand, no other name begins with it."""
    if isinstance(value, list | tuple):
        return [at_home(item) for item in value]
    return at_home(str(value))


def _unknown(name: str, known: list[str]) -> str:
    if name in _names(Thresholds):
        return f"{name} is a threshold; it goes under [thresholds]"
    if name == "thresholds":
        return "thresholds are given one by one, as in likely=0.3"
    return f"unknown option {printable(repr(name), 60)}; {did_you_mean(name, known)}"


def _fits(value: object, hint: Any) -> bool:
    if get_origin(hint) is UnionType:
        return any(_fits(value, option) for option in get_args(hint))
    if get_origin(hint) is Literal:
        return isinstance(value, str) and value in get_args(hint)
    if get_origin(hint) is tuple:
        return isinstance(value, list | tuple) and all(_fits(item, str) for item in value)
    if hint is Path:
        return isinstance(value, str | Path) and _fits(str(value), str) and "\0" not in str(value)
    if hint is float:
        return type(value) is int or (isinstance(value, float) and math.isfinite(value))
    return type(value) is hint and (hint is not str or _is_unicode(str(value)))


def _is_unicode(value: str) -> bool:
    """A byte that is no UTF-8 comes from the shell as half of a surrogate pair."""
    return not any("\ud800" <= character <= "\udfff" for character in value)


_AT_LEAST = {
    "max_tokens": 2, "seed": 0, "max_exceptions": 0, "lift_floor": 0, "frequent_tokens": 0,
    "top_activations": 0, "reservoir_tokens": 20,
}  # fmt: skip
_AT_MOST = {"seed": 2**32 - 1}
_MOST = 2**63 - 1
_DEVICE_MAPS = ("auto", "balanced")
_DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d{1,4})?")


def _is_fraction(name: str, hint: Any) -> bool:
    return hint is float and name not in _AT_LEAST


def _in_range(name: str, value: Any, hint: Any) -> bool:
    """Numbers are from 1 to `_MOST` unless the tables say otherwise, and fractions from 0 to 1."""
    if value is None or isinstance(value, bool):
        return True
    if name == "device":
        return _DEVICE.fullmatch(value) is not None
    if name == "device_map":
        return value in _DEVICE_MAPS
    if _is_fraction(name, hint):
        return bool(0 <= value <= 1)
    if isinstance(value, int | float):
        return _AT_LEAST.get(name, 1) <= value <= _AT_MOST.get(name, _MOST)
    return bool(value != "")


def _expected(name: str, hint: Any, value: Any) -> str:
    options = [option for option in get_args(hint) if option is not type(None)]
    kind = options[0] if get_origin(hint) is UnionType else hint
    if name == "device":
        return "'auto', 'cpu', 'mps', 'cuda' or 'cuda:N'"
    if name == "device_map":
        return " or ".join(map(repr, _DEVICE_MAPS))
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(repr(option) for option in options)
    if _is_fraction(name, hint):
        return "a number from 0 to 1"
    bounds = f"of at least {_AT_LEAST.get(name, 1)}"
    most = _AT_MOST.get(name, _MOST)
    if isinstance(value, int | float) and value > most:
        bounds += f" and at most {most}"
    words = {
        str: "a string", Path: "a path", bool: "true or false",
        int: f"an integer {bounds}", float: f"a number {bounds}",
    }  # fmt: skip
    if kind in words:
        return words[kind] + (" that is not empty" if value == "" else "")
    items = enumerate(value if isinstance(value, list | tuple) else (), 1)
    unfit = [f", and number {at} is {_shown(item)}" for at, item in items if not _fits(item, str)]
    return "a list of strings" + "".join(unfit[:1])


def _converted(value: Any, hint: Any) -> Any:
    if get_origin(hint) is tuple:
        return tuple(value)
    return hint(value) if hint in (Path, float) else value


def _shown(value: object) -> str:
    kinds: dict[type, str] = {
        bool: "the boolean", int: "the integer", float: "the number", str: "the string",
        list: "the list", tuple: "the list", dict: "the table",
    }  # fmt: skip
    try:
        shown = str(value).lower() if isinstance(value, bool) else printable(repr(value), 60)
    except ValueError:
        shown = "of thousands of digits"
    return f"{kinds.get(type(value), f'the {type(value).__name__}')} {shown}"


def _check_given(given: Mapping[str, Any]) -> None:
    """ConfigError for what prompts would be taken in the place of; defaults may be spelt out."""
    for name in ("corpus", "column"):
        if given.get("prompts") and given.get(name) not in (None, getattr(Settings, name)):
            raise ConfigError(f"{name} and prompts (--prompt) exclude each other; give one of them")


def _check_together(settings: Settings) -> None:
    """ConfigError for options that are fine one by one and not together."""
    if settings.overwrite and settings.resume:
        raise ConfigError("overwrite and resume exclude each other; give one of them")
    if settings.device_map is not None and settings.device != "auto":
        raise ConfigError("device and device_map exclude each other; give one of them")
    both = sorted(set(settings.only) & set(settings.without))
    if both:
        raise ConfigError(f"{both[0]!r} is in both only and without; leave it out of one")
    if settings.max_tokens is not None and settings.max_tokens < settings.min_tokens:
        raise ConfigError(
            f"max_tokens is {settings.max_tokens} and min_tokens {settings.min_tokens}, which "
            "leaves no prompt; expected max_tokens to be the larger"
        )
    if settings.address is not None and settings.engine != "ray":
        raise ConfigError("address goes with engine = 'ray'; give both, or leave it out")
    if settings.workers is not None and settings.engine == "serial":
        raise ConfigError("engine 'serial' is one process; leave workers out, or the engine")
    limits = settings.thresholds
    if limits.clear < limits.likely:
        raise ConfigError(
            f"thresholds: clear is {limits.clear} and likely {limits.likely}; expected clear to be "
            "at least as high"
        )


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


def _toml(values: Mapping[str, Any]) -> Iterator[str]:
    for name, value in values.items():
        if value is not None:
            # JSON's strings, numbers, booleans and lists are TOML's, but for one character.
            written = json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
            yield f"{name} = {written}"
