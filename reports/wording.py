"""How figures, tokens and confidence are put in words; every rounding of the report is here."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from numpy import ndarray

NOTHING = "–"
"""What stands where a figure was not measured."""

MARKS = {"clear": "", "likely": "~", "weak": "~~", "unlabelled": ""}
"""Confidence in the notation of hand-written head tables."""

CONDITIONS = {
    "clean": "the head as it is",
    "label": "its printed label",
    "dense": "dense fit, all relations",
    "distance_profile": "distance profile only",
    "uniform": "uniform over visible keys",
    "mean": "mean pattern by position",
    "zero": "no output",
    "first_position": "all to the first position",
    "other_label": "another head's label",
    "shuffled_label": "its label, shuffled",
}
"""Conditions of replacement.parquet as the report names them."""

_SPACES = {" ": "·", "\n": "⏎", "\t": "⇥", "\r": "␍"}
_SHOWN_AS_CODE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_NEGATIVE = re.compile(r"(?<![\w\d.])-(?=\d)")
_JOINERS = {"\u200d", "\ufe0f"}


def number(value: Any) -> float | None:
    """A finite float, or None for null, NaN and infinities."""
    if value is None:
        return None
    try:
        result = float(value)
    except (TypeError, ValueError):
        return None
    return result if math.isfinite(result) else None


def decimal(value: Any, digits: int = 2) -> str:
    """A figure with a fixed number of decimals and a true minus; a dash for null."""
    found = number(value)
    if found is None:
        return NOTHING
    text = f"{found:.{digits}f}"
    if float(text) == 0:
        text = f"{0:.{digits}f}"
    return text.replace("-", "−")


def significant(value: Any, digits: int = 3) -> str:
    """A figure to so many significant digits, for quantities of any magnitude."""
    found = number(value)
    if found is None:
        return NOTHING
    return f"{found:.{digits}g}".replace("-", "−")


def percent(value: Any) -> str:
    """A fraction as a whole percentage; what is present but small is "<1%"."""
    found = number(value)
    if found is None:
        return NOTHING
    if 0 < found < 0.005:
        return "<1%"
    return f"{round_half_up(found * 100)}%".replace("-", "−")


def share(value: Any) -> str:
    """A share as labels print it, to two digits: "33%", "7.1%", "0.9%"."""
    found = number(value)
    if found is None or abs(found) >= 0.0995 or found == 0:
        return percent(found)
    return f"{found * 100:.2g}%".replace("-", "−")


def rise(value: Any) -> str:
    """A rise of perplexity with its sign: +3.7%, +101%."""
    found = number(value)
    if found is None:
        return NOTHING
    digits = 1 if abs(found) < 0.995 else 0
    text = f"{found * 100:+,.{digits}f}%"
    return text.replace("-", "−")


def rise_span(row: Mapping[str, Any]) -> str:
    """The interval of a rise: "+1.2% to +2.0%"; empty for null."""
    low, high = row["rise_low"], row["rise_high"]
    return "" if number(low) is None or number(high) is None else f"{rise(low)} to {rise(high)}"


def round_half_up(value: float) -> int:
    """Rounding as a reader does it: 0.5 goes up, in every place of the report alike."""
    return math.floor(value + 0.5)


def span(low: Any, high: Any, digits: int = 2) -> str:
    """An interval: "0.68–0.74"; "−0.02 to 0.03" where a dash would be misread; empty for null."""
    if number(low) is None or number(high) is None:
        return ""
    first, last = decimal(low, digits), decimal(high, digits)
    return f"{first} to {last}" if "−" in first + last else f"{first}–{last}"


def share_span(value: Any, low: Any, high: Any) -> str:
    """The interval of a share with as many digits as the share itself has: "4.7–4.9%"."""
    found = number(value)
    if found is None or abs(found) >= 0.0995 or number(low) is None or number(high) is None:
        return percent_span(low, high)
    first, last = decimal(low * 100, 1), decimal(high * 100, 1)
    return f"{first}% to {last}%" if "−" in first + last else f"{first}–{last}%"


def percent_span(low: Any, high: Any) -> str:
    """An interval of fractions: "64–75%"."""
    if number(low) is None or number(high) is None:
        return ""
    first, last = percent(low), percent(high)
    if "−" in first + last or "<" in first + last:
        return f"{first} to {last}"
    return f"{first[:-1]}–{last}"


def probability(value: Any) -> str:
    """A p or q value."""
    found = number(value)
    if found is None:
        return NOTHING
    return "<0.001" if found < 0.001 else f"{found:.3f}"


def count(value: Any) -> str:
    """A count with separators."""
    found = number(value)
    return NOTHING if found is None else f"{int(found):,}"


def short_name(model: str) -> str:
    """The last part of a path that begins as one; a hub name, or any other, as it is."""
    parts = [part for part in model.replace("\\", "/").split("/") if part]
    path = model.startswith((".", "/", "~", "\\")) or model[1:3] == ":\\"
    return parts[-1] if path and parts else model


def plural(n: int, noun: str) -> str:
    """`1 head`, `3 heads`."""
    return f"{n:,} {noun if n == 1 else noun + 's'}"


def sentence(text: Any) -> str:
    """A label or message, with controls and direction marks made visible and spaces kept."""
    plain = _plain(text)
    if plain.isascii() and plain.isprintable():
        return plain
    return "".join(_shown(char, spaces=False) for char in plain)


def minus(text: str) -> str:
    """A sentence with true minus signs before its negative figures."""
    return _NEGATIVE.sub("−", text)


def visible(token: Any) -> str:
    """A token with its whitespace, controls and direction marks made visible."""
    return _token(_plain(token))


@lru_cache(maxsize=1 << 17)
def _token(plain: str) -> str:
    """Remembered: evidence repeats the tokens of a vocabulary millions of times."""
    return "".join(_shown(char, spaces=True) for char in plain) or "∅"


def tokens_of(value: Any) -> list[str]:
    """A list column's cell as a list, whatever pandas made of it."""
    if value is None or isinstance(value, (float, str)):
        return []
    return list(map(str, value.tolist() if isinstance(value, ndarray) else value))


def numbers_of(value: Any) -> list[float]:
    """A list column's cell as floats; empty for null."""
    return [] if value is None or isinstance(value, float | str) else [float(v) for v in value]


def _plain(text: Any) -> str:
    return text if isinstance(text, str) else ("" if text is None else str(text))


def _shown(char: str, spaces: bool) -> str:
    if char == " ":
        return _SPACES[char] if spaces else char
    if char in _SPACES:
        return _SPACES[char]
    if char.isascii() and char.isprintable():
        return char
    if ord(char) < 32:
        return chr(0x2400 + ord(char))
    if char not in _JOINERS and unicodedata.category(char) in _SHOWN_AS_CODE:
        return f"⟨U+{ord(char):04X}⟩"
    return char
