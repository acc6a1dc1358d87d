"""Models of well-known shapes with random weights, on the tokenizer of the embedded model."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from labeler.session import EMBEDDED_MODEL

SHAPES: dict[str, tuple[str, dict[str, Any]]] = {
    "TinyStories-1L-21M": (
        "gpt_neo",
        {
            "hidden_size": 1024,
            "num_layers": 1,
            "num_heads": 16,
            "attention_types": [[["global"], 1]],
            "vocab_size": 50257,
            "max_position_embeddings": 2048,
        },
    ),
    "GPT-2-small": ("gpt2", {"vocab_size": 50257}),
    "Llama-type, GQA": (
        "llama",
        {
            "hidden_size": 768,
            "num_hidden_layers": 6,
            "num_attention_heads": 16,
            "num_key_value_heads": 4,
            "intermediate_size": 2048,
            "vocab_size": 32000,
        },
    ),
}


def make(name: str, folder: Path) -> Path:
    """Write a folder in Hugging Face format; the embedded model is where it is."""
    if name == "embedded":
        return EMBEDDED_MODEL
    architecture, settings = SHAPES[name]
    return write(architecture, settings, 0, folder)


def write(architecture: str, settings: dict[str, Any], seed: int, folder: Path) -> Path:
    """Write a model of an architecture with random weights, transformers' settings given."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    torch.manual_seed(seed)
    config = AutoConfig.for_model(architecture, bos_token_id=0, eos_token_id=0, **settings)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    for file in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(EMBEDDED_MODEL / file, folder / file)
    return folder
