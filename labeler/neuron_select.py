"""Choosing predictions for neurons: single ones, or groups of up to eight tokens as one.

A group is the sum of columns that exclude each other ("moon", "star" or "sky"), with one weight, so
its second moments are sums of those of its members and nothing has to be counted for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

WIDTH = 8
"""The most tokens in a group: a label says all of them."""

GROWTH = 0.1
"""What a further token must add to the gain of its group."""

PLAINNESS = 0.6
"""A prediction by itself is preferred to a group unless that gains much more."""

FAINT = 1e-5
"""A gain of less than so much of a neuron's variance is not worth a word: no figure shows it, and
where all else is explained it may be no more than what activations and their sums round to."""

_RIDGE = 1e-9

Chosen = Int[ndarray, "neuron slot member"]
"""Columns of each neuron's predictions; −1 for none. A single prediction has one member."""


@dataclass(frozen=True, eq=False)
class Fitting:
    """Least squares for many neurons on centred columns: error(w) = energy − 2 w·m + wᵀ gram w.

    `families` are ranges of columns that exclude each other; groups are formed within one.
    """

    gram: Float[ndarray, "column column"]
    moment: Float[ndarray, "neuron column"]
    energy: Float[ndarray, " neuron"]
    allowed: Bool[ndarray, "neuron column"]
    families: Sequence[range]

    def of(self, neurons: ndarray | slice) -> Fitting:
        """The same for some of the neurons."""
        return replace(
            self,
            moment=self.moment[neurons],
            energy=self.energy[neurons],
            allowed=self.allowed[neurons],
        )

    def weights(self, chosen: Chosen) -> tuple[ndarray, ndarray]:
        """Least-squares weights `[neuron, slot]` and the errors that they leave."""
        n, slots, width = chosen.shape
        used = (chosen >= 0).reshape(n, slots * width)
        index = np.where(used, chosen.reshape(n, slots * width), 0)
        every = self.gram[index[:, :, None], index[:, None, :]]
        every *= used[:, :, None] & used[:, None, :]
        gram = every.reshape(n, slots, width, slots, width).sum(axis=(2, 4))
        moment = np.take_along_axis(self.moment, index, axis=1) * used
        moment = moment.reshape(chosen.shape).sum(axis=2)
        gram += _padding(gram)
        weight = np.linalg.solve(gram, moment[..., None])[..., 0]
        return weight, np.asarray(self.energy - (weight * moment).sum(axis=1))

    def _slots(self, chosen: Chosen) -> tuple[ndarray, ndarray, ndarray]:
        """Sums over the members of each slot: rows of the Gram matrix, Gram and moment."""
        n, slots, width = chosen.shape
        cross = np.zeros((n, slots, len(self.gram)), dtype=self.gram.dtype)
        moment = np.zeros((n, slots))
        rows = np.arange(n)
        for slot in range(slots):
            for member in range(width):
                column = chosen[:, slot, member]
                used = np.flatnonzero(column >= 0)
                if not len(used):
                    break
                cross[used, slot] += self.gram[column[used]]
                moment[used, slot] += self.moment[used, column[used]]
        gram = np.zeros((n, slots, slots))
        for slot in range(slots):
            for member in range(width):
                column = chosen[:, slot, member]
                there = column >= 0
                if not there.any():
                    break
                gram[:, :, slot] += cross[rows, :, np.where(there, column, 0)] * there[:, None]
        return cross, gram + _padding(gram), moment

    def residual(self, chosen: Chosen) -> Float[ndarray, "neuron column"]:
        """Moments of the columns with what a label leaves unexplained."""
        cross, gram, moment = self._slots(chosen)
        weight = np.linalg.solve(gram, moment[..., None])[..., 0]
        return np.asarray(self.moment - np.einsum("nsp,ns->np", cross, weight))

    def best(self, chosen: Chosen) -> tuple[Int[ndarray, "neuron member"], ndarray]:
        """The prediction or group that removes most of the error left, and how much it removes."""
        n = len(self.energy)
        residual = self.moment
        schur = np.broadcast_to(np.diagonal(self.gram), residual.shape)
        if chosen.shape[1]:
            cross, gram, moment = self._slots(chosen)
            solved = np.linalg.solve(gram, cross)
            residual = residual - np.einsum("nsp,ns->np", solved, moment)
            schur = schur - np.einsum("nsp,nsp->np", solved, cross)
        scale = np.maximum(np.diagonal(self.gram), 1e-12)
        usable = self.allowed & (schur > 1e-4 * scale)
        taken = chosen.reshape(n, -1)
        rows, places = np.nonzero(taken >= 0)
        usable[rows, taken[rows, places]] = False
        single = np.where(usable, residual**2 / np.where(usable, schur, 1.0), 0.0)
        column = single.argmax(axis=1)
        gain = single[np.arange(n), column]
        members = np.full((n, WIDTH), -1, dtype=np.int64)
        members[:, 0] = column
        for family in self.families:
            own = slice(family.start, family.stop)
            for sign in (1.0, -1.0):
                group, gained = _grow(sign * residual[:, own], schur[:, own], usable[:, own])
                better = PLAINNESS * gained > gain
                members[better] = np.where(group >= 0, group + family.start, -1)[better]
                gain = np.where(better, gained, gain)
        return members, gain


def _padding(gram: Float[ndarray, "neuron slot slot"]) -> Float[ndarray, "neuron slot slot"]:
    """What keeps a Gram matrix solvable: a grain of its diagonal, 1 where a slot is empty."""
    diagonal = np.einsum("nss->ns", gram)
    padding = np.where(diagonal <= 1e-9, 1.0, _RIDGE * diagonal)
    return np.asarray(np.eye(gram.shape[1]) * padding[:, None, :])


def _grow(residual: ndarray, schur: ndarray, usable: ndarray) -> tuple[ndarray, ndarray]:
    """Greedily the group with the largest (Σ residual)² / Σ schur, for each neuron."""
    n = len(residual)
    rows = np.arange(n)
    open_ = usable & (residual > 0)
    members = np.full((n, WIDTH), -1, dtype=np.int64)
    over, under, gain = np.zeros((n, 1)), np.zeros((n, 1)), np.zeros(n)
    growing = np.ones(n, dtype=bool)
    if not residual.shape[1]:
        return members, gain
    safe = np.where(open_, schur, 1.0)
    for place in range(WIDTH):
        gains = np.where(open_, (over + residual) ** 2 / (under + safe), 0.0)
        best = gains.argmax(axis=1)
        found = gains[rows, best]
        growing &= found > gain * (1 + GROWTH)
        if not growing.any():
            break
        members[growing, place] = best[growing]
        over[growing, 0] += residual[rows, best][growing]
        under[growing, 0] += schur[rows, best][growing]
        gain = np.where(growing, found, gain)
        open_[rows[growing], best[growing]] = False
    return members, gain


def choose(fitting: Fitting, slots: int, stop: float) -> Chosen:
    """Forward selection, then exchanges: at most `slots` predictions or groups for each neuron.

    One is added while it removes at least `stop` of the error that is left, and `FAINT` of all;
    afterwards each is exchanged where another would serve better.
    """
    n = len(fitting.energy)
    chosen = np.full((n, slots, WIDTH), -1, dtype=np.int64)
    error = fitting.energy.copy()
    growing = error > 1e-9
    for slot in range(slots):
        members, gain = fitting.best(chosen[:, :slot])
        growing &= gain >= np.maximum(stop * error, FAINT * fitting.energy)
        if not growing.any():
            break
        chosen[growing, slot] = members[growing]
        _, error = fitting.weights(chosen[:, : slot + 1])
    for slot in range(slots):
        _exchange(fitting, chosen, slot)
    return chosen


def _exchange(fitting: Fitting, chosen: Chosen, slot: int) -> None:
    """Give one slot to whatever fills it best, in place."""
    filled = np.flatnonzero(chosen[:, slot, 0] >= 0)
    if not len(filled):
        return
    part, before = fitting.of(filled), chosen[filled]
    members, _ = part.best(np.delete(before, slot, axis=1))
    after = before.copy()
    after[:, slot] = members
    better = part.weights(after)[1] < part.weights(before)[1] * (1 - 1e-9)
    chosen[filled[better], slot] = members[better]


def flattened(chosen: Chosen, weight: Float[ndarray, "neuron slot"]) -> tuple[ndarray, ndarray]:
    """Columns and weights as if each member were a prediction: `[neuron, slot · member]`."""
    n, slots, width = chosen.shape
    flat = chosen.reshape(n, slots * width)
    return flat, np.repeat(weight, width, axis=1) * (flat >= 0)
