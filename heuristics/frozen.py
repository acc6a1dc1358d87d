"""Arrays that whoever receives them cannot write to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import cached_property, wraps
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

T = TypeVar("T")


def read_only(value: T) -> T:
    """Arrays as views that cannot be written to; anything else as it is."""
    if isinstance(value, np.ndarray):
        value = value.view()
        value.flags.writeable = False
    return value


if TYPE_CHECKING:
    derived = cached_property
else:

    class derived(cached_property):  # noqa: N801 - a property's decorator, like its parent
        """Computed when first asked for, and read-only if it is an array."""

        def __init__(self, function: Callable[[Any], Any]) -> None:
            @wraps(function)
            def shared(owner: Any) -> Any:
                return read_only(function(owner))

            super().__init__(shared)


def protect(owner: Any) -> None:
    """Every array of a frozen dataclass replaced by a view that cannot be written to."""
    for item in fields(owner):
        value = getattr(owner, item.name)
        if isinstance(value, np.ndarray):
            object.__setattr__(owner, item.name, read_only(value))
