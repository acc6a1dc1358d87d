"""The oracles in one place: every builder writes a model folder and returns the truth about it."""

from __future__ import annotations

from .facts import HeadFact, NeuronFact, Oracle
from .heads import build_heads
from .induction import build_induction
from .neurons import build_neurons
from .random_models import SHAPES, random_model

build_oracle = build_heads

__all__ = [
    "SHAPES",
    "HeadFact",
    "NeuronFact",
    "Oracle",
    "build_heads",
    "build_induction",
    "build_neurons",
    "build_oracle",
    "random_model",
]
