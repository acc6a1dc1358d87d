"""Labels of all heads of a run: fitted, by their effects too where that is asked, and tested."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy import ndarray

from labeler.effects import Effects, how_many
from labeler.fit_heads import HeadFit
from labeler.labels import HeadLabel
from labeler.progress import Progress
from labeler.sensitivity import effects_of
from labeler.session import Session
from labeler.significance import Test, tested_labels
from labeler.statistics import Statistics
from labeler.thresholds import Thresholds


@dataclass(frozen=True, eq=False)
class HeadFindings:
    """The labels of all heads in model order, and the fits that they came from."""

    labels: list[HeadLabel]
    fits: list[HeadFit]
    parts: list[list[HeadLabel]]
    tests: list[list[Test]]
    dense: list[ndarray]


def label_heads(
    session: Session, folds: Sequence[Statistics], limits: Thresholds, progress: Progress
) -> HeadFindings:
    """Labels of all heads, by kind of window."""
    shape, vocabulary = session.model.shape, session.vocabulary
    fits = [HeadFit(folds, shape, vocabulary, kind, limits) for kind in range(len(shape.kinds))]
    if session.settings.choose_by == "effect" and session.n_folds:
        effects = _effects(session, fits, progress)
        fits = [fit.hearing(effects) for fit in fits]
    progress.stage("fit heads", len(shape.heads), "heads")
    labels: dict[int, HeadLabel] = {}
    parts, tests, dense = [], [], []
    for fit in fits:
        kept, tested = tested_labels(fit)
        errors, _ = fit.dense()
        labels |= dict(zip(fit.heads.tolist(), kept, strict=True))
        parts.append(kept)
        tests.append(tested)
        dense.append(errors)
        progress.advance(len(kept))
    ordered = [labels[index] for index in sorted(labels)]
    return HeadFindings(ordered, fits, parts, tests, dense)


def _effects(session: Session, fits: Sequence[HeadFit], progress: Progress) -> Effects:
    """The effects of all heads, of the relations that the fits by pattern lean on."""
    shape, vocabulary = session.model.shape, session.vocabulary
    n_relations = len(vocabulary.relations)
    count = how_many(session.n_folds, len(shape.heads), len(vocabulary.classes), n_relations)
    listed = np.zeros((len(shape.heads), count), dtype=np.int64)
    for fit in fits:
        listed[fit.heads] = fit.listed(count)
    return effects_of(session, listed, progress)
