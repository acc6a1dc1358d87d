"""The contract, checked: what a heuristic says of a text, or a PluginError that says why not."""

from __future__ import annotations

import numpy as np
from numpy import ndarray

from heuristics.contract import Heuristic
from heuristics.errors import PluginError
from heuristics.targets import Targets
from heuristics.text import Text


def _fail(heuristic: Heuristic, text: Text, what: str) -> PluginError:
    return PluginError(
        f"{heuristic.kind} {heuristic.name!r} in {heuristic.module}, prompt {text.id!r}: {what}"
    )


def _call(heuristic: Heuristic, text: Text) -> ndarray | Targets:
    try:
        return heuristic.compute(text)
    except Exception as error:
        raise _fail(heuristic, text, f"raised {type(error).__name__}: {error}") from error


def feature_mask(heuristic: Heuristic, text: Text) -> ndarray:
    """What a feature says: `Bool[pos]`."""
    mask = _call(heuristic, text)
    if not isinstance(mask, np.ndarray) or mask.dtype != bool or mask.shape != (len(text),):
        raise _fail(heuristic, text, f"expected Bool[{len(text)}], got {_shape(mask)}")
    return mask


def relation_targets(heuristic: Heuristic, text: Text) -> Targets:
    """What a relation says, as target pairs: from `Bool` or weights `[query key]`, or `Targets`."""
    found = _call(heuristic, text)
    n = len(text)
    if isinstance(found, Targets):
        if not _in_range(found, n):
            raise _fail(heuristic, text, f"expected pairs within [{n}, {n}], weights ≥ 0, finite")
        return found
    right_kind = isinstance(found, np.ndarray) and (found.dtype == bool or found.dtype.kind == "f")
    if not right_kind or found.shape != (n, n):
        raise _fail(heuristic, text, f"expected Bool or weights [{n}, {n}], got {_shape(found)}")
    if found.dtype != bool and not (np.isfinite(found).all() and (found >= 0).all()):
        raise _fail(heuristic, text, "weights must be finite and not negative")
    return Targets.from_matrix(found)


def _in_range(targets: Targets, n: int) -> bool:
    if not targets.query.shape == targets.key.shape == targets.weight.shape:
        return False
    if not len(targets.query):
        return True
    inside = targets.query.min() >= 0 and targets.key.min() >= 0
    inside = inside and targets.query.max() < n and targets.key.max() < n
    return bool(inside and targets.weight.min() >= 0 and np.isfinite(targets.weight.max()))


def _shape(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{list(value.shape)}"
    return type(value).__name__
