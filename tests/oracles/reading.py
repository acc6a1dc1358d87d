"""What a booted model does on token strings, and its loss with a pattern put in place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from .vocabulary import ids

Cache = dict[str, Float[np.ndarray, "..."]]


def read(model: TransformerBridge, tokens: Sequence[str]) -> Cache:
    """`L0H1` → pattern [query, key], `L0N2` → activation [pos], `logits` → [pos, d_vocab]."""
    found: Cache = {}
    with torch.inference_mode():
        logits, cache = model.run_with_cache(torch.tensor([ids(list(tokens))]))
    found["logits"] = logits[0].numpy()
    for layer in range(model.cfg.n_layers):
        patterns = cache[f"blocks.{layer}.attn.hook_pattern"]
        # The cache drops a batch of one from some hooks and keeps it on others.
        patterns = patterns.reshape(-1, *patterns.shape[-2:]).numpy()
        found |= {f"L{layer}H{head}": pattern for head, pattern in enumerate(patterns)}
        neurons = cache[f"blocks.{layer}.mlp.hook_post"].reshape(len(tokens), -1).numpy()
        found |= {f"L{layer}N{neuron}": column for neuron, column in enumerate(neurons.T)}
    return found


def loss(
    model: TransformerBridge,
    tokens: Sequence[str],
    head: str | None = None,
    pattern: Float[np.ndarray, "query key"] | None = None,
) -> float:
    """Mean loss in nats; with a head and a pattern, that head's `z` is rebuilt as pattern @ v.

    For models without grouped queries.
    """
    target = torch.tensor([ids(list(tokens))])
    hooks = []
    if head is not None and pattern is not None:
        layer, index = (int(part) for part in head[1:].split("H"))
        rows = torch.tensor(pattern, dtype=torch.float32)
        kept: list[Tensor] = []

        def keep(value: Tensor, hook: object) -> None:
            kept.append(value)

        def rebuild(z: Tensor, hook: object) -> Tensor:
            shape = (1, len(tokens), model.cfg.n_heads, -1)
            rebuilt = z.clone().reshape(shape)
            rebuilt[0, :, index] = rows @ kept[-1].reshape(shape)[0, :, index]
            return rebuilt.reshape(z.shape)

        name = f"blocks.{layer}.attn"
        hooks = [(f"{name}.hook_v", keep), (f"{name}.hook_z", rebuild)]
    with torch.inference_mode():
        logits = model.run_with_hooks(target, fwd_hooks=hooks)
    return float(torch.nn.functional.cross_entropy(logits[0, :-1], target[0, 1:]))
