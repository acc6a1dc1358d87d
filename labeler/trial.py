"""`labeler try`: new heuristics on a finished run, without running it again.

What a run added up (its shards' statistics) says everything about the heuristics that it had. New
ones add rows and columns to these sums: their own, from the run's texts and model, and those they
share with the old ones, from the texts alone. With them the labels are fitted as in a run, so that
a trial over all prompts chooses what a run with the plugin would.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from heuristics.contract import Heuristic
from heuristics.registry import declared
from labeler import plugins
from labeler.batches import batches
from labeler.config import load_settings
from labeler.corpus import Shard
from labeler.engines.forked import in_order
from labeler.engines.threads import workers
from labeler.errors import ConfigError, PluginError, RunFolderError
from labeler.folder import check_unchanged
from labeler.predictors import NeuronVocabulary
from labeler.prepare import Vocabulary
from labeler.progress import Progress, Silent
from labeler.recorded import Known, Records, fits
from labeler.remembered import Remembered
from labeler.results import RunFolder, open_run
from labeler.score import Scorer
from labeler.session import Session, model_of
from labeler.statistics import Statistics
from labeler.trial_sums import SharedSums

RELATION_AXES = {
    "gram": (2, 3),
    "present": (2,),
    "moment": (2,),
    "mass": (2,),
    "target_pairs": (1,),
    "class_target_pairs": (2,),
    "target_uniform": (1,),
}
"""Where relations stand in the arrays of statistics that have them."""

PREDICTOR_AXES = {"predictor_gram": (0, 1), "predictor_sum": (0,), "predictor_moment": (0,)}


@dataclass(frozen=True, eq=False)
class Extended:
    """A run's statistics by fold with those of new heuristics, and the vocabulary they are of.

    `new_relations` and `new_columns` are the places of the new ones. `complete` says that every
    prompt of the run took part.
    """

    session: Session
    folder: RunFolder
    folds: list[Statistics]
    vocabulary: Vocabulary
    new_relations: Int[ndarray, " new"]
    new_columns: Int[ndarray, " new"]
    prompts: int
    complete: bool


@dataclass(frozen=True, eq=False)
class Opened:
    """A finished run, what it worked with, and what is kept of it from one trial to the next."""

    folder: RunFolder
    session: Session
    known: Remembered


def open_session(run: str | Path) -> Opened:
    """Open a finished run; RunFolderError if what it worked with is no longer what it was."""
    folder = open_run(run)
    folder.check_tested()
    settings = load_settings(folder.path / "settings.toml", {"out": folder.path})
    known = Remembered(folder, settings)
    session = Session(settings, model=known.model(partial(model_of, settings, Silent().note)))
    check_unchanged(folder.path, session.plan_file(), "try")
    missing = [shard.id for shard in session.shards if not _path(folder, shard).is_file()]
    if missing:
        raise RunFolderError(f"{run} has no statistics of shard {missing[0]}; run it again")
    known.tell(session)
    return Opened(folder, session, known)


def _path(folder: RunFolder, shard: Shard) -> Path:
    return folder.path / "statistics" / f"{shard.id}.bin"


def new_heuristics(plugin: str, known: Sequence[Heuristic]) -> list[Heuristic]:
    """A plugin's heuristics; PluginError where one has the name of one that the run has."""
    found = declared(plugin)
    by_key = {(item.kind, item.name): item for item in known}
    for item in found:
        other = by_key.setdefault((item.kind, item.name), item)
        if other is not item:
            raise PluginError(
                f"two heuristics are called {item.name!r}: the run has one in {other.module}, "
                f"{plugin} another; rename it"
            )
    return found


def extend(opened: Opened, plugin: str, max_prompts: int, progress: Progress) -> Extended:
    """The run's statistics with those of a plugin's heuristics, over at most about so many prompts.

    Raises PluginError for heuristics that fail or clash, ConfigError for a limit that leaves no
    prompts.
    """
    if max_prompts < 1:
        raise ConfigError(f"--max-prompts is {max_prompts}; expected at least 1")
    folder, session = opened.folder, opened.session
    found = new_heuristics(plugin, session.heuristics)
    new = [item for item in found if session.pipeline.parses or not item.parse]
    shards = _some(session, max_prompts)
    texts = session.texts(shards[0].prompts)[: plugins.TRIED]
    plugins.tried(new, texts)
    old = session.vocabulary
    added = _Added(old, _only(new, old))
    prompts = sum(len(shard.prompts) for shard in shards)
    progress.stage("score", prompts, "prompts")
    folds: list[Statistics | None] = [None] * max(session.n_folds, 1)
    records = _records(opened, prompts)
    complete = records is not None and records.have(shards)
    if not complete:
        _ = session.model.bridge  # loaded before it is copied
        if records is not None:
            records.make_room()
    for shard, own in _scored(session, shards, added, records):
        stored = Statistics.unpack(_path(folder, shard).read_bytes())
        joined = added.joined(stored, own)
        before = folds[shard.fold]
        folds[shard.fold] = joined if before is None else before + joined
        progress.advance(len(shard.prompts))
    if records is None:
        progress.note("patterns and activations are too large to be kept for the next trials")
    else:
        opened.known.keep(session)
        if not complete:
            progress.note(_kept(records, shards))
    return Extended(
        session=session,
        folder=folder,
        folds=[fold for fold in folds if fold is not None],
        vocabulary=added.vocabulary,
        new_relations=added.new_relations,
        new_columns=added.new_columns,
        prompts=prompts,
        complete=len(shards) == len(session.shards),
    )


def _records(opened: Opened, prompts: int) -> Records | None:
    """Where the records of a trial on so many prompts are; None where they would be too large."""
    corpus, session = opened.folder.run["corpus"], opened.session
    tokens = float(corpus["tokens"]) * prompts / max(len(session.corpus), 1)
    if not fits(session, tokens):
        return None
    return Records(opened.known.folder, session.model.shape.n_layers)


def _kept(records: Records, shards: Sequence[Shard]) -> str:
    if not records.have(shards):
        return f"nothing can be kept for the next trials in {records.folder}"
    return f"kept for the next trials: {records.size / 2**20:,.0f} MiB in {records.folder}"


def _some(session: Session, max_prompts: int) -> list[Shard]:
    """Whole shards, about as many prompts of every fold, and at least one shard of each."""
    share = max_prompts / max(session.n_folds, 1)
    taken: dict[int, int] = {}
    found = []
    for shard in session.shards:
        if taken.get(shard.fold, 0) < share:
            taken[shard.fold] = taken.get(shard.fold, 0) + len(shard.prompts)
            found.append(shard)
    return found


def _only(new: Sequence[Heuristic], old: Vocabulary) -> Vocabulary:
    """The new heuristics alone, on the query classes of the run."""
    features = tuple(item for item in new if item.kind == "feature")
    return Vocabulary(
        relations=tuple(item for item in new if item.kind == "relation"),
        features=features,
        classes=old.classes,
        neurons=NeuronVocabulary(features, ()),
    )


@dataclass(frozen=True, eq=False)
class _Own:
    """What one shard says of new heuristics: their own sums, and those shared with old ones."""

    sums: Statistics
    gram: Float[ndarray, "window class old new"]
    predictor_gram: Float[ndarray, "old new"]


class _Added:
    """How new heuristics are put among the old ones, in the order that a run would give them."""

    def __init__(self, old: Vocabulary, new: Vocabulary) -> None:
        self.old, self.new = old, new
        relations = [*old.relations, *new.relations]
        features = [*old.features, *new.features]
        self.relations = _by_name(relations)
        self.features = _by_name(features)
        ordered = tuple(features[index] for index in self.features)
        self.vocabulary = replace(
            old,
            relations=tuple(relations[index] for index in self.relations),
            features=ordered,
            neurons=replace(old.neurons, features=ordered),
        )
        self.columns = self._columns()
        self.new_relations = np.flatnonzero(self.relations >= len(old.relations))
        self.new_columns = np.flatnonzero(self.columns >= len(old.neurons))

    def _columns(self) -> Int[ndarray, " column"]:
        """For each column of the new vocabulary its place among old, then new columns."""
        n_old, n_new, total = len(self.old.features), len(self.new.features), len(self.old.neurons)
        here = np.concatenate([np.arange(n_old), total + np.arange(n_new)])
        before = np.concatenate([n_old + np.arange(n_old), total + n_new + np.arange(n_new)])
        rest = np.arange(2 * n_old, total)
        return np.concatenate([here[self.features], before[self.features], rest])

    def joined(self, old: Statistics, own: _Own) -> Statistics:
        """One shard's statistics with those of the new heuristics."""
        arrays = dict(old.arrays)
        for name, axes in (*RELATION_AXES.items(), *PREDICTOR_AXES.items()):
            relational = name in RELATION_AXES
            order = self.relations if relational else self.columns
            if len(axes) == 2:
                cross = own.gram if relational else own.predictor_gram
                arrays[name] = _framed(old[name], cross, own.sums[name], np.argsort(order))
            else:
                both = np.concatenate([old[name], own.sums[name]], axis=axes[0])
                arrays[name] = np.take(both, order, axis=axes[0])
        return Statistics(arrays)


def _framed(old: ndarray, cross: ndarray, new: ndarray, place: Int[ndarray, " item"]) -> ndarray:
    """Symmetric sums of old and new items, each item at its place."""
    n_old, n = old.shape[-1], len(place)
    here, there = place[:n_old], place[n_old:]
    both = np.empty((*old.shape[:-2], n, n), dtype=old.dtype)
    both[..., here[:, None], here] = old
    both[..., here[:, None], there] = cross
    both[..., there[:, None], here] = np.swapaxes(cross, -1, -2)
    both[..., there[:, None], there] = new
    return both


def _by_name(items: Sequence[Heuristic]) -> Int[ndarray, " item"]:
    return np.array(sorted(range(len(items)), key=lambda i: items[i].name), dtype=np.int64)


def _scored(
    session: Session, shards: Sequence[Shard], added: _Added, records: Records | None
) -> Iterator[tuple[Shard, _Own]]:
    """Each shard with what it says of the new heuristics."""

    def own(number: int) -> _Own:
        return _own(session, shards[number], added, records)

    found = in_order(own, len(shards), workers(session.settings), session.progress.note)
    return zip(shards, found, strict=True)


def _own(session: Session, shard: Shard, added: _Added, records: Records | None) -> _Own:
    texts = session.texts(shard.prompts)
    record = records.record(session, shard, texts) if records else None
    known = record.known(texts, added.old) if record else (Known.of(t, added.old) for t in texts)
    shared = SharedSums(added.old, added.new, session.model.shape.kinds)
    items = [shared.read(text, own) for text, own in zip(texts, known, strict=True)]
    scorer = Scorer(session.model, added.new)
    work = map(scorer.read, batches(items, session.settings.token_budget))
    if record:
        record.score(scorer, work)
    else:
        asked = [name for name in scorer.hooks if name.endswith("mlp.hook_post")]
        scorer.hooks = asked if added.new.features else []
        for batch in work:
            scorer.run(batch)
    return _Own(scorer.statistics(), shared.gram, shared.predictor_gram)
