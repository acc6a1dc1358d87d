"""The second pass, over judging prompts: printed patterns against real ones; what is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from labeler.batches import TOKEN_BUDGET, batches, pad
from labeler.model import LanguageModel
from labeler.predict import Rules, baseline, patterns
from labeler.prepare import Prepared
from labeler.profiles import Profiles
from labeler.statistics import Statistics
from labeler.writing import output_grams, value_norms, weighted

Watch = Callable[[Prepared, int, Tensor, Tensor], None]
"""Called with a text, a layer, its real and its printed patterns `[head, query, key]`."""


@dataclass(eq=False)
class Measured:
    """Sums over queries, per head, position 0 left out as a query.

    `error`, `distance_error` and `energy` are squared errors of the printed pattern, of the head's
    own distance profile and of the baseline; those with `weighted_` compare the same label with the
    value-weighted pattern. `weighted_first` is the value-weighted attention to the first position,
    `written` the norm of what the head writes as a share of the norms of its layer.
    """

    error: Float[ndarray, " head"]
    distance_error: Float[ndarray, " head"]
    energy: Float[ndarray, " head"]
    weighted_error: Float[ndarray, " head"]
    weighted_energy: Float[ndarray, " head"]
    weighted_first: Float[ndarray, " head"]
    written: Float[ndarray, " head"]
    queries: float = 0.0

    @classmethod
    def empty(cls, n_heads: int) -> Measured:
        """Nothing measured yet."""
        a, b, c, d, e, f, g = (np.zeros(n_heads) for _ in range(7))
        return cls(a, b, c, d, e, f, g)

    def __add__(self, other: Measured) -> Measured:
        both = zip(vars(self).values(), vars(other).values(), strict=True)
        return Measured(*(ours + theirs for ours, theirs in both))

    @property
    def statistics(self) -> Statistics:
        """The sums as arrays that can be kept."""
        return Statistics({name: np.asarray(value) for name, value in vars(self).items()})

    @classmethod
    def of(cls, statistics: Statistics) -> Measured:
        """The inverse of `statistics`."""
        sums = dict(statistics.arrays)
        return cls(queries=float(sums.pop("queries")), **sums)


def measure(
    prepared: Sequence[Prepared],
    model: LanguageModel,
    rules: Sequence[Rules],
    profiles: Profiles,
    watchers: Sequence[Watch] = (),
    on_neurons: Callable[[Sequence[Prepared], int, Tensor], None] | None = None,
    budget: int = TOKEN_BUDGET,
) -> Measured:
    """Measure over some texts; `rules` has one entry a layer, `on_neurons` gets `hook_post`."""
    reading = _Reading(model, rules, profiles, watchers)
    for batch in batches(list(prepared), budget):
        hooks: dict[str, Callable[[Tensor], None]] = {}
        for layer in range(model.shape.n_layers):
            hooks |= reading.hooks(batch, layer)
            if on_neurons is not None and model.shape.d_mlp:
                hooks[f"blocks.{layer}.mlp.hook_post"] = partial(on_neurons, batch, layer)
        model.read(pad(batch), hooks)
    return reading.found


class _Reading:
    """What is added up while batches pass."""

    def __init__(
        self,
        model: LanguageModel,
        rules: Sequence[Rules],
        profiles: Profiles,
        watchers: Sequence[Watch],
    ) -> None:
        self.model = model
        self.shape = model.shape
        self.rules = rules
        self.profiles = profiles
        self.watchers = watchers
        self.grams = output_grams(model)
        self.found = Measured.empty(model.shape.n_layers * model.shape.n_heads)
        self.norms: Tensor | None = None

    def hooks(self, batch: list[Prepared], layer: int) -> dict[str, Callable[[Tensor], None]]:
        """The hooks of one layer; values come before the pattern, the pattern before `z`."""
        prefix = f"blocks.{layer}.attn"
        return {
            f"{prefix}.hook_v": partial(self._values, layer),
            f"{prefix}.hook_pattern": partial(self._patterns, batch, layer),
            f"{prefix}.hook_z": partial(self._written, batch, layer),
        }

    def _values(self, layer: int, v: Float[Tensor, "b pos kv_head d_head"]) -> None:
        self.norms = value_norms(self.model.attended(v), self.grams[layer]).cpu()

    def _patterns(
        self, batch: list[Prepared], layer: int, pattern: Float[Tensor, "b h q k"]
    ) -> None:
        window, heads, found = self.shape.windows[layer], self.shape.heads_of(layer), self.found
        kind = self.shape.kinds.index(window)
        for row, item in enumerate(batch):
            n = len(item)
            real = pattern[row, :, :n, :n].float().cpu()
            said = patterns(self.rules[layer], item, kind, window)
            even = baseline(n, window)
            found.error[heads] += _energy(real - said)
            near = self.profiles.patterns(heads, item, window)
            found.distance_error[heads] += _energy(real - near)
            found.energy[heads] += _energy(real - even)
            if self.norms is not None:
                moved = weighted(real, self.norms[row, :, :n])
                found.weighted_error[heads] += _energy(moved - said)
                found.weighted_energy[heads] += _energy(moved - even)
                found.weighted_first[heads] += moved[:, 1:, 0].double().sum(dim=1).numpy()
            if layer == 0:
                found.queries += n - 1
            for watch in self.watchers:
                watch(item, layer, real, said)
        self.norms = None

    def _written(self, batch: list[Prepared], layer: int, z: Float[Tensor, "b q h d"]) -> None:
        gram = self.grams[layer].to(z.device)
        square = torch.einsum("bqhd,hde,bqhe->bhq", z.float(), gram, z.float())
        norm = square.clamp(min=0).sqrt()
        share = (norm / norm.sum(dim=1, keepdim=True).clamp(min=1e-12)).double().cpu()
        for row, item in enumerate(batch):
            self.found.written[self.shape.heads_of(layer)] += (
                share[row, :, 1 : len(item)].sum(dim=1).numpy()
            )


def _energy(difference: Float[Tensor, "h q k"]) -> ndarray:
    rows = torch.einsum("hqk,hqk->hq", difference, difference)
    return np.asarray(rows[:, 1:].double().sum(dim=1).numpy())
