"""The same labels on a copy of the model that has learnt nothing: what figures are held against."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np
import scipy.sparse as sp
import torch
from numpy import ndarray
from torch import Tensor

from labeler.batches import batches, pad
from labeler.columns import Columns, at_tokens
from labeler.model import LanguageModel
from labeler.neuron_sums import add_columns, add_neurons
from labeler.statistics import Statistics

PROMPTS = 800
"""At most about so many texts, the same number from every fold."""


@contextmanager
def reinitialised(model: LanguageModel, seed: int = 0) -> Iterator[LanguageModel]:
    """The model with the entries of every parameter shuffled among themselves; mended on leaving.

    Mean, spread and tails of each parameter stay as they were; everything learnt is gone. Tied
    parameters stay tied.
    """
    generator = torch.Generator().manual_seed(seed)
    kept: list[tuple[Tensor, Tensor]] = []
    try:
        for _, parameter in sorted(model.bridge.original_model.named_parameters()):
            value = parameter.data
            kept.append((value, value.clone()))
            order = torch.randperm(value.numel(), generator=generator).to(value.device)
            value.copy_(value.reshape(-1)[order].reshape(value.shape))
        yield model
    finally:
        # Backwards: of parameters that share memory, only the first was copied before shuffling.
        for value, before in reversed(kept):
            value.copy_(before)


def neuron_statistics(
    model: LanguageModel, texts: Iterable[Columns], n_columns: int, budget: int
) -> Statistics:
    """The part of a fold's statistics that is about neurons."""
    shape = model.shape
    n, p = shape.n_layers * shape.d_mlp, n_columns
    sums = {
        "tokens": np.zeros(1),
        "predictor_gram": np.zeros((p, p)),
        "predictor_sum": np.zeros(p),
        "predictor_moment": np.zeros((p, n)),
        "neuron_sum": np.zeros(n),
        "neuron_square": np.zeros(n),
        "neuron_min": np.full(n, np.inf),
        "neuron_max": np.full(n, -np.inf),
    }
    for batch in batches(texts, budget):
        f = sp.vstack([text.matrix for text in batch], format="csr")
        add_columns(sums, f)
        hooks: dict[str, Callable[[Tensor], None]] = {
            f"blocks.{layer}.mlp.hook_post": partial(_add, sums, batch, f, layer * shape.d_mlp)
            for layer in range(shape.n_layers)
        }
        model.read(pad(batch), hooks)
    return Statistics(sums)


def _add(
    sums: dict[str, ndarray], batch: list[Columns], f: sp.csr_matrix, start: int, post: Tensor
) -> None:
    add_neurons(sums, slice(start, start + post.shape[2]), at_tokens(post, batch), f)
