"""Labelling of constructed models: texts prepared once, and the statistics of any model on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy import ndarray

from heuristics.registry import load_heuristics
from labeler.annotate import ParseCache, annotate
from labeler.corpus import choose_folds, read_corpus
from labeler.head_tables import head_confidence
from labeler.intervals import r_squared
from labeler.labels import HeadLabel
from labeler.model import LanguageModel, load_model
from labeler.pipeline import Pipeline
from labeler.prepare import Prepared, Vocabulary, build_vocabulary, prepare
from labeler.score import score_shard
from labeler.statistics import Statistics

from .synthetic import Fitted, fitted

WINDOWS = (None, 8, 16)
"""The attention windows of the random models; texts are prepared for all of them at once."""


@dataclass(frozen=True)
class Texts:
    """Prompts in the oracles' tokens, prepared for every window of `WINDOWS`, by fold."""

    vocabulary: Vocabulary
    folds: tuple[tuple[Prepared, ...], ...]

    def seen_by(self, windows: Sequence[int | None]) -> list[list[Prepared]]:
        """The folds for a model with some windows only."""
        index = [WINDOWS.index(window) for window in windows]
        return [
            [replace(item, pairs=tuple(item.pairs[i] for i in index)) for item in fold]
            for fold in self.folds
        ]


def story_texts(model: LanguageModel, prompts: Sequence[str], cache: Path) -> Texts:
    """Prompts annotated by the embedded pipeline, in the tokens of a constructed model."""
    corpus = read_corpus(prompts)
    found = annotate(corpus.prompts, model, ParseCache(Pipeline("embedded"), cache), 512)
    vocabulary = build_vocabulary(load_heuristics(), found)
    n_folds = choose_folds(len(corpus))
    folds: list[list[Prepared]] = [[] for _ in range(n_folds)]
    for prompt, text in zip(corpus.prompts, found, strict=True):
        folds[prompt.fold(n_folds)].append(prepare(text, vocabulary, WINDOWS))
    return Texts(vocabulary, tuple(tuple(fold) for fold in folds))


def attention_of(folder: Path) -> LanguageModel:
    """A constructed model of which only the attention is looked at: as if it had no MLP."""
    model = load_model(str(folder), "cpu")
    model.shape = replace(model.shape, d_mlp=0)
    return model


@contextmanager
def only_patterns(model: LanguageModel) -> Iterator[LanguageModel]:
    """Leave the hooks of the residual stream out: they cost as much as the patterns."""
    read = model.read

    def patterns(tokens: object, hooks: dict[str, object]) -> None:
        kept = {name: hook for name, hook in hooks.items() if name.endswith("hook_pattern")}
        read(tokens, kept)  # type: ignore[arg-type]

    model.read = patterns  # type: ignore[method-assign, assignment]
    yield model
    del model.read  # type: ignore[method-assign]


def statistics_by_fold(model: LanguageModel, texts: Texts) -> list[Statistics]:
    """What the labeler adds up about a model's heads, by fold."""
    with only_patterns(model):
        return [
            score_shard(fold, model, texts.vocabulary) for fold in texts.seen_by(model.shape.kinds)
        ]


@dataclass(frozen=True)
class Verdict:
    """A head's label and how sure the labeler is of it."""

    label: HeadLabel
    confidence: str
    r2: float
    found: Fitted


def verdicts(model: LanguageModel, texts: Texts) -> dict[str, Verdict]:
    """Every head of a model, labelled from statistics alone."""
    folds, heads = statistics_by_fold(model, texts), {}
    for kind in range(len(model.shape.kinds)):
        found = fitted(folds, model.shape, texts.vocabulary, kind=kind)
        r2, low, _ = r_squared(*found.fit.errors(found.labels))
        general = found.fit.general_r2(found.labels)
        for index, label in enumerate(found.labels):
            sure = _sure(index, r2, low, general, found)
            heads[label.name] = Verdict(label, sure, float(r2[index]), found)
    return heads


def _sure(index: int, r2: ndarray, low: ndarray, general: ndarray, found: Fitted) -> str:
    values = [float(np.asarray(x)[index]) for x in (r2, low, general)]
    return head_confidence(found.labels[index], *values, found.fit.even, found.fit.thresholds)
