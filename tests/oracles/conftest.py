"""Oracles, built once a session and read through TransformerBridge on one thread."""

from __future__ import annotations

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from transformer_lens.model_bridge import TransformerBridge

from .build import Oracle, build_heads, build_induction, build_neurons


@dataclass(frozen=True)
class Booted:
    """An oracle and the model that TransformerBridge loads from its folder."""

    oracle: Oracle
    model: TransformerBridge


def _boot(build: Callable[[Path], Oracle], folder: Path) -> Booted:
    torch.set_num_threads(1)
    oracle = build(folder)
    model = TransformerBridge.boot_transformers(str(folder), device="cpu")
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    return Booted(oracle, model)


@pytest.fixture(scope="session")
def heads(tmp_path_factory: pytest.TempPathFactory) -> Booted:
    return _boot(build_heads, tmp_path_factory.mktemp("heads"))


@pytest.fixture(scope="session")
def induction(tmp_path_factory: pytest.TempPathFactory) -> Booted:
    return _boot(build_induction, tmp_path_factory.mktemp("induction"))


@pytest.fixture(scope="session")
def neurons(tmp_path_factory: pytest.TempPathFactory) -> Booted:
    return _boot(build_neurons, tmp_path_factory.mktemp("neurons"))
