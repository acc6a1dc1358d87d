"""`labeler verify`: the labels of a run folder are read back, run, and their cost written there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from labeler.ablate import ablate_neurons, parse_neurons
from labeler.campaign import Campaign, controls
from labeler.classes import QueryClasses
from labeler.config import load_settings
from labeler.engines.fold import fold_statistics
from labeler.engines.threads import affordable, workers
from labeler.errors import ConfigError, RunFolderError
from labeler.fit_heads import HeadFit
from labeler.folder import check_unchanged, locked
from labeler.labels import HeadLabel, Rule, Term
from labeler.losses import Verified
from labeler.predict import Rules
from labeler.prepare import Vocabulary
from labeler.profiles import Profiles
from labeler.progress import Progress, Silent
from labeler.results import RunFolder, open_run, write_json, write_table
from labeler.session import Session
from labeler.stand_ins import StandIns
from labeler.statistics import Statistics, split_folds
from labeler.turns import texts_in_turn

VERIFY_PROMPTS = 150
LOGITS = 6
"""Copies of a batch's logits that a process holds at its peak, generously."""


def verify(
    path: str | Path, progress: Progress | None = None, max_prompts: int = VERIFY_PROMPTS
) -> RunFolder:
    """Run the labels of a finished run on at most so many choosing and so many judging prompts.

    Writes `replacement.parquet`, the verified columns of `heads.parquet`, `evidence/costs.parquet`,
    and the curve and headline of `run.json`. Raises RunFolderError if the run's model, corpus or
    vocabulary are no longer what they were, or if another process writes into its folder, and
    ConfigError for no prompts.
    """
    if not isinstance(max_prompts, Integral) or max_prompts < 1:
        raise ConfigError(f"max_prompts is {max_prompts!r}; expected an integer of at least 1")
    folder = open_run(path)
    folder.check_tested()
    with locked(folder.path):
        session = Session(load_settings(folder.path / "settings.toml", {"out": folder.path}))
        check_unchanged(folder.path, session.plan_file(), "verify")
        folds = fold_statistics(session, progress or Silent())
        found = run_campaign(session, folds, folder, progress or Silent(), max_prompts)
        write_verified(folder, found)
    return open_run(path)


def verify_neurons(path: str | Path, names: Sequence[str]) -> pd.DataFrame:
    """Zero and mean ablation of some neurons on judging prompts; rows as in replacement.parquet.

    The rows are added to the run's `replacement.parquet`, in the place of earlier ones of these
    neurons. Raises ConfigError for a neuron that the model has not, RunFolderError if the run's
    model, corpus or vocabulary are no longer what they were, or if another process writes into its
    folder.
    """
    folder = open_run(path)
    with locked(folder.path):
        return _ablated(folder, names)


def _ablated(folder: RunFolder, names: Sequence[str]) -> pd.DataFrame:
    session = Session(load_settings(folder.path / "settings.toml", {"out": folder.path}))
    check_unchanged(folder.path, session.plan_file(), "verify")
    parse_neurons(names, session.model.shape)
    by_fold = session.neuron_columns()
    judging = by_fold[1::2] if session.n_folds else by_fold
    means = dict(zip(folder.neurons["name"], folder.neurons["mean"], strict=True))
    texts = [text for part in judging for text in part]
    budget = session.settings.token_budget
    rows = pd.DataFrame(ablate_neurons(session.model, texts, names, means, budget))
    known = folder.replacement
    kept = known[~known["name"].isin(set(rows["name"]))]
    table = pd.concat([kept, rows], ignore_index=True) if len(kept) else rows
    write_table(folder.path, "replacement.parquet", table)
    return rows


def labels_of(folder: RunFolder, vocabulary: Vocabulary, names: Sequence[str]) -> list[HeadLabel]:
    """Labels rebuilt from the printed figures alone; an unlabelled head says nothing."""
    relations = {item.name: index for index, item in enumerate(vocabulary.relations)}
    rows = folder.predictions
    rows = rows[rows["selected"].astype(bool)].sort_values(["name", "query_class", "order"])
    sure = dict(zip(folder.heads["name"], folder.heads["confidence"], strict=True))
    by_head = dict(tuple(rows.groupby("name")))
    everything = range(len(vocabulary.classes))
    found = []
    for name in names:
        own = by_head.get(name)
        if own is None or sure[name] == "unlabelled":
            found.append(HeadLabel(name, Rule((), tuple(everything))))
        else:
            found.append(_label(name, own, relations, vocabulary.classes))
    return found


def _label(
    name: str, rows: pd.DataFrame, relations: dict[str, int], classes: QueryClasses
) -> HeadLabel:
    groups = {group.name: group for group in classes.groups}
    general: tuple[Term, ...] = ()
    exceptions = []
    for query_class, part in rows.groupby("query_class", sort=False):
        terms = tuple(
            Term(relations[row.prediction], float(row.share), float(row.coverage))
            for row in part.itertuples()
            if row.prediction in relations
        )
        if query_class == "":
            general = terms
        elif query_class in groups:
            group = groups[str(query_class)]
            exceptions.append(Rule(terms, group.leaves, group))
        else:
            raise RunFolderError(f"{name} has an exception for an unknown class {query_class!r}")
    taken = {leaf for rule in exceptions for leaf in rule.leaves}
    rest = tuple(leaf for leaf in range(len(classes)) if leaf not in taken)
    return HeadLabel(name, Rule(general, rest), tuple(exceptions))


def run_campaign(
    session: Session,
    folds: Sequence[Statistics],
    folder: RunFolder,
    progress: Progress,
    max_prompts: int = VERIFY_PROMPTS,
) -> Verified:
    """Put the labels of a run folder in the place of the session's heads."""
    shape, vocabulary = session.model.shape, session.vocabulary
    labels = labels_of(folder, vocabulary, shape.heads)
    said = Rules.by_layer(labels, shape, len(vocabulary.classes))
    choose, _, _, _ = split_folds(len(folds))
    stand_ins = StandIns(
        shape=shape,
        rules={
            "label": said,
            "dense": _dense(session, folds),
            **controls(said, len(vocabulary.relations), session.settings.seed),
        },
        profiles=Profiles.of([folds[i] for i in choose], shape),
        mean=[],
    )
    choosing = [text for _, text in texts_in_turn(session, judging=False, limit=max_prompts)]
    judging = [text for _, text in texts_in_turn(session, judging=True, limit=max_prompts)]
    budget = session.settings.token_budget
    campaign = Campaign(
        session.model, stand_ins, session.prepare, choosing, judging, budget, progress
    )
    campaign.workers = _workers(session)
    return campaign.run()


def _workers(session: Session) -> int:
    """How many processes run conditions: one a core, as far as memory has room for their logits."""
    logits = 4 * session.settings.token_budget * session.model.shape.vocabulary
    return affordable(workers(session.settings), LOGITS * logits)


def _dense(session: Session, folds: Sequence[Statistics]) -> list[Rules]:
    """All relations by query class, one entry a layer."""
    shape, vocabulary = session.model.shape, session.vocabulary
    size = (len(shape.heads), len(vocabulary.classes), len(vocabulary.relations))
    weight = np.zeros(size)
    for kind in range(len(shape.kinds)):
        fit = HeadFit(folds, shape, vocabulary, kind, session.settings.thresholds)
        weight[fit.heads[:, None], fit.leaves] = fit.dense()[1].transpose(1, 0, 2)
    return [Rules.of_dense(weight[shape.heads_of(layer)]) for layer in range(shape.n_layers)]


def headline(curve: Sequence[Mapping[str, float | None]]) -> str:
    """What replacing heads by their labels costs, in one sentence."""
    by_fraction = {point["fraction"]: point for point in curve}
    quarter, whole = by_fraction[0.25], by_fraction[1.0]
    said = (
        f"With 25% of heads replaced by their labels perplexity {_changes(quarter)}; "
        f"with all, it {_changes(whole)}."
    )
    if any((point["label_high"] or 0.0) < 0 for point in (quarter, whole)):
        said += (
            " On this text the model does better without its own attention, "
            "so what labels cost says little."
        )
    return said


def _changes(point: Mapping[str, float | None]) -> str:
    rise, low, high = point["label"] or 0.0, point["label_low"], point["label_high"]
    verb, sign = ("falls", -1) if rise < 0 else ("rises", 1)
    bounds = ""
    if low is not None and high is not None:
        least, most = sorted((sign * low, sign * high))
        bounds = f" ({least:.1%} to {most:.1%})"
    return f"{verb} by {abs(rise):.1%}{bounds}"


def write_verified(folder: RunFolder, found: Verified) -> None:
    """Write what a campaign found into its run folder; rows of ablated neurons stay."""
    known = folder.replacement
    neurons = known[known["scope"].isin(["neuron", "neurons"])].to_dict("records")
    write_table(folder.path, "replacement.parquet", [*found.rows(), *neurons])
    write_table(folder.path, "evidence/costs.parquet", found.costly)
    about = pd.DataFrame(list(found.heads())).set_index("name")
    heads = folder.heads.set_index("name")
    for column in about.columns:
        heads[column] = about[column]
    write_table(folder.path, "heads.parquet", heads.reset_index())
    curve = found.curve()
    run: dict[str, Any] = dict(folder.run)
    run["replacement_curve"] = curve
    run["replacement_order"] = [found.names[head] for head in found.order]
    run["headline_replacement"] = headline(curve)
    write_json(folder.path / "run.json", run)
