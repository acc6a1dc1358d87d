"""Statistics → labels of neurons: features and groups of tokens, chosen on even folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from labeler.class_null import FEW_TOKENS, ClassColumns, Sums, allowed_classes, effective_tokens
from labeler.intervals import benjamini_hochberg, p_positive, passes, r_squared
from labeler.neuron_select import Chosen, Fitting, choose
from labeler.predictors import NeuronVocabulary
from labeler.statistics import Statistics, merge, split_folds
from labeler.thresholds import Thresholds

CHUNK = 1024


@dataclass(frozen=True, eq=False)
class Moments:
    """Sums about some neurons over some folds, enough for the error of any linear prediction."""

    count: float
    gram: Float[ndarray, "column column"]
    total: Float[ndarray, " column"]
    moment: Float[ndarray, "column neuron"]
    sum: Float[ndarray, " neuron"]
    square: Float[ndarray, " neuron"]

    @classmethod
    def of(cls, statistics: Statistics, neurons: slice) -> Moments:
        """The part of statistics that speaks about some neurons."""
        return cls(
            float(statistics["tokens"][0]),
            statistics["predictor_gram"],
            statistics["predictor_sum"],
            statistics["predictor_moment"][:, neurons],
            statistics["neuron_sum"][neurons],
            statistics["neuron_square"][neurons],
        )

    @property
    def mean(self) -> Float[ndarray, " neuron"]:
        """Mean activation."""
        return np.asarray(self.sum / max(self.count, 1.0))

    def fitting(self, allowed: ndarray, families: Sequence[range]) -> Fitting:
        """Least squares on centred signals and columns."""
        average = self.total / max(self.count, 1.0)
        return Fitting(
            gram=self.gram - self.count * np.outer(average, average),
            moment=(self.moment - np.outer(self.total, self.mean)).T.copy(),
            energy=np.maximum(self.square - self.count * self.mean**2, 0.0),
            allowed=np.broadcast_to(allowed, (len(self.sum), len(self.total))),
            families=families,
        )

    def baseline_error(self, constant: Float[ndarray, " neuron"]) -> Float[ndarray, " neuron"]:
        """Σ (x − constant)² here."""
        return np.asarray(self.square - 2 * constant * self.sum + self.count * constant**2)


@dataclass(frozen=True, eq=False)
class SlotSums:
    """`Moments` restricted to what each neuron's label is made of, members of a group added up."""

    count: float
    gram: Float[ndarray, "neuron slot slot"]
    total: Float[ndarray, "neuron slot"]
    moment: Float[ndarray, "neuron slot"]
    sum: Float[ndarray, " neuron"]
    square: Float[ndarray, " neuron"]

    @classmethod
    def of(cls, moments: Moments, chosen: Chosen) -> SlotSums:
        """Gathered from the sums over all columns."""
        n, slots, width = chosen.shape
        flat = chosen.reshape(n, slots * width)
        used = flat >= 0
        index = np.where(used, flat, 0)
        gram = moments.gram[index[:, :, None], index[:, None, :]].astype(np.float64)
        gram *= used[:, :, None] & used[:, None, :]
        gram = gram.reshape(n, slots, width, slots, width).sum(axis=(2, 4))
        moment = moments.moment[index, np.arange(n)[:, None]] * used
        total = moments.total[index] * used
        return cls(
            moments.count,
            gram,
            total.reshape(chosen.shape).sum(axis=2),
            moment.reshape(chosen.shape).sum(axis=2),
            moments.sum,
            moments.square,
        )

    def weights(self, on: ndarray) -> tuple[ndarray, ndarray, ndarray]:
        """Least-squares weights and constants on some slots, and the errors they leave here."""
        count = max(self.count, 1.0)
        mean, average = self.sum / count, self.total / count
        gram = self.gram - count * average[:, :, None] * average[:, None, :]
        moment = (self.moment - self.total * mean[:, None]) * on
        gram = gram * (on[:, :, None] & on[:, None, :])
        diagonal = np.einsum("nss->ns", gram)
        padding = np.where(diagonal > 1e-9, 1e-9 * diagonal, 1.0)
        gram = gram + np.eye(gram.shape[1]) * padding[:, None, :]
        weight = np.linalg.solve(gram, moment[..., None])[..., 0] * on
        constant = mean - (weight * average).sum(axis=1)
        return weight, constant, self.error(weight, constant)

    def error(
        self, weight: Float[ndarray, "neuron slot"], constant: Float[ndarray, " neuron"]
    ) -> Float[ndarray, " neuron"]:
        """Σ (x − constant − w·f)² here, for weights and constants chosen elsewhere."""
        quadratic = np.einsum("ns,nst,nt->n", weight, self.gram, weight)
        return np.asarray(
            self.square
            - 2 * (weight * self.moment).sum(axis=1)
            - 2 * constant * self.sum
            + quadratic
            + 2 * constant * (weight * self.total).sum(axis=1)
            + self.count * constant**2
        )


@dataclass(frozen=True, eq=False)
class NeuronFit:
    """Labels of neurons as columns, weights and held-out figures; all arrays run over neurons.

    `chosen` is `[neuron, slot, member]`: a slot with several members is a group of tokens.
    `is_class` says of each column whether it is a class of tokens rather than a name for one.
    """

    chosen: ndarray
    weight: ndarray
    constant: ndarray
    gain: ndarray
    p: ndarray
    q: ndarray
    r2: ndarray
    r2_low: ndarray
    r2_high: ndarray
    is_class: ndarray

    def columns(self, neuron: int, slot: int) -> list[int]:
        """The members of one prediction; empty for none."""
        return [int(column) for column in self.chosen[neuron, slot] if column >= 0]

    @property
    def has_class(self) -> ndarray:
        """Neurons in whose label a class takes part."""
        first = self.chosen[:, :, 0]
        return np.asarray((self.is_class[np.maximum(first, 0)] & (first >= 0)).any(axis=1))


def class_columns(
    whole: Statistics, vocabulary: NeuronVocabulary
) -> tuple[list[ClassColumns], ndarray]:
    """Classes here and one back with the token columns of the same place, and which they are.

    Left out: position, and what is one token under another name.
    """
    n, total = len(vocabulary.features), whole["predictor_sum"]
    count, both = whole["tokens"][0], vocabulary.conjunctions
    token, previous, _, _ = vocabulary.families
    found, is_class = [], np.zeros(len(vocabulary), dtype=bool)
    here = np.concatenate([np.arange(n), np.array(both, dtype=np.int64)])
    for columns, family in ((here, token), (np.arange(n, 2 * n), previous)):
        tokens = np.array(family, dtype=np.int64)
        inside = whole["predictor_gram"][np.ix_(tokens, columns)]
        many = effective_tokens(inside, total[columns]) >= FEW_TOKENS
        seen = (total[columns] >= 10) & (total[columns] <= count - 10)
        own = columns[many & seen & ~vocabulary.positional[columns]]
        is_class[own] = True
        if len(own) and len(tokens):
            found.append(ClassColumns(own, tokens))
    return found, is_class


def fit_neurons(
    folds: Sequence[Statistics], vocabulary: NeuronVocabulary, thresholds: Thresholds
) -> NeuronFit:
    """Select on even folds, drop what is not significant on odd ones, judge there."""
    choosing, judging, _, _ = split_folds(len(folds))
    whole = merge(folds[i] for i in choosing)
    places, is_class = class_columns(whole, vocabulary)
    parts = []
    n = len(whole["neuron_sum"])
    for start in range(0, n, CHUNK):
        neurons = slice(start, min(start + CHUNK, n))
        judges = [Moments.of(folds[i], neurons) for i in judging]
        moments = Moments.of(whole, neurons)
        chosen = _chosen(moments, places, is_class, vocabulary, thresholds)
        parts.append((chosen, *_tested(moments, judges, chosen)))
    chosen, gain, p = (np.concatenate([part[i] for part in parts]) for i in range(3))
    first = chosen[:, :, 0]
    named = is_class[np.maximum(first, 0)] & (first >= 0)
    chosen[named & (gain < thresholds.effect_floor)] = -1
    tested = np.where(chosen[:, :, 0] >= 0, p, np.nan)
    q = benjamini_hochberg(tested.ravel()).reshape(p.shape)
    held = passes(q.ravel(), thresholds.false_discovery_rate).reshape(p.shape)
    chosen[~held] = -1
    return _judged(folds, chosen, gain, p, q, is_class)


def _chosen(
    moments: Moments,
    places: list[ClassColumns],
    is_class: ndarray,
    vocabulary: NeuronVocabulary,
    thresholds: Thresholds,
) -> Chosen:
    """Predictions chosen among tokens, positions and the classes that beat random ones.

    Where some do, classes are compared again by what these leave unexplained: "a or b, not both"
    shows its third part only then. Tokens are not taken out, though they explain more: those chosen
    are the neuron's strongest, and what they leave differs between frequent and rare tokens by that
    choice alone, which a class of rare tokens would seem to explain.
    """
    common = (moments.total >= 10) & (moments.total <= moments.count - 10)
    plain = moments.fitting(common & ~is_class, vocabulary.families)
    base = np.flatnonzero(vocabulary.positional & common)

    def passing(fitting: Fitting) -> ndarray:
        sums = _interactions(_without(moments, fitting, base), fitting, vocabulary)
        return allowed_classes(sums, places, thresholds.effect_floor) & common

    def best(fitting: Fitting) -> Chosen:
        return choose(fitting, thresholds.max_neuron_predictions, thresholds.stop_gain)

    allowed = passing(plain)
    some = np.flatnonzero(allowed.any(axis=1))
    if len(some):
        classes = moments.fitting(allowed, vocabulary.families).of(some)
        allowed[some] |= passing(replace(classes, moment=classes.residual(best(classes))))
    return best(moments.fitting(plain.allowed | allowed, vocabulary.families))


def _without(moments: Moments, fitting: Fitting, base: ndarray) -> Sums:
    """Columns and neurons once the columns `base` have explained what they can."""
    own = fitting.gram[np.ix_(base, base)] + 0.1 * np.eye(len(base))
    solved = np.linalg.solve(own, fitting.gram[base])
    return Sums(
        moments.gram,
        moments.total,
        moments.count,
        np.diagonal(fitting.gram) - np.einsum("bc,bc->c", fitting.gram[base], solved),
        fitting.moment - fitting.moment[:, base] @ solved,
        fitting.energy,
    )


def _interactions(sums: Sums, fitting: Fitting, vocabulary: NeuronVocabulary) -> Sums:
    """The same, but of "verb after a comma" only what neither verbs nor commas before explain."""
    spread, moment, n = sums.spread.copy(), sums.moment.copy(), len(vocabulary.features)
    for column, (here, before) in zip(vocabulary.conjunctions, vocabulary.pairs, strict=True):
        parts = [here, n + before]
        own = fitting.gram[np.ix_(parts, parts)] + 0.1 * np.eye(2)
        solved = np.linalg.solve(own, fitting.gram[parts, column])
        spread[column] -= fitting.gram[parts, column] @ solved
        moment[:, column] -= moment[:, parts] @ solved
    return replace(sums, spread=spread, moment=moment)


def _tested(moments: Moments, judges: Sequence[Moments], chosen: Chosen) -> tuple[ndarray, ndarray]:
    """What each prediction gains beside the others (chosen), and its p (judged)."""
    own = SlotSums.of(moments, chosen)
    sums = [SlotSums.of(judged, chosen) for judged in judges]
    on = chosen[:, :, 0] >= 0
    weight, constant, error = own.weights(on)
    full = np.stack([judged.error(weight, constant) for judged in sums])
    energy = np.maximum(moments.baseline_error(moments.mean), 1e-12)
    size = np.stack([judged.baseline_error(moments.mean) for judged in judges])
    gain, p = np.zeros(on.shape), np.ones(on.shape)
    for slot in range(on.shape[1]):
        rest = on.copy()
        rest[:, slot] = False
        weight, constant, left = own.weights(rest)
        less = np.stack([judged.error(weight, constant) for judged in sums])
        p[:, slot] = p_positive(less - full, size)
        gain[:, slot] = (left - error) / energy
    return gain, p


def _judged(
    folds: Sequence[Statistics],
    chosen: Chosen,
    gain: ndarray,
    p: ndarray,
    q: ndarray,
    is_class: ndarray,
) -> NeuronFit:
    """Refit what is left, and its held-out figures."""
    choosing, judging, _, _ = split_folds(len(folds))
    whole = merge(folds[i] for i in choosing)
    parts = []
    for start in range(0, len(chosen), CHUNK):
        neurons = slice(start, min(start + CHUNK, len(chosen)))
        own = chosen[neurons]
        moments = Moments.of(whole, neurons)
        weight, constant, _ = SlotSums.of(moments, own).weights(own[:, :, 0] >= 0)
        judges = [Moments.of(folds[i], neurons) for i in judging]
        error = np.stack([SlotSums.of(m, own).error(weight, constant) for m in judges])
        energy = np.stack([m.baseline_error(moments.mean) for m in judges])
        parts.append((weight, constant, *r_squared(error, energy)))
    weight, constant, r2, low, high = (
        np.concatenate([part[i] for part in parts]) for i in range(5)
    )
    return NeuronFit(chosen, weight, constant, gain, p, q, r2, low, high, is_class)
