"""How often 95% intervals hold the truth: what the figures of a run are on other prompts.

The labels are held as the run chose and fitted them. The truth is what the same figure is on all
prompts of the population on which they were not chosen:

- R² of a head: of the printed pattern.
- Share: what the predictions of a rule, held as chosen, get when they are fitted there.
- Lift of a content prediction: its mass over what attention by distance alone gives it there.
- R² of a neuron: of its predictions with their weights, its constant and its mean as they were
  fitted.

That truth is itself of N prompts, an interval of n: of those that chose, which are not among the N,
or of those that judged, which are. As far as a figure is a mean over prompts, the two then differ
by √(1 + n/N) or √(1 − n/N) times what one from an endless population would, and intervals are held
against the truth with so much room.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float
from numpy import ndarray

from labeler.config import Settings
from labeler.corpus import Corpus, Prompt, read_corpus
from labeler.engines.fold import fold_statistics
from labeler.fit_neurons import Moments, SlotSums, fit_neurons
from labeler.head_moments import fitted_shares, small_problem, sums_of
from labeler.labels import HeadLabel
from labeler.lift import Near
from labeler.measure import Measured, measure
from labeler.predict import Rules
from labeler.prepare import Vocabulary
from labeler.profiles import Profiles
from labeler.progress import Silent
from labeler.results import RunFolder, open_run
from labeler.run import run_labels
from labeler.score import Scorer
from labeler.session import Session, judging_prompts
from labeler.simplicity import levels
from labeler.statistics import Statistics, merge, split_folds
from labeler.verification import labels_of

Said = tuple[str, str, str]
"""Head, query class and prediction."""


def drawn(corpus: Corpus, prompts: int, seed: int) -> tuple[str, ...]:
    """So many prompts of a corpus, without putting back."""
    chosen = np.random.default_rng(seed).permutation(len(corpus))[:prompts]
    return tuple(corpus.prompts[index].text for index in sorted(chosen))


@dataclass(frozen=True, eq=False)
class Intervals:
    """Printed figures with their intervals, the truth, and the room that intervals are given."""

    printed: Float[ndarray, " figure"]
    low: Float[ndarray, " figure"]
    high: Float[ndarray, " figure"]
    truth: Float[ndarray, " figure"]
    room: float = 1.0

    @classmethod
    def of(cls, table: pd.DataFrame, figure: str, room: float) -> Intervals:
        """The rows of a table that have an interval of a figure; it has its `truth`, too."""
        told = table[table[f"{figure}_low"].notna()]
        names = (figure, f"{figure}_low", f"{figure}_high", "truth")
        printed, low, high, truth = (told[name].to_numpy(float) for name in names)
        return cls(printed, low, high, truth, room)

    @property
    def held(self) -> Bool[ndarray, " figure"]:
        """Which of them hold the truth; of a share cut at 0 or 1 the other bound tells how wide."""
        cut = (self.low <= 0) | (self.high >= 1)
        middle = np.where(cut, self.printed, (self.low + self.high) / 2)
        half = np.maximum(self.high - middle, middle - self.low)
        return np.asarray(np.abs(middle - self.truth) <= self.room * half)


class Labelled:
    """A finished run: its labels as printed, and all that they were fitted on."""

    def __init__(self, session: Session, run: RunFolder) -> None:
        self.session, self.run = session, run
        self.folds = fold_statistics(session, Silent())
        self.labels = labels_of(run, self.vocabulary, session.model.shape.heads)
        judged = {prompt.text for shard in judging_prompts(session) for prompt in shard.prompts}
        self.judged = len(judged)
        self.chosen_on = {prompt.text for prompt in session.corpus.prompts} - judged

    @property
    def vocabulary(self) -> Vocabulary:
        """What labels are made of."""
        return self.session.vocabulary

    def others(self, corpus: Corpus) -> list[Prompt]:
        """The prompts of a corpus on which labels were not chosen."""
        return [prompt for prompt in corpus.prompts if prompt.text not in self.chosen_on]

    def said(self) -> pd.DataFrame:
        """What is printed of labelled heads: a row a prediction, in the index where it is said."""
        rows, sure = self.run.predictions, _sure(self.run.heads)["name"]
        rows = rows[rows["selected"].astype(bool) & rows["name"].isin(sure)]
        return rows.set_index(["name", "query_class", "prediction"])


def _sure(table: pd.DataFrame) -> pd.DataFrame:
    """The heads or neurons that have a label."""
    return table[table["confidence"] != "unlabelled"]


def elsewhere(labelled: Labelled, prompts: Sequence[Prompt]) -> tuple[Statistics, Measured]:
    """The sums of some prompts, and the errors that printed patterns have on them."""
    session, shape = labelled.session, labelled.session.model.shape
    rules = Rules.by_layer(labelled.labels, shape, len(labelled.vocabulary.classes))
    choosing = split_folds(len(labelled.folds))[0]
    profiles = Profiles.of([labelled.folds[i] for i in choosing], shape)
    scorer, measured = Scorer(session.model, labelled.vocabulary), Measured.empty(len(shape.heads))
    for batch in session.prepared(session.texts(prompts)):
        scorer.run(scorer.read(batch))
        measured += measure(batch, session.model, rules, profiles)
    return scorer.statistics(), measured


def true_r2(measured: Measured) -> Float[ndarray, " head"]:
    """R² of the printed patterns of all heads."""
    return np.asarray(1 - measured.error / measured.energy)


def _by_kind(labelled: Labelled) -> Iterator[tuple[int, ndarray, list[HeadLabel]]]:
    """The heads and labels of each kind of window."""
    shape = labelled.session.model.shape
    for kind in range(len(shape.kinds)):
        heads = shape.of_kind(kind)
        yield kind, heads, [labelled.labels[head] for head in heads]


def true_shares(labelled: Labelled, statistics: Statistics) -> dict[Said, float]:
    """The shares of all printed predictions, fitted to some sums."""
    relations = labelled.vocabulary.relations
    found = {}
    for kind, heads, labels in _by_kind(labelled):
        sums = sums_of(statistics, kind, heads, levels(relations))
        for head, label in enumerate(labels):
            for rule in label.rules:
                own = [term.relation for term in rule.terms]
                shares = fitted_shares(small_problem(sums, head, own, rule.leaves))
                for relation, share in zip(own, shares.tolist(), strict=True):
                    found[label.name, rule.query_class, relations[relation].name] = share
    return found


def true_lifts(labelled: Labelled, statistics: Statistics) -> dict[Said, float]:
    """The lifts of all printed predictions of content."""
    relations = labelled.vocabulary.relations
    found = {}
    for kind, heads, labels in _by_kind(labelled):
        general = Near.of(statistics, heads, kind).lift
        for head, label in enumerate(labels):
            for rule in label.rules:
                own = general[head]
                if rule.group:
                    own = Near.within(statistics, heads[[head]], kind, rule.leaves).lift[0]
                for term in rule.terms:
                    item = relations[term.relation]
                    if not item.positional:
                        said = (label.name, rule.query_class, item.name)
                        found[said] = float(own[term.relation])
    return found


def true_neuron_r2(labelled: Labelled, statistics: Statistics) -> Float[ndarray, " neuron"]:
    """R² of the labels of all neurons."""
    folds, neurons = labelled.folds, labelled.vocabulary.neurons
    fit = fit_neurons(folds, neurons, labelled.session.settings.thresholds)
    every = slice(None)
    chosen_on = Moments.of(merge(folds[i] for i in split_folds(len(folds))[0]), every)
    there = Moments.of(statistics, every)
    error = SlotSums.of(there, fit.chosen).error(fit.weight, fit.constant)
    energy = there.baseline_error(chosen_on.mean)
    return np.asarray(1 - error / np.maximum(energy, 1e-12))


def intervals(labelled: Labelled, corpus: Corpus) -> dict[str, Intervals]:
    """The intervals of what a run prints of labelled heads and neurons, by kind of figure.

    The prompts that judged have to be in the corpus.
    """
    others = labelled.others(corpus)
    statistics, measured = elsewhere(labelled, others)
    chosen = (1 + len(labelled.chosen_on) / len(others)) ** 0.5
    judged = (1 - labelled.judged / len(others)) ** 0.5
    said, run = labelled.said(), labelled.run
    shares = _those(said, true_shares(labelled, statistics))
    lifts = _those(said, true_lifts(labelled, statistics))
    heads = run.heads.assign(truth=true_r2(measured))
    found = {
        "R² of heads": Intervals.of(_sure(heads), "r2", judged),
        "shares": Intervals.of(shares, "share", chosen),
        "lifts": Intervals.of(lifts, "lift", judged),
    }
    if len(run.neurons):
        neurons = run.neurons.assign(truth=true_neuron_r2(labelled, statistics))
        found["R² of neurons"] = Intervals.of(_sure(neurons), "r2", judged)
    return found


def _those(said: pd.DataFrame, truth: Mapping[Said, float]) -> pd.DataFrame:
    """The rows of which a truth is known."""
    known = said[[key in truth for key in said.index]]
    return known.assign(truth=[truth[key] for key in known.index])


def coverage(
    settings: Settings, prompts: int, draws: int, folder: Path
) -> Iterator[dict[str, Intervals]]:
    """One entry a draw, which is labelled by itself."""
    corpus = read_corpus(settings.corpus, max_prompts=settings.max_prompts)
    for seed in range(draws):
        own = drawn(corpus, prompts, seed)
        out = folder / str(seed)
        asked = replace(settings, prompts=own, max_prompts=None, out=out, reinitialised=False)
        run = open_run(run_labels(asked).path)
        yield intervals(Labelled(Session(asked), run), corpus)
        shutil.rmtree(out)
