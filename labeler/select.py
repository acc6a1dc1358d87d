"""Choosing few predictions for many signals at once, from second moments alone.

All signals share the Gram matrix of the predictions; nothing here loops over signals.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain, combinations

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

_RIDGE = 1e-9
SWEEPS = 2


@dataclass(frozen=True, eq=False)
class Problem:
    """Least squares for many signals, weights ≥ 0: error(w) = energy − 2 w·moment + wᵀ gram w.

    `allowed` says which predictions a signal may be given. Weights are held to
    Σ coverage · weight ≤ 1: shares of attention. `level` ranks predictions by simplicity, the
    simplest lowest. Where a signal has an `own` gram too, it adds to that of all; `place` says
    where a prediction stands in it.
    """

    gram: Float[ndarray, "prediction prediction"]
    moment: Float[ndarray, "signal prediction"]
    energy: Float[ndarray, " signal"]
    allowed: Bool[ndarray, "signal prediction"]
    coverage: Float[ndarray, " prediction"]
    level: Int[ndarray, " prediction"] | None = None
    own: Float[ndarray, "signal own own"] | None = None
    place: Int[ndarray, "signal prediction"] | None = None

    def of(self, signals: ndarray) -> Problem:
        """The same for some of the signals."""
        return replace(
            self,
            moment=self.moment[signals],
            energy=self.energy[signals],
            allowed=self.allowed[signals],
            own=None if self.own is None else self.own[signals],
            place=None if self.place is None else self.place[signals],
        )

    def error(
        self, chosen: Int[ndarray, "signal slot"], weight: Float[ndarray, "signal slot"]
    ) -> Float[ndarray, " signal"]:
        """The squared error of given weights on chosen predictions; slot −1 is empty."""
        gram, moment = self._sub(chosen)
        linear = (weight * moment).sum(axis=1)
        square = np.einsum("ni,nij,nj->n", weight, gram, weight)
        return self.energy - 2 * linear + square

    def _sub(self, chosen: Int[ndarray, "signal slot"]) -> tuple[ndarray, ndarray]:
        """Gram and moment restricted to each signal's choice; empty slots stand apart."""
        used = chosen >= 0
        index = np.where(used, chosen, 0)
        gram = self._gram(index[:, :, None], index[:, None, :])
        gram = gram * (used[:, :, None] & used[:, None, :])
        moment = np.take_along_axis(self.moment, index, axis=1) * used
        return gram, moment

    def _gram(
        self, first: Int[ndarray, "_ _ _"], second: Int[ndarray, "_ _ _"]
    ) -> Float[ndarray, "_ _ _"]:
        """Places of each signal's gram."""
        found = self.gram[first, second]
        if self.own is None or self.place is None:
            return found
        signal = np.arange(len(self.energy))[:, None, None]
        return found + self.own[signal, self.place[signal, first], self.place[signal, second]]

    def _squares(self) -> Float[ndarray, "signal prediction"]:
        """The diagonal of each signal's gram."""
        every = np.arange(len(self.gram))[None, :, None]
        return self._gram(every, every)[:, :, 0]

    def weights(self, chosen: Int[ndarray, "signal slot"]) -> Float[ndarray, "signal slot"]:
        """Least-squares weights, exactly; ≥ 0 by trying every support if need be."""
        gram, moment = self._sub(chosen)
        if chosen.shape[1] == 0:
            return np.zeros(chosen.shape)
        best = self._held(gram, moment, chosen, chosen >= 0)
        stuck = np.flatnonzero((best < 0).any(axis=1))
        if len(stuck):
            best[stuck] = self._by_support(gram[stuck], moment[stuck], chosen[stuck])
        return best

    def _by_support(self, gram: ndarray, moment: ndarray, chosen: ndarray) -> ndarray:
        """The best of all supports whose weights come out ≥ 0."""
        slots = chosen.shape[1]
        best = np.zeros(chosen.shape)
        lowest = np.zeros(len(chosen))
        supports = chain.from_iterable(combinations(range(slots), k) for k in range(1, slots + 1))
        for support in supports:
            on = np.zeros(slots, dtype=bool)
            on[list(support)] = True
            weight = self._held(gram, moment, chosen, (chosen >= 0) & on)
            square = np.einsum("ni,nij,nj->n", weight, gram, weight)
            gain = square - 2 * (weight * moment).sum(axis=1)
            better = (weight >= 0).all(axis=1) & (gain < lowest)
            best[better], lowest[better] = weight[better], gain[better]
        return best

    def _held(self, gram: ndarray, moment: ndarray, chosen: ndarray, on: ndarray) -> ndarray:
        """Least squares on a support; where the shares pass 1, under Σ coverage · weight = 1."""
        coverage = self.coverage[np.where(chosen >= 0, chosen, 0)] * on
        solved = _solve(gram, np.stack([moment, coverage], axis=-1), on)
        weight, direction = solved[..., 0], solved[..., 1]
        excess = np.maximum((coverage * weight).sum(axis=1) - 1.0, 0.0)
        length = np.maximum((coverage * direction).sum(axis=1), 1e-12)
        return np.asarray(weight - direction * (excess / length)[:, None])

    def gains(self, chosen: Int[ndarray, "signal slot"]) -> Float[ndarray, "signal prediction"]:
        """By how much the error falls if one prediction more is let in, weights refitted."""
        used = chosen >= 0
        gram, moment = self._sub(chosen)
        index = np.where(used, chosen, 0)
        every = np.arange(len(self.gram))[None, None, :]
        cross = self._gram(index[:, :, None], every) * used[:, :, None]
        residual = self.moment.copy()
        square = self._squares()
        schur = np.broadcast_to(square, residual.shape).copy()
        if chosen.shape[1]:
            padded = gram + np.eye(chosen.shape[1]) * ~used[:, :, None]
            solved = np.linalg.solve(_ridged(padded), cross)
            residual -= np.einsum("nsp,ns->np", solved, moment)
            schur -= np.einsum("nsp,nsp->np", solved, cross)
        scale = np.maximum(square, 1e-12)
        usable = self.allowed & (schur > 1e-6 * scale) & (residual > 0)
        gain = np.where(usable, residual**2 / np.where(usable, schur, 1.0), 0.0)
        rows, slots = np.nonzero(used)
        gain[rows, chosen[rows, slots]] = 0.0
        return gain


def _ridged(gram: ndarray) -> ndarray:
    diagonal = np.einsum("...ii->...i", gram)
    return np.asarray(gram + np.eye(gram.shape[-1]) * (_RIDGE * diagonal[..., None] + 1e-12))


def _solve(
    gram: Float[ndarray, "signal slot slot"],
    right: Float[ndarray, "signal slot side"],
    on: Bool[ndarray, "signal slot"],
) -> Float[ndarray, "signal slot side"]:
    """Solutions on the slots that are on; 0 elsewhere."""
    both = on[:, :, None] & on[:, None, :]
    padded = np.where(both, gram, 0.0) + np.eye(gram.shape[-1]) * ~on[:, :, None]
    return np.asarray(np.linalg.solve(_ridged(padded), right * on[:, :, None]))


@dataclass(frozen=True, eq=False)
class Selection:
    """What was chosen: prediction indices by signal (−1 for none), their weights, the errors."""

    chosen: Int[ndarray, "signal slot"]
    weight: Float[ndarray, "signal slot"]
    error: Float[ndarray, " signal"]


def select(
    problem: Problem,
    slots: int,
    stop: float = 0.01,
    floor: float = 0.0,
    margin: float = 0.0,
) -> Selection:
    """Forward selection, then exchanges: at most `slots` predictions for each signal.

    A prediction is added while it removes at least `stop` of the error that is left and `floor` of
    the error at the start; afterwards each chosen one is exchanged where another would serve
    better, then for a simpler one that serves as well to within `margin` of the error at the
    start; what is no longer worth `floor` leaves.
    """
    n = len(problem.energy)
    chosen = np.full((n, slots), -1, dtype=np.int64)
    error = problem.energy.copy()
    least = np.maximum(floor * problem.energy, 1e-12)
    open_ = np.ones(n, dtype=bool)
    for slot in range(slots):
        gain = problem.gains(chosen[:, :slot])
        best = gain.argmax(axis=1)
        open_ &= gain[np.arange(n), best] >= np.maximum(stop * error, least)
        chosen[open_, slot] = best[open_]
        weight = problem.weights(chosen[:, : slot + 1])
        error = problem.error(chosen[:, : slot + 1], weight)
        if not open_.any():
            break
    for _ in range(SWEEPS):
        if not _exchange(problem, chosen):
            break
    if problem.level is not None and margin > 0:
        _simplify(problem, chosen, problem.level, margin)
    if floor > 0:
        _prune(problem, chosen, least)
    weight = problem.weights(chosen)
    chosen = np.where(weight != 0, chosen, -1)
    return Selection(chosen, weight, problem.error(chosen, weight))


def _simplify(
    problem: Problem,
    chosen: Int[ndarray, "signal slot"],
    level: Int[ndarray, " prediction"],
    margin: float,
) -> None:
    """Give every slot to the simplest that fills it as well, to within a margin, in place."""
    for slot in range(chosen.shape[1]):
        filled = np.flatnonzero(chosen[:, slot] >= 0)
        if not len(filled):
            continue
        part, before = problem.of(filled), chosen[filled]
        spare = margin * part.energy
        gains = part.gains(np.delete(before, slot, axis=1))
        own = np.take_along_axis(gains, before[:, [slot]], axis=1)
        near = (gains > 0) & (gains >= own - spare[:, None])
        near &= level[None, :] < level[before[:, slot]][:, None]
        cost = np.where(near, level[None, :] - gains / (1 + part.energy[:, None]), np.inf)
        after = before.copy()
        after[:, slot] = cost.argmin(axis=1)
        old = part.error(before, part.weights(before))
        new = part.error(after, part.weights(after))
        simpler = near.any(axis=1) & (new <= old + spare)
        chosen[filled[simpler], slot] = after[simpler, slot]


def _prune(
    problem: Problem, chosen: Int[ndarray, "signal slot"], least: Float[ndarray, " signal"]
) -> None:
    """Take out, in place, what is least missed, while it is worth less than asked."""
    rows, slots = np.arange(len(chosen)), chosen.shape[1]
    for _ in range(slots):
        whole = problem.error(chosen, problem.weights(chosen))
        worth = np.full(chosen.shape, np.inf)
        for slot in range(slots):
            less = chosen.copy()
            less[:, slot] = -1
            used = chosen[:, slot] >= 0
            error = problem.error(less, problem.weights(less))
            worth[used, slot] = (error - whole)[used]
        weakest = worth.argmin(axis=1)
        idle = worth[rows, weakest] < least
        if not idle.any():
            break
        chosen[rows[idle], weakest[idle]] = -1


def _exchange(problem: Problem, chosen: Int[ndarray, "signal slot"]) -> bool:
    """Give every slot to whatever fills it best, in place; true if anything changed."""
    changed = False
    for slot in range(chosen.shape[1]):
        filled = np.flatnonzero(chosen[:, slot] >= 0)
        if not len(filled):
            continue
        part = problem.of(filled)
        before = chosen[filled]
        others = np.delete(before, slot, axis=1)
        best = part.gains(others).argmax(axis=1)
        after = before.copy()
        after[:, slot] = best
        old = part.error(before, part.weights(before))
        new = part.error(after, part.weights(after))
        better = (new < old * (1 - 1e-9)) & (best != before[:, slot])
        chosen[filled[better], slot] = best[better]
        changed |= bool(better.any())
    return changed


def nnls(
    gram: Float[ndarray, "class prediction prediction"],
    moment: Float[ndarray, "class signal prediction"],
    least: Float[ndarray, "class prediction"] | float = 1e-9,
    iterations: int = 400,
) -> Float[ndarray, "class signal prediction"]:
    """Non-negative least squares on all predictions, by accelerated projected gradient.

    Beck and Teboulle 2009, with O'Donoghue and Candès' restart (2015); predictions are scaled to
    unit length first. One whose square is under `least` is nothing but rounding, below 0 even, on
    which a gradient runs away: its weight is 0.
    """
    square = np.einsum("cpp->cp", gram)
    scale = np.where(square > least, 1.0 / np.sqrt(np.maximum(square, least)), 0.0)
    scaled = gram * scale[:, :, None] * scale[:, None, :]
    target = moment * scale[:, None, :]
    step = 1.0 / np.maximum(np.abs(scaled).sum(axis=2).max(axis=1), 1e-9)[:, None, None]
    weight = np.zeros_like(target)
    ahead, momentum = weight, np.ones((*target.shape[:2], 1))
    for _ in range(iterations):
        slope = ahead @ scaled - target
        new = np.maximum(ahead - step * slope, 0.0)
        restart = (slope * (new - weight)).sum(axis=2, keepdims=True) > 0
        momentum = np.where(restart, 1.0, momentum)
        following = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead = np.where(restart, new, new + (momentum - 1) / following * (new - weight))
        weight, momentum = new, following
    return np.asarray(weight * scale[:, None, :])
