"""What a neuron's label adds to the identity of frequent tokens and position: partial R²."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from labeler.fit_neurons import CHUNK, Moments, NeuronFit
from labeler.neuron_select import flattened
from labeler.predictors import NeuronVocabulary
from labeler.statistics import Statistics, merge, split_folds

_RIDGE = 1.0
"""Added to the diagonal, in tokens: a token seen a few times has no mean worth knowing."""


def partial_r2(
    folds: Sequence[Statistics], fit: NeuronFit, vocabulary: NeuronVocabulary
) -> Float[ndarray, " neuron"]:
    """1 − error(token, position, label) / error(token, position), on judging folds.

    Token identity is one column for each frequent token, none for rarer ones, position the bands;
    all is refitted on choosing folds. 0 where the label says nothing but current tokens and
    positions.
    """
    choosing, judging, _, _ = split_folds(len(folds))
    whole = merge(folds[i] for i in choosing)
    base = vocabulary.positional
    base[list(vocabulary.families[0])] = True
    total, count = whole["predictor_sum"], float(whole["tokens"][0])
    base &= (total >= 1) & (total < count)
    parts = []
    for start in range(0, len(fit.chosen), CHUNK):
        neurons = slice(start, min(start + CHUNK, len(fit.chosen)))
        first = fit.chosen[neurons, :, 0]
        inside = np.isin(first, np.flatnonzero(base))
        beyond = np.where(inside[:, :, None], -1, fit.chosen[neurons])
        judges = [Moments.of(folds[i], neurons) for i in judging]
        parts.append(_partial(Moments.of(whole, neurons), judges, np.flatnonzero(base), beyond))
    return np.concatenate(parts)


def _partial(
    moments: Moments, judges: Sequence[Moments], base: ndarray, beyond: ndarray
) -> ndarray:
    fitting = moments.fitting(np.ones(len(moments.total), dtype=bool), ())
    own = fitting.gram[np.ix_(base, base)] + _RIDGE * np.eye(len(base))
    solved = np.linalg.solve(own, fitting.gram[base])
    left = replace(
        fitting,
        gram=fitting.gram - fitting.gram[base].T @ solved,
        moment=fitting.moment - fitting.moment[:, base] @ solved,
    )
    weight, _ = left.weights(beyond)
    columns, flat = flattened(beyond, weight)
    said = np.zeros(fitting.moment.shape)
    rows, places = np.nonzero(columns >= 0)
    np.add.at(said, (rows, columns[rows, places]), flat[rows, places])
    plain = np.zeros_like(said)
    plain[:, base] = np.linalg.solve(own, fitting.moment[:, base].T).T
    full = said.copy()
    full[:, base] += plain[:, base] - said @ solved.T
    before = sum(_errors(judged, plain, moments) for judged in judges)
    after = sum(_errors(judged, full, moments) for judged in judges)
    before = np.asarray(before)
    return np.where(before > 1e-9, 1 - np.asarray(after) / np.maximum(before, 1e-9), 0.0)


def _errors(judged: Moments, weight: ndarray, chosen: Moments) -> ndarray:
    """Σ (x − constant − w·f)² on other folds, for weights over all columns."""
    constant = chosen.mean - weight @ (chosen.total / max(chosen.count, 1.0))
    quadratic = np.einsum("np,np->n", weight @ judged.gram, weight)
    linear = np.einsum("np,pn->n", weight, judged.moment)
    return np.asarray(
        judged.baseline_error(constant)
        - 2 * linear
        + quadratic
        + 2 * constant * (weight @ judged.total)
    )
