"""A small model of each family: random weights, and a previous-token head planted in L0H0.

Every configuration is the architecture's own class with small numbers; what makes the family what
it is (windows, grouped keys, soft caps, experts, partial rotary) is switched on.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel

from tests.oracles.vocabulary import VOCABULARY, save_tokenizer

from .planted import plant

N_CTX = 64
WINDOW = 12
D_HEAD = 16
"""Of the families with rotary or learned positions; those with ALiBi need many heads instead."""

_IDS = {
    "vocab_size": len(VOCABULARY),
    "bos_token_id": 0,
    "eos_token_id": 0,
    "pad_token_id": 0,
    "tie_word_embeddings": False,
}
_LONG_NAMES: dict[str, Any] = {
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "hidden_size": 32,
    "intermediate_size": 24,
    "max_position_embeddings": N_CTX,
}
_GROUPED = _LONG_NAMES | {
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": D_HEAD,
}
_GPT2_NAMES: dict[str, Any] = {
    "n_layer": 1,
    "n_head": 2,
    "n_embd": 32,
    "n_inner": 24,
    "n_positions": N_CTX,
}
_ALTERNATING = {"num_hidden_layers": 2, "sliding_window": WINDOW, "query_pre_attn_scalar": D_HEAD}
_EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16}

CONFIGS: dict[str, tuple[str, dict[str, Any]]] = {
    "GPT2LMHeadModel": ("gpt2", _GPT2_NAMES),
    "GPTNeoForCausalLM": (
        "gpt_neo",
        {
            "num_layers": 2,
            "num_heads": 2,
            "hidden_size": 32,
            "intermediate_size": 24,
            "max_position_embeddings": N_CTX,
            "attention_types": [[["local", "global"], 1]],
            "window_size": WINDOW,
        },
    ),
    "GPTNeoXForCausalLM": ("gpt_neox", _LONG_NAMES | {"rotary_pct": 0.5}),
    "GPTJForCausalLM": ("gptj", _GPT2_NAMES | {"rotary_dim": 8}),
    "OPTForCausalLM": (
        "opt",
        {k: v for k, v in _LONG_NAMES.items() if k != "intermediate_size"}
        | {"ffn_dim": 24, "word_embed_proj_dim": 32},
    ),
    "BloomForCausalLM": ("bloom", {"n_layer": 1, "n_head": 16, "hidden_size": 128}),
    "MptForCausalLM": (
        "mpt",
        {"n_layers": 1, "n_heads": 16, "d_model": 128, "max_seq_len": N_CTX, "expansion_ratio": 1},
    ),
    "FalconForCausalLM": (
        "falcon",
        {k: v for k, v in _LONG_NAMES.items() if k != "intermediate_size"}
        | {"ffn_hidden_size": 24},
    ),
    "PhiForCausalLM": ("phi", _LONG_NAMES | {"partial_rotary_factor": 0.5}),
    "Phi3ForCausalLM": ("phi3", _LONG_NAMES | {"num_key_value_heads": 1}),
    "LlamaForCausalLM": ("llama", _GROUPED),
    "MistralForCausalLM": ("mistral", _GROUPED | {"sliding_window": WINDOW}),
    "GemmaForCausalLM": ("gemma", _GROUPED | {"num_key_value_heads": 1}),
    "Gemma2ForCausalLM": ("gemma2", _GROUPED | _ALTERNATING),
    "Gemma3ForCausalLM": (
        "gemma3_text",
        _GROUPED | _ALTERNATING | {"layer_types": ["sliding_attention", "full_attention"]},
    ),
    "Qwen2ForCausalLM": ("qwen2", _LONG_NAMES | {"num_key_value_heads": 1}),
    "Qwen3ForCausalLM": ("qwen3", _GROUPED),
    "OlmoForCausalLM": ("olmo", _LONG_NAMES),
    "Olmo2ForCausalLM": ("olmo2", _LONG_NAMES),
    "MixtralForCausalLM": ("mixtral", _GROUPED | {"num_local_experts": 4, "sliding_window": None}),
    "Qwen3MoeForCausalLM": ("qwen3_moe", _GROUPED | _EXPERTS),
}

DEPTH = ("num_hidden_layers", "num_layers", "n_layers", "n_layer")


def small_model(folder: Path, architecture: str, deep: bool = False, **more: Any) -> Path:
    """Write a small model of a family and the story tokenizer; returns the folder.

    `deep` gives it two layers at least; `more` is put into its configuration.
    """
    kind, own = CONFIGS[architecture]
    own = own | more
    if deep:
        depth = next(name for name in DEPTH if name in own)
        own = own | {depth: 2}
    config = AutoConfig.for_model(kind, **_IDS, **own)
    model = AutoModelForCausalLM.from_config(config).eval().requires_grad_(False)
    _draw(model)
    plant(model)
    model.save_pretrained(folder)
    save_tokenizer(folder, N_CTX)
    return folder


def _draw(model: PreTrainedModel) -> None:
    """Matrices that keep the size of what they multiply, embeddings of size 1, small biases."""
    generator = torch.Generator().manual_seed(0)
    for name, parameter in sorted(model.named_parameters()):
        if "norm" in name or ".ln_" in name:
            continue
        wide = parameter.dim() > 1 and "embed" not in name and "wte" not in name
        parameter.normal_(
            std=1 / math.sqrt(parameter.shape[-1]) if wide else 0.1 if parameter.dim() == 1 else 1,
            generator=generator,
        )
