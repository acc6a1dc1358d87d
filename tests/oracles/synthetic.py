"""Synthetic heads: patterns made from the annotation of real texts, with noise, and no model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from labeler.batches import TOKEN_BUDGET
from labeler.fit_heads import HeadFit
from labeler.labels import HeadLabel
from labeler.prepare import Prepared, Vocabulary
from labeler.score import score_shard
from labeler.shape import Shape
from labeler.significance import tested_labels
from labeler.statistics import Statistics
from labeler.thresholds import Thresholds

Weights = Mapping[str, float]
"""Relation → the attention that it gets at queries where it has a target."""


@dataclass(frozen=True)
class Made:
    """A head by its ingredients; `exceptions` replace all weights on the queries of a class.

    Classes are named as labels name them: `on "but"`.
    """

    says: str
    weights: Weights
    exceptions: Mapping[str, Weights] = field(default_factory=dict)


class PatternModel:
    """Stands in for a language model of attention only: each text has the patterns it was given.

    `patterns` maps token ids to `[layer · head, query, key]`; no text may end with token 0, which
    is also the padding.
    """

    def __init__(
        self,
        patterns: Mapping[tuple[int, ...], Float[ndarray, "head query key"]],
        windows: Sequence[int | None] = (None,),
        n_ctx: int = 512,
    ) -> None:
        self.patterns = patterns
        n_heads = len(next(iter(patterns.values()))) // len(windows)
        self.shape = Shape(
            name="made",
            architecture="made",
            n_layers=len(windows),
            n_heads=n_heads,
            n_key_value_heads=n_heads,
            d_model=1,
            d_head=1,
            d_mlp=0,
            n_ctx=n_ctx,
            vocabulary=1,
            windows=tuple(windows),
        )

    def read(self, tokens: Tensor, hooks: Mapping[str, Callable[[Tensor], Any]]) -> None:
        """Hand each layer's patterns to its hook, as the labeler's model does."""
        found = [self.patterns[key_of(row)] for row in tokens.numpy()]
        n, heads = tokens.shape[1], self.shape.n_heads
        for layer in range(self.shape.n_layers):
            batch = np.full((len(found), heads, n, n), np.nan, dtype=np.float32)
            for row, pattern in enumerate(found):
                own = pattern[layer * heads : (layer + 1) * heads]
                batch[row, :, : own.shape[1], : own.shape[2]] = own
            hooks[f"blocks.{layer}.attn.hook_pattern"](torch.from_numpy(batch))


def key_of(token_ids: ndarray) -> tuple[int, ...]:
    """Token ids without padding."""
    last = int(np.flatnonzero(token_ids)[-1])
    return tuple(int(token) for token in token_ids[: last + 1])


def relation_rows(
    item: Prepared, vocabulary: Vocabulary, name: str, kind: int = 0
) -> Float[ndarray, "query key"]:
    """U of one relation, dense: rows of sum 1, or of zeros where it has no target."""
    index = [relation.name for relation in vocabulary.relations].index(name)
    pairs = item.pairs[kind]
    own = pairs.relation == index
    dense = np.zeros((len(item), len(item)))
    dense[pairs.query[own], pairs.key[own]] = pairs.weight[own]
    return dense


def leaves_of(vocabulary: Vocabulary, where: str) -> tuple[int, ...]:
    """The leaves of a query class, by how a label says it: `on "but"`."""
    return next(g.leaves for g in vocabulary.classes.groups if g.wording == where)


def clean_pattern(
    made: Made, item: Prepared, vocabulary: Vocabulary
) -> Float[ndarray, "query key"]:
    """What the ingredients say, the rest of each row uniform over visible keys."""
    n = len(item)
    pattern = np.zeros((n, n))
    outside = np.ones(n, dtype=bool)
    rules = [(leaves_of(vocabulary, name), w) for name, w in made.exceptions.items()]
    for leaves, weights in rules:
        rows = np.isin(item.classes, leaves)
        outside &= ~rows
        pattern[rows] = _mixed(weights, item, vocabulary)[rows]
    pattern[outside] = _mixed(made.weights, item, vocabulary)[outside]
    uniform = np.tril(np.ones((n, n))) / np.arange(1, n + 1)[:, None]
    return pattern + (1 - pattern.sum(axis=1, keepdims=True)) * uniform


def _mixed(weights: Weights, item: Prepared, vocabulary: Vocabulary) -> ndarray:
    total = np.zeros((len(item), len(item)))
    for name, weight in weights.items():
        total += weight * relation_rows(item, vocabulary, name)
    return total


def noisy(
    pattern: Float[ndarray, "query key"],
    rng: np.random.Generator,
    concentration: float = 12.0,
    mixing: float = 0.05,
) -> Float[ndarray, "query key"]:
    """Each row drawn from a Dirichlet distribution about it, then mixed with uniform."""
    shape = np.tril(pattern) * concentration
    drawn = np.where(shape > 0, rng.standard_gamma(np.maximum(shape, 1e-12)), 0.0)
    total = drawn.sum(axis=1, keepdims=True)
    drawn = np.where(total > 0, drawn / np.where(total > 0, total, 1.0), pattern)
    n = len(pattern)
    uniform = np.tril(np.ones((n, n))) / np.arange(1, n + 1)[:, None]
    return (1 - mixing) * drawn + mixing * uniform


def statistics_of(
    folds: Sequence[Sequence[Prepared]],
    vocabulary: Vocabulary,
    patterns: Callable[[Prepared], Float[ndarray, "head query key"]],
    windows: Sequence[int | None] = (None,),
    budget: int = TOKEN_BUDGET,
) -> tuple[list[Statistics], Shape]:
    """Statistics by fold of heads that are given as patterns, by the labeler's own hot path."""
    found, shape = [], None
    for fold in folds:
        table = {key_of(item.text.token_ids): patterns(item) for item in fold}
        model = PatternModel(table, windows)
        shape = model.shape
        found.append(score_shard(fold, model, vocabulary, budget))  # type: ignore[arg-type]
    assert shape is not None
    return found, shape


@dataclass(frozen=True)
class Fitted:
    """Labels after significance, and the fit that they came from."""

    fit: HeadFit
    labels: list[HeadLabel]

    def shares(self, head: int, where: str = "") -> dict[str, float]:
        """Relation → printed share, in the general rule or in an exception."""
        rules = {(r.group.wording if r.group else ""): r for r in self.labels[head].rules}
        rule = rules[where]
        relations = self.fit.vocabulary.relations
        return {relations[term.relation].name: term.share for term in rule.terms}


def fitted(
    folds: Sequence[Statistics],
    shape: Shape,
    vocabulary: Vocabulary,
    limits: Thresholds | None = None,
    kind: int = 0,
) -> Fitted:
    """The labels that statistics give: selected, tested, and what failed dropped."""
    fit = HeadFit(folds, shape, vocabulary, kind, limits or Thresholds())
    return Fitted(fit, tested_labels(fit)[0])


def true_share(
    made: Made, items: Sequence[Prepared], vocabulary: Vocabulary, name: str, where: str = ""
) -> float:
    """The fraction of attention that a relation was given, over the rows of its rule, no noise."""
    given = made.exceptions[where] if where else made.weights
    taken = {leaf for other in made.exceptions for leaf in leaves_of(vocabulary, other)}
    own = leaves_of(vocabulary, where) if where else ()
    index = [relation.name for relation in vocabulary.relations].index(name)
    present = rows = 0
    for item in items:
        inside = np.isin(item.classes, own) if own else ~np.isin(item.classes, list(taken))
        inside = inside & (np.arange(len(item)) > 0)
        rows += int(inside.sum())
        present += int(item.pairs[0].present[index][inside].sum())
    return given[name] * present / rows
