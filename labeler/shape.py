"""The facts of a model that the labeler needs: how many layers, heads, neurons, what they see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int
from numpy import ndarray


@dataclass(frozen=True)
class Shape:
    """The facts of a model that the rest of the labeler needs."""

    name: str
    architecture: str
    n_layers: int
    n_heads: int
    n_key_value_heads: int
    d_model: int
    d_head: int
    d_mlp: int
    n_ctx: int
    vocabulary: int
    windows: tuple[int | None, ...]
    parallel: bool = False
    """Attention and MLP read the same residual stream (GPT-NeoX): no `hook_resid_mid`."""
    value_limit: float | None = None
    """Values are clipped to ± this behind `hook_v`, before heads attend to them (OLMo, MPT)."""

    @property
    def kinds(self) -> tuple[int | None, ...]:
        """The different attention windows among the layers, the unlimited one first."""
        return tuple(sorted(set(self.windows), key=lambda w: (w is not None, w or 0)))

    def heads_of(self, layer: int) -> slice:
        """Where a layer's heads are among all."""
        return slice(layer * self.n_heads, (layer + 1) * self.n_heads)

    def of_kind(self, kind: int) -> Int[ndarray, " head"]:
        """The heads with one kind of window, numbered among all."""
        windows = [window for window in self.windows for _ in range(self.n_heads)]
        return np.flatnonzero([window == self.kinds[kind] for window in windows])

    def neurons_of(self, layer: int) -> slice:
        """Where a layer's neurons are among all."""
        return slice(layer * self.d_mlp, (layer + 1) * self.d_mlp)

    @property
    def heads(self) -> list[str]:
        """`L0H0`, `L0H1`, …"""
        return [f"L{layer}H{h}" for layer in range(self.n_layers) for h in range(self.n_heads)]

    @property
    def neurons(self) -> list[str]:
        """`L0N0`, `L0N1`, …"""
        return [f"L{layer}N{n}" for layer in range(self.n_layers) for n in range(self.d_mlp)]


def _windows(config: Any, n_layers: int) -> tuple[int | None, ...]:
    """How many keys each layer sees: GPT-Neo's local layers, sliding windows; None for all."""
    if getattr(config, "attention_layers", None):
        local = config.window_size
        return tuple(local if kind == "local" else None for kind in config.attention_layers)
    window = getattr(config, "sliding_window", None)
    if getattr(config, "use_sliding_window", True) is False:
        window = None
    kinds = getattr(config, "layer_types", None)
    if kinds:
        return tuple(window if kind == "sliding_attention" else None for kind in kinds)
    return (window,) * n_layers


def shape_of(bridge: Any, name: str) -> Shape:
    """Read off a TransformerBridge."""
    cfg = bridge.cfg
    config = bridge.original_model.config
    return Shape(
        name=name,
        architecture=cfg.architecture,
        n_layers=cfg.n_layers,
        n_heads=cfg.n_heads,
        n_key_value_heads=cfg.n_key_value_heads or cfg.n_heads,
        d_model=cfg.d_model,
        d_head=cfg.d_head,
        d_mlp=_d_mlp(bridge),
        n_ctx=cfg.n_ctx,
        vocabulary=cfg.d_vocab,
        windows=_windows(config, cfg.n_layers),
        parallel="blocks.0.hook_resid_mid" not in bridge.hook_dict,
        value_limit=_value_limit(config),
    )


def _value_limit(config: Any) -> float | None:
    """OLMo has `clip_qkv` in its configuration, MPT in a part of it."""
    limit = getattr(getattr(config, "attn_config", config), "clip_qkv", None)
    return float(limit) if limit else None


def _d_mlp(bridge: Any) -> int:
    """Read off the weights: the bridge's configuration is wrong for an OPT with its own ffn_dim.

    0 for a mixture of experts, in whatever layer: `hook_post` is then no activation of neurons, and
    which neurons there are differs from token to token.
    """
    try:
        return max(int(block.mlp.W_out.shape[0]) for block in bridge.blocks)
    except AttributeError:
        return 0
