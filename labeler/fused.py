"""Activation functions that transformers spells out, in one kernel each."""

from __future__ import annotations

from typing import Any

from torch import nn


def fuse(model: Any) -> None:
    """Put one kernel in the place of `gelu_new` as transformers writes it, in eight operations.

    That is the tanh approximation of GELU (Hendrycks & Gimpel 2016), which torch has; both round
    alike. GPT-2, GPT-Neo and GPT-J have it.
    """
    from transformers.activations import NewGELUActivation

    for module in model.modules():
        for name, child in module.named_children():
            if type(child) is NewGELUActivation:
                setattr(module, name, nn.GELU(approximate="tanh"))
