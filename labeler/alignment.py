"""Where each token stands in the string, mended where the tokenizer's own offsets mislead."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import groupby

import numpy as np
from jaxtyping import Int
from numpy import ndarray

MARKS = frozenset("▁Ġ")
"""What stands for a space in the pieces of SentencePiece and of byte-level BPE."""
_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")
UNKNOWN = "\N{REPLACEMENT CHARACTER}"
"""What bytes decode to that spell no character."""


def spans(
    string: str, pieces: Sequence[str], offsets: Sequence[tuple[int, int]]
) -> Int[ndarray, "token 2"]:
    """Character spans `[start, end)` of the tokens of a string, in order; empty for none.

    Three things are mended. A mark put before the first word (SentencePiece's dummy prefix) is
    given the first character, which belongs to the token after it: its span is emptied. A
    character that a normaliser folds into the one before it (an accent under NFKC) or drops is
    given to no token: it goes to the token directly before. Bytes that spell a run of unknown
    characters all have the span of the run (Unigram with byte fallback): each gets its own
    character. Spaces that the model does not read stay uncovered.
    """
    starts, ends = [start for start, _ in offsets], [end for _, end in offsets]
    for index, piece in enumerate(pieces[:-1]):
        if MARKS.issuperset(piece):
            ends[index] = max(starts[index], min(ends[index], starts[index + 1]))
    for index, until in enumerate([*starts[1:], len(string)][: len(starts)]):
        start, end = starts[index], ends[index]
        while start < end < until and not string[end].isspace():
            end += 1
        ends[index] = end
    found = np.array([starts, ends], dtype=np.int64).T.copy()
    _part_runs(string, pieces, found)
    return found


def _part_runs(string: str, pieces: Sequence[str], found: Int[ndarray, "token 2"]) -> None:
    """Give each of the bytes that share a run of characters the one that it spells, in place."""
    bytes_at = [(i, _BYTE.fullmatch(p)) for i, p in enumerate(pieces) if p.startswith("<")]
    spelled = [(i, int(match[1], 16)) for i, match in bytes_at if match]
    for start, run in groupby(spelled, key=lambda item: int(found[item[0], 0])):
        own = list(run)
        end = int(found[own[-1][0], 1])
        try:
            characters = bytes(byte for _, byte in own).decode()
        except UnicodeDecodeError:
            continue
        written: list[str] = list(string[start:end])
        read: list[str] = list(characters)
        if len(written) != len(read):
            written, read = _letters(written), _letters(read)
        if len(written) != len(read):
            continue
        places = iter(own)
        for theirs, ours in zip(read, written, strict=True):
            for _ in theirs.encode():
                found[next(places)[0]] = (start, start + len(ours))
            start += len(ours)


def _letters(characters: Sequence[str]) -> list[str]:
    """Each character with the accents after it."""
    letters: list[str] = []
    for character in characters:
        if letters and unicodedata.category(character).startswith("M"):
            letters[-1] += character
        else:
            letters.append(character)
    return letters


def as_bytes(piece: str) -> str:
    """The bytes of a piece, `<0xE2>` each but for ASCII; empty for one that is not of bytes."""
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    if _BYTE.fullmatch(piece):
        return piece
    known = {character: byte for byte, character in bytes_to_unicode().items()}  # type: ignore[no-untyped-call]
    if not known.keys() >= set(piece):
        return ""
    found = [known[character] for character in piece]
    return "".join(chr(byte) if 32 <= byte < 127 else f"<0x{byte:02X}>" for byte in found)
