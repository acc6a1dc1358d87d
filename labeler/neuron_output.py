"""What neurons do to the next token, from weights alone."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from labeler.model import LanguageModel

PROMOTED = 6
HEAVY_TAILS = 10.0
"""Kurtosis (3 for a normal distribution) from which a neuron is about particular tokens."""

WIDE = 4.0
"""Variance, in medians of its layer, from which a neuron moves the whole vocabulary."""

Moments = dict[str, Tensor]


def output_moments(effect: Float[Tensor, "neuron token"]) -> Moments:
    """Variance, kurtosis and skew over the vocabulary of each neuron's direct effect on logits."""
    centred = effect - effect.mean(dim=1, keepdim=True)
    variance = (centred**2).mean(dim=1)
    scaled = centred / variance.clamp(min=1e-24).sqrt()[:, None]
    return {
        "variance": variance,
        "kurtosis": (scaled**4).mean(dim=1),
        "skew": (scaled**3).mean(dim=1),
    }


def role(variance: float, kurtosis: float, skew: float, typical: float) -> str:
    """`prediction`, `suppression`, `partition` or empty (Gurnee et al. 2024, arXiv 2401.12181).

    Heavy tails are about particular tokens, raised or lowered by the sign of the skew; a wide
    distribution without them parts the vocabulary in two.
    """
    if variance <= 1e-12:
        return ""
    if kurtosis >= HEAVY_TAILS:
        return "prediction" if skew > 0 else "suppression"
    return "partition" if variance >= WIDE * typical else ""


def neuron_outputs(model: LanguageModel) -> list[dict[str, Any]]:
    """A row a neuron: what `W_out · W_U` promotes and suppresses, its moments and its role."""
    w_out, w_u = model.unembedding()
    w_u = w_u.float()
    strings: dict[int, str] = {}

    def shown(tokens: list[int]) -> list[str]:
        for token in tokens:
            if token not in strings:
                strings[token] = model.token_string(token)
        return [strings[token] for token in tokens]

    rows: list[dict[str, Any]] = []
    for layer in range(len(w_out)):
        found: list[dict[str, Any]] = []
        for start in range(0, w_out.shape[1], 2048):
            effect = w_out[layer, start : start + 2048].float() @ w_u
            k = min(PROMOTED, effect.shape[1])
            up = effect.topk(k, dim=1).indices.tolist()
            down = (-effect).topk(k, dim=1).indices.tolist()
            moments = {name: value.tolist() for name, value in output_moments(effect).items()}
            for i in range(len(up)):
                row: dict[str, Any] = {"promotes": shown(up[i]), "suppresses": shown(down[i])}
                found.append(row | {f"output_{name}": moments[name][i] for name in moments})
        typical = float(torch.tensor([row["output_variance"] for row in found]).median())
        for row in found:
            row["role"] = role(
                row["output_variance"], row["output_kurtosis"], row["output_skew"], typical
            )
        rows += found
    return rows
