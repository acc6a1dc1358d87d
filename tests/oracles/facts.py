"""What is known of a constructed model: the truth that a label is held against."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float

Pattern = Callable[[Sequence[str]], Float[np.ndarray, "query key"]]
Activation = Callable[[Sequence[str]], Float[np.ndarray, " pos"]]


@dataclass(frozen=True)
class HeadFact:
    """A head: in words, in the relations of DESIGN.md, and as a function of token strings.

    `predictions` maps a relation to the fraction of attention it gets on rows where it has a target
    (`None`: it depends on the number of visible keys); what is left is uniform over visible keys.
    `exceptions` maps query tokens to the one relation that replaces all others there.
    """

    says: str
    pattern: Pattern
    predictions: Mapping[str, float | None]
    exceptions: Mapping[tuple[str, ...], str] = field(default_factory=dict)


@dataclass(frozen=True)
class NeuronFact:
    """A neuron: in words, as a sum of features (name → activation), and as a function of tokens.

    `activation` is None for a neuron with random weights.
    """

    says: str
    activation: Activation | None
    features: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Oracle:
    """A saved model folder and the truth about its heads (`L0H1`) and neurons (`L0N2`)."""

    folder: Path
    heads: Mapping[str, HeadFact]
    neurons: Mapping[str, NeuronFact] = field(default_factory=dict)
