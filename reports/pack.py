"""How data reaches the page: a JSON head and raw bytes, gzipped, base64, in a classic script.

`fetch` and modules fail on file://, a `<script src>` appended on demand does not. Base64 has no
character that HTML or JavaScript could read as anything else, so no text of a corpus can leave it.
"""

from __future__ import annotations

import base64
import gzip
import json
import struct
from collections.abc import Hashable
from math import isfinite
from typing import Any, Generic, TypeVar

from numpy import ndarray

Item = TypeVar("Item", bound=Hashable)


def pack(head: Any, blob: bytes = b"") -> str:
    """Little-endian length of the JSON, the JSON, the bytes; equal input gives equal output."""
    text = json.dumps(head, ensure_ascii=True, separators=(",", ":"), allow_nan=False).encode()
    raw = struct.pack("<I", len(text)) + text + blob
    return base64.b64encode(gzip.compress(raw, compresslevel=6, mtime=0)).decode("ascii")


def unpack(packed: str) -> tuple[Any, bytes]:
    """The inverse of `pack`; the page does the same with DecompressionStream."""
    raw = gzip.decompress(base64.b64decode(packed))
    (length,) = struct.unpack("<I", raw[:4])
    return json.loads(raw[4 : 4 + length]), raw[4 + length :]


def script(name: str, packed: str) -> str:
    """The classic script that hands one packed part to the page."""
    return f'labelerData("{name}","{packed}");\n'


class Dictionary(Generic[Item]):
    """Values by number, for columns that repeat themselves."""

    def __init__(self) -> None:
        self._numbers: dict[Item, int] = {}

    def number(self, item: Item) -> int:
        """The number of a value, given on first sight."""
        return self._numbers.setdefault(item, len(self._numbers))

    @property
    def items(self) -> list[Item]:
        """Values in the order of their numbers."""
        return list(self._numbers)


def rounded(values: Any, digits: int = 4) -> list[float | None]:
    """Floats cut to so many decimals; null, NaN and infinities become null."""
    if isinstance(values, ndarray):
        values = (
            values.tolist()
        )  # whose floats are Python's: those of arrays round ten times slower
    return [None if v is None or not isfinite(v) else round(float(v), digits) for v in values]
