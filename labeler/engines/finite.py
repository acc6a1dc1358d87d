"""Activations that are no numbers: found in the sums, which cost nothing, then named exactly."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor

from labeler.batches import pad
from labeler.corpus import Shard
from labeler.errors import ModelError
from labeler.hooks import hook_names
from labeler.prepare import Prepared
from labeler.session import Session
from labeler.statistics import Statistics

SUMS = ("hook_sum", "hook_square", "entropy", "energy", "neuron_square")
"""A value that is not finite makes one of these so."""


def check_finite(statistics: Statistics, session: Session, shard: Shard) -> None:
    """ModelError naming layer, hook and prompt of the first activation that is NaN or infinite."""
    if all(np.isfinite(statistics[name]).all() for name in SUMS):
        return
    shape = session.model.shape
    names = [*hook_names(shape)]
    names += [f"blocks.{layer}.attn.hook_pattern" for layer in range(shape.n_layers)]
    for batch in session.batches(shard):
        hooks = {name: partial(_look, name, batch) for name in names}
        session.model.read(pad(batch), hooks)
    raise ModelError(
        f"activations of shard {shard.id} are too large to be summed in single precision; try "
        "another --dtype"
    )


def _look(name: str, batch: Sequence[Prepared], value: Tensor) -> None:
    for row, item in enumerate(batch):
        n = len(item)
        own = value[row, :, :n, :n] if name.endswith("hook_pattern") else value[row, item.first : n]
        bad = own[~torch.isfinite(own)]
        if len(bad):
            layer = f"layer {name.split('.')[1]}, " if name.startswith("blocks.") else ""
            kind = "NaN" if bad[0].isnan() else "infinite"
            raise ModelError(
                f"activations are {kind}: {layer}hook {name}, prompt {item.text.id!r}; try --dtype "
                "float32, or check the model's weights"
            )
