"""Features lifted to relations: "attends to the nearest preceding comma" from "comma"."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray

from heuristics.check import feature_mask
from heuristics.contract import Heuristic
from heuristics.errors import PluginError, did_you_mean
from heuristics.targets import Targets, mask_to_keys
from heuristics.text import Text

Lift = Callable[[Text, Bool[ndarray, " pos"], bool], Targets]


def _instance(text: Text, keys: Int[ndarray, " pos"], whole: bool) -> Targets:
    """The instance that ends at each query's key: its token, or all pieces of its word so far."""
    if not whole:
        return Targets.from_keys(keys)
    return Targets.from_spans(np.maximum(text.word_start[keys], 1), keys + 1)


def _before(text: Text, mask: Bool[ndarray, " pos"], whole: bool) -> Int[ndarray, " pos"]:
    """The nearest marked position before the query, and before its own word for whole words."""
    keys = mask_to_keys(mask)
    return keys[text.word_start] if whole else keys


def nearest(text: Text, mask: Bool[ndarray, " pos"], whole: bool) -> Targets:
    """The nearest instance before the query (before its word, for words)."""
    return _instance(text, _before(text, mask, whole), whole)


def latest(text: Text, mask: Bool[ndarray, " pos"], whole: bool) -> Targets:
    """The nearest instance, the query itself included."""
    own = np.where(mask, text.position, _before(text, mask, whole))
    return _instance(text, own, whole)


def second(text: Text, mask: Bool[ndarray, " pos"], whole: bool) -> Targets:
    """The instance before the nearest one."""
    last = _before(text, mask, whole)
    start = text.word_start[last] if whole else last
    earlier = mask_to_keys(mask)
    return _instance(text, np.where(last >= 0, earlier[start], -1), whole)


def first(text: Text, mask: Bool[ndarray, " pos"], whole: bool) -> Targets:
    """The first instance of the text, for every query from it on."""
    marked = np.flatnonzero(mask)
    if not len(marked):
        return Targets.from_keys(np.full(text.n_pos, -1))
    start = int(marked[0])
    end = int(text.word_end[start]) + 1 if whole else start + 1
    stop = np.minimum(text.position + 1, end)
    return Targets.from_spans(np.full(text.n_pos, start), np.where(text.position < start, 0, stop))


def every(text: Text, mask: Bool[ndarray, " pos"], _whole: bool) -> Targets:
    """Every marked position up to the query, the query included, alike."""
    number = _numbered(text, np.cumsum(mask))
    return Targets(number.query, np.flatnonzero(mask)[number.key], number.weight)


def recent(text: Text, mask: Bool[ndarray, " pos"], _whole: bool) -> Targets:
    """Every marked position up to the query, the nearest weighted 1, the next 1/2, then 1/3, …"""
    count = np.cumsum(mask)
    number = _numbered(text, count)
    weight = 1.0 / (count[number.query] - number.key)
    return Targets(number.query, np.flatnonzero(mask)[number.key], weight)


def _numbered(text: Text, count: Int[ndarray, " pos"]) -> Targets:
    """Of `count` marked positions up to each query the numbers, from 0, in the place of keys."""
    return Targets.from_spans(np.zeros(text.n_pos, dtype=np.int64), count)


def nearest_end(text: Text, mask: Bool[ndarray, " pos"], _whole: bool) -> Targets:
    """The last piece of the nearest instance before the query's word."""
    return Targets.from_keys(_before(text, mask, True))


def nearest_start(text: Text, mask: Bool[ndarray, " pos"], _whole: bool) -> Targets:
    """The first piece of the nearest instance before the query's word."""
    keys = _before(text, mask, True)
    return Targets.from_keys(np.where(keys >= 0, np.maximum(text.word_start[keys], 1), -1))


def after_nearest(text: Text, mask: Bool[ndarray, " pos"], whole: bool) -> Targets:
    """The position right after the nearest instance before the query."""
    keys = _before(text, mask, whole)
    return Targets.from_keys(np.where(keys >= 0, keys + 1, -1)).visible()


def previous(text: Text, mask: Bool[ndarray, " pos"], whole: bool) -> Targets:
    """The token before the nearest instance (before its first piece, for words)."""
    keys = _before(text, mask, whole)
    start = text.word_start[keys] if whole else keys
    return Targets.from_keys(np.where((keys >= 0) & (start > 1), start - 1, -1))


LIFTS: dict[str, tuple[Lift, str, str]] = {
    "nearest": (nearest, "nearest {name}", "the nearest preceding {noun}"),
    "nearest end": (
        nearest_end,
        "end of nearest {name}",
        "the last piece of the nearest preceding {noun}",
    ),
    "nearest start": (
        nearest_start,
        "start of nearest {name}",
        "the first piece of the nearest preceding {noun}",
    ),
    "latest": (latest, "latest {name}", "the latest {noun}, itself included"),
    "second": (second, "{name} before the nearest", "the {noun} before the nearest one"),
    "first": (first, "first {name}", "the first {noun}"),
    "every": (every, "every {name}", "all {plural} so far"),
    "recent": (recent, "recent {name}", "the {plural} so far, the nearer the more"),
    "previous": (previous, "before nearest {name}", "the token before the nearest {noun}"),
    "after": (after_nearest, "after nearest {name}", "the token after the nearest {noun}"),
}
"""Name of a lift → its function, the relation's name and the words of its label."""


def lifted(base: Heuristic) -> list[Heuristic]:
    """The relations that a feature declares; start of text is never among their targets."""
    for lift in base.lifts:
        if lift not in LIFTS:
            raise PluginError(
                f"{base.name!r} in {base.module}: unknown lift {lift!r}; "
                f"{did_you_mean(str(lift), LIFTS)}",
                module=base.module,
            )

    def marked(text: Text) -> ndarray:
        return feature_mask(base, text) & ~text.is_start

    return [_lift(base, lift, marked) for lift in base.lifts]


def _lift(base: Heuristic, lift: str, marked: Callable[[Text], ndarray]) -> Heuristic:
    function, name, phrase = LIFTS[lift]
    said = f" Instance: {base.description}" if base.description else ""
    whole = base.unit == "word"

    def compute(text: Text) -> Targets:
        return function(text, text.memo(marked), whole)

    return replace(
        base,
        kind="relation",
        name=name.format(name=base.name),
        phrase=phrase.format(noun=base.noun, plural=base.phrase),
        description=f"{(function.__doc__ or '').splitlines()[0]}{said}",
        compute=compute,
        lifts=(),
        query_class=False,
    )
