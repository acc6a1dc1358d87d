"""Where the values of an array stand: what is asked of a value is asked once for all its places."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import Any

import numpy as np
from jaxtyping import Bool
from numpy import ndarray


class Occurrences:
    """The places of every value of an array of strings."""

    def __init__(self, values: ndarray) -> None:
        self._size = len(values)
        self._places: defaultdict[Any, list[int]] = defaultdict(list)
        for place, value in enumerate(values.tolist()):
            self._places[value].append(place)

    def among(self, wanted: Collection[str]) -> Bool[ndarray, " place"]:
        """Where one of these values stands."""
        found = bytearray(self._size)
        for value in self._places.keys() & wanted:
            for place in self._places[value]:
                found[place] = True
        return np.frombuffer(found, dtype=bool)
