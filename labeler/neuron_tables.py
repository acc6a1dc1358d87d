"""Rows of neurons.parquet, and of predictions.parquet about neurons."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy import ndarray

from labeler.describe import listed
from labeler.evidence import NeuronEvidence, strip
from labeler.fit_neurons import NeuronFit
from labeler.head_tables import confidence
from labeler.model import LanguageModel
from labeler.prepare import Vocabulary
from labeler.statistics import Statistics
from labeler.thresholds import Thresholds

PROMOTED = 6
DEAD = 1e-4


@dataclass(frozen=True)
class Predictor:
    """One prediction about neurons: a feature or a token, here or one position back."""

    name: str
    phrase: str
    identity: bool
    positional: bool


def predictors(vocabulary: Vocabulary, token: Callable[[int], str]) -> list[Predictor]:
    """In the order of the columns of `prepare.predictor_matrix`."""
    found = [
        Predictor(item.name, item.phrase, False, "position" in item.module)
        for item in vocabulary.features
    ]
    found += [
        Predictor(f"after {item.name}", f"what follows {item.phrase}", False, False)
        for item in vocabulary.features
    ]
    shown = [shown_token(token(index)) for index in vocabulary.tokens]
    found += [Predictor(f"token {name}", name, True, False) for name in shown]
    found += [
        Predictor(f"after token {name}", f"what follows {name}", True, False)
        for name in shown[: vocabulary.n_previous]
    ]
    return found


def shown_token(string: str) -> str:
    """A token in quotes, with its space visible."""
    return f'"{string.replace(" ", "·").replace(chr(10), "⏎")}"'


def neuron_sentence(terms: Sequence[tuple[Predictor, float]]) -> str:
    """What raises the activation, then what lowers it, the strongest first."""
    up = [item.phrase for item, weight in terms if weight > 0]
    down = [item.phrase for item, weight in terms if weight < 0]
    parts = []
    if up:
        parts.append(f"fires on {listed(up)}")
    if down:
        parts.append(f"{'quiet' if up else 'lower'} on {listed(down)}")
    said = "; ".join(parts)
    return f"{said[:1].upper()}{said[1:]}."


def kind_of(terms: Sequence[tuple[Predictor, float]], gains: Sequence[float]) -> str:
    """`token detector`, `class`, `position` or `mixed`, by what carries the gain."""
    total = max(sum(gains), 1e-12)
    identity = sum(g for (item, _), g in zip(terms, gains, strict=True) if item.identity) / total
    position = sum(g for (item, _), g in zip(terms, gains, strict=True) if item.positional) / total
    if identity >= 0.8:
        return "token detector"
    if position >= 0.8:
        return "position"
    return "class" if identity <= 0.2 else "mixed"


def ranking(x: ndarray, said: ndarray, top: float = 0.1) -> tuple[float, float, float]:
    """AUROC and average precision of a label for "among the top tenth", and the base rate."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    if len(x) < 20 or x.std() == 0 or said.std() == 0:
        return float("nan"), float("nan"), float("nan")
    high = x > np.quantile(x, 1 - top)
    if high.all() or not high.any():
        return float("nan"), float("nan"), float("nan")
    return (
        float(roc_auc_score(high, said)),
        float(average_precision_score(high, said)),
        float(high.mean()),
    )


@dataclass(frozen=True, eq=False)
class NeuronTable:
    """Everything that the rows about neurons are made from."""

    fit: NeuronFit
    names: Sequence[str]
    predictors: Sequence[Predictor]
    statistics: Statistics
    evidence: NeuronEvidence
    sample: ndarray
    limits: Thresholds

    def terms(self, neuron: int) -> tuple[list[tuple[Predictor, float]], list[float]]:
        """A neuron's predictions with their weights, the largest gain first, and the gains."""
        chosen = self.fit.chosen[neuron]
        slots = [slot for slot in range(len(chosen)) if chosen[slot] >= 0]
        slots.sort(key=lambda slot: -self.fit.gain[neuron, slot])
        found = [
            (self.predictors[chosen[slot]], float(self.fit.weight[neuron, slot])) for slot in slots
        ]
        return found, [max(0.0, float(self.fit.gain[neuron, slot])) for slot in slots]

    def rows(self, output: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Rows of neurons.parquet; `output` has what each neuron promotes and suppresses."""
        count = max(float(self.statistics["tokens"][0]), 1.0)
        mean = self.statistics["neuron_sum"] / count
        variance = np.maximum(self.statistics["neuron_square"] / count - mean**2, 0)
        quartiles = np.quantile(self.evidence.x, [0.25, 0.5, 0.75], axis=0)
        low, high = self.statistics["neuron_min"], self.statistics["neuron_max"]
        for neuron, name in enumerate(self.names):
            layer, number = name[1:].split("N")
            terms, gains = self.terms(neuron)
            dead = high[neuron] - low[neuron] < DEAD
            sure, kind, said = self._verdict(neuron, terms, gains, bool(dead))
            auroc, precision, base = self._ranking(neuron)
            yield {
                "name": name,
                "layer": int(layer),
                "neuron": int(number),
                "label": said,
                "kind": kind,
                "confidence": sure,
                "r2": self.fit.r2[neuron],
                "r2_low": self.fit.r2_low[neuron],
                "r2_high": self.fit.r2_high[neuron],
                "auroc": auroc,
                "average_precision": precision,
                "base_rate": base,
                "mean": mean[neuron],
                "std": variance[neuron] ** 0.5,
                "min": low[neuron],
                "q1": quartiles[0, neuron],
                "median": quartiles[1, neuron],
                "q3": quartiles[2, neuron],
                "max": high[neuron],
                **output[neuron],
            }

    def _verdict(
        self,
        neuron: int,
        terms: Sequence[tuple[Predictor, float]],
        gains: Sequence[float],
        dead: bool,
    ) -> tuple[str, str, str]:
        if dead:
            return "unlabelled", "dead", "Never changes on this corpus."
        fit = self.fit
        sure = confidence(fit.r2[neuron], fit.r2_low[neuron], bool(terms), self.limits)
        if sure == "unlabelled":
            return sure, "unlabelled", ""
        return sure, kind_of(terms, gains), neuron_sentence(terms)

    def _ranking(self, neuron: int) -> tuple[float, float, float]:
        chosen = self.fit.chosen[neuron]
        weight = self.fit.weight[neuron][chosen >= 0]
        said = self.sample[:, chosen[chosen >= 0]] @ weight
        return ranking(self.evidence.x[:, neuron], np.asarray(said))

    def predictions(self) -> Iterator[dict[str, Any]]:
        """Selected rows of predictions.parquet; `share` is the coefficient."""
        for neuron, name in enumerate(self.names):
            for order, slot in enumerate(np.flatnonzero(self.fit.chosen[neuron] >= 0)):
                item = self.predictors[self.fit.chosen[neuron, slot]]
                yield {
                    "name": name,
                    "prediction": item.name,
                    "query_class": "",
                    "order": order,
                    "share": self.fit.weight[neuron, slot],
                    "p": self.fit.p[neuron, slot],
                    "q": self.fit.q[neuron, slot],
                    "gain": self.fit.gain[neuron, slot],
                    "selected": True,
                }

    def examples(self, top: int = 3) -> Iterator[dict[str, Any]]:
        """Rows of evidence/neurons.parquet: the strongest activations and one a decile."""
        evidence = self.evidence
        for neuron, name in enumerate(self.names):
            for rank, (text, position, value) in enumerate(evidence.places_top(neuron, top)):
                yield self._example(name, "top", rank, text, position, value)
            order = np.argsort(evidence.x[:, neuron], kind="stable")
            for decile in range(10):
                if len(order) < 20:
                    break
                row = int(order[(2 * decile + 1) * len(order) // 20])
                text, position = evidence.places[row]
                value = float(evidence.x[row, neuron])
                yield self._example(name, f"decile {decile + 1}", 0, text, position, value)

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


def promoted(model: LanguageModel) -> list[dict[str, Any]]:
    """The tokens that each neuron's output weights promote and suppress most."""
    w_out, w_u = model.unembedding()
    rows: list[dict[str, Any]] = []
    for layer in range(len(w_out)):
        for start in range(0, w_out.shape[1], 2048):
            effect = w_out[layer, start : start + 2048].float() @ w_u.float()
            up = effect.topk(min(PROMOTED, effect.shape[1]), dim=1).indices.tolist()
            down = (-effect).topk(min(PROMOTED, effect.shape[1]), dim=1).indices.tolist()
            for raised, lowered in zip(up, down, strict=True):
                rows.append(
                    {
                        "promotes": [model.token_string(token) for token in raised],
                        "suppresses": [model.token_string(token) for token in lowered],
                    }
                )
    return rows
