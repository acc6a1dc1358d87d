"""All labels of a run put to the test: every head by itself, every layer, and the curve."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray

from heuristics.text import Text
from labeler.batches import batches
from labeler.engines.forked import in_order
from labeler.engines.threads import give_back
from labeler.losses import CURVES, FRACTIONS, Costly, Losses, Verified
from labeler.model import LanguageModel
from labeler.predict import Rules
from labeler.prepare import Prepared
from labeler.progress import Progress
from labeler.stand_ins import MeanPattern, StandIns
from labeler.verify import Trial, real_patterns, replacement, self_test

T = TypeVar("T")
SINGLE = ("label", "uniform", "mean", "zero", "first_position", "other_label", "shuffled_label")
ORDERED = ("label", "dense")
"""Curves in an order of their own, by own cost on choosing prompts; the others follow `label`."""
LAYERS = ("label", "dense", "distance_profile", "uniform")
SINGLE_PROMPTS = 50
"""Heads are replaced one by one on the first so many judging prompts; curves take them all."""
SELF_TEST_TEXTS = 2


class Campaign:
    """Runs the conditions: over choosing prompts for the order, over judging ones for figures.

    A text is prepared where and when it is run: what it says of its targets is large.
    """

    def __init__(
        self,
        model: LanguageModel,
        stand_ins: StandIns,
        prepare: Callable[[Text], Prepared],
        choosing: Sequence[Text],
        judging: Sequence[Text],
        budget: int,
        progress: Progress,
    ) -> None:
        self.model = model
        self.shape = model.shape
        self.n_heads = model.shape.n_heads
        self.all = list(range(model.shape.n_layers * model.shape.n_heads))
        self.names = model.shape.heads
        self.choosing, self.judging = list(choosing), list(judging)
        self.budget = budget
        self.progress = progress
        self.stand_ins = stand_ins
        self.prepare = prepare
        few = sorted(self.judging or self.choosing, key=len)[-SELF_TEST_TEXTS:]
        self.start = self_test(model, [prepare(text) for text in few])
        self.workers = 1

    def run(self) -> Verified:
        """Order by own cost where labels were chosen; everything else where they are judged."""
        self.progress.stage("order", len(self.choosing), "prompts")
        costs = self._own_costs()
        orders = {
            condition: [int(head) for head in np.argsort(own, kind="stable")]
            for condition, own in costs.items()
        }
        few, rest = self.judging[:SINGLE_PROMPTS], self.judging[SINGLE_PROMPTS:]
        parts = [(texts, True) for texts in batches(few, self.budget)]
        parts += [(texts, False) for texts in batches(rest, self.budget)]
        losses = Losses()
        costly = Costly(self.names)
        self.progress.stage("verify", len(self.judging), "prompts")

        def judged(number: int) -> tuple[Losses, Costly]:
            return self._judged(*parts[number], orders)

        for number, (found, dear) in enumerate(self._each(judged, len(parts))):
            losses.extend(found)
            costly.extend(dear)
            self.progress.advance(len(parts[number][0]))
        return Verified(losses, orders["label"], costs["label"], [*costly.rows()], self.names)

    def _each(self, answer: Callable[[int], T], count: int) -> Iterator[T]:
        return in_order(answer, count, self.workers, self.progress.note)

    def _own_costs(self) -> dict[str, Float[ndarray, " head"]]:
        """Mean rise of the loss when a head alone is replaced; also gathers mean patterns."""
        longest = max((len(item) for item in (*self.choosing, *self.judging)), default=1)
        parts = list(batches(self.choosing, self.budget))
        mean = MeanPattern(self.shape, longest)
        total = {condition: np.zeros(len(self.all)) for condition in ORDERED}
        tokens = 0.0

        def own(number: int) -> tuple[dict[str, ndarray], float, MeanPattern]:
            return self._own_cost(parts[number])

        for number, (costs, counted, part) in enumerate(self._each(own, len(parts))):
            for condition in ORDERED:
                total[condition] += costs[condition]
            tokens += counted
            mean.extend(part)
            self.progress.advance(len(parts[number]))
        self.stand_ins.mean.extend(mean.patterns(self.shape.windows))
        return {condition: costs / max(tokens, 1.0) for condition, costs in total.items()}

    def _own_cost(self, texts: list[Text]) -> tuple[dict[str, ndarray], float, MeanPattern]:
        items = [self.prepare(text) for text in texts]
        trial = Trial(self.model, items, self.start)
        mean = MeanPattern(self.shape, max(len(item) for item in items))
        mean.add(real_patterns(self.model, trial.tokens), items)
        found = {}
        for condition in ORDERED:
            said = self.stand_ins.build(condition, items)
            rises = [
                trial.by_token(replacement(said, [head], self.n_heads)) - trial.clean_nats
                for head in self.all
            ]
            found[condition] = np.array([float(rise.sum()) for rise in rises])
            give_back()
        return found, float(trial.valid.sum()), mean

    def _judged(
        self, texts: list[Text], singly: bool, orders: dict[str, list[int]]
    ) -> tuple[Losses, Costly]:
        trial = Trial(self.model, [self.prepare(text) for text in texts], self.start)
        losses, costly = Losses([text.string for text in texts]), Costly(self.names)
        losses.clean.append(trial.nats(trial.clean_nats))
        for condition in dict.fromkeys((*SINGLE, *CURVES)) if singly else CURVES:
            self._condition(trial, condition, orders, losses, costly if singly else None)
            give_back()
        return losses, costly

    def _condition(
        self,
        trial: Trial,
        condition: str,
        orders: dict[str, list[int]],
        losses: Losses,
        costly: Costly | None,
    ) -> None:
        patterns = self.stand_ins.build(condition, trial.items)
        if costly is not None and condition in SINGLE:
            for head in self.all:
                self._single(trial, condition, head, patterns, losses, costly)

        def together(scope: str, name: str, heads: Sequence[int]) -> None:
            replaced = replacement(patterns, heads, self.n_heads)
            losses.add(scope, name, condition, trial.nats(trial.by_token(replaced)))

        if condition in CURVES:
            order = orders.get(condition, orders["label"])
            for fraction in FRACTIONS:
                together("fraction", f"{fraction:g}", order[: max(1, round(fraction * len(order)))])
        if condition in LAYERS:
            for layer in range(self.shape.n_layers):
                heads = range(layer * self.n_heads, (layer + 1) * self.n_heads)
                together("layer", f"L{layer}", heads)

    def _single(
        self,
        trial: Trial,
        condition: str,
        head: int,
        patterns: list[torch.Tensor],
        losses: Losses,
        costly: Costly,
    ) -> None:
        replaced = replacement(patterns, [head], self.n_heads)
        if condition != "label":
            losses.add("head", self.names[head], condition, trial.nats(trial.by_token(replaced)))
            return
        by_token, logits = trial.with_logits(replaced)
        losses.add("head", self.names[head], condition, trial.nats(by_token))
        speaks = self.stand_ins.speaks(trial.items)[head] & trial.queries
        kl = float(trial.divergence(logits)[speaks].sum())
        losses.diverge(self.names[head], kl, float(speaks.sum()))
        costly.add(self.names[head], trial.items, by_token - trial.clean_nats)


def controls(rules: Sequence[Rules], n_relations: int, seed: int) -> dict[str, list[Rules]]:
    """Wrong labels: another head's of the layer; a head's own with its relations shuffled."""
    draw = np.random.default_rng(seed)
    return {
        "other_label": [rule.heads(_others(rule.weight)) for rule in rules],
        "shuffled_label": [
            Rules(_shuffled(rule.relations, n_relations, draw), rule.weight) for rule in rules
        ],
    }


def _others(weight: Float[ndarray, "head class used"]) -> list[int]:
    """For each head the next one whose label says something, and something else."""
    n = len(weight)
    found = []
    for head in range(n):
        after = [(head + step) % n for step in range(1, n)]
        other = [
            i for i in after if weight[i].any() and not np.array_equal(weight[i], weight[head])
        ]
        found.append((other or after or [head])[0])
    return found


def _shuffled(
    relations: Int[ndarray, " used"], n_relations: int, draw: np.random.Generator
) -> Int[ndarray, " used"]:
    """Each relation of a layer exchanged for another of the layer, a single one for any other."""
    n = len(relations)
    if n == 1 and n_relations > 1:
        return (relations + draw.integers(1, n_relations)) % n_relations
    order = draw.permutation(n)
    found = np.empty_like(relations)
    found[order] = relations[np.roll(order, 1)]
    return found
