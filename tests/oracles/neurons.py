"""The neuron oracle: MLP neurons (ReLU) that are known functions of the tokens, beside random ones.

Each neuron reads the one-hots of the current token, of the position and, by way of L0H0, of the
previous token.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from . import induction
from .canvas import D_VOCAB, N_CTX, Canvas
from .facts import NeuronFact, Oracle
from .vocabulary import COMMA, INDEX, NAMES, SPEECH_MARKS, VERBS

D_MLP = 16
CAT = " cat"
EARLY = 8
RANDOM_STD = 0.6
PROMOTES: dict[str, tuple[str, str]] = {
    "L0N0": (" said", " the"),
    "L0N3": (" sat", " ball"),
    "L1N0": (" and", " but"),
}
"""Neuron → the token whose logit it raises by 3 per unit of activation, the one it lowers."""


def _at(value: Callable[[Sequence[str], int], float]) -> Callable[..., Float[np.ndarray, " pos"]]:
    """The activations of a neuron from its value at one position."""
    return lambda tokens: np.array([value(tokens, place) for place in range(len(tokens))], float)


def _after_comma(tokens: Sequence[str], place: int) -> bool:
    return place > 0 and tokens[place - 1] == COMMA


def _two_classes(tokens: Sequence[str], place: int) -> float:
    return 2.0 if tokens[place] in NAMES else float(tokens[place] in SPEECH_MARKS)


_is_cat = _at(lambda tokens, place: float(tokens[place] == CAT))

CONSTRUCTED: dict[str, NeuronFact] = {
    "L0N0": NeuronFact(
        "1 on every name.",
        _at(lambda tokens, place: float(tokens[place] in NAMES)),
        {"proper noun": 1.0},
    ),
    "L0N1": NeuronFact(
        "2 on every name, 1 on every speech mark.",
        _at(_two_classes),
        {"proper noun": 2.0, "speech mark": 1.0},
    ),
    "L0N2": NeuronFact(
        "1 on a name right after a comma.",
        _at(lambda t, place: float(_after_comma(t, place) and t[place] in NAMES)),
        {"proper noun after a comma": 1.0},
    ),
    "L0N3": NeuronFact("1 on the token “ cat”.", _is_cat, {CAT: 1.0}),
    "L0N4": NeuronFact("A copy of L0N3.", _is_cat, {CAT: 1.0}),
    "L0N5": NeuronFact("Dead: always 0.", _at(lambda _tokens, _place: 0.0)),
    "L0N6": NeuronFact("Always on: always 1.", _at(lambda _tokens, _place: 1.0)),
    "L0N7": NeuronFact(
        "1 right after a comma.",
        _at(lambda tokens, place: float(_after_comma(tokens, place))),
        {"after a comma": 1.0},
    ),
    "L0N8": NeuronFact(
        "1 on the first eight positions.",
        _at(lambda _tokens, place: float(place < EARLY)),
        {"first eight positions": 1.0},
    ),
    "L0N9": NeuronFact(
        "1 on everything but names.",
        _at(lambda tokens, place: float(tokens[place] not in NAMES)),
        {"proper noun": -1.0},
    ),
    "L1N0": NeuronFact(
        "1 on a name or right after a comma, not both (XOR).",
        _at(lambda t, place: float(_after_comma(t, place) != (t[place] in NAMES))),
        {"proper noun": 1.0, "after a comma": 1.0, "proper noun after a comma": -2.0},
    ),
    "L1N1": NeuronFact(
        "1 on every verb.", _at(lambda tokens, place: float(tokens[place] in VERBS)), {"verb": 1.0}
    ),
}

FACTS: dict[str, NeuronFact] = {
    name: CONSTRUCTED.get(name, NeuronFact("Random weights.", None))
    for name in (f"L{layer}N{neuron}" for layer in range(2) for neuron in range(D_MLP))
}


def _readers(canvas: Canvas) -> dict[str, Tensor]:
    """What each constructed neuron reads, before the ReLU."""
    names, always = canvas.tokens(NAMES), canvas.always()
    after_comma = canvas.tokens((COMMA,), space="previous")
    both = canvas.read("both", torch.ones(1, 1))
    cat = canvas.tokens((CAT,))
    early = canvas.read("position", (torch.arange(N_CTX) < EARLY).float()[:, None])
    return {
        "L0N0": names,
        "L0N1": 2 * names + canvas.tokens(SPEECH_MARKS),
        "L0N2": names + after_comma - always,
        "L0N3": cat,
        "L0N4": cat,
        "L0N5": names - 10 * always,
        "L0N6": always,
        "L0N7": after_comma,
        "L0N8": early,
        "L0N9": always - names,
        "L1N0": names + after_comma - 2 * both,
        "L1N1": canvas.tokens(VERBS),
    }


def _random_reader(canvas: Canvas, generator: torch.Generator) -> Tensor:
    """Gaussian weights on the current token, the previous token and the position."""
    reader = torch.zeros(canvas.d_model + 1, 1)
    for space in ("token", "previous", "position"):
        size = canvas.sizes[space]
        weights = RANDOM_STD * torch.randn(size, 1, generator=generator)
        reader += canvas.read(space, weights)
    return reader


def _writes(canvas: Canvas, name: str) -> dict[int, float]:
    """Residual coordinates that a neuron writes to; L0N2 leaves its AND for the XOR of layer 1."""
    writes = {canvas.start["both"]: 1.0} if name == "L0N2" else {}
    if name in PROMOTES:
        raised, lowered = (canvas.start["out"] + INDEX[token] for token in PROMOTES[name])
        writes |= {raised: 3.0, lowered: -3.0}
    return writes


def build_neurons(folder: Path, seed: int = 0) -> Oracle:
    """Write the neuron oracle; its heads are those of the induction pair.

    One ReLU cannot be an XOR: L1N0 reads a + b - 2·(a and b), the last from L0N2.
    """
    spaces = {"previous": D_VOCAB, "out": D_VOCAB, "both": 1}
    canvas = Canvas(2, 2, 2 * D_VOCAB, d_mlp=D_MLP, spaces=spaces)
    induction.paint(canvas)
    readers = _readers(canvas)
    generator = torch.Generator().manual_seed(seed)
    for name in FACTS:
        random_reader = _random_reader(canvas, generator)
        layer, neuron = (int(part) for part in name[1:].split("N"))
        canvas.neuron(layer, neuron, readers.get(name, random_reader), _writes(canvas, name))
    canvas.save(folder)
    return Oracle(folder, induction.FACTS, FACTS)
