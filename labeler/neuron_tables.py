"""Rows of neurons.parquet, and of predictions.parquet about neurons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy import ndarray

from labeler.describe import listed
from labeler.evidence import NeuronEvidence, strip
from labeler.fit_neurons import NeuronFit
from labeler.gist import LEADS
from labeler.head_tables import TOO_FEW, confidence, rounded_down
from labeler.neuron_figures import histograms, ranking
from labeler.predictors import Predictor, grouped
from labeler.statistics import Statistics
from labeler.thresholds import Thresholds

DEAD = 1e-4
"""A neuron whose activations differ by less is constant."""

COUNTER_EXAMPLES = 2


@dataclass(frozen=True)
class Term:
    """One prediction of a label: a feature, a token or a group of tokens, its weight and gain."""

    said: Predictor
    weight: float
    gain: float
    is_class: bool
    slot: int


def neuron_sentence(terms: Sequence[Term], whole: Sequence[Term] = ()) -> str:
    """What raises the activation, then what lowers it, the strongest first.

    A neuron that fires on something is quiet on what lowers it; `whole` has all that it does.
    """
    fires = any(term.weight > 0 for term in whole or terms)
    up = [term.said.phrase for term in terms if term.weight > 0]
    down = [term.said.phrase for term in terms if term.weight < 0]
    parts = []
    if up:
        parts.append(f"fires on {_joined(up)}")
    if down:
        parts.append(f"{'quiet' if fires else 'lower'} on {_joined(down)}")
    said = "; ".join(parts)
    return f"{said[:1].upper()}{said[1:]}."


def neuron_gist(terms: Sequence[Term]) -> str:
    """The leading prediction, and the next where it gains half as much; large groups in part."""
    leading = [term for term in terms[:2] if term.gain >= LEADS * terms[0].gain]
    return neuron_sentence(
        [
            replace(term, said=replace(term.said, phrase=term.said.brief or term.said.phrase))
            for term in leading
        ],
        terms,
    )


def _joined(phrases: Sequence[str]) -> str:
    """Phrases that hold commas or "or" themselves are parted by "and on"."""
    if any("," in phrase or " or " in phrase for phrase in phrases):
        return ", and on ".join(phrases)
    return listed(list(phrases))


def kind_of(terms: Sequence[Term]) -> str:
    """`token detector`, `class`, `position` or `mixed`, by what carries the gain."""
    total = max(sum(term.gain for term in terms), 1e-12)
    classes = sum(term.gain for term in terms if term.is_class) / total
    position = sum(term.gain for term in terms if term.said.positional) / total
    if position >= 0.8:
        return "position"
    if classes >= 0.8:
        return "class"
    return "mixed" if any(term.is_class for term in terms) else "token detector"


def constant(folds: Sequence[Statistics]) -> ndarray:
    """Which neurons never change over all folds."""
    low = np.min([fold["neuron_min"] for fold in folds], axis=0)
    high = np.max([fold["neuron_max"] for fold in folds], axis=0)
    return np.asarray(high - low < DEAD)


def terms_of(fit: NeuronFit, said: Sequence[Predictor], neuron: int) -> list[Term]:
    """A neuron's predictions, the largest gain first."""
    found = []
    for slot in range(fit.chosen.shape[1]):
        columns = fit.columns(neuron, slot)
        if columns:
            found.append(
                Term(
                    grouped([said[column] for column in columns]),
                    float(fit.weight[neuron, slot]),
                    max(0.0, float(fit.gain[neuron, slot])),
                    bool(fit.is_class[columns[0]]),
                    slot,
                )
            )
    return sorted(found, key=lambda term: (-term.gain, term.slot))


@dataclass(frozen=True, eq=False)
class NeuronTable:
    """What the rows about neurons are made from; `sample` has the reservoir's columns."""

    fit: NeuronFit
    names: Sequence[str]
    predictors: Sequence[Predictor]
    statistics: Statistics
    evidence: NeuronEvidence
    sample: ndarray
    limits: Thresholds

    @cached_property
    def constant(self) -> ndarray:
        """Neurons that never change on this corpus: dead ones, and ones that are always on."""
        return constant([self.statistics])

    def moments(self) -> tuple[ndarray, ndarray]:
        """Mean and standard deviation of every neuron over the corpus."""
        count = max(float(self.statistics["tokens"][0]), 1.0)
        mean = self.statistics["neuron_sum"] / count
        variance = np.maximum(self.statistics["neuron_square"] / count - mean**2, 0)
        return mean, variance**0.5

    def terms(self, neuron: int) -> list[Term]:
        """A neuron's predictions, the largest gain first."""
        return terms_of(self.fit, self.predictors, neuron)

    def _holding(self, neuron: int) -> Iterator[tuple[float, ndarray]]:
        """Each prediction's weight, and how many of its columns hold at each reservoir token."""
        for slot in range(self.fit.chosen.shape[1]):
            columns = self.fit.columns(neuron, slot)
            if columns:
                yield self.fit.weight[neuron, slot], self.sample[:, columns].sum(axis=1)

    def expected(self, neuron: int) -> ndarray:
        """The activations that a label expects on the reservoir."""
        said = np.full(self.sample.shape[0], float(self.fit.constant[neuron]))
        for weight, held in self._holding(neuron):
            said += weight * held
        return said

    def _raised(self, neuron: int) -> ndarray:
        """Where on the reservoir a prediction holds that raises the activation."""
        found = np.zeros(self.sample.shape[0], dtype=bool)
        for weight, held in self._holding(neuron):
            found |= (weight > 0) & (held > 0)
        return found

    def rows(self) -> Iterator[dict[str, Any]]:
        """Rows of neurons.parquet, as far as labels and activations go."""
        mean, std = self.moments()
        quartiles = np.quantile(self.evidence.x, [0.25, 0.5, 0.75], axis=0)
        low, high = self.statistics["neuron_min"], self.statistics["neuron_max"]
        edges, counts = histograms(self.evidence.x)
        for neuron, name in enumerate(self.names):
            layer, number = name[1:].split("N")
            sure, kind, said, gist = self._verdict(neuron)
            yield {
                "name": name,
                "layer": int(layer),
                "neuron": int(number),
                "label": said,
                "gist": gist,
                "kind": kind,
                "confidence": sure,
                "r2": self.fit.r2[neuron],
                "r2_low": self.fit.r2_low[neuron],
                "r2_high": self.fit.r2_high[neuron],
                **ranking(self.evidence.x[:, neuron], self.expected(neuron)),
                "mean": mean[neuron],
                "std": std[neuron],
                "min": low[neuron],
                "q1": quartiles[0, neuron],
                "median": quartiles[1, neuron],
                "q3": quartiles[2, neuron],
                "max": high[neuron],
                "edges": edges[neuron],
                "counts": counts[neuron],
            }

    def _verdict(self, neuron: int) -> tuple[str, str, str, str]:
        """Confidence, kind, label, and the label in short."""
        low, high = self.statistics["neuron_min"][neuron], self.statistics["neuron_max"][neuron]
        if self.constant[neuron]:
            dead = max(abs(low), abs(high)) < DEAD
            value = f"Always {(low + high) / 2:.3g} on this corpus."
            said = "Never active on this corpus." if dead else value
            return "unlabelled", "dead" if dead else "always on", said, said
        fit, terms = self.fit, self.terms(neuron)
        sure = confidence(fit.r2[neuron], fit.r2_low[neuron], bool(terms), self.limits)
        if sure == "unlabelled":
            said = f"Unlabelled: {self._why_unlabelled(neuron, terms)}."
            return sure, "always on" if low > DEAD else "unlabelled", said, said
        return sure, kind_of(terms), neuron_sentence(terms), neuron_gist(terms)

    def _why_unlabelled(self, neuron: int, terms: Sequence[Term]) -> str:
        r2, low, floor = self.fit.r2[neuron], self.fit.r2_low[neuron], self.limits.effect_floor
        if np.isnan(low):
            return TOO_FEW
        if not terms:
            return "nothing that was tried held on the judging prompts"
        if r2 < floor:
            return f"what held explains {rounded_down(r2)} of it, and {floor:g} is asked"
        return f"what held explains {r2:.2f} of it, which may be chance"

    def predictions(self) -> Iterator[dict[str, Any]]:
        """Selected rows of predictions.parquet; `share` is the coefficient."""
        for neuron, name in enumerate(self.names):
            for order, term in enumerate(self.terms(neuron)):
                yield {
                    "name": name,
                    "prediction": term.said.name,
                    "phrase": term.said.phrase,
                    "query_class": "",
                    "order": order,
                    "share": term.weight,
                    "p": self.fit.p[neuron, term.slot],
                    "q": self.fit.q[neuron, term.slot],
                    "gain": term.gain,
                    "selected": True,
                }

    def examples(self) -> Iterator[dict[str, Any]]:
        """Rows of evidence/neurons.parquet: the strongest, one a decile, counter-examples."""
        evidence = self.evidence
        for neuron, name in enumerate(self.names):
            for rank, (text, position, value) in enumerate(evidence.places_top(neuron)):
                yield self._example(name, "top", rank, text, position, value)
            if len(evidence.x) < 20:
                continue
            order = np.argsort(evidence.x[:, neuron], kind="stable")
            for decile in range(10):
                row = int(order[(2 * decile + 1) * len(order) // 20])
                yield self._at(name, f"decile {decile + 1}", 0, row, neuron)
            if self.fit.columns(neuron, 0) or self.terms(neuron):
                yield from self._counter_examples(neuron, name)

    def _counter_examples(self, neuron: int, name: str) -> Iterator[dict[str, Any]]:
        """Where label and neuron are on different sides of their means, furthest apart; one a text.

        `feature without activation`: the label expects more than on average, by a prediction that
        holds there, and the neuron is below its mean. `activation without feature`: the neuron is
        above its mean, and the label does not expect it.
        """
        said, x = self.expected(neuron), self.evidence.x[:, neuron]
        speaks, fires = said > said.mean(), x > x.mean()
        named = speaks & self._raised(neuron)
        for kind, apart in (
            ("feature without activation", np.where(named & ~fires, said - x, 0.0)),
            ("activation without feature", np.where(fires & ~speaks, x - said, 0.0)),
        ):
            seen: set[int] = set()
            for row in np.argsort(-apart, kind="stable")[: 10 * COUNTER_EXAMPLES]:
                text, _ = self.evidence.places[int(row)]
                if text in seen or apart[row] <= 0:
                    continue
                yield self._at(name, kind, len(seen), int(row), neuron)
                seen.add(text)
                if len(seen) == COUNTER_EXAMPLES:
                    break

    def _at(self, name: str, kind: str, rank: int, row: int, neuron: int) -> dict[str, Any]:
        text, position = self.evidence.places[row]
        value = float(self.evidence.x[row, neuron])
        return self._example(name, kind, rank, text, position, value)

    def _example(
        self, name: str, kind: str, rank: int, text: int, position: int, value: float
    ) -> dict[str, Any]:
        item = self.evidence.items[text]
        start, tokens = strip(item, position)
        return {
            "name": name,
            "kind": kind,
            "rank": rank,
            "prompt": item.text.id,
            "position": position,
            "value": round(value, 4),
            "start": start,
            "tokens": tokens,
        }
