"""Findings about neurons: labels, their figures beside a re-initialised copy, evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy import ndarray

from labeler.activations import activation_pictures
from labeler.columns import Columns
from labeler.engines.forked import meanwhile
from labeler.evidence import NeuronEvidence, fill_values
from labeler.fit_neurons import NeuronFit, fit_neurons
from labeler.neuron_output import neuron_outputs
from labeler.neuron_tables import NeuronTable, constant
from labeler.pairs import pair_rows
from labeler.partial import partial_r2
from labeler.predictors import predictors
from labeler.prepare import Prepared
from labeler.reinitialised import neuron_statistics, reinitialised
from labeler.session import Session
from labeler.statistics import Statistics, merge

HELD_OUT = ("r2", "r2_low", "r2_high", "r2_partial", "r2_reinitialised")


@dataclass(frozen=True, eq=False)
class NeuronFindings:
    """Tables by file, the figures that sum neurons up, and what pictures are drawn from."""

    tables: dict[str, pd.DataFrame]
    figures: dict[str, float | None]
    pictures: dict[str, Any]


@dataclass(frozen=True, eq=False)
class NeuronNumbers:
    """What statistics and weights say about neurons, before any activation is looked at.

    `columns` has an entry a neuron: columns of `neurons.parquet` that need no label.
    """

    fit: NeuronFit
    columns: list[dict[str, Any]]
    pairs: list[dict[str, Any]]
    figures: dict[str, float | None]


def neuron_numbers(session: Session, folds: Sequence[Statistics]) -> NeuronNumbers:
    """The fit of all neurons, pairs with heads, and the fit of a copy that has learnt nothing."""
    limits, vocabulary = session.settings.thresholds, session.vocabulary.neurons
    fit = fit_neurons(folds, vocabulary, limits)
    columns = [dict(row) for row in neuron_outputs(session.model)]
    _put(columns, "r2_partial", partial_r2(folds, fit, vocabulary))
    texts, budget = session.neuron_columns(), session.settings.token_budget
    pairs = pair_rows(session.model, texts, budget)
    figures = summary("", fit, ~constant(folds))
    if session.settings.reinitialised:
        other, live = reinitialised_fit(session, texts)
        _put(columns, "r2_reinitialised", np.where(live, other.r2, np.nan))
        figures |= summary("_reinitialised", other, live)
        figures["neurons_reinitialised_prompts"] = sum(map(len, texts))
    return NeuronNumbers(fit, columns, pairs, figures)


def neuron_findings(
    session: Session,
    folds: Sequence[Statistics],
    evidence: NeuronEvidence,
    shown: Sequence[Prepared],
    numbers: NeuronNumbers,
    fork: bool,
) -> NeuronFindings:
    """Labels of all neurons; `predictions.parquet` among the tables has their rows only.

    With `fork`, pictures are made in a copy of this process meanwhile.
    """
    table = NeuronTable(
        fit=numbers.fit,
        names=session.model.shape.neurons,
        predictors=predictors(session.vocabulary.neurons, session.model.token_string),
        statistics=merge(folds),
        evidence=evidence,
        sample=reservoir_columns(evidence),
        limits=session.settings.thresholds,
    )
    with meanwhile(partial(_pictures, session, table, shown), fork) as pictures:
        examples = list(table.examples())
        fill_values(examples, evidence.items, session.model)
        tables = {
            "neurons.parquet": pd.DataFrame(list(table.rows(numbers.columns))),
            "predictions.parquet": pd.DataFrame(list(table.predictions())),
            "evidence/neurons.parquet": pd.DataFrame(examples),
            "pairs.parquet": pd.DataFrame(numbers.pairs),
        }
        figures = numbers.figures
        if not session.n_folds:  # the prompts that chose are those that would judge
            figures = dict.fromkeys(figures)
            neurons = tables["neurons.parquet"]
            neurons[neurons.columns.intersection(HELD_OUT)] = np.nan
        return NeuronFindings(tables, figures, pictures())


def _pictures(session: Session, table: NeuronTable, shown: Sequence[Prepared]) -> dict[str, Any]:
    mean, std = table.moments()
    features = [item.name for item in session.vocabulary.features]
    return activation_pictures(
        session.model, table.evidence.items, shown, mean, std, features, session.settings.seed
    )


def _put(rows: list[dict[str, Any]], name: str, values: ndarray) -> None:
    for row, value in zip(rows, values.tolist(), strict=True):
        row[name] = value


def reservoir_columns(evidence: NeuronEvidence) -> ndarray:
    """The columns of every token of the reservoir, `[token, column]`."""
    columns = sp.vstack([item.predictors for item in evidence.items], format="csr")
    starts = np.concatenate([[0], np.cumsum([len(item) for item in evidence.items])])
    rows = [int(starts[text]) + position for text, position in evidence.places]
    return np.asarray(columns[rows].toarray(), dtype=np.float32)


def summary(suffix: str, fit: NeuronFit, live: ndarray) -> dict[str, float | None]:
    """Median R², the fraction of live neurons at 0.1 and more, and of those with a class."""
    r2, has_class = fit.r2[live], fit.has_class[live]
    names = ("neurons_r2_median", "neurons_r2_above_0.1", "neurons_with_class")
    if not len(r2):
        return {f"{name}{suffix}": None for name in names}
    values = (float(np.median(r2)), float((r2 >= 0.1).mean()), float(has_class.mean()))
    return {f"{name}{suffix}": value for name, value in zip(names, values, strict=True)}


def reinitialised_fit(
    session: Session, by_fold: Sequence[Sequence[Columns]]
) -> tuple[NeuronFit, ndarray]:
    """The same fit on a re-initialised copy, and which of its neurons are live."""
    n_columns, budget = len(session.vocabulary.neurons), session.settings.token_budget
    with reinitialised(session.model, session.settings.seed) as model:
        folds = [neuron_statistics(model, texts, n_columns, budget) for texts in by_fold]
    fit = fit_neurons(folds, session.vocabulary.neurons, session.settings.thresholds)
    return fit, ~constant(folds)
