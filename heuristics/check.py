"""The contract, checked: what a heuristic says of a text, or a PluginError that says why not."""

from __future__ import annotations

import sys

import numpy as np
from numpy import ndarray

from heuristics.contract import Heuristic
from heuristics.errors import PluginError, did_you_mean, line_in
from heuristics.limits import TooSlow, time_limit
from heuristics.parse import Parse
from heuristics.targets import Targets
from heuristics.text import Text


def failure(heuristic: Heuristic, text: Text, what: str) -> PluginError:
    """The error that names a heuristic, its module and the prompt."""
    return PluginError(
        f"{heuristic.kind} {heuristic.name!r} in {heuristic.module}, prompt {text.id!r}: {what}",
        heuristic=heuristic.name,
        kind=heuristic.kind,
        module=heuristic.module,
        prompt=text.id,
        reason=what,
    )


def _call(heuristic: Heuristic, text: Text) -> ndarray | Targets:
    try:
        if heuristic.built_in:
            feature = heuristic.kind == "feature"
            return text.memo(heuristic.compute) if feature else heuristic.compute(text)
        with time_limit():
            return heuristic.compute(text)
    except PluginError as error:
        if error.heuristic:  # a part of a composition has spoken for itself
            raise failure(heuristic, text, _of_part(heuristic, error)) from error
        raise failure(heuristic, text, str(error)) from error
    except TooSlow as error:
        what = (
            f"took {error.seconds:.0f} s or more over {len(text):,} tokens; make it faster, or "
            "leave it out with --without"
        )
        raise failure(heuristic, text, what) from None
    except (Exception, SystemExit) as error:
        raise failure(heuristic, text, _raised(heuristic, error)) from error


def _of_part(heuristic: Heuristic, error: PluginError) -> str:
    own = (heuristic.kind, heuristic.name) == (error.kind, error.heuristic)
    return error.reason if own else f"its {error.kind} {error.heuristic!r} {error.reason}"


def _raised(heuristic: Heuristic, error: BaseException) -> str:
    said = " ".join(str(error).split())
    line = line_in(getattr(sys.modules.get(heuristic.module), "__file__", None), error)
    if isinstance(error, ValueError) and "read-only" in said:
        copy = "take a copy first, as in text.pos.copy()"
        return f"writes into an array of the Text{line}; {copy}"
    what = f"{type(error).__name__}: {said}" if said else type(error).__name__
    if isinstance(error, AttributeError) and isinstance(error.obj, Text | Parse):
        known = [name for name in dir(error.obj) if not name.startswith("_")]
        return f"raised {what}{line}; {did_you_mean(error.name or '', known)}"
    return f"raised {what}{line}"


def feature_mask(heuristic: Heuristic, text: Text) -> ndarray:
    """What a feature says: `Bool[pos]`."""
    mask = _call(heuristic, text)
    if isinstance(mask, np.ndarray) and mask.dtype == bool and mask.shape == (len(text),):
        return mask
    hint = _cast(mask, (len(text),), "bool")
    raise failure(heuristic, text, f"expected Bool[{len(text)}], got {_shape(mask)}{hint}")


def relation_targets(heuristic: Heuristic, text: Text) -> Targets:
    """What a relation says, as target pairs: from `Bool` or weights `[query key]`, or `Targets`.

    Pairs of built-ins are taken on trust: that they are in range is for tests to show.
    """
    found = _call(heuristic, text)
    if isinstance(found, Targets):
        return found if heuristic.built_in else _of(heuristic, _sound(heuristic, text, found))
    n = len(text)
    right_kind = isinstance(found, np.ndarray) and (found.dtype == bool or found.dtype.kind == "f")
    if not right_kind or found.shape != (n, n):
        hint = _cast(found, (n, n), "float")
        what = f"expected Bool or weights [{n}, {n}], got {_shape(found)}{hint}"
        raise failure(heuristic, text, what)
    if found.dtype != bool and not (np.isfinite(found).all() and (found >= 0).all()):
        raise failure(heuristic, text, f"weights must be finite and not negative{_first(found)}")
    return _of(heuristic, Targets.from_matrix(found))


def _sound(heuristic: Heuristic, text: Text, found: Targets) -> Targets:
    """A plugin's pairs as arrays, sorted by query; PluginError where they are not pairs."""
    n = len(text)
    query, key, weight = (np.asarray(part) for part in (found.query, found.key, found.weight))
    if not (query.ndim == 1 and query.shape == key.shape == weight.shape):
        shapes = ", ".join(map(_shape, (query, key, weight)))
        raise failure(heuristic, text, f"expected query, key, weight of one length, got {shapes}")
    if not len(query):
        return Targets.from_keys(np.full(n, -1))
    if query.dtype.kind not in "iu" or key.dtype.kind not in "iu" or weight.dtype.kind not in "iuf":
        got = ", ".join(str(part.dtype) for part in (query, key, weight))
        raise failure(heuristic, text, f"expected whole queries and keys, and weights, got {got}")
    found = Targets(query.astype(np.int64), key.astype(np.int64), weight.astype(float))
    if not in_range(found, n):
        what = f"expected pairs within [{n}, {n}], weights ≥ 0, finite"
        raise failure(heuristic, text, what)
    cell = found.query * n + found.key
    order = np.argsort(cell, kind="stable")
    again = np.flatnonzero(np.diff(cell[order]) == 0)
    if len(again):
        at, to = divmod(int(cell[order][again[0]]), n)
        raise failure(heuristic, text, f"names query {at}, key {to} twice; give each pair once")
    return found.only(order)


def _of(heuristic: Heuristic, found: Targets) -> Targets:
    """The first position is the sink: it is named by who means it, and never by chance."""
    if heuristic.start or not len(found.key) or found.key.min() > 0:
        return found
    return found.only(found.key > 0)


def agrees_with_itself(heuristic: Heuristic, text: Text) -> None:
    """PluginError where two calls on one text give different answers."""
    first, second = evaluated(heuristic, text), evaluated(heuristic, text)
    same = all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    if not same:
        what = (
            "gave two answers on two calls; a heuristic is a function of the text, so seed what is "
            "random and keep nothing between calls"
        )
        raise failure(heuristic, text, what)


def evaluated(heuristic: Heuristic, text: Text) -> tuple[ndarray, ...]:
    """What a heuristic says, checked, as arrays of its own: a mask, or query, key and weight."""
    if heuristic.kind == "feature":
        return (feature_mask(heuristic, text).copy(),)
    targets = relation_targets(heuristic, text)
    return targets.query.copy(), targets.key.copy(), targets.weight.copy()


def in_range(targets: Targets, n: int) -> bool:
    """Whether all pairs lie within a text of `n` positions, with weights finite and ≥ 0."""
    if not len(targets.query):
        return True
    inside = targets.query.min() >= 0 and targets.key.min() >= 0
    inside = inside and targets.query.max() < n and targets.key.max() < n
    return bool(inside and targets.weight.min() >= 0 and np.isfinite(targets.weight.max()))


def _first(weights: ndarray) -> str:
    bad = np.argwhere(~np.isfinite(weights) | (weights < 0))
    query, key = bad[0].tolist()
    return f"; at query {query}, key {key} there is {weights[query, key]:g}"


def _cast(value: object, shape: tuple[int, ...], to: str) -> str:
    """What would make an array that is right but for its type the right one."""
    right = isinstance(value, np.ndarray) and value.shape == shape
    return f"; .astype({to}) makes it that" if right else ""


def _shape(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{list(value.shape)}"
    if isinstance(value, list | tuple):
        return f"a {type(value).__name__}; np.array(…) makes it an array"
    return "None; does it return?" if value is None else type(value).__name__
