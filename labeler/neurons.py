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

    `columns` are of `neurons.parquet`, a row a neuron, and need no label.
    """

    fit: NeuronFit
    columns: pd.DataFrame
    pairs: list[dict[str, Any]]
    figures: dict[str, float | None]


@dataclass(frozen=True, eq=False)
class NeuronControl:
    """The same of a copy that has learnt nothing; empty where none was asked for."""

    columns: pd.DataFrame
    figures: dict[str, float | None]


def neuron_numbers(session: Session, folds: Sequence[Statistics]) -> NeuronNumbers:
    """The fit of all neurons, what they do to the next token, and pairs with heads."""
    vocabulary, model = session.vocabulary.neurons, session.model
    fit = fit_neurons(folds, vocabulary, session.settings.thresholds)
    columns = pd.DataFrame(neuron_outputs(model))
    columns["r2_partial"] = partial_r2(folds, fit, vocabulary)
    pairs = pair_rows(model, session.neuron_columns(), session.settings.token_budget)
    return NeuronNumbers(fit, columns, pairs, summary("", fit, ~constant(folds)))


def neuron_control(session: Session) -> NeuronControl:
    """The fit of a re-initialised copy's neurons."""
    if not session.settings.reinitialised:
        return NeuronControl(pd.DataFrame(), {})
    texts = session.neuron_columns()
    fit, live = reinitialised_fit(session, texts)
    figures = summary("_reinitialised", fit, live)
    figures["neurons_reinitialised_prompts"] = sum(map(len, texts))
    r2 = np.where(live, fit.r2, np.nan)
    return NeuronControl(pd.DataFrame({"r2_reinitialised": r2}), figures)


def neuron_findings(
    session: Session,
    folds: Sequence[Statistics],
    evidence: NeuronEvidence,
    shown: Sequence[Prepared],
    numbers: NeuronNumbers,
    control: NeuronControl,
    fork: bool,
) -> NeuronFindings:
    """Labels of all neurons; `predictions.parquet` among the tables has their rows only.

    With `fork`, figures and pictures are made in a copy of this process while evidence is.
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
    with meanwhile(partial(_drawn, session, table, shown), fork) as drawn:
        examples = list(table.examples())
        fill_values(examples, evidence.items, session.model)
        tables = {
            "predictions.parquet": pd.DataFrame(list(table.predictions())),
            "evidence/neurons.parquet": pd.DataFrame(examples),
            "pairs.parquet": pd.DataFrame(numbers.pairs),
        }
        own, pictures = drawn()
    neurons = pd.concat([own, numbers.columns, control.columns], axis=1)
    figures = numbers.figures | control.figures
    if not session.n_folds:  # the prompts that chose are those that would judge
        figures = dict.fromkeys(figures)
        neurons[neurons.columns.intersection(HELD_OUT)] = np.nan
    return NeuronFindings({"neurons.parquet": neurons, **tables}, figures, pictures)


def _drawn(
    session: Session, table: NeuronTable, shown: Sequence[Prepared]
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """What labels and activations say in `neurons.parquet`, and what pictures are drawn from."""
    mean, std = table.moments()
    features = [item.name for item in session.vocabulary.features]
    pictures = activation_pictures(
        session.model, table.evidence.items, shown, mean, std, features, session.settings.seed
    )
    return pd.DataFrame(list(table.rows())), pictures


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
