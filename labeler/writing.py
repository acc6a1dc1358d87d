"""What heads write: value-weighted patterns, output norms, and the induction test."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from labeler.model import LanguageModel

REPEATED = 48
SEQUENCES = 8


def output_grams(model: LanguageModel) -> list[Float[Tensor, "head d_head d_head"]]:
    """W_O W_Oᵀ of every head, one tensor a layer: ‖v W_O‖² = v W_O W_Oᵀ vᵀ."""
    grams = []
    for layer in range(model.shape.n_layers):
        w = model.output_weights(layer).float()
        grams.append(w @ w.transpose(1, 2))
    return grams


def value_norms(
    v: Float[Tensor, "batch pos kv_head d_head"], gram: Float[Tensor, "head d_head d_head"]
) -> Float[Tensor, "batch head pos"]:
    """‖v_k W_O‖ of every head; grouped values are shared by the heads of their group."""
    v = v.float().repeat_interleave(gram.shape[0] // v.shape[2], dim=2)
    square = torch.einsum("bkhd,hde,bkhe->bhk", v, gram.to(v.device), v)
    return square.clamp(min=0).sqrt()


def weighted(
    pattern: Float[Tensor, "head query key"], norms: Float[Tensor, "head key"]
) -> Float[Tensor, "head query key"]:
    """A[q, k] · ‖v_k W_O‖, rows normalised to 1 (Kobayashi et al. 2020, without the bias)."""
    found = pattern * norms[:, None, :]
    return found / found.sum(dim=2, keepdim=True).clamp(min=1e-12)


def induction_mass(model: LanguageModel, seed: int) -> Float[ndarray, " head"]:
    """Mean attention to the token after the earlier copy, on random tokens said twice.

    The standard test (Olsson et al. 2022): natural text understates induction. Fraction of
    attention, 0 to 1, over the queries of the second copy.
    """
    shape = model.shape
    length = min(REPEATED, (shape.n_ctx - 1) // 2)
    draw = np.random.default_rng(seed)
    once = draw.integers(0, shape.vocabulary, size=(SEQUENCES, length))
    twice = np.concatenate([once, once], axis=1)
    first = np.zeros((SEQUENCES, 0 if model.bos is None else 1), dtype=np.int64)
    tokens = torch.from_numpy(np.concatenate([first + (model.bos or 0), twice], axis=1))
    queries = torch.arange(first.shape[1] + length, tokens.shape[1])
    found: dict[int, ndarray] = {}

    def keep(layer: int, pattern: Tensor) -> None:
        mass = pattern[:, :, queries, queries - length + 1]
        found[layer] = mass.float().mean(dim=(0, 2)).cpu().numpy()

    layers = range(shape.n_layers)
    hooks = {f"blocks.{layer}.attn.hook_pattern": partial(keep, layer) for layer in layers}
    model.read(tokens, hooks)
    return np.concatenate([found[layer] for layer in layers])
