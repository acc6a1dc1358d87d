"""Speech marks and what they enclose; matched on characters, carried to the tokens they touch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray

from heuristics.contract import feature, relation
from heuristics.matching import at_keys
from heuristics.punctuation import follows
from heuristics.targets import Targets
from heuristics.text import Text, per_text


@dataclass(frozen=True, eq=False)
class SpeechTokens:
    """Speech carried to positions.

    `opener` is the position of the mark that opened the speech which a token is in or closes,
    `closed` that of the speech which a token's closing mark closes; −1 for none. A token that
    closes speech and goes on outside it belongs to both.
    """

    opening: Bool[ndarray, " pos"]
    closing: Bool[ndarray, " pos"]
    inside: Bool[ndarray, " pos"]
    opener: Int[ndarray, " pos"]
    closed: Int[ndarray, " pos"]


@per_text
def speech_tokens(text: Text) -> SpeechTokens:
    """The speech of a text, by position."""
    speech = text.speech
    enclosed = np.where(speech.closing, -1, speech.opener)
    for mark in np.flatnonzero(speech.closing):  # with the space before it, as in "« So »"
        enclosed[len(text.string[:mark].rstrip()) : mark] = -1
    closed = np.where(speech.closing, speech.opener, -1)
    return SpeechTokens(
        opening=text.on_characters(speech.opening),
        closing=text.on_characters(speech.closing),
        inside=text.of_characters(enclosed, -1) >= 0,
        opener=text.speech_opener,
        closed=np.append(text.char_position, -1)[text.of_characters(closed, -1)],
    )


@feature(
    "opening speech mark",
    lifts=("nearest", "every"),
    query_class=True,
)
def opening_mark(text: Text) -> ndarray:
    """A mark that opens speech; a single one only as one of a pair, else it is an apostrophe."""
    return speech_tokens(text).opening


@feature(
    "closing speech mark",
    lifts=("nearest",),
    query_class=True,
)
def closing_mark(text: Text) -> ndarray:
    """A mark that closes speech; a single one only as one of a pair, else it is an apostrophe."""
    return speech_tokens(text).closing


@feature("speech mark", lifts=("nearest", "every", "recent"))
def speech_mark(text: Text) -> ndarray:
    """A mark that opens or closes speech."""
    found = speech_tokens(text)
    return found.opening | found.closing


@feature(
    "speech",
    noun="token inside speech",
    plural="tokens inside speech",
)
def inside_speech(text: Text) -> ndarray:
    """What stands between speech marks; the marks themselves left out."""
    return speech_tokens(text).inside


@feature(
    "narration",
    noun="token outside speech",
    plural="tokens outside speech",
)
def narration(text: Text) -> ndarray:
    """What is told; speech and its marks left out."""
    found = speech_tokens(text)
    return ~(found.inside | found.opening | found.closing | text.is_bos)


@relation("opening mark of this speech", phrase="the opening speech mark")
def opener(text: Text) -> Targets:
    """From inside speech or from its closing mark, the mark that opened it."""
    return Targets.from_keys(speech_tokens(text).opener).visible(first=1)


@relation(
    "opening mark from the closing mark",
    phrase="the opening speech mark (from the closing one)",
)
def opener_from_closing(text: Text) -> Targets:
    """From a closing speech mark only, the mark that opened the speech."""
    return Targets.from_keys(speech_tokens(text).closed).visible(first=1)


@relation("first word of this speech", phrase="the first word of the speech")
def first_word(text: Text) -> Targets:
    """From inside speech or its closing mark, the word after the opening mark."""
    found = speech_tokens(text).opener
    start = np.where((found >= 0) & (found + 1 < text.position), found + 1, -1)
    return at_keys(text, start).visible(first=1)


@relation("this speech so far", phrase="the speech so far")
def speech_so_far(text: Text) -> Targets:
    """From inside speech or its closing mark, everything since the opening mark, alike."""
    found = speech_tokens(text).opener
    inside = found >= 0
    stop = np.where(inside, text.position + 1, 0)
    return Targets.from_spans(np.where(inside, found + 1, 0), stop).visible(first=1)


@feature(
    "speech opening word",
    noun="token after an opening speech mark",
    plural="tokens right after an opening speech mark",
    lifts=("nearest",),
)
def after_opening(text: Text) -> ndarray:
    """The token after an opening speech mark."""
    found = speech_tokens(text).opening
    return follows(found) & ~found
