"""A label as a pattern: what it says is built, and nothing unsaid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from torch import Tensor

from labeler.labels import HeadLabel
from labeler.prepare import Pairs, Prepared
from labeler.shape import Shape


@dataclass(frozen=True, eq=False)
class Rules:
    """Weights by head, query class and relation: printed labels, or a dense fit.

    `relations` are those with a weight anywhere; `weight[h, c, i]` belongs to `relations[i]`. Where
    weights pass 1 the rules of a label are scaled down; those of a fit are `linear`, as they were
    fitted: the remainder is below 0, taken from all visible keys alike.
    """

    relations: Int[ndarray, " used"]
    weight: Float[ndarray, "head class used"]
    linear: bool = False

    @classmethod
    def of_labels(cls, labels: Sequence[HeadLabel], n_classes: int) -> Rules:
        """The rules that labels print: share ÷ coverage on each prediction with a target."""
        used = sorted(
            {term.relation for label in labels for rule in label.rules for term in rule.terms}
        )
        place = {relation: index for index, relation in enumerate(used)}
        weight = np.zeros((len(labels), n_classes, len(used)))
        for head, label in enumerate(labels):
            for rule in label.rules:
                for term in rule.terms:
                    weight[head, list(rule.leaves), place[term.relation]] = term.weight
        return cls(np.array(used, dtype=np.int64), weight)

    @classmethod
    def by_layer(cls, labels: Sequence[HeadLabel], shape: Shape, n_classes: int) -> list[Rules]:
        """The rules that the labels of all heads print, one entry a layer."""
        layers = range(shape.n_layers)
        return [cls.of_labels(labels[shape.heads_of(layer)], n_classes) for layer in layers]

    @classmethod
    def of_dense(cls, weight: Float[ndarray, "head class relation"]) -> Rules:
        """All relations that have a weight."""
        used = np.flatnonzero(weight.any(axis=(0, 1)))
        return cls(used, weight[:, :, used], linear=True)

    def heads(self, index: Sequence[int]) -> Rules:
        """The rules of some heads."""
        return Rules(self.relations, self.weight[list(index)], self.linear)


@lru_cache(maxsize=4)
def baseline(n: int, window: int | None) -> Float[Tensor, "query key"]:
    """Uniform over all keys that a query sees; not to be written to, the next caller gets it too.

    Texts come by length, and each is asked for several times: the last few lengths are kept.
    """
    query, key = torch.arange(n)[:, None], torch.arange(n)[None, :]
    seen = (key <= query) & (query - key < (window or n))
    return seen / seen.sum(dim=1, keepdim=True)


def targets_dense(
    pairs: Pairs, relations: Int[ndarray, " used"], n: int, rows: range | None = None
) -> Float[Tensor, "query used key"]:
    """U of some relations, at all queries of a text or at some."""
    rows = range(n) if rows is None else rows
    place = np.full(len(pairs.present), -1)
    place[relations] = np.arange(len(relations))
    column, query = place[pairs.relation], pairs.query - rows.start
    kept = (column >= 0) & (query >= 0) & (query < len(rows))
    dense = torch.zeros(len(rows), len(relations), n)
    index = tuple(torch.from_numpy(x[kept]) for x in (query, column, pairs.key))
    dense[index] = torch.from_numpy(pairs.weight[kept]).float()
    return dense


def speaks(rules: Rules, item: Prepared, kind: int) -> Bool[ndarray, "head pos"]:
    """The queries at which rules name a key: those of the remainder alone say nothing."""
    present = item.pairs[kind].present[rules.relations].T
    return np.asarray(((rules.weight[:, item.classes] > 0) & present).any(axis=2))


def patterns(
    rules: Rules, item: Prepared, kind: int, window: int | None
) -> Float[Tensor, "head query key"]:
    """The patterns that rules stand for over one text.

    At each query share ÷ coverage goes to each prediction that has a target there, the remainder to
    all visible keys alike; the whole is scaled down only where the shares pass 1. Of linear rules
    what comes out below 0 is 0, and the row is scaled to 1.
    """
    n, pairs = len(item), item.pairs[kind]
    present = torch.from_numpy(pairs.present[rules.relations].T.copy())
    weight = torch.from_numpy(rules.weight[:, item.classes]).float() * present
    if not rules.linear:
        weight = weight / weight.sum(dim=2, keepdim=True).clamp(min=1.0)
    rest = 1 - weight.sum(dim=2, keepdim=True).transpose(0, 1)
    said = torch.bmm(weight.transpose(0, 1), targets_dense(pairs, rules.relations, n))
    found = (said + rest * baseline(n, window)[:, None]).clamp(min=0).transpose(0, 1)
    return found / found.sum(dim=2, keepdim=True) if rules.linear else found
