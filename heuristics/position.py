"""Where a token stands: offsets, windows, distances. Relations here claim no content at all."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy import ndarray

from heuristics.contract import feature, relation
from heuristics.targets import Targets
from heuristics.text import Text


class Offset(NamedTuple):
    """How many positions back, and what that is called."""

    back: int
    name: str
    phrase: str


class Fading(NamedTuple):
    """Weights that fall with distance: `(distance ** −power) · exp(−distance / scale)`."""

    name: str
    phrase: str
    scale: float
    power: float
    reach: int


OFFSETS = (
    Offset(0, "current token", "the current token"),
    Offset(1, "previous token", "the previous token"),
    Offset(2, "two tokens back", "the token two back"),
    Offset(3, "three tokens back", "the token three back"),
    Offset(4, "four tokens back", "the token four back"),
)
FADINGS = (
    Fading(
        "fading by halves",
        "the last two or three tokens, the nearer the more",
        1 / np.log(2),
        0,
        12,
    ),
    Fading(
        "fading with distance",
        "all tokens so far, the nearer the more",
        np.inf,
        1,
        256,
    ),
    Fading("fading over 4", "the last 4 or so tokens, the nearer the more", 4, 0, 24),
    Fading("fading over 8", "the last 8 or so tokens, the nearer the more", 8, 0, 48),
    Fading("fading over 32", "the last 32 or so tokens, the nearer the more", 32, 0, 192),
)


@relation("start of text", phrase="the start of the text", positional=True, start=True)
def start_of_text(text: Text) -> Targets:
    """The first position, the attention sink (Xiao et al., arXiv 2309.17453)."""
    return Targets.from_keys(np.zeros(text.n_pos, dtype=np.int64))


@relation("{offset.name}", phrase="{offset.phrase}", positional=True, offset=OFFSETS)
def token_back(text: Text, offset: Offset) -> Targets:
    """The token {offset.back} positions back; 0 is the query itself."""
    keys = text.position - offset.back
    return Targets.from_keys(np.where(keys > 0, keys, -1))


@relation(
    "nearby ({window})", phrase="the last {window} tokens alike", positional=True, window=(8, 32)
)
def nearby(text: Text, window: int) -> Targets:
    """The last {window} tokens, the query among them, alike."""
    return Targets.from_spans(np.maximum(text.position - window + 1, 1), text.position + 1)


@relation("anywhere", phrase="all tokens so far alike", positional=True)
def anywhere(text: Text) -> Targets:
    """Every token from the second position to the query, alike."""
    return Targets.from_spans(np.ones(text.n_pos, dtype=np.int64), text.position + 1)


@lru_cache(maxsize=16)
def _fading(fading: Fading, capacity: int) -> Targets:
    query = np.arange(capacity)
    spans = Targets.from_spans(np.maximum(query - fading.reach, 1), query)
    distance = (spans.query - spans.key).astype(float)
    return Targets(
        spans.query, spans.key, np.exp(-distance / fading.scale) / distance**fading.power
    )


@relation("{fading.name}", phrase="{fading.phrase}", positional=True, fading=FADINGS)
def fading_back(text: Text, fading: Fading) -> Targets:
    """Tokens at distance d before the query, d at most {fading.reach}, weighted
    exp(−d/{fading.scale:.3g}) · d^−{fading.power}."""
    capacity = max(64, 1 << (text.n_pos - 1).bit_length())
    full = _fading(fading, capacity)
    end = int(np.searchsorted(full.query, text.n_pos))
    return full.only(slice(end))


@feature(
    "first position", noun="start of the text", plural="the start of the text", query_class=True
)
def first_position(text: Text) -> ndarray:
    """The first position of the prompt."""
    return text.is_start


class Band(NamedTuple):
    """A range of positions."""

    name: str
    plural: str
    start: int
    stop: int


BANDS = (
    Band("position 1 to 7", "tokens at positions 1 to 7", 1, 8),
    Band("position 8 to 31", "tokens at positions 8 to 31", 8, 32),
    Band("position 32 to 127", "tokens at positions 32 to 127", 32, 128),
    Band("position 128 and later", "tokens from position 128 on", 128, 1 << 62),
)


@feature("{band.name}", noun="token at {band.name}", plural="{band.plural}", band=BANDS)
def position_band(text: Text, band: Band) -> ndarray:
    """A token at {band.name}, counted from 0 (BOS, where there is one)."""
    return (text.position >= band.start) & (text.position < band.stop)
