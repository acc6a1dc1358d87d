"""Rows of heads.parquet, predictions.parquet and profiles.parquet."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from labeler.describe import head_sentence, parked, unlabelled_sentence
from labeler.distance import bucket_edges
from labeler.fit_heads import HeadFit
from labeler.gist import head_gist
from labeler.intervals import r_squared
from labeler.labels import HeadLabel
from labeler.lift import Bounded, lifts, lifts_within
from labeler.measure import Measured
from labeler.results import EVENLY
from labeler.significance import Test, Worth, worth_of
from labeler.statistics import Statistics, split_folds, summed
from labeler.thresholds import Thresholds

TOO_FEW = "too few prompts to test a label on, or most of the text in too few"
NO_LIFT = {"lift": None, "lift_low": None, "lift_high": None}
SINK = "start of text"
WRITES_NOTHING = ", where it writes next to nothing"


def confidence(r2: float, low: float, labelled: bool, limits: Thresholds) -> str:
    """`clear`, `likely`, `weak` or `unlabelled`, by held-out R² and its lower bound."""
    if not labelled or r2 < limits.effect_floor or not low > 0:  # nor where there is no interval
        return "unlabelled"
    if r2 >= limits.clear:
        return "clear"
    return "likely" if r2 >= limits.likely else "weak"


def head_confidence(
    label: HeadLabel,
    r2: float,
    low: float,
    general: float,
    even: Float[ndarray, " relation"],
    limits: Thresholds,
) -> str:
    """`confidence` of a head, whose label must say something of most queries.

    `general` is the R² of the general rule on its own rows: below `head_floor` only a `clear` label
    stands. Attention of random weights is a function of two tokens, so exceptions on frequent
    words ("on a full stop, to the start of the text") do hold for it, and reach R² 0.05 to 0.27
    together; a general rule reaches 0.05 (0.1 under ALiBi, where it says what the bias does).
    Nor does a label stand that moves less than `moved_floor`; `even` is `HeadFit.even`.
    """
    said = max(general, r2 if r2 >= limits.clear else 0.0) >= limits.head_floor
    said = said and moved(label, r2, even, limits) >= limits.moved_floor
    return confidence(r2, low, said and r2 >= limits.head_floor, limits)


def moved(
    label: HeadLabel, r2: float, even: Float[ndarray, " relation"], limits: Thresholds
) -> float:
    """The attention that a label moves: its general rule, or any rule of a `clear` label."""
    rules = label.rules if r2 >= limits.clear else (label.general,)
    return max(rule.moved(even) for rule in rules)


def why_unlabelled(
    label: HeadLabel,
    r2: float,
    general: float,
    even: Float[ndarray, " relation"],
    tells: bool,
    limits: Thresholds,
    raised: bool = False,
) -> str:
    """Why a head is left without a label.

    `tells` says that there are judging folds enough, `raised` that copies' heads set the floor.
    """
    floor = limits.head_floor
    asked = f"{floor:g} is asked"
    if raised:
        asked = f"one head in fifty of re-initialised copies reaches {floor:g} on prompts so short"
    if not tells:
        return TOO_FEW
    if not any(rule.terms for rule in label.rules):
        return "nothing that was tried held on the judging prompts"
    if r2 < floor:
        return f"what held explains {rounded_down(r2)} of it, and {asked}"
    if not label.general.terms:
        return f"what held explains {r2:.2f} of it, on some kinds of token alone"
    if general < floor:
        rule = rounded_down(general)
        return f"what held explains {r2:.2f} of it, its general rule {rule} where {asked}"
    if (moves := moved(label, r2, even, limits)) < limits.moved_floor:
        attention = f"{rounded_down(moves)} of its attention"
        asked = f"{limits.moved_floor:g} is asked"
        return f"what held explains {r2:.2f} of it, but moves {attention} where {asked}"
    return f"what held explains {r2:.2f} of it, which may be chance"


def rounded_down(value: float) -> str:
    """Rounded down, so that what is below a floor does not read as if it were not."""
    return f"{math.floor(max(value, 0) * 1000) / 1000:.3f}"


def head_rows(
    fit: HeadFit,
    labels: Sequence[HeadLabel],
    folds: Sequence[Statistics],
    measured: Sequence[Measured],
    dense: Float[ndarray, "fold head"],
    induction: Float[ndarray, " model_head"],
    raised: bool = False,
) -> Iterator[dict[str, Any]]:
    """One row a head; `measured` is of printed patterns, one entry a judging fold.

    `raised` says that the floor is what heads of re-initialised copies reach.
    """
    rows = max(float(summed(folds, "rows").sum()), 1.0)
    visible = rows / max(float(summed(folds, "visible_rows")[fit.kind].sum()), 1e-12)
    figures = _judged(fit, measured, dense) | {
        "first_position_share": summed(folds, "first")[fit.heads].sum(axis=1) / rows,
        "entropy": summed(folds, "entropy")[fit.heads] / rows,
        "induction": induction[fit.heads],
    }
    general = fit.general_r2(labels)
    for index, label in enumerate(labels):
        own = {name: values[index] for name, values in figures.items()}
        layer, head = label.name[1:].split("H")
        yield {
            "name": label.name,
            "layer": int(layer),
            "head": int(head),
            **_worded(fit, label, own, general[index], visible, raised),
            "unexplained": label.general.remainder,
            **own,
        }


def _judged(
    fit: HeadFit, measured: Sequence[Measured], dense: Float[ndarray, "fold head"]
) -> dict[str, ndarray]:
    """Columns of what was measured on judging folds; no R² where nothing was held out."""
    error, distance, energy = (
        np.stack([getattr(part, name) for part in measured])[:, fit.heads]
        for name in ("error", "distance_error", "energy")
    )
    whole = sum(measured[1:], measured[0])
    weighted = 1 - whole.weighted_error / np.maximum(whole.weighted_energy, 1e-12)
    r2, low, high = r_squared(error, energy)
    found = {
        "r2": r2,
        "r2_dense": r_squared(dense, energy)[0],
        "r2_distance": r_squared(distance, energy)[0],
        "r2_weighted": weighted[fit.heads],
    }
    if len(fit.judges) == 1:  # the prompts that chose are those that would judge
        found = {name: np.full(len(r2), np.nan) for name in found}
    queries = max(whole.queries, 1.0)
    return found | {
        "r2_low": low,
        "r2_high": high,
        "written": whole.written[fit.heads] / queries,
        "first_position_share_weighted": whole.weighted_first[fit.heads] / queries,
    }


def _worded(
    fit: HeadFit,
    label: HeadLabel,
    own: dict[str, float],
    general: float,
    visible: float,
    raised: bool,
) -> dict[str, str]:
    """What is said of a head, at length and in short, and how surely."""
    limits, first = fit.thresholds, own["first_position_share"]
    sure = head_confidence(label, own["r2"], own["r2_low"], general, fit.even, limits)
    if sure == "unlabelled":
        why = why_unlabelled(label, own["r2"], general, fit.even, fit.tells, limits, raised)
        width = (own["entropy"], first, visible)
        said, gist = unlabelled_sentence(*width, why), unlabelled_sentence(*width)
        gist = gist if fit.tells else f"Unlabelled: {why}."
    else:
        idle = parked(first, own["first_position_share_weighted"])
        phrases = [
            item.phrase + (WRITES_NOTHING if idle and item.name == SINK else "")
            for item in fit.vocabulary.relations
        ]
        said = head_sentence(label, phrases.__getitem__)
        gist = head_gist(label, phrases.__getitem__)
    return {"label": said, "gist": gist, "confidence": sure}


def prediction_rows(
    fit: HeadFit,
    labels: Sequence[HeadLabel],
    tests: Sequence[Test],
    folds: Sequence[Statistics],
    kind: int,
) -> Iterator[dict[str, Any]]:
    """Every relation of every head with mass and lift, and every printed prediction."""
    folds = [folds[i] for i in split_folds(len(folds))[1]]
    relations = fit.vocabulary.relations
    positional = np.array([item.positional for item in relations], dtype=bool)
    rows = max(sum(float(fold["rows"].sum()) for fold in folds), 1.0)
    mass = sum(fold["mass"][fit.heads].sum(axis=1) for fold in folds) / rows
    lift, low, high = lifts(folds, fit.heads, kind, positional)
    first = sum(fold["first"][fit.heads].sum(axis=1) for fold in folds) / rows
    coverage = fit.choose.coverage(fit.leaves)
    found = {(t.head, t.query_class, t.relation): t for t in tests}
    for h, label in enumerate(labels):
        worth = worth_of(fit, h, label)
        general = {term.relation: order for order, term in enumerate(label.general.terms)}
        for r, item in enumerate(relations):
            row = {
                "name": label.name,
                "prediction": item.name,
                "phrase": item.phrase,
                "query_class": "",
                "order": general.get(r),
                "coverage": coverage[r],
                "mass": mass[h, r],
                "lift": lift[h, r],
                "lift_low": low[h, r],
                "lift_high": high[h, r],
                "selected": r in general,
            }
            if item.start:  # masses and what distance expects leave the first position out
                row |= {"mass": first[h], **NO_LIFT}
            if r in general:
                term = label.general.terms[general[r]]
                row |= {"share": term.share, "coverage": term.coverage}
                row |= _tested(found.get((h, "", r)), worth["", r])
            yield row
        within = partial(lifts_within, folds, fit.heads[[h]], kind)
        yield from _exception_rows(h, label, relations, found, worth, within)


def _tested(test: Test | None, worth: Worth) -> dict[str, Any]:
    return ({} if test is None else {"p": test.p, "q": test.q}) | vars(worth)


def _exception_rows(
    head: int,
    label: HeadLabel,
    relations: Sequence[Any],
    found: dict[tuple[int, str, int], Test],
    worth: dict[tuple[str, int], Worth],
    within: Callable[[Sequence[int]], Bounded],
) -> Iterator[dict[str, Any]]:
    for rule in label.exceptions:
        lift, low, high = (values[0] for values in within(rule.leaves))
        if not rule.terms:
            said = {"prediction": EVENLY, "phrase": EVENLY.strip("()")}
            said |= {"name": label.name, "query_class": rule.query_class}
            yield {**said, "order": 0, "selected": True, "share": 1.0}
        for order, term in enumerate(rule.terms):
            relation = relations[term.relation]
            yield {
                "name": label.name,
                "prediction": relation.name,
                "phrase": relation.phrase,
                "query_class": rule.query_class,
                "order": order,
                "share": term.share,
                "coverage": term.coverage,
                "lift": lift[term.relation],
                "lift_low": low[term.relation],
                "lift_high": high[term.relation],
                "selected": True,
                # Of a distance it is 1 by definition: here lift is over the class's own distances.
                **(NO_LIFT if relation.start or relation.positional else {}),
                **_tested(
                    found.get((head, rule.query_class, term.relation)),
                    worth[rule.query_class, term.relation],
                ),
            }


def profile_rows(
    fit: HeadFit, labels: Sequence[HeadLabel], folds: Sequence[Statistics], kind: int, n_ctx: int
) -> Iterator[dict[str, Any]]:
    """Mean attention by distance, for all queries and for each exception's class."""
    edges = bucket_edges(n_ctx)
    pairs = summed(folds, "profile_pairs")[kind]
    total = summed(folds, "profile")[fit.heads]
    for h, label in enumerate(labels):
        for rule in (None, *label.exceptions):
            leaves = list(rule.leaves) if rule else slice(None)
            count = pairs[leaves].sum(axis=0)
            mean = total[h][leaves].sum(axis=0) / np.maximum(count, 1)
            for bucket in np.flatnonzero(count > 0):
                yield {
                    "name": label.name,
                    "query_class": rule.query_class if rule else "",
                    "distance": int(edges[bucket]),
                    "attention": float(mean[bucket]),
                }
