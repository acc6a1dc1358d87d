"""What labels become when new heuristics may enter them, and how near the others came."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from labeler.describe import head_sentence
from labeler.fit_heads import HeadFit
from labeler.fit_neurons import Moments, NeuronFit, fit_neurons
from labeler.head_moments import rule_error
from labeler.head_tables import head_confidence
from labeler.intervals import r_squared, ratio
from labeler.labels import HeadLabel
from labeler.neuron_tables import Term, neuron_sentence, terms_of
from labeler.predictors import predictors
from labeler.significance import tested_labels
from labeler.statistics import Statistics, merge, split_folds
from labeler.thresholds import Thresholds
from labeler.trial import RELATION_AXES, Extended
from labeler.verification import labels_of


@dataclass(frozen=True)
class Change:
    """A head or neuron whose label changes; R² on judging prompts, from the statistics.

    `gain` is the difference of R² with its 95% interval over judging folds (heads alone); `taken`
    names the new predictions of the new label, with their shares or weights and the q of each.
    """

    name: str
    before: str
    after: str
    r2_before: float
    r2_after: float
    gain: tuple[float, float, float]
    taken: tuple[tuple[str, float, float], ...]


@dataclass(frozen=True)
class Nearest:
    """Where a new relation would help most on choosing prompts, beside a head's general rule.

    `gain` is the fraction of the head's variance that adding it would remove; `lift` the relation's
    mass over what distance alone would give it; `why` is why the label does without it.
    """

    relation: str
    head: str
    gain: float
    lift: float
    taken: int
    why: str


@dataclass(frozen=True)
class Trial:
    """What `labeler try` found; `by_effect` says that the run's labels are not those compared."""

    heads: list[Change]
    neurons: list[Change]
    nearest: list[Nearest]
    n_heads: int
    n_neurons: int
    prompts: int
    complete: bool
    by_effect: bool
    new_classes: tuple[str, ...]


def trial(extended: Extended) -> Trial:
    """Fit with the new heuristics and compare with the labels that the run printed."""
    shape, vocabulary = extended.session.model.shape, extended.vocabulary
    known = {item.name for item in extended.session.heuristics}
    with ThreadPoolExecutor(1) as pool:
        about_neurons = pool.submit(_neurons, extended)
        heads, nearest = _heads(extended)
        neurons = about_neurons.result()
    return Trial(
        heads=heads,
        neurons=neurons,
        nearest=nearest,
        n_heads=shape.n_layers * shape.n_heads,
        n_neurons=shape.n_layers * shape.d_mlp,
        prompts=extended.prompts,
        complete=extended.complete,
        by_effect=extended.session.settings.choose_by == "effect",
        new_classes=tuple(
            item.name for item in vocabulary.features if item.query_class and item.name not in known
        ),
    )


def _heads(extended: Extended) -> tuple[list[Change], list[Nearest]]:
    session, vocabulary = extended.session, extended.vocabulary
    shape, limits = session.model.shape, _limits(extended)
    if not len(extended.new_relations):
        return [], []
    printed = labels_of(extended.folder, vocabulary, shape.heads)
    changes: list[Change] = []
    nearest: list[Nearest] = []
    for kind in range(len(shape.kinds)):
        fit = HeadFit(extended.folds, shape, vocabulary, kind, limits)
        before = [printed[head] for head in fit.heads]
        if not extended.complete or session.settings.choose_by == "effect":
            before = _before(extended, kind)
        after, tests = tested_labels(fit)
        q = {(t.head, t.relation): t.q for t in tests}
        changes += _changed(extended, fit, before, after, q)
        nearest += _nearest(extended, fit, after, q)
    return changes, _best(nearest)


def _limits(extended: Extended) -> Thresholds:
    """The thresholds of the run, with the floor that its prompts asked for."""
    limits, figures = extended.session.settings.thresholds, extended.folder.run["figures"]
    return replace(limits, head_floor=figures.get("head_floor", limits.head_floor))


def _before(extended: Extended, kind: int) -> list[HeadLabel]:
    """Labels without the new heuristics on the same prompts, where these are not the run's."""
    session, vocabulary = extended.session, extended.vocabulary
    kept = np.setdiff1d(np.arange(len(vocabulary.relations)), extended.new_relations)
    folds = [_taken(fold, kept) for fold in extended.folds]
    old = replace(vocabulary, relations=tuple(vocabulary.relations[i] for i in kept))
    fit = HeadFit(folds, session.model.shape, old, kind, session.settings.thresholds)
    return [_renumbered(label, kept) for label in tested_labels(fit)[0]]


def _taken(statistics: Statistics, kept: Int[ndarray, " relation"]) -> Statistics:
    arrays = dict(statistics.arrays)
    for name, axes in RELATION_AXES.items():
        for axis in axes:
            arrays[name] = np.take(arrays[name], kept, axis=axis)
    return Statistics(arrays)


def _renumbered(label: HeadLabel, kept: Int[ndarray, " relation"]) -> HeadLabel:
    general, *exceptions = (
        replace(rule, terms=tuple(replace(t, relation=int(kept[t.relation])) for t in rule.terms))
        for rule in (label.general, *label.exceptions)
    )
    return HeadLabel(label.name, general, tuple(exceptions))


def _changed(
    extended: Extended,
    fit: HeadFit,
    before: Sequence[HeadLabel],
    after: Sequence[HeadLabel],
    q: dict[tuple[int, int], float],
) -> list[Change]:
    """Heads whose new label has a new prediction and is printed, or was printed and is lost."""
    new = set(extended.new_relations.tolist())
    relations = extended.vocabulary.relations
    error_before, energy = fit.errors(before)
    error_after, _ = fit.errors(after)
    gain = ratio(error_before - error_after, energy)
    r2_before, low_before, _ = r_squared(error_before, energy)
    r2_after, low_after, _ = r_squared(error_after, energy)
    said_before = _said(fit, before, r2_before, low_before)
    said_after = _said(fit, after, r2_after, low_after)
    found = []
    for head, label in enumerate(after):
        terms = [term for rule in label.rules for term in rule.terms if term.relation in new]
        if not terms or said_before[head] == said_after[head]:
            continue
        found.append(
            Change(
                name=label.name,
                before=said_before[head],
                after=said_after[head],
                r2_before=float(r2_before[head]),
                r2_after=float(r2_after[head]),
                gain=tuple(float(part[head]) for part in gain),  # type: ignore[arg-type]
                taken=tuple(
                    (relations[t.relation].name, t.share, q.get((head, t.relation), np.nan))
                    for t in terms
                ),
            )
        )
    return found


def _said(
    fit: HeadFit,
    labels: Sequence[HeadLabel],
    r2: Float[ndarray, " head"],
    low: Float[ndarray, " head"],
) -> list[str]:
    """Sentences as a run would print them; empty where it would not."""
    general = fit.general_r2(labels)
    phrases = [item.phrase for item in fit.vocabulary.relations]
    found = []
    for head, label in enumerate(labels):
        figures = r2[head], low[head], general[head]
        sure = head_confidence(label, *figures, fit.even, fit.thresholds)
        printed = sure != "unlabelled"
        found.append(head_sentence(label, phrases.__getitem__) if printed else "")
    return found


def _nearest(
    extended: Extended,
    fit: HeadFit,
    labels: Sequence[HeadLabel],
    q: dict[tuple[int, int], float],
) -> list[Nearest]:
    relations = extended.vocabulary.relations
    found = []
    for head, label in enumerate(labels):
        terms = [term.relation for term in label.general.terms]
        problem = fit.choose.problem(label.general.leaves, np.ones_like(fit.allowed))
        own = problem.of(np.array([head]))
        gains = own.gains(np.array([terms], dtype=np.int64))[0]
        energy = max(float(problem.energy[head]), 1e-12)
        left = rule_error(fit.choose, head, label.general) / energy
        said = {term.relation for rule in label.rules for term in rule.terms}
        for index in extended.new_relations.tolist():
            lift = float(fit.lift[head, index])
            gain = float(gains[index]) / energy
            if (head, index) in q and index not in said:
                why = "it was chosen, and did not hold on the judging prompts"
            elif not fit.allowed[head, index]:
                why = f"a content relation needs a lift of {fit.thresholds.lift_floor:g}"
            else:
                why = _why(gain, left, len(terms), fit.thresholds)
            taken = int(index in said)
            found.append(Nearest(relations[index].name, label.name, gain, lift, taken, why))
    return found


def _why(gain: float, left: float, n_terms: int, limits: Thresholds) -> str:
    """Why a general rule of so many terms, which leaves so much unexplained, takes no other."""
    needed = max(limits.stop_effect, limits.stop_gain * left)
    if gain < needed:
        return f"a prediction needs {needed:.1%}"
    if n_terms >= limits.max_predictions:
        return f"the label's {n_terms} predictions, of which it can have no more, explain more"
    return "without it the label explains as much by other predictions"


def _best(rows: Sequence[Nearest]) -> list[Nearest]:
    """For each relation the head that it would help most, and how many labels have it."""
    by_name: dict[str, list[Nearest]] = {}
    for row in rows:
        by_name.setdefault(row.relation, []).append(row)
    return [
        replace(max(own, key=lambda row: row.gain), taken=sum(row.taken for row in own))
        for own in by_name.values()
    ]


def _neurons(extended: Extended) -> list[Change]:
    """Neurons whose label has a new prediction, the largest gain first.

    Fitted anew are those neurons of which a new column by itself explains enough for a class.
    """
    session, vocabulary = extended.session, extended.vocabulary
    limits = session.settings.thresholds
    if not len(extended.new_columns) or not session.model.shape.d_mlp:
        return []
    near = np.flatnonzero(_within_reach(extended, limits.effect_floor))
    if not len(near):
        return []
    folds = [_of_neurons(fold, near) for fold in extended.folds]
    fit = fit_neurons(folds, vocabulary.neurons, limits)
    said = predictors(vocabulary.neurons, session.model.token_string)
    printed = extended.folder.neurons
    labels = dict(zip(printed["name"], printed["label"], strict=True))
    r2 = dict(zip(printed["name"], printed["r2"], strict=True))
    new = set(extended.new_columns.tolist())
    found = []
    for index, neuron in enumerate(near.tolist()):
        name = session.model.shape.neurons[neuron]
        terms = terms_of(fit, said, index)
        fresh = [term for term in terms if new & set(fit.columns(index, term.slot))]
        if fresh and fit.r2[index] >= limits.effect_floor and fit.r2_low[index] > 0:
            found.append(_neuron(name, labels[name], float(r2[name]), fit, index, terms, fresh))
    return sorted(found, key=lambda change: -change.gain[0])


def _neuron(
    name: str,
    before: str,
    r2: float,
    fit: NeuronFit,
    index: int,
    terms: Sequence[Term],
    fresh: Sequence[Term],
) -> Change:
    after = float(fit.r2[index])
    taken = tuple((t.said.name, t.weight, float(fit.q[index, t.slot])) for t in fresh)
    gain = (after - r2, np.nan, np.nan)
    return Change(name, before, neuron_sentence(terms), r2, after, gain, taken)


def _within_reach(extended: Extended, floor: float) -> Bool[ndarray, " neuron"]:
    """Neurons of which some new column by itself explains `floor` of the variance or more."""
    choose, *_ = split_folds(len(extended.folds))
    whole = merge(extended.folds[index] for index in choose)
    moments = Moments.of(whole, slice(None))
    fitting = moments.fitting(np.ones(len(moments.total), dtype=bool), ())
    new = extended.new_columns
    spread = np.maximum(np.diagonal(fitting.gram)[new], 1e-9)
    gain: Float[ndarray, "neuron new"] = fitting.moment[:, new] ** 2 / spread
    reached = gain / np.maximum(fitting.energy, 1e-12)[:, None] >= floor
    return np.asarray(reached.any(axis=1))


def _of_neurons(statistics: Statistics, neurons: Int[ndarray, " neuron"]) -> Statistics:
    arrays = dict(statistics.arrays)
    arrays["predictor_moment"] = arrays["predictor_moment"][:, neurons]
    for name in ("neuron_sum", "neuron_square", "neuron_min", "neuron_max"):
        arrays[name] = arrays[name][neurons]
    return Statistics(arrays)
