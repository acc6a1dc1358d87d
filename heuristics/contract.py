"""What a heuristic is: a feature `Bool[pos]` or a relation `Bool[query key]`, named and worded."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

from numpy import ndarray

from heuristics.targets import Targets
from heuristics.text import Text

Kind = Literal["feature", "relation"]


@dataclass(frozen=True)
class Heuristic:
    """A prediction made from text alone.

    `phrase` is how a label says it: a relation completes "attends to …" ("the previous token"), a
    feature completes "fires on …" in the plural ("commas"); `noun` is a feature in the singular
    ("comma"), from which lifted relations and query classes take their words. A `positional`
    relation claims a distance and is compared with uniform attention, others with the head's own
    distance profile. `parse` says that the parse is needed.
    """

    name: str
    kind: Kind
    compute: Callable[[Text], ndarray | Targets]
    phrase: str
    module: str
    description: str = ""
    source: str = ""
    noun: str = ""
    lifts: tuple[str, ...] = ()
    unit: Literal["token", "word"] = "token"
    positional: bool = False
    query_class: bool = False
    parse: bool = False

    def __call__(self, text: Text) -> ndarray | Targets:
        """What this heuristic says of a text, unchecked."""
        return self.compute(text)

    def __and__(self, other: Heuristic) -> Heuristic:
        return _combined(self, other, "and", lambda a, b: a & b)

    def __or__(self, other: Heuristic) -> Heuristic:
        return _combined(self, other, "or", lambda a, b: a | b)

    def __invert__(self) -> Heuristic:
        return replace(
            self,
            name=f"not {self.name}",
            phrase=f"everything but {self.phrase}",
            noun=f"token other than a {self.noun}" if self.noun else "",
            compute=lambda text: ~cast(ndarray, self.compute(text)),
        )

    def named(self, name: str, phrase: str = "", noun: str = "") -> Heuristic:
        """The same prediction under another name, for compositions."""
        return replace(
            self, name=name, phrase=phrase or name, noun=noun or (name if self.noun else "")
        )


def _combined(
    a: Heuristic, b: Heuristic, word: str, operate: Callable[[Any, Any], Any]
) -> Heuristic:
    return replace(
        a,
        name=f"{a.name} {word} {b.name}",
        phrase=f"{a.phrase} {word} {b.phrase}",
        noun=f"{a.noun} {word} {b.noun}" if a.noun and b.noun else "",
        parse=a.parse or b.parse,
        query_class=False,
        compute=lambda text: operate(a.compute(text), b.compute(text)),
    )


class Family(tuple[Heuristic, ...]):
    """The heuristics that one function with parameters stands for."""


def feature(
    name: str,
    *,
    plural: str = "",
    noun: str = "",
    lifts: Iterable[str] = (),
    unit: Literal["token", "word"] = "token",
    query_class: bool = False,
    parse: bool = False,
    source: str = "",
    **parameters: Sequence[Any],
) -> Callable[[Callable[..., ndarray]], Any]:
    """Declare a function `Text -> Bool[pos]` as a feature.

    `lifts` turns it into relations as well (see `heuristics.lifts`); with `unit="word"` an instance
    is a word with all its pieces. A parameter given as a sequence makes one feature for each value,
    and `{parameter}` in the names is filled in.
    """
    fields = {
        "kind": "feature",
        "lifts": tuple(lifts),
        "unit": unit,
        "query_class": query_class,
        "parse": parse,
        "source": source,
    }
    noun = noun or name
    return _declare(name, plural or f"{noun}s", noun, fields, parameters)


def relation(
    name: str,
    *,
    phrase: str = "",
    positional: bool = False,
    parse: bool = False,
    source: str = "",
    **parameters: Sequence[Any],
) -> Callable[[Callable[..., ndarray | Targets]], Any]:
    """Declare a function `Text -> Bool[query key]` as a relation.

    Non-negative float weights over keys and `Targets` are welcome too. The labeler applies the
    causal mask, the window of local layers and padding. A parameter given as a sequence makes one
    relation for each value, and `{parameter}` in the names is filled in.
    """
    fields = {"kind": "relation", "positional": positional, "parse": parse, "source": source}
    return _declare(name, phrase or f"the {name}", "", fields, parameters)


def _declare(
    name: str, phrase: str, noun: str, fields: dict[str, Any], parameters: dict[str, Sequence[Any]]
) -> Callable[[Callable[..., Any]], Any]:
    def decorate(function: Callable[..., Any]) -> Heuristic | Family:
        def build(values: dict[str, Any]) -> Heuristic:
            def compute(text: Text) -> Any:
                return function(text, **values)

            return Heuristic(
                name=name.format(**values),
                compute=compute if values else function,
                phrase=phrase.format(**values),
                noun=noun.format(**values),
                module=function.__module__,
                description=inspect.getdoc(function) or "",
                **fields,
            )

        if not parameters:
            return build({})
        combinations: list[dict[str, Any]] = [{}]
        for key, values in parameters.items():
            combinations = [c | {key: value} for c in combinations for value in values]
        return Family(build(values) for values in combinations)

    return decorate
