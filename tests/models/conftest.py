"""Each family's small model, made, loaded and labelled once for all that is asked of it."""

from __future__ import annotations

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from unittest.mock import patch

import pytest
import torch
from torch import Tensor

from heuristics.registry import load_heuristics
from labeler import Run, label
from labeler.annotate import ParseCache, annotate
from labeler.batches import pad
from labeler.corpus import read_corpus
from labeler.families import FAMILIES, Family
from labeler.model import LanguageModel, load_model
from labeler.pipeline import Pipeline
from labeler.prepare import Prepared, build_vocabulary, prepare
from tests.oracles.prompts import prompts

from .small import small_model

N_PROMPTS = 30
PIPELINE = Pipeline("embedded")
MAP_PROMPTS = "labeler.activations.MAP_PROMPTS"
RELATIONS = ("anywhere", "previous token", "current token", "nearest comma")


@dataclass(frozen=True)
class Small:
    """A family's small model in its folder."""

    family: Family
    folder: Path

    @cached_property
    def model(self) -> LanguageModel:
        return load_model(str(self.folder), "cpu")

    @cached_property
    def run(self) -> Run:
        # One pipeline for all, and few tokens to be laid out by t-SNE: twice as fast.
        with patch("labeler.session.Pipeline", lambda _: PIPELINE), patch(MAP_PROMPTS, 1):
            return label(
                self.folder,
                prompts(N_PROMPTS),
                self.folder / "run",
                only=RELATIONS,
                reinitialised=False,
                device="cpu",
            )

    @cached_property
    def items(self) -> list[Prepared]:
        """Four texts, ready to be scored."""
        corpus = read_corpus(prompts(4))
        cache = ParseCache(PIPELINE, None)
        texts = annotate(corpus.prompts, self.model, cache, self.model.shape.n_ctx)
        vocabulary = build_vocabulary(load_heuristics(only=RELATIONS), texts)
        return [prepare(text, vocabulary, self.model.shape.kinds) for text in texts]

    @cached_property
    def tokens(self) -> Tensor:
        return pad(self.items)

    def read(self, *names: str) -> list[Tensor]:
        """The values of some hooks on the four texts."""
        kept: dict[str, Tensor] = {}

        def keep(name: str) -> Callable[[Tensor], None]:
            def store(value: Tensor) -> None:
                kept[name] = value.clone()

            return store

        self.model.read(self.tokens, {name: keep(name) for name in names})
        return [kept[name] for name in names]

    def patterns(self) -> list[Tensor]:
        """`[batch, head, query, key]` of every layer."""
        layers = range(self.model.shape.n_layers)
        return self.read(*(f"blocks.{layer}.attn.hook_pattern" for layer in layers))


@pytest.fixture(scope="session", autouse=True)
def _alone() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session", params=FAMILIES, ids=lambda family: family.architecture)
def small(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Small:
    architecture = request.param.architecture
    folder = small_model(tmp_path_factory.mktemp("small") / architecture, architecture)
    return Small(request.param, folder)
