"""From statistics to findings: fit, test, measure what is printed, gather evidence."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy import ndarray

from heuristics.text import Text
from labeler.batches import pad
from labeler.engines.forked import meanwhile
from labeler.evidence import HeadEvidence, NeuronEvidence, strings
from labeler.head_control import limits_of_heads, said_of_short
from labeler.head_labels import HeadFindings, label_heads
from labeler.head_tables import head_rows, prediction_rows, profile_rows
from labeler.headline import headline
from labeler.hooks import hook_rows
from labeler.judging import measured_by_fold
from labeler.measure import Measured
from labeler.neurons import (
    NeuronControl,
    NeuronNumbers,
    neuron_control,
    neuron_findings,
    neuron_numbers,
)
from labeler.predict import Rules, patterns
from labeler.profiles import Profiles
from labeler.progress import Progress
from labeler.results import write_atomic, write_json
from labeler.session import Session, judging_prompts, showcase
from labeler.statistics import Statistics, merge, split_folds
from labeler.thresholds import Thresholds
from labeler.verify import real_patterns
from labeler.writing import induction_mass

EVIDENCE_PROMPTS = 160


@dataclass(frozen=True, eq=False)
class Findings:
    """Tables by file, the showcase, and the figures that sum a run up."""

    tables: dict[str, pd.DataFrame]
    showcase: list[dict[str, Any]]
    patterns: dict[str, ndarray]
    counts: dict[str, int]
    figures: dict[str, float | None]
    headline: str
    pictures: dict[str, Any]

    def write_showcase(self, out: Path) -> None:
        """Write `showcase/`."""
        write_json(out / "showcase" / "prompts.json", self.showcase)
        write_json(out / "activations.json", self.pictures)
        buffer = io.BytesIO()
        np.savez_compressed(buffer, allow_pickle=False, **self.patterns)
        write_atomic(out / "showcase" / "patterns.npz", buffer.getvalue())


def judge(session: Session, folds: Sequence[Statistics], progress: Progress) -> Findings:
    """Everything after the statistics."""
    limits = limits_of_heads(session, progress)  # by itself: of one copy at a time there is room
    fork = session.settings.engine == "processes" and session.model.shape.d_mlp > 0
    with (
        meanwhile(partial(neuron_numbers, session, folds), fork) as numbers,
        meanwhile(partial(neuron_control, session), fork) as control,
    ):
        return _judge(session, folds, limits, progress, numbers, control, fork)


def _judge(
    session: Session,
    folds: Sequence[Statistics],
    limits: Thresholds,
    progress: Progress,
    numbers: Callable[[], NeuronNumbers],
    control: Callable[[], NeuronControl],
    fork: bool,
) -> Findings:
    shape, vocabulary = session.model.shape, session.vocabulary
    heads = label_heads(session, folds, limits, progress)
    rules = Rules.by_layer(heads.labels, shape, len(vocabulary.classes))
    rows = HeadEvidence(heads.labels, shape.n_heads)
    n_neurons = shape.n_layers * shape.d_mlp
    asked = session.settings
    neurons = NeuronEvidence(n_neurons, shape.d_mlp, asked.reservoir_tokens, asked.top_activations)
    neurons.choose(_first_texts(session, EVIDENCE_PROMPTS))
    choose, _, _, _ = split_folds(len(folds))
    profiles = Profiles.of([folds[i] for i in choose], shape)
    measured = measured_by_fold(session, rules, profiles, rows, neurons, progress)
    tables = _head_tables(session, folds, heads, measured)
    tables["evidence/heads.parquet"] = pd.DataFrame(list(rows.table()))
    tables["hooks.parquet"] = pd.DataFrame(list(hook_rows(merge(folds), shape)))
    about_neurons: dict[str, float | None] = {}
    pictures: dict[str, Any] = {}
    if n_neurons:
        progress.stage("fit neurons", n_neurons, "neurons")
        about = numbers(), control()
        own = neuron_findings(session, folds, neurons, showcase(session), *about, fork)
        both = [tables["predictions.parquet"], own.tables["predictions.parquet"]]
        tables |= own.tables | {"predictions.parquet": pd.concat(both, ignore_index=True)}
        about_neurons, pictures = own.figures, own.pictures
        progress.advance(n_neurons)
    shown, stored = _showcase(session, rules)
    counts, figures = _counts(tables)
    figures |= about_neurons | {"head_floor": limits.head_floor}
    short = said_of_short(session, limits)
    by_effect = session.settings.choose_by == "effect"
    said = headline(counts, figures, session.n_folds, len(session.corpus), short, by_effect)
    return Findings(tables, shown, stored, counts, figures, said, pictures)


def _first_texts(session: Session, limit: int) -> list[Text]:
    """The first texts of the judging shards, annotated: what evidence is shown on."""
    found: list[Text] = []
    for shard in judging_prompts(session):
        if len(found) >= limit:
            break
        found += session.texts(shard.prompts)
    return found[:limit]


def _head_tables(
    session: Session,
    folds: Sequence[Statistics],
    heads: HeadFindings,
    measured: Sequence[Measured],
) -> dict[str, pd.DataFrame]:
    shape = session.model.shape
    rows: list[dict[str, Any]] = []
    predictions: list[dict[str, Any]] = []
    profiles: list[dict[str, Any]] = []
    induction = induction_mass(session.model, session.settings.seed)
    least = session.settings.thresholds.head_floor
    for kind, fit in enumerate(heads.fits):
        own, tests = heads.parts[kind], heads.tests[kind]
        raised = fit.thresholds.head_floor > least
        rows += head_rows(fit, own, folds, measured, heads.dense[kind], induction, raised)
        predictions += prediction_rows(fit, own, tests, folds, kind)
        profiles += profile_rows(fit, own, folds, kind, shape.n_ctx)
    table = pd.DataFrame(rows).sort_values(["layer", "head"], ignore_index=True)
    return {
        "heads.parquet": table,
        "predictions.parquet": pd.DataFrame(predictions),
        "profiles.parquet": pd.DataFrame(profiles),
    }


def _showcase(
    session: Session, rules: Sequence[Rules]
) -> tuple[list[dict[str, Any]], dict[str, ndarray]]:
    """The showcase prompts with real and printed patterns of all heads."""
    shape = session.model.shape
    items = showcase(session)
    shown, stored = [], {}
    for index, item in enumerate(items):
        own = real_patterns(session.model, pad([item]))
        real = torch.cat(own, dim=1)[0].float().cpu().numpy()
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
    return shown, stored


def _counts(tables: dict[str, pd.DataFrame]) -> tuple[dict[str, int], dict[str, float | None]]:
    heads = tables["heads.parquet"]
    labelled = heads[heads["confidence"] != "unlabelled"]
    neurons = tables.get("neurons.parquet", pd.DataFrame(columns=["confidence", "kind", "r2"]))
    sure = heads["confidence"].value_counts()
    counts = {name: int(sure.get(name, 0)) for name in ("clear", "likely", "weak", "unlabelled")}
    counts |= {
        "heads": len(heads),
        "heads_labelled": len(labelled),
        "neurons": len(neurons),
        "neurons_labelled": int((neurons["confidence"] != "unlabelled").sum()),
        "dead": int((neurons["kind"] == "dead").sum()),
    }
    figures = {
        "mean_r2": _mean(heads["r2"]),
        "mean_r2_labelled": _mean(labelled["r2"]),
        "mean_r2_dense": _mean(heads["r2_dense"]),
        "mean_r2_distance": _mean(heads["r2_distance"]),
    }
    return counts, figures


def _mean(values: pd.Series) -> float | None:
    return float(values.mean()) if values.notna().any() else None
