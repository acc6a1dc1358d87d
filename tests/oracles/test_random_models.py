"""Random models load, are causal, keep to their windows, and are neither uniform nor degenerate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformer_lens.model_bridge import TransformerBridge

from .build import SHAPES, random_model
from .prompts import prompts
from .random_models import Shape
from .reading import Cache, read
from .vocabulary import BOS, pieces

TOKENS = [BOS, *max((pieces(text) for text in prompts(20)), key=len)]


def _evenness(pattern: np.ndarray) -> float:
    """Mean over rows from the fifth of entropy ÷ the entropy of a uniform row: 0 to 1."""
    shares = []
    for query in range(4, len(pattern)):
        row = pattern[query, : query + 1].astype(float)
        row = row[row > 0]
        shares.append(-(row * np.log(row)).sum() / np.log(query + 1))
    return float(np.mean(shares))


def _boot(folder: Path) -> TransformerBridge:
    torch.set_num_threads(1)
    return TransformerBridge.boot_transformers(str(folder), device="cpu")


def _patterns(cache: Cache) -> dict[str, np.ndarray]:
    return {name: value for name, value in cache.items() if "H" in name}


@pytest.mark.parametrize("name", SHAPES)
def test_patterns_are_sharp_and_varied(name: str, tmp_path: Path) -> None:
    model = _boot(random_model(tmp_path, 0, name))
    cache = read(model, TOKENS)
    patterns = _patterns(cache)
    assert np.isfinite(cache["logits"]).all()
    assert len(patterns) == SHAPES[name].n_layers * SHAPES[name].n_heads
    for head, pattern in patterns.items():
        np.testing.assert_allclose(pattern.sum(axis=1), 1, atol=1e-5)
        assert not np.triu(pattern, 1).any(), head
        assert 0.15 < _evenness(pattern) < 0.75, head
        # No head rests on one key, so none is a sink by accident.
        assert pattern[4:].mean(axis=0).max() < 0.5, head


@pytest.mark.parametrize(
    ("name", "local"),
    [("gpt-neo-local", ("L1", "L3")), ("mistral-window", ("L0", "L1")), ("gemma2", ("L0",))],
)
def test_local_layers_keep_to_their_window(
    name: str, local: tuple[str, ...], tmp_path: Path
) -> None:
    window = SHAPES[name].window
    for head, pattern in _patterns(read(_boot(random_model(tmp_path, 0, name)), TOKENS)).items():
        outside = np.tril(pattern, -window).any()
        assert outside != head.startswith(local), head


def test_a_seed_decides_the_weights(tmp_path: Path) -> None:
    weights = []
    for turn, seed in enumerate((0, 0, 1)):
        random_model(tmp_path / str(turn), seed)
        weights.append((tmp_path / str(turn) / "model.safetensors").read_bytes())
    assert weights[0] == weights[1] != weights[2]


def test_a_low_sharpness_is_nearly_uniform(tmp_path: Path) -> None:
    folder = random_model(tmp_path, 0, Shape("gpt2", 1, 2, 32), sharpness=0.05)
    for pattern in _patterns(read(_boot(folder), TOKENS)).values():
        assert _evenness(pattern) > 0.99
