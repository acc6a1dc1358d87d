"""The head oracle: three layers of four heads, each set to one known pattern."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import Tensor

from . import expected
from .canvas import D_VOCAB, N_CTX, Canvas, Term
from .facts import HeadFact, Oracle
from .unembedding import fit_unembedding
from .vocabulary import CLOSING, COMMA, FULL_STOP, NAMES, OPENING, SPEECH_MARKS

PREVIOUS_BETA = 5.0
CURRENT_BETA = 4.0
SHARP = 18.0
"""Logit of a head that puts all on its targets: 64 other keys keep 64 e^-18 = 1e-6."""
STEP = 16.0
"""Logit gained by each position later: the last of several candidates leaves e^-16 to the rest."""
CANDIDATE = STEP * N_CTX + 40.0
"""Logit of a candidate, above what any other key can gain by standing later."""
CODE = 32

FACTS: dict[str, HeadFact] = {
    "L0H0": HeadFact(
        "Previous token, e^5 / (e^5 + n - 1) of n visible keys.",
        expected.back(1, PREVIOUS_BETA),
        {"previous token": None},
    ),
    "L0H1": HeadFact(
        "Nearest structural pivot (start of text, comma, full stop).",
        expected.nearest_pivot,
        {"nearest structural pivot": 1.0},
    ),
    "L0H2": HeadFact(
        "Previous token; on a closing speech mark, the opening one.",
        expected.opening_from_closing,
        {"previous token": 1.0},
        {(CLOSING,): "opening speech mark"},
    ),
    "L0H3": HeadFact(
        "Earlier occurrences of the current token; uniform if there is none.",
        expected.duplicates,
        {"duplicate token": 1.0},
    ),
    "L1H0": HeadFact(
        "60% start of text, 40% nearest structural pivot.",
        expected.sink_and_nearest_pivot,
        {"start of text": 0.6, "nearest structural pivot": 0.4},
    ),
    "L1H1": HeadFact(
        "Every comma; uniform until one has come.",
        expected.every_comma,
        {"every comma": 1.0},
    ),
    "L1H2": HeadFact(
        "Nearest comma; start of text until one has come.",
        expected.nearest_comma,
        {"latest comma, or start": 1.0},
    ),
    "L1H3": HeadFact(
        "Current token, e^4 / (e^4 + n - 1) of n visible keys.",
        expected.back(0, CURRENT_BETA),
        {"current token": None},
    ),
    "L2H0": HeadFact("Uniform over visible keys: W_Q = 0.", expected.uniform, {}),
    "L2H1": HeadFact(
        "Start of text: all on position 0.", expected.first_position, {"start of text": 1.0}
    ),
    "L2H2": HeadFact(
        "Every speech mark; uniform until one has come.",
        expected.every_speech_mark,
        {"every speech mark": 1.0},
    ),
    "L2H3": HeadFact(
        "Current token; on “but”, every proper noun.",
        expected.names_on_but,
        {"current token": 1.0},
        {(" but", " But"): "every proper noun"},
    ),
}


def _latest(canvas: Canvas, query: Tensor, candidates: Tensor) -> tuple[tuple[float, Term], ...]:
    """Terms that choose, for such a query, the last of the candidate keys."""
    return (CANDIDATE, Term(query, candidates)), (STEP, Term(query, canvas.place()))


def _first_layer(canvas: Canvas) -> None:
    always = canvas.always()
    pivot = canvas.first() + canvas.tokens((COMMA, FULL_STOP))
    canvas.attend(0, 0, (PREVIOUS_BETA, canvas.offsets(1)))
    canvas.attend(0, 1, *_latest(canvas, always, pivot))
    canvas.carry(0, 1, "position", "pivot place")
    closing, opening = canvas.tokens((CLOSING,)), canvas.first() + canvas.tokens((OPENING,))
    canvas.attend(0, 2, (SHARP, canvas.offsets(1)), *_latest(canvas, closing, opening))
    # Minus the diagonal leaves the current token where a stranger is: at logit 0.
    canvas.attend(0, 3, (SHARP, canvas.same("token", "token")), (-SHARP, canvas.offsets(0)))


def _second_layer(canvas: Canvas) -> None:
    always, first, comma = canvas.always(), canvas.first(), canvas.tokens((COMMA,))
    # 0.6 to 0.4 is 1.5 to 1; L0H1 wrote where the nearest pivot stands, so it has a fixed logit.
    canvas.attend(
        1,
        0,
        (SHARP, canvas.same("pivot place", "position")),
        (SHARP + math.log(1.5), Term(always, first)),
    )
    canvas.attend(1, 1, (SHARP, Term(always, comma)))
    canvas.attend(1, 2, *_latest(canvas, always, comma + first))
    canvas.attend(1, 3, (CURRENT_BETA, canvas.offsets(0)))


def _third_layer(canvas: Canvas) -> None:
    always = canvas.always()
    but, names = canvas.tokens((" but", " But")), canvas.tokens(NAMES)
    canvas.attend(2, 0, (0.0, canvas.same("token", "token")))
    canvas.attend(2, 1, (SHARP, Term(always, canvas.first())))
    canvas.attend(2, 2, (SHARP, Term(always, canvas.tokens(SPEECH_MARKS))))
    canvas.attend(2, 3, (SHARP, canvas.offsets(0)), (2 * SHARP, Term(but, names)))


def _codes(generator: torch.Generator) -> Tensor:
    """A random zero-sum vector for each token: what a head tells the unembedding of what it saw."""
    codes = torch.randn(D_VOCAB, CODE, generator=generator)
    codes = codes - codes.mean(dim=1, keepdim=True)
    return codes / (2 * codes.norm(dim=1, keepdim=True))


def build_heads(folder: Path, seed: int = 0) -> Oracle:
    """Write the head oracle; each head also feeds a fitted unembedding, so each one matters."""
    spaces = {"pivot place": N_CTX, **dict.fromkeys(FACTS, CODE)}
    canvas = Canvas(3, 4, D_VOCAB + N_CTX, spaces=spaces)
    _first_layer(canvas)
    _second_layer(canvas)
    _third_layer(canvas)
    generator = torch.Generator().manual_seed(seed)
    for name in FACTS:
        canvas.carry(int(name[1]), int(name[3]), "token", name, _codes(generator))
    fit_unembedding(canvas)
    canvas.save(folder)
    return Oracle(folder, FACTS)
