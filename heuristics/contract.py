"""What a heuristic is: a feature `Bool[pos]` or a relation `Bool[query key]`, named and worded."""

from __future__ import annotations

import difflib
import inspect
import re
import string
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import Any, Literal

from numpy import ndarray

from heuristics.errors import PluginError
from heuristics.targets import Targets
from heuristics.text import Text

Kind = Literal["feature", "relation"]
OURS = "heuristics."
"""What the names of the built-in modules begin with."""
_PASSED_THROUGH = frozenset({"heuristics.contract", "heuristics.compose", "heuristics.sentences"})


@dataclass(frozen=True)
class Heuristic:
    """A prediction made from text alone.

    `phrase` is how a label says it: a relation completes "attends to …" ("the previous token"), a
    feature completes "fires on …" in the plural ("commas"); `noun` is a feature in the singular
    ("comma"), from which lifted relations and query classes take their words. A `positional`
    relation claims a distance and is compared with uniform attention, others with the head's own
    distance profile. With `start` a relation may name the first position, the attention sink; it
    is left out of others. `parse` says that the parse is needed. `package` and `version` are those
    of the installed package that it came from, empty for a file; `hash` is that of its module's
    source, or of its own code where there is no file (a notebook).
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
    start: bool = False
    query_class: bool = False
    parse: bool = False
    package: str = ""
    version: str = ""
    hash: str = ""

    def __call__(self, text: Text) -> Any:
        """What this heuristic says of a text, unchecked."""
        return self.compute(text)

    @cached_property
    def built_in(self) -> bool:
        """Whether it is one of ours rather than a plugin's."""
        return self.module.startswith(OURS)

    def __and__(self, other: Heuristic) -> Heuristic:
        """Where both hold; of two relations, the products of their weights."""
        from heuristics.compose import both

        return both(self, other) if isinstance(other, Heuristic) else NotImplemented

    def __or__(self, other: Heuristic) -> Heuristic:
        """Where either holds; of two relations, the larger weight."""
        from heuristics.compose import either

        return either(self, other) if isinstance(other, Heuristic) else NotImplemented

    def __invert__(self) -> Heuristic:
        """Where it does not hold; of a relation, every key so far that it gives no weight."""
        from heuristics.compose import negation

        return negation(self)

    def shift(self, positions: int) -> Heuristic:
        """So many positions further on: `comma.shift(1)` marks what follows a comma."""
        from heuristics.compose import shifted

        return shifted(self, positions)

    def lift(self, how: str) -> Heuristic:
        """A relation made of this feature: `comma.lift("nearest")` (see `heuristics.lifts`)."""
        from heuristics.compose import lift_of

        return lift_of(self, how)

    def at(self, queries: Heuristic) -> Heuristic:
        """This relation from the queries that a feature marks, and from no others."""
        from heuristics.compose import restricted

        return restricted(self, queries)

    def to(self, keys: Heuristic, how: str = "nearest") -> Heuristic:
        """From the positions of this feature to another's: `comma.to(noun)`, "nearest" unless
        another lift is named."""
        return keys.lift(how).at(self)

    def named(
        self,
        name: str,
        phrase: str = "",
        noun: str = "",
        lifts: Iterable[str] = (),
        query_class: bool = False,
    ) -> Heuristic:
        """The same prediction under another name, for compositions."""
        where = f"{self.kind} {name!r}, made of {self.name!r}"
        _check_name(where, name, self.kind)
        _check_lifting(where, lifts, "token")
        if self.kind == "feature":
            noun = noun or name
            phrase = phrase or f"{noun}s"
        return replace(
            self,
            name=name,
            phrase=phrase or f"the {name}",
            noun=noun if self.kind == "feature" else "",
            lifts=tuple(lifts),
            query_class=query_class,
            module=calling_module(self.module),
        )


class Family(tuple[Heuristic, ...]):
    """The heuristics that one function with parameters stands for."""


def calling_module(fallback: str = "") -> str:
    """The module that declares: the nearest caller outside this file and its helpers."""
    frame = inspect.currentframe()
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if name not in _PASSED_THROUGH:
            return name
        frame = frame.f_back
    return fallback


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
    and `{parameter}` in the names and in the docstring is filled in.
    """
    _check_lifting(f"feature {name!r} in {calling_module()}", lifts, unit)
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
    start: bool = False,
    parse: bool = False,
    source: str = "",
    **parameters: Sequence[Any],
) -> Callable[[Callable[..., ndarray | Targets]], Any]:
    """Declare a function `Text -> Bool[query key]` as a relation.

    Non-negative float weights over keys and `Targets` are welcome too: each row is normalised, and
    the keys with a weight are its targets. The first position is none of them without `start`. The
    labeler applies the causal mask, the window of local layers and padding. A parameter given as a
    sequence makes one relation for each value, and `{parameter}` in the names and in the docstring
    is filled in.
    """
    fields = {
        "kind": "relation",
        "positional": positional,
        "start": start,
        "parse": parse,
        "source": source,
    }
    return _declare(name, phrase or f"the {name}", "", fields, parameters)


def _declare(
    name: str, phrase: str, noun: str, fields: dict[str, Any], parameters: dict[str, Sequence[Any]]
) -> Callable[[Callable[..., Any]], Any]:
    module = calling_module()
    for parameter, values in parameters.items():
        if isinstance(values, Iterator):  # which is empty once it was looked at
            parameters[parameter] = tuple(values)
    _check_declaration(name, module, fields["kind"], parameters)

    def decorate(function: Callable[..., Any]) -> Heuristic | Family:
        def build(values: dict[str, Any]) -> Heuristic:
            def compute(text: Text) -> Any:
                return function(text, **values)

            return Heuristic(
                name=name.format(**values) if values else name,
                compute=compute if values else function,
                phrase=phrase.format(**values) if values else phrase,
                noun=noun.format(**values) if values else noun,
                module=module,
                description=_filled(inspect.getdoc(function) or "", values),
                **fields,
            )

        if not parameters:
            return build({})
        combinations = product(*parameters.values())
        return Family(build(dict(zip(parameters, values, strict=True))) for values in combinations)

    return decorate


def _filled(description: str, values: dict[str, Any]) -> str:
    """A family's definition with `{parameter}` filled in; braces that mean something else stay."""
    for name in values:
        for field in re.findall(rf"\{{{name}(?:\.\w+)?(?::[^{{}}]*)?\}}", description):
            description = description.replace(field, field.format(**values))
    return description


def _check_declaration(
    name: str, module: str, kind: str, parameters: dict[str, Sequence[Any]]
) -> None:
    """PluginError for a name or parameters that cannot be meant, at the line that declares them."""
    where = f"{kind} {name!r} in {module}"
    _check_name(where, name, kind)
    options, others = _options(feature), _options(relation)
    if kind == "relation":
        options, others = others, options
    for parameter, values in parameters.items():
        if parameter in others:
            raise PluginError(
                f"{where}: {parameter!r} is no option of a {kind}; it has {', '.join(options)}"
            )
        near = difflib.get_close_matches(parameter, options, n=1, cutoff=0.75)
        if near:
            raise PluginError(f"{where}: no option is {parameter!r}; did you mean {near[0]!r}?")
        if isinstance(values, str) or not isinstance(values, Iterable) or not list(values):
            raise PluginError(
                f"{where}: {parameter}={values!r} is no option and no list of values; a parameter "
                f"takes a sequence, as in {parameter}=(1, 2, 3)"
            )
    asked = _fields_of(name) if parameters else set()
    missing = sorted(set(parameters) - asked)
    if missing:
        raise PluginError(
            f"{where}: the name does not say {missing[0]!r}, so its values would share one name; "
            f"write it into the name as {{{missing[0]}}}"
        )
    unknown = sorted(asked - set(parameters))
    if unknown:
        raise PluginError(f"{where}: {{{unknown[0]}}} in the name is no parameter of it")


def _check_name(where: str, name: str, kind: str) -> None:
    if not isinstance(name, str) or not name.strip():
        raise PluginError(f"{where}: a {kind} needs a name, as in @{kind}('colour word')")
    if not name.isprintable() or name != name.strip():
        raise PluginError(
            f"{where}: a name is printable and has no spaces around it, as in 'colour word'"
        )


def _options(declare: Callable[..., Any]) -> list[str]:
    return [*inspect.signature(declare).parameters][1:-1]


def _check_lifting(where: str, lifts: Iterable[str], unit: str) -> None:
    if isinstance(lifts, str) or not isinstance(lifts, Iterable):
        one = lifts if isinstance(lifts, str) else "nearest"
        raise PluginError(f"{where}: lifts takes several names, as in lifts=({one!r},)")
    if unit not in ("token", "word"):
        raise PluginError(f"{where}: unit is {unit!r}; expected 'token' or 'word'")


def _fields_of(name: str) -> set[str]:
    found = [field for _, field, _, _ in string.Formatter().parse(name) if field is not None]
    return {field.split(".")[0].split("[")[0] for field in found}
