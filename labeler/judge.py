"""From statistics to findings: fit, test, measure what is printed, gather evidence."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy import ndarray

from labeler.evidence import HeadEvidence, NeuronEvidence, fill_values, strings
from labeler.fit_heads import HeadFit, HeadLabel
from labeler.fit_neurons import fit_neurons
from labeler.head_tables import head_rows, prediction_rows, profile_rows
from labeler.measure import measure
from labeler.neuron_tables import NeuronTable, predictors, promoted
from labeler.predict import Rules, patterns
from labeler.prepare import Prepared
from labeler.progress import Progress
from labeler.results import write_atomic, write_json
from labeler.significance import Test, keep_significant, tests_of
from labeler.statistics import Statistics, merge

if TYPE_CHECKING:
    from labeler.run import Session

EVIDENCE_PROMPTS = 160
RESERVOIR = 3000


@dataclass(frozen=True, eq=False)
class Findings:
    """Tables by file, the showcase, and the figures that sum a run up."""

    tables: dict[str, pd.DataFrame]
    showcase: list[dict[str, Any]]
    patterns: dict[str, ndarray]
    counts: dict[str, int]
    figures: dict[str, float]
    headline: str

    def write_showcase(self, out: Path) -> None:
        """Write `showcase/`."""
        write_json(out / "showcase" / "prompts.json", self.showcase)
        buffer = io.BytesIO()
        np.savez_compressed(buffer, allow_pickle=False, **self.patterns)
        write_atomic(out / "showcase" / "patterns.npz", buffer.getvalue())


@dataclass(frozen=True, eq=False)
class HeadFindings:
    """The labels of all heads in model order, and the fits that they came from."""

    labels: list[HeadLabel]
    fits: list[HeadFit]
    parts: list[list[HeadLabel]]
    tests: list[list[Test]]
    dense: list[ndarray]
    dense_weight: ndarray

    def rules(self, n_layers: int, n_heads: int, n_classes: int) -> list[Rules]:
        """Printed labels as rules, one entry a layer."""
        return [
            Rules.of_labels(self.labels[layer * n_heads : (layer + 1) * n_heads], n_classes)
            for layer in range(n_layers)
        ]


def fit_all_heads(
    session: Session, folds: Sequence[Statistics], progress: Progress
) -> HeadFindings:
    """Labels of all heads, by kind of window."""
    shape, vocabulary = session.model.shape, session.vocabulary
    limits = session.settings.thresholds
    progress.stage("fit heads", len(shape.kinds), "kinds of head")
    labels: dict[int, HeadLabel] = {}
    weight = np.zeros(
        (shape.n_layers * shape.n_heads, len(vocabulary.classes), len(vocabulary.relations))
    )
    fits, parts, tests, dense = [], [], [], []
    for kind in range(len(shape.kinds)):
        fit = HeadFit(folds, shape, vocabulary, kind, limits)
        own = fit.labels()
        tested = tests_of(fit, own)
        kept = keep_significant(fit, own, tested)
        errors, by_class = fit.dense()
        for index, leaf in enumerate(fit.leaves):
            weight[fit.heads, leaf] = by_class[index]
        labels |= dict(zip(fit.heads.tolist(), kept, strict=True))
        fits.append(fit)
        parts.append(kept)
        tests.append(tested)
        dense.append(errors)
        progress.advance()
    ordered = [labels[index] for index in sorted(labels)]
    return HeadFindings(ordered, fits, parts, tests, dense, weight)


def judge(session: Session, folds: Sequence[Statistics], progress: Progress) -> Findings:
    """Everything after the statistics."""
    from labeler.run import judging_prompts

    shape, vocabulary = session.model.shape, session.vocabulary
    heads = fit_all_heads(session, folds, progress)
    rules = heads.rules(shape.n_layers, shape.n_heads, len(vocabulary.classes))
    shards = list(judging_prompts(session))
    prepared = [session.prepared(shard) for shard in shards]
    evidence_items = [item for part in prepared for item in part][:EVIDENCE_PROMPTS]
    chosen = {id(item) for item in evidence_items}
    rows = HeadEvidence(heads.labels, shape.n_heads)
    n_neurons = shape.n_layers * shape.d_mlp
    neurons = NeuronEvidence(n_neurons, shape.d_mlp, RESERVOIR)
    neurons.choose(evidence_items)
    progress.stage("judge", sum(len(part) for part in prepared), "prompts")
    errors, energies = _measured(session, rules, shards, prepared, chosen, rows, neurons, progress)
    tables = _head_tables(session, folds, heads, errors, energies)
    tables["evidence/heads.parquet"] = pd.DataFrame(list(rows.table()))
    if n_neurons:
        progress.stage("fit neurons", n_neurons, "neurons")
        tables |= _neuron_tables(session, folds, neurons, tables["predictions.parquet"])
        progress.advance(n_neurons)
    shown, stored = _showcase(session, rules)
    counts, figures = _counts(tables)
    return Findings(tables, shown, stored, counts, figures, _headline(counts, figures))


def _measured(
    session: Session,
    rules: Sequence[Rules],
    shards: Sequence[Any],
    prepared: Sequence[list[Prepared]],
    chosen: set[int],
    rows: HeadEvidence,
    neurons: NeuronEvidence,
    progress: Progress,
) -> tuple[ndarray, ndarray]:
    """Errors of printed labels and of the baseline, `[judging fold, head]`; fills the evidence."""
    by_fold: dict[int, tuple[ndarray, ndarray]] = {}
    budget = session.settings.token_budget
    for shard, items in zip(shards, prepared, strict=True):
        inside = [item for item in items if id(item) in chosen]
        outside = [item for item in items if id(item) not in chosen]
        for part, watched in ((inside, True), (outside, False)):
            watchers = [rows] if watched else []
            hook = neurons if watched else None
            found = measure(part, session.model, rules, watchers, hook, budget)
            error, energy = by_fold.get(shard.fold, (0.0, 0.0))
            by_fold[shard.fold] = (error + found.error, energy + found.energy)
        progress.advance(len(items))
    order = sorted(by_fold)
    return np.stack([by_fold[f][0] for f in order]), np.stack([by_fold[f][1] for f in order])


def _head_tables(
    session: Session,
    folds: Sequence[Statistics],
    heads: HeadFindings,
    errors: ndarray,
    energies: ndarray,
) -> dict[str, pd.DataFrame]:
    shape = session.model.shape
    rows: list[dict[str, Any]] = []
    predictions: list[dict[str, Any]] = []
    profiles: list[dict[str, Any]] = []
    for kind, fit in enumerate(heads.fits):
        own, tests = heads.parts[kind], heads.tests[kind]
        measured, base = errors[:, fit.heads], energies[:, fit.heads]
        rows += head_rows(fit, own, folds, measured, base, heads.dense[kind], kind)
        predictions += prediction_rows(fit, own, tests, folds, kind)
        profiles += profile_rows(fit, own, folds, kind, shape.n_ctx)
    table = pd.DataFrame(rows).sort_values(["layer", "head"], ignore_index=True)
    return {
        "heads.parquet": table,
        "predictions.parquet": pd.DataFrame(predictions),
        "profiles.parquet": pd.DataFrame(profiles),
    }


def _neuron_tables(
    session: Session,
    folds: Sequence[Statistics],
    evidence: NeuronEvidence,
    head_predictions: pd.DataFrame,
) -> dict[str, pd.DataFrame]:
    sample = sp.vstack([item.predictors for item in evidence.items], format="csr")
    starts = np.concatenate([[0], np.cumsum([len(item) for item in evidence.items])])
    places = [int(starts[text]) + position for text, position in evidence.places]
    table = NeuronTable(
        fit=fit_neurons(folds, session.settings.thresholds),
        names=session.model.shape.neurons,
        predictors=predictors(session.vocabulary, session.model.token_string),
        statistics=merge(folds),
        evidence=evidence,
        sample=sample[places],
        limits=session.settings.thresholds,
    )
    examples = list(table.examples())
    fill_values(examples, evidence.items, session.model)
    about = pd.DataFrame(list(table.predictions()))
    return {
        "neurons.parquet": pd.DataFrame(list(table.rows(promoted(session.model)))),
        "predictions.parquet": pd.concat([head_predictions, about], ignore_index=True),
        "evidence/neurons.parquet": pd.DataFrame(examples),
    }


def _showcase(
    session: Session, rules: Sequence[Rules]
) -> tuple[list[dict[str, Any]], dict[str, ndarray]]:
    """The showcase prompts with real and printed patterns of all heads."""
    from labeler.run import showcase

    shape = session.model.shape
    items = showcase(session)
    shown, stored = [], {}
    for index, item in enumerate(items):
        real = _real_patterns(session, item)
        said = [
            patterns(rules[layer], item, shape.kinds.index(window), window).numpy()
            for layer, window in enumerate(shape.windows)
        ]
        stored[f"real_{index}"] = real.astype(np.float16)
        stored[f"label_{index}"] = np.concatenate(said).astype(np.float16)
        shown.append(
            {
                "id": item.text.id,
                "text": item.text.string,
                "tokens": strings(item.text),
                "offsets": item.text.offsets.tolist(),
            }
        )
    return json.loads(json.dumps(shown)), stored


def _real_patterns(session: Session, item: Prepared) -> ndarray:
    from labeler.score import pad

    kept: dict[int, ndarray] = {}

    def keep(layer: int) -> Any:
        def store(value: Any) -> None:
            kept[layer] = value[0].float().cpu().numpy()

        return store

    layers = range(session.model.shape.n_layers)
    hooks = {f"blocks.{layer}.attn.hook_pattern": keep(layer) for layer in layers}
    session.model.read(pad([item]), hooks)
    return np.concatenate([kept[layer] for layer in layers])


def _counts(tables: dict[str, pd.DataFrame]) -> tuple[dict[str, int], dict[str, float]]:
    heads = tables["heads.parquet"]
    neurons = tables.get("neurons.parquet", pd.DataFrame(columns=["confidence", "kind", "r2"]))
    sure = heads["confidence"].value_counts()
    counts = {name: int(sure.get(name, 0)) for name in ("clear", "likely", "weak", "unlabelled")}
    counts |= {
        "heads": len(heads),
        "heads_labelled": int((heads["confidence"] != "unlabelled").sum()),
        "neurons": len(neurons),
        "neurons_labelled": int((neurons["confidence"] != "unlabelled").sum()),
        "dead": int((neurons["kind"] == "dead").sum()),
    }
    live = neurons.loc[neurons["kind"] != "dead", "r2"].astype(float)
    figures = {
        "mean_r2": float(heads["r2"].mean()),
        "mean_r2_dense": float(heads["r2_dense"].mean()),
        "mean_r2_distance": float(heads["r2_distance"].mean()),
        "neurons_r2_median": float(live.median()) if len(live) else None,
        "neurons_r2_above_0.1": float((live >= 0.1).mean()) if len(live) else None,
    }
    return counts, figures  # type: ignore[return-value]


def _headline(counts: dict[str, int], figures: dict[str, float]) -> str:
    said = (
        f"{counts['heads_labelled']} of {counts['heads']} heads are labelled; their labels explain "
        f"{figures['mean_r2']:.0%} of what attention does beyond spreading evenly, on text they "
        "were not chosen on"
    )
    if counts["neurons"]:
        said += f"; {counts['neurons_labelled']} of {counts['neurons']} neurons are labelled"
    return f"{said}."
