"""What a text says before any model is asked: targets, features and classes as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from heuristics.check import relation_targets
from heuristics.contract import Heuristic
from heuristics.targets import Targets
from heuristics.text import Text
from labeler.classes import QueryClasses, build_classes
from labeler.config import Settings
from labeler.predictors import NeuronVocabulary, build_neuron_vocabulary, predictor_matrix


@dataclass(frozen=True)
class Vocabulary:
    """Everything that a run may say: relations, features, query classes, neurons' columns."""

    relations: tuple[Heuristic, ...]
    features: tuple[Heuristic, ...]
    classes: QueryClasses
    neurons: NeuronVocabulary

    @property
    def n_predictors(self) -> int:
        """The number of columns that neurons are described by."""
        return len(self.neurons)


def build_vocabulary(
    heuristics: Sequence[Heuristic],
    texts: Sequence[Text],
    frequent_tokens: int = Settings.frequent_tokens,
) -> Vocabulary:
    """Resolve the vocabulary on a sample of texts; the result does not depend on their order."""
    features = tuple(item for item in heuristics if item.kind == "feature")
    return Vocabulary(
        relations=tuple(item for item in heuristics if item.kind == "relation"),
        features=features,
        classes=build_classes(features, texts),
        neurons=build_neuron_vocabulary(features, texts, frequent_tokens),
    )


@dataclass(frozen=True, eq=False)
class Pairs:
    """Target pairs of all relations over one text, as one layer's heads may see them.

    They stand by relation, then query: `number` of them each. A pair's `weight` is normalised
    within its relation and query: U_j(q, k). Query 0, which sees only itself, is left out.
    """

    number: Int[ndarray, "relation pos"]
    key: Int[ndarray, " pair"]
    weight: Float[ndarray, " pair"]

    @cached_property
    def present(self) -> Bool[ndarray, "relation pos"]:
        """Where a relation has targets."""
        return self.number > 0

    @cached_property
    def relation(self) -> Int[ndarray, " pair"]:
        """The relation of each pair."""
        return np.repeat(np.arange(len(self.number)), self.number.sum(axis=1))

    @cached_property
    def query(self) -> Int[ndarray, " pair"]:
        """The query of each pair."""
        n_relations, n = self.number.shape
        return np.repeat(np.tile(np.arange(n), n_relations), self.number.ravel())


@dataclass(frozen=True, eq=False)
class Prepared:
    """One text, ready to be scored. `pairs` has one entry for each kind of attention window."""

    text: Text
    classes: Int[ndarray, " pos"]
    pairs: tuple[Pairs, ...]
    predictors: sp.csr_matrix

    def __len__(self) -> int:
        return len(self.text)

    @property
    def id(self) -> str:
        """The name of its text."""
        return self.text.id

    @property
    def tokens(self) -> Int[ndarray, " pos"]:
        """The token ids of its text."""
        return self.text.token_ids

    @property
    def first(self) -> int:
        """Where neurons are looked at from: BOS, an outlier in many models, is left out."""
        return int(self.text.has_bos)


def relation_pairs(
    text: Text, relations: Sequence[Heuristic], windows: Sequence[int | None]
) -> tuple[Pairs, ...]:
    """All relations evaluated once, then masked and normalised for each window."""
    shape = (len(relations), len(text))
    row, key, weight = _seen_pairs(text, relations)
    found = []
    for window in windows:
        if window is not None:
            near = row % max(shape[1], 1) - key < window
            found.append(_normalised(row[near], key[near], weight[near], shape))
        else:
            found.append(_normalised(row, key, weight, shape))
    return tuple(found)


def visible_pairs(text: Text, relations: Sequence[Heuristic]) -> Pairs:
    """All target pairs with their weights as given."""
    shape = (len(relations), len(text))
    row, key, weight = _seen_pairs(text, relations)
    return Pairs(_counted(row, shape), key, weight)


def _seen_pairs(
    text: Text, relations: Sequence[Heuristic]
) -> tuple[Int[ndarray, " pair"], Int[ndarray, " pair"], Float[ndarray, " pair"]]:
    """Row (relation · n + query), key and weight as given of all target pairs, row by row."""
    found = [_seen(item, relation_targets(item, text)) for item in relations]
    row = _joined([targets.query for targets in found], np.int64)
    row += np.repeat(np.arange(len(found)) * len(text), [len(part.query) for part in found])
    key = _joined([targets.key for targets in found], np.int32)
    return row, key, _joined([targets.weight for targets in found], np.float64)


def _seen(relation: Heuristic, targets: Targets) -> Targets:
    """Pairs that a query sees, from query 1 on; built-ins name no others, but for query 0."""
    if relation.built_in:
        if not len(targets.query) or targets.query[0] > 0:
            return targets
        return targets.only(slice(int(np.searchsorted(targets.query, 1)), None))
    return targets.only((targets.key <= targets.query) & (targets.query > 0) & (targets.weight > 0))


def _joined(parts: Sequence[ndarray], dtype: type) -> ndarray:
    return np.concatenate([np.zeros(0, dtype=dtype), *parts], dtype=dtype, casting="unsafe")


def _counted(row: Int[ndarray, " pair"], shape: tuple[int, int]) -> Int[ndarray, "relation pos"]:
    return np.bincount(row, minlength=shape[0] * shape[1]).reshape(shape)


def _normalised(
    row: Int[ndarray, " pair"],
    key: Int[ndarray, " pair"],
    weight: Float[ndarray, " pair"],
    shape: tuple[int, int],
) -> Pairs:
    """Weights as parts of their row's."""
    number = _counted(row, shape)
    total = np.bincount(row, weights=weight, minlength=number.size)
    return Pairs(number, key, weight / np.repeat(total, number.ravel()))


def prepare(text: Text, vocabulary: Vocabulary, windows: Sequence[int | None]) -> Prepared:
    """Everything about a text that its statistics need and the model does not."""
    return Prepared(
        text=text,
        classes=vocabulary.classes.assign(text),
        pairs=relation_pairs(text, vocabulary.relations, windows),
        predictors=predictor_matrix(text, vocabulary.neurons),
    )
