"""A previous-token head, set by hand into layer 0, head 0 of a model of any family.

How a head can know which token came before depends on how the family tells positions apart:

* **learned**: position embeddings are cosines and sines of four frequencies; the key's are turned
  by one step, so that logits are Σ cos w(q − k − 1), highest at k = q − 1.
* **rotary**: queries and keys are constants (each embedding has the same large first coordinate);
  the key's pair i is turned ahead by θ_i, one step of its rotation.
* **ALiBi**: the bias favours the query itself. Words are put in classes and a query keeps off its
  own class, so the nearest key of another class is most often the token before. With the steepest
  slope m of 16 heads, e^{-m·distance} puts 1 − e^{-m} = 0.51 of the rest there.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

LOGIT = 14.0
"""Of one frequency at its best key, where the next best loses half of it; soft caps are at 50."""
FREQUENCIES = (0.49, 1.3, 1.9, 2.8)
"""Σ cos w·d is 4 at distance 0 and at most 1.97 at any other up to 60 (searched for)."""
CONSTANT = 20.0
ALIBI_SHARE = 0.4
"""0.51 of what another class takes, less a seventh where the token before is of the same class."""


def plant(model: PreTrainedModel) -> None:
    """Make layer 0, head 0 attend to the previous token."""
    core = model.base_model
    core = getattr(core, "decoder", core)
    positions = next((getattr(core, name) for name in ("wpe", "embed_positions")
                      if isinstance(getattr(core, name, None), nn.Embedding)), None)  # fmt: skip
    tokens = next(m for m in model.modules() if isinstance(m, nn.Embedding)).weight
    attention = _first_attention(model)
    if positions is not None:
        _learned(model, tokens, positions.weight, attention)
    elif model.config.model_type in ("bloom", "mpt"):
        _alibi(tokens, attention, model)
    else:
        _rotary(model, tokens, attention)


def _first_attention(model: PreTrainedModel) -> nn.Module:
    names = ("q_proj", "c_attn", "query_key_value", "qkv_proj", "Wqkv")
    return next(m for m in model.modules() if any(hasattr(m, name) for name in names))


def _query_and_key(attention: Any, config: Any, values: str = "weight") -> tuple[Tensor, Tensor]:
    """Views of head 0's rows [d_head, d_model] of W_Q and W_K, or of their biases [d_head, 1]."""
    heads = config.num_attention_heads
    d_head = getattr(config, "head_dim", None) or config.hidden_size // heads

    def rows(module: nn.Module) -> Tensor:
        found = getattr(module, values).data
        found = found[:, None] if values == "bias" else found
        # Conv1D keeps its weight the other way round.
        return found.T if values == "weight" and not isinstance(module, nn.Linear) else found

    if hasattr(attention, "q_proj"):
        return rows(attention.q_proj)[:d_head], rows(attention.k_proj)[:d_head]
    joint = next(getattr(attention, name) for name in
                 ("c_attn", "qkv_proj", "Wqkv", "query_key_value") if hasattr(attention, name))  # fmt: skip
    every = rows(joint)
    per_head = config.model_type in ("gpt_neox", "bloom")
    start = d_head if per_head else heads * d_head
    return every[:d_head], every[start : start + d_head]


def _clear(attention: Any, config: Any) -> tuple[Tensor, Tensor]:
    """Head 0's W_Q and W_K, set to zero with their biases."""
    some = next(m for m in attention.children() if isinstance(getattr(m, "weight", None), Tensor))
    names = ("weight", "bias") if getattr(some, "bias", None) is not None else ("weight",)
    for values in names:
        for view in _query_and_key(attention, config, values):
            view.zero_()
    return _query_and_key(attention, config)


def _scale(config: Any, d_head: int) -> float:
    """What q · k is multiplied by; GPT-Neo does not divide at all."""
    return 1.0 if config.model_type == "gpt_neo" else 1 / math.sqrt(d_head)


def _learned(model: PreTrainedModel, tokens: Tensor, positions: Tensor, attention: Any) -> None:
    """Positions in the first 16 coordinates, ± pairs with mean 0; tokens in the rest, mean 0."""
    n, w = len(positions), torch.tensor(FREQUENCIES)
    angle = torch.arange(n)[:, None] * w[None]
    positions.zero_()
    positions[:, :16] = torch.cat([angle.cos(), -angle.cos(), angle.sin(), -angle.sin()], dim=1)
    tokens[:, :16] = 0
    rest = tokens[:, 16:] - tokens[:, 16:].mean(dim=1, keepdim=True)
    tokens[:, 16:] = rest / rest.norm(dim=1, keepdim=True)
    # Squared norm 8 + 1 everywhere, so the layer norm multiplies by a constant.
    gain = math.sqrt(tokens.shape[1] / 9.0)
    query, key = _clear(attention, model.config)
    size = math.sqrt(LOGIT / 4 / _scale(model.config, len(query))) / gain
    for i, step in enumerate(FREQUENCIES):
        cos, sin = i, 8 + i
        query[i, cos] = query[4 + i, sin] = size
        key[i, cos], key[i, sin] = size * math.cos(step), -size * math.sin(step)
        key[4 + i, cos], key[4 + i, sin] = size * math.sin(step), size * math.cos(step)


def _rotary(model: PreTrainedModel, tokens: Tensor, attention: Any) -> None:
    config = model.config
    tokens[:, 0] = CONSTANT
    query, key = _clear(attention, config)
    d_head, d = query.shape
    frequencies = _rotations(model, d_head)[:3]
    turned = 2 * len(_rotations(model, d_head))
    interleaved = config.model_type == "gptj"
    # A norm makes the first coordinate √d, give or take the small rest of the embedding.
    size = math.sqrt(LOGIT / _scale(config, d_head) / d)
    for i, step in enumerate(frequencies):
        first, second = (2 * i, 2 * i + 1) if interleaved else (i, i + turned // 2)
        query[first, 0] = size
        key[first, 0], key[second, 0] = size * math.cos(step), size * math.sin(step)
    _sharpen_norms(attention, query, key, len(frequencies))


def _rotations(model: PreTrainedModel, d_head: int) -> list[float]:
    """θ of each pair of coordinates that the family turns."""
    if model.config.model_type == "gptj":
        r = model.config.rotary_dim
        return [10_000 ** (-2 * i / r) for i in range(r // 2)]
    rotary = next(m for m in model.modules() if "RotaryEmbedding" in type(m).__name__)
    names = ("inv_freq", "sliding_attention_inv_freq")
    found = next(getattr(rotary, name) for name in names if hasattr(rotary, name))
    return [float(x) for x in found]


def _sharpen_norms(attention: Any, query: Tensor, key: Tensor, n: int) -> None:
    """Where queries and keys are normalised, the norm's own weight sets the size of the logits."""
    if not hasattr(attention, "q_norm"):
        return
    width = attention.q_norm.weight.numel()  # of a head, or of all heads together (OLMo 2)
    if width > len(query):
        # The other heads share the norm: make theirs small beside the planted one's.
        query.mul_(100)
        key.mul_(100)
    size = math.sqrt(LOGIT * math.sqrt(len(query)) / (width / n))
    offset = 1.0 if "Gemma" in type(attention.q_norm).__name__ else 0.0
    for norm in (attention.q_norm, attention.k_norm):
        norm.weight.fill_(size - offset)


def _alibi(tokens: Tensor, attention: Any, model: PreTrainedModel) -> None:
    config = model.config
    query, key = _clear(attention, config)
    classes = len(query)
    for token in range(len(tokens)):
        tokens[token, :classes] = 0
        tokens[token, token % classes] = CONSTANT
    # Layer norm makes the coordinate about √d; off its own class a query gains LOGIT.
    size = math.sqrt(LOGIT * math.sqrt(classes) / tokens.shape[1])
    for i in range(classes):
        query[i, i], key[i, i] = size, -size
