"""Statistics → labels of neurons: the same selection as for heads, features for relations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from labeler.fit_heads import split_folds
from labeler.intervals import benjamini_hochberg, p_positive, passes, r_squared
from labeler.select import Problem, Selection, select
from labeler.statistics import Statistics, merge
from labeler.thresholds import Thresholds

CHUNK = 4096


@dataclass(frozen=True, eq=False)
class Moments:
    """Sums about some neurons over some folds, enough for the error of any linear prediction."""

    count: float
    gram: Float[ndarray, "predictor predictor"]
    total: Float[ndarray, " predictor"]
    moment: Float[ndarray, "predictor neuron"]
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

    def problem(self, allowed: ndarray) -> Problem:
        """Least squares on centred signals and predictors."""
        average = self.total / max(self.count, 1.0)
        return Problem(
            gram=self.gram - self.count * np.outer(average, average),
            moment=(self.moment - np.outer(self.total, self.mean)).T,
            energy=np.maximum(self.square - self.count * self.mean**2, 0.0),
            allowed=np.broadcast_to(allowed, (len(self.sum), len(allowed))),
            nonnegative=False,
        )

    def error(
        self, own: Selection, constant: Float[ndarray, " neuron"]
    ) -> Float[ndarray, " neuron"]:
        """Σ (x − constant − w·f)² here, for weights and constants chosen elsewhere."""
        index = np.where(own.chosen >= 0, own.chosen, 0)
        weight = own.weight * (own.chosen >= 0)
        columns = np.arange(len(self.sum))[:, None]
        linear = (weight * self.moment[index, columns]).sum(axis=1)
        total = (weight * self.total[index]).sum(axis=1)
        gram = self.gram[index[:, :, None], index[:, None, :]]
        quadratic = np.einsum("ni,nij,nj->n", weight, gram, weight)
        return np.asarray(
            self.square
            - 2 * linear
            - 2 * constant * self.sum
            + quadratic
            + 2 * constant * total
            + self.count * constant**2
        )


@dataclass(frozen=True, eq=False)
class NeuronFit:
    """Labels of neurons as indices, weights and held-out figures; all arrays run over neurons."""

    chosen: ndarray
    weight: ndarray
    constant: ndarray
    gain: ndarray
    p: ndarray
    q: ndarray
    r2: ndarray
    r2_low: ndarray
    r2_high: ndarray


def _centre(moments: Moments, own: Selection) -> ndarray:
    """The constant that goes with weights: the mean left over."""
    average = moments.total / max(moments.count, 1.0)
    index = np.where(own.chosen >= 0, own.chosen, 0)
    return np.asarray(moments.mean - (own.weight * (own.chosen >= 0) * average[index]).sum(axis=1))


def without(problem: Problem, own: Selection, slot: int) -> Selection:
    """The selection with one prediction left out and the rest refitted."""
    chosen = own.chosen.copy()
    chosen[:, slot] = -1
    weight = problem.weights(chosen)
    return Selection(chosen, weight, problem.error(chosen, weight))


def allowed_predictors(statistics: Statistics) -> ndarray:
    """Predictors that are neither always nor hardly ever true."""
    total, count = statistics["predictor_sum"], statistics["tokens"][0]
    return (total >= 10) & (total <= count - 10)


def fit_neurons(folds: Sequence[Statistics], thresholds: Thresholds) -> NeuronFit:
    """Select on even folds, drop what is not significant on odd ones, judge there."""
    choose, judge, _, _ = split_folds(len(folds))
    whole = merge(folds[i] for i in choose)
    allowed = allowed_predictors(whole)
    n = len(whole["neuron_sum"])
    parts = []
    for start in range(0, n, CHUNK):
        neurons = slice(start, min(start + CHUNK, n))
        judges = [Moments.of(folds[i], neurons) for i in judge]
        parts.append(_chunk(Moments.of(whole, neurons), judges, allowed, thresholds))
    joined = [np.concatenate([part[i] for part in parts]) for i in range(len(parts[0]))]
    chosen, _weight, gain, p = joined
    q = benjamini_hochberg(np.where(chosen >= 0, p, np.nan).ravel()).reshape(p.shape)
    chosen = np.where(
        passes(q.ravel(), thresholds.false_discovery_rate).reshape(p.shape), chosen, -1
    )
    return _judged(folds, judge, whole, chosen, gain, p, q, allowed)


def _chunk(
    moments: Moments, judges: Sequence[Moments], allowed: ndarray, thresholds: Thresholds
) -> tuple[ndarray, ndarray, ndarray, ndarray]:
    problem = moments.problem(allowed)
    own = select(problem, thresholds.max_neuron_predictions, thresholds.stop_gain, sweeps=1)
    constant = _centre(moments, own)
    full = np.stack([judged.error(own, constant) for judged in judges])
    energy = np.maximum(problem.energy, 1e-12)
    gain, p = np.zeros(own.chosen.shape), np.ones(own.chosen.shape)
    for slot in range(own.chosen.shape[1]):
        less = without(problem, own, slot)
        left = _centre(moments, less)
        error = np.stack([judged.error(less, left) for judged in judges])
        p[:, slot] = p_positive(error - full)
        gain[:, slot] = (less.error - own.error) / energy
    return own.chosen, own.weight, gain, p


def _judged(
    folds: Sequence[Statistics],
    judge: list[int],
    whole: Statistics,
    chosen: ndarray,
    gain: ndarray,
    p: ndarray,
    q: ndarray,
    allowed: ndarray,
) -> NeuronFit:
    """Refit what is left, and its held-out figures."""
    everything = slice(None)
    moments = Moments.of(whole, everything)
    weight = np.zeros(chosen.shape)
    for start in range(0, len(chosen), CHUNK):
        part = np.arange(start, min(start + CHUNK, len(chosen)))
        neurons = slice(start, start + len(part))
        weight[part] = Moments.of(whole, neurons).problem(allowed).weights(chosen[part])
    own = Selection(chosen, weight, np.zeros(len(chosen)))
    constant = _centre(moments, own)
    mean = moments.mean
    nothing = Selection(chosen[:, :0], weight[:, :0], np.zeros(len(chosen)))
    errors, energies = [], []
    for index in judge:
        judged = Moments.of(folds[index], everything)
        errors.append(judged.error(own, constant))
        energies.append(judged.error(nothing, mean))
    r2, low, high = r_squared(np.stack(errors), np.stack(energies))
    return NeuronFit(chosen, weight, constant, gain, p, q, r2, low, high)
