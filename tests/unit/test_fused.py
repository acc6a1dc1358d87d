"""Fused kernels compute what those of transformers do."""

from __future__ import annotations

import torch
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.activations import NewGELUActivation

from labeler.fused import fuse


def tiny(activation: str) -> torch.nn.Module:
    torch.manual_seed(0)
    config = AutoConfig.for_model(
        "gpt2", n_embd=32, n_layer=2, n_head=2, vocab_size=50, activation_function=activation
    )
    return AutoModelForCausalLM.from_config(config).eval()


def logits(model: torch.nn.Module) -> torch.Tensor:
    with torch.no_grad():
        return model(torch.arange(20)[None]).logits


def test_a_fused_model_computes_the_same():
    model = tiny("gelu_new")
    before = logits(model)
    assert any(isinstance(module, NewGELUActivation) for module in model.modules())
    fuse(model)
    assert not any(isinstance(module, NewGELUActivation) for module in model.modules())
    # Single precision over two layers: the kernels round alike, not bit for bit.
    torch.testing.assert_close(logits(model), before, rtol=1e-5, atol=1e-6)


def test_gelu_by_its_error_function_is_left_alone():
    # It differs from the tanh form by up to 5e-4.
    model = tiny("gelu")
    before = logits(model)
    fuse(model)
    assert torch.equal(logits(model), before)
