"""New heuristics from old ones: both, either, not, shifted, lifted, from some queries only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from heuristics.contract import calling_module
from heuristics.errors import PluginError, did_you_mean
from heuristics.targets import Targets
from heuristics.text import Text

if TYPE_CHECKING:
    from heuristics.contract import Heuristic


def both(a: Heuristic, b: Heuristic) -> Heuristic:
    """`a & b`."""
    noun = f"{a.noun} that is also {_article(b.noun)}" if a.noun and b.noun else ""
    phrase = f"{a.phrase} that are also {b.phrase}"
    if a.kind == "relation":
        phrase = f"{a.phrase} where it is also {b.phrase}"
    return _paired(a, b, "and", phrase, noun, np.multiply)


def either(a: Heuristic, b: Heuristic) -> Heuristic:
    """`a | b`."""
    noun = f"{a.noun} or {b.noun}" if a.noun and b.noun else ""
    return _paired(a, b, "or", f"{a.phrase} or {b.phrase}", noun, np.maximum)


def _paired(
    a: Heuristic, b: Heuristic, word: str, phrase: str, noun: str, operate: Callable[..., Any]
) -> Heuristic:
    if a.kind != b.kind:
        raise PluginError(
            f"{a.kind} {a.name!r} and {b.kind} {b.name!r} cannot be combined by '{word}'; two "
            "features can, or two relations; `relation.at(feature)` keeps some queries of a "
            "relation"
        )

    def compute(text: Text) -> ndarray:
        return np.asarray(operate(_array(a, text), _array(b, text)))

    name = f"{a.name} {word} {b.name}"
    said = f"{'Both' if word == 'and' else 'Either'} {a.name!r} {word} {b.name!r}."
    made = _composed(a, name, phrase, noun, said, compute)
    return replace(
        made,
        parse=a.parse or b.parse,
        positional=a.positional and b.positional,
        start=a.start or b.start,
        unit=_unit(a, b),
    )


def _unit(a: Heuristic, b: Heuristic) -> Any:
    return "word" if a.unit == b.unit == "word" else "token"


def negation(a: Heuristic) -> Heuristic:
    """`~a`."""

    def compute(text: Text) -> ndarray:
        held = _array(a, text) > 0
        if a.kind == "feature":
            return ~held
        return ~held & (text.key <= text.query) & (text.key > 0)

    phrase = f"everything but {a.phrase}"
    noun = f"token other than {_article(a.noun)}" if a.noun else ""
    made = _composed(a, f"not {a.name}", phrase, noun, f"Whatever is not {a.name!r}.", compute)
    return replace(made, unit="token", start=False)


def shifted(a: Heuristic, positions: int) -> Heuristic:
    """`a.shift(n)`."""
    if positions == 0:
        return a
    where = "after" if positions > 0 else "before"
    count = abs(positions)
    far = "" if count == 1 else f"{count} "

    def compute(text: Text) -> ndarray | Targets:
        if a.kind == "feature":
            return _moved(_array(a, text), positions)
        found = _targets(a, text)
        key = found.key + positions
        kept = (key > 0) & (key <= found.query)
        return Targets(found.query[kept], key[kept], found.weight[kept])

    plural = f"tokens {far}{where} {a.phrase}"
    phrase = plural if a.kind == "feature" else f"the token {far}{where} {a.phrase}"
    noun = f"token {far}{where} {_article(a.noun)}" if a.noun else ""
    said = f"{count} position{'s' * (count > 1)} {where} {a.name!r}."
    made = _composed(a, f"{count} {where} {a.name}", phrase, noun, said, compute)
    return replace(made, unit="token", start=False)


def _moved(mask: ndarray, positions: int) -> ndarray:
    moved = np.zeros_like(mask)
    if positions > 0:
        moved[positions:] = mask[:-positions]
    else:
        moved[:positions] = mask[-positions:]
    return moved


def lift_of(a: Heuristic, how: str) -> Heuristic:
    """`a.lift("nearest")`."""
    from heuristics.lifts import LIFTS, lifted

    if a.kind != "feature":
        raise PluginError(f"relation {a.name!r} cannot be lifted; only a feature can")
    if how not in LIFTS:
        raise PluginError(f"unknown lift {how!r} of {a.name!r}; {did_you_mean(how, LIFTS)}")
    return replace(lifted(replace(a, lifts=(how,)))[0], module=calling_module(a.module))


def restricted(a: Heuristic, queries: Heuristic) -> Heuristic:
    """`relation.at(feature)`."""
    if a.kind != "relation" or queries.kind != "feature":
        raise PluginError(
            f"{a.kind} {a.name!r} cannot be limited to {queries.kind} {queries.name!r}; a relation "
            "is limited to the queries of a feature: relation.at(feature)"
        )

    def compute(text: Text) -> Targets:
        found = _targets(a, text)
        kept = _array(queries, text)[found.query]
        return found.only(kept)

    said = f"{a.name!r}, from queries that are {queries.name!r}."
    phrase = f"{a.phrase} (from {queries.phrase})"
    made = _composed(a, f"{a.name} from {queries.name}", phrase, "", said, compute)
    return replace(made, parse=a.parse or queries.parse)


def _composed(
    a: Heuristic, name: str, phrase: str, noun: str, said: str, compute: Callable[..., Any]
) -> Heuristic:
    """Nothing is inherited that the author did not ask for: no lifts, no query class."""
    return replace(
        a,
        name=name,
        phrase=phrase,
        noun=noun,
        compute=compute,
        description=said,
        source="",
        lifts=(),
        query_class=False,
        module=calling_module(a.module),
    )


def _array(item: Heuristic, text: Text) -> ndarray:
    from heuristics.check import feature_mask

    if item.kind == "feature":
        return feature_mask(item, text)
    return _targets(item, text).matrix(len(text))


def _targets(item: Heuristic, text: Text) -> Targets:
    from heuristics.check import relation_targets

    return relation_targets(item, text)


def _article(noun: str) -> str:
    if noun.startswith(("a ", "an ", "the ", '"')):
        return noun
    return f"an {noun}" if noun[:1].lower() in "aeiou" else f"a {noun}"
