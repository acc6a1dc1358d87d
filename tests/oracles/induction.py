"""A two-layer induction pair, with a uniform head and a sink beside it."""

from __future__ import annotations

from pathlib import Path

import torch

from . import expected
from .canvas import D_VOCAB, Canvas, Term
from .facts import HeadFact, Oracle
from .heads import SHARP

COPY = 6.0

FACTS: dict[str, HeadFact] = {
    "L0H0": HeadFact(
        "Previous token; writes that token's one-hot for the next layer.",
        expected.back(1, SHARP),
        {"previous token": 1.0},
    ),
    "L0H1": HeadFact("Uniform over visible keys: W_Q = 0.", expected.uniform, {}),
    "L1H0": HeadFact(
        "Induction: tokens right after an earlier occurrence of the current one, else uniform.",
        expected.induction,
        {"after a duplicate": 1.0},
    ),
    "L1H1": HeadFact(
        "Start of text: all on position 0.", expected.first_position, {"start of text": 1.0}
    ),
}


def paint(canvas: Canvas) -> None:
    """Set the four heads.

    L0H0 moves each token's one-hot one position on, into a subspace of its own; L1H0 matches the
    query's token with that subspace (logit 18 on a match, 0 elsewhere) and adds 6 to the logit of
    the token it finds, so a repeated text is predicted.
    """
    canvas.attend(0, 0, (SHARP, canvas.offsets(1)))
    canvas.carry(0, 0, "token", "previous")
    canvas.attend(0, 1, (0.0, canvas.same("token", "token")))
    canvas.attend(1, 0, (SHARP, canvas.same("token", "previous")))
    canvas.carry(1, 0, "token", "out", COPY * torch.eye(D_VOCAB))
    canvas.attend(1, 1, (SHARP, Term(canvas.always(), canvas.first())))
    canvas.predict("out", torch.eye(D_VOCAB))


def build_induction(folder: Path) -> Oracle:
    """Write the induction pair."""
    spaces = {"previous": D_VOCAB, "out": D_VOCAB}
    canvas = Canvas(2, 2, 2 * D_VOCAB, spaces=spaces)
    paint(canvas)
    canvas.save(folder)
    return Oracle(folder, FACTS)
