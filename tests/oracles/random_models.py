"""Models with random weights, in ten architectures: patterns that are sharp and mean nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel

from .vocabulary import VOCABULARY, save_tokenizer


@dataclass(frozen=True)
class Shape:
    """What `random_model` needs to know of a model; `d_mlp` None is four times `d_model`."""

    architecture: str = "gpt2"
    n_layers: int = 2
    n_heads: int = 4
    d_model: int = 64
    n_kv_heads: int | None = None
    d_mlp: int | None = None
    n_ctx: int = 64
    window: int = 16


SHAPES: dict[str, Shape] = {
    "gpt2": Shape("gpt2", 2, 4, 64),
    "gpt2-wide": Shape("gpt2", 1, 16, 128),
    "gpt-neo-local": Shape("gpt_neo", 4, 4, 64, window=8),
    "llama": Shape("llama", 3, 4, 64),
    "llama-gqa": Shape("llama", 2, 8, 128, n_kv_heads=2),
    "mistral-window": Shape("mistral", 2, 4, 64, n_kv_heads=2, window=16),
    "neox": Shape("gpt_neox", 2, 6, 96),
    "opt": Shape("opt", 2, 4, 64, d_mlp=96),
    "bloom": Shape("bloom", 3, 4, 64),
    "gemma2": Shape("gemma2", 2, 4, 48, n_kv_heads=1),
}

_GPT2_NAMES = {
    "n_layers": "n_layer",
    "n_heads": "n_head",
    "d_model": "n_embd",
    "d_mlp": "n_inner",
    "n_ctx": "n_positions",
}
_LLAMA_NAMES = {
    "n_layers": "num_hidden_layers",
    "n_heads": "num_attention_heads",
    "n_kv_heads": "num_key_value_heads",
    "d_model": "hidden_size",
    "d_mlp": "intermediate_size",
    "n_ctx": "max_position_embeddings",
}
_OWN_NAMES: dict[str, dict[str, str]] = {
    "gpt2": _GPT2_NAMES,
    "gpt_neo": _LLAMA_NAMES | {"n_layers": "num_layers", "n_heads": "num_heads"},
    "opt": _LLAMA_NAMES | {"d_mlp": "ffn_dim"},
    "bloom": {"n_layers": "n_layer", "n_heads": "n_head", "d_model": "hidden_size"},
}
_WITHOUT_GROUPS = ("gpt2", "gpt_neo", "gpt_neox", "opt", "bloom")


def _own_settings(shape: Shape) -> dict[str, Any]:
    """Settings that one architecture has and the others lack."""
    d_head = shape.d_model // shape.n_heads
    kinds = ["global", "local"]
    settings: dict[str, dict[str, Any]] = {
        "gpt_neo": {
            "attention_types": [[kinds, shape.n_layers // 2]],
            "window_size": shape.window,
        },
        "mistral": {"sliding_window": shape.window, "head_dim": d_head},
        "gemma2": {
            "head_dim": d_head,
            "query_pre_attn_scalar": d_head,
            "sliding_window": shape.window,
        },
        "opt": {"word_embed_proj_dim": shape.d_model},
    }
    return settings.get(shape.architecture, {})


def _config(shape: Shape) -> Any:
    """The Hugging Face configuration of a shape, with BOS, EOS and padding all token 0."""
    names = _OWN_NAMES.get(shape.architecture, _LLAMA_NAMES)
    wanted = {
        "n_layers": shape.n_layers,
        "n_heads": shape.n_heads,
        "n_kv_heads": shape.n_kv_heads or shape.n_heads,
        "d_model": shape.d_model,
        "d_mlp": shape.d_mlp or 4 * shape.d_model,
        "n_ctx": shape.n_ctx,
    }
    if shape.architecture in _WITHOUT_GROUPS:
        del wanted["n_kv_heads"]
    return AutoConfig.for_model(
        shape.architecture,
        vocab_size=len(VOCABULARY),
        bos_token_id=0,
        eos_token_id=0,
        pad_token_id=0,
        tie_word_embeddings=False,
        **{names[key]: value for key, value in wanted.items() if key in names},
        **_own_settings(shape),
    )


_QUERY_OR_KEY = ("q_proj", "k_proj", "c_attn", "query_key_value")


def _draw(model: PreTrainedModel, shape: Shape, sharpness: float, seed: int) -> None:
    """Gaussian matrices: attention logits with a standard deviation of about `sharpness`."""
    generator = torch.Generator().manual_seed(seed)
    # GPT-Neo does not divide its logits by the root of d_head.
    scale = (shape.n_heads / shape.d_model) ** 0.25 if shape.architecture == "gpt_neo" else 1.0
    for module in model.modules():
        if isinstance(module, torch.nn.Embedding):
            module.weight.normal_(generator=generator)
    embeddings = {id(m.weight) for m in model.modules() if isinstance(m, torch.nn.Embedding)}
    for name, parameter in model.named_parameters():
        if parameter.dim() != 2 or id(parameter) in embeddings:
            continue
        inputs = parameter.shape[0 if shape.architecture == "gpt2" else 1]
        gain = scale * math.sqrt(sharpness) if any(part in name for part in _QUERY_OR_KEY) else 1.0
        parameter.normal_(std=gain / math.sqrt(inputs), generator=generator)


def random_model(
    folder: Path, seed: int, shape: Shape | str = "gpt2", sharpness: float = 3.0
) -> Path:
    """Write a model with random weights and the story tokenizer; returns the folder.

    `shape` is a `Shape` or the name of one in `SHAPES`. `sharpness` is the standard deviation of
    attention logits: 0.1 is nearly uniform, 3 puts most of a row on two or three keys.
    """
    chosen = SHAPES[shape] if isinstance(shape, str) else shape
    model = AutoModelForCausalLM.from_config(_config(chosen)).eval().requires_grad_(False)
    _draw(model, chosen, sharpness, seed)
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    save_tokenizer(folder, chosen.n_ctx)
    return folder
