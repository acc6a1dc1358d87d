"""Unusual models of known families: what is not held is refused, what is held is computed right."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import AutoModelForCausalLM

from labeler import Run, label
from labeler.errors import ModelError
from labeler.model import load_model
from labeler.predict import baseline
from tests.oracles.prompts import prompts

from .conftest import MAP_PROMPTS, PIPELINE
from .small import small_model

TOKENS = torch.arange(2 * 24).reshape(2, 24)
REFUSED: dict[str, tuple[str, dict[str, Any]]] = {
    "without a final norm": ("opt", {"do_layer_norm_before": False}),
    "OPT without a final norm": ("opt", {"_remove_final_layer_norm": True}),
    "projected embeddings": ("opt", {"hidden_size": 32, "word_embed_proj_dim": 16}),
    "newer architecture": ("falcon", {"new_decoder_architecture": True}),
    "qk_layernorm": ("phi", {"qk_layernorm": True}),
    "without biases": ("gpt_neox", {"attention_bias": False}),
}


@pytest.mark.parametrize("why", REFUSED)
def test_a_branch_that_transformer_lens_cannot_hold_is_refused(why: str, tmp_path: Path):
    """From the configuration alone, and what is supported is said."""
    kind, own = REFUSED[why]
    (tmp_path / "config.json").write_text(json.dumps({"model_type": kind, **own}))
    with pytest.raises(ModelError, match=rf"{why}.* not supported; "):
        load_model(str(tmp_path))


def test_what_transformer_lens_leaves_out_is_found_when_the_model_is_loaded(tmp_path: Path):
    """It divides by √d_head, whatever the configuration of a GPT-2 says."""
    folder = small_model(tmp_path, "GPT2LMHeadModel", scale_attn_weights=False)
    with pytest.raises(ModelError, match=r"computed otherwise by TransformerLens"):
        load_model(str(folder), "cpu")


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("architecture", ["GPT2LMHeadModel", "MixtralForCausalLM"])
def test_a_coarser_type_is_no_reason_to_refuse(architecture: str, dtype: str, tmp_path: Path):
    folder = small_model(tmp_path, architecture, deep=True)
    assert load_model(str(folder), "cpu", dtype).bridge.W_U.dtype is getattr(torch, dtype)


SOFTMAX = torch.nn.functional.softmax


def with_uniform_attention(folder: Path, clip: float | None) -> Tensor:
    """Logits of transformers where every head attends evenly, its values clipped or not."""
    model = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager").eval()
    part = getattr(model.config, "attn_config", model.config)
    assert part.clip_qkv == clip

    def even(scores: Tensor, *arguments: Any, **options: Any) -> Tensor:
        found = SOFTMAX(scores, *arguments, **options)
        return baseline(found.shape[-1], None).expand_as(found)

    with patch("torch.nn.functional.softmax", even), torch.inference_mode():
        found: Tensor = model(TOKENS).logits
    return found


@pytest.mark.parametrize(
    ("architecture", "option"),
    [
        ("OlmoForCausalLM", lambda clip: {"clip_qkv": clip}),
        ("MptForCausalLM", lambda clip: {"attn_config": {"clip_qkv": clip}}),
    ],
)
def test_values_that_are_clipped_are_clipped_when_a_head_is_rebuilt(
    architecture: str, option: Callable[[float | None], dict[str, Any]], tmp_path: Path
):
    logits = []
    for name, clip in (("clipped", 0.2), ("whole", None)):
        folder = small_model(tmp_path / name, architecture, **option(clip))
        model = load_model(str(folder), "cpu")
        heads = range(model.shape.n_heads)
        even = baseline(24, None).expand(2, len(heads), 24, 24)
        found = model.logits(TOKENS, model.replace_pattern(0, heads, even))
        assert torch.allclose(found, with_uniform_attention(folder, clip), atol=1e-4)
        logits.append(found)
    assert not torch.allclose(*logits, atol=1e-2)


def labelled(folder: Path, *relations: str) -> Run:
    with patch("labeler.session.Pipeline", lambda _: PIPELINE), patch(MAP_PROMPTS, 1):
        return label(
            folder, prompts(24), folder / "run", only=relations, reinitialised=False, device="cpu"
        )


@pytest.mark.parametrize("plain", [[0], [1]])
def test_a_mixture_of_experts_with_a_plain_layer_has_heads_alone(plain: list[int], tmp_path: Path):
    folder = small_model(tmp_path, "Qwen3MoeForCausalLM", deep=True, mlp_only_layers=plain)
    run = labelled(folder, "previous token", "anywhere")
    assert len(run.heads) == 8
    assert len(run.neurons) == 0
    assert any("mixtures of experts" in line for line in run.warnings)


def test_an_architecture_of_experts_without_any_has_neurons(tmp_path: Path):
    folder = small_model(tmp_path, "Qwen3MoeForCausalLM", num_experts=0)
    run = labelled(folder, "previous token", "anywhere")
    assert len(run.neurons) == 24
    assert not any("neurons are left out" in line for line in run.warnings)


def test_relations_as_wide_as_the_window_do_not_spoil_the_fit_of_all(tmp_path: Path):
    """In a window of 7 "nearby (8)" is the baseline, its square a rounding, below 0 or above."""
    run = labelled(small_model(tmp_path, "MistralForCausalLM", sliding_window=7))
    heads = run.heads.set_index("name").r2_dense.astype(float)
    assert np.isfinite(heads).all()
    # Of the planted head 0.98 is its label's: no ceiling lies below that.
    assert 0.95 < heads["L0H0"] <= 1
