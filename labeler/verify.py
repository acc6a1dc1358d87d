"""Putting patterns in the place of heads, and the loss that this costs, text by text."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import partial

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy import ndarray
from torch import Tensor

from labeler.batches import pad
from labeler.errors import ModelError
from labeler.model import Hooks, LanguageModel, rebuilt
from labeler.predict import baseline
from labeler.prepare import Prepared

FIRST_JUDGED = 2
TOLERANCE = 1e-5
"""Of the largest logit: single precision has 6e-8, and a rebuilt head adds in another order."""

Replacement = Mapping[int, tuple[Sequence[int], Tensor]]
"""Layer → heads of that layer, and their patterns `[batch, head, query, key]`."""


@dataclass(frozen=True, eq=False)
class Nats:
    """Loss of each text, summed in nats over tokens 2 and later, and the number of those tokens."""

    total: Float[ndarray, " text"]
    tokens: Float[ndarray, " text"]


class Start(IntEnum):
    """Where a batch is run again from: each only where a self-test shows it equal to the last."""

    TOKENS = 0
    LAYER = 1
    """The residual stream before the first replaced layer."""
    HEADS = 2
    """That layer's z: the heads that are not replaced are not computed again."""


class Trial:
    """One batch, clean once, then run again from the first replaced layer with heads replaced.

    Only rows that predict a judged token are unembedded: `rows` has their texts and positions.
    """

    def __init__(self, model: LanguageModel, items: list[Prepared], start: Start) -> None:
        self.model = model
        self.items = items
        self.tokens = pad(items).to(model.device)
        self.start = start
        self.valid = torch.zeros(self.tokens.shape, dtype=torch.bool)
        for row, item in enumerate(items):
            self.valid[row, FIRST_JUDGED : len(item)] = True
        text, judged = self.valid.nonzero(as_tuple=True)
        self.rows = (text.to(model.device), judged.to(model.device) - 1)
        self.kept: dict[str, Tensor] = {}
        wanted = ("hook_resid_pre",) * (start >= Start.LAYER)
        wanted += ("attn.hook_v", "attn.hook_z") * (start >= Start.HEADS)
        layers = range(model.shape.n_layers)
        names = [_at(layer, name) for layer in layers for name in wanted]
        self.clean_logits = self._run(model.logits, self.tokens, _keepers(names, self.kept))
        self.clean_nats = self.by_logits(self.clean_logits)
        self.clean_logs: Tensor | None = None
        self._known: dict[bytes, Tensor] = {}

    def _run(
        self, run: Callable[[Tensor, Hooks], Tensor], start: Tensor, hooks: Hooks
    ) -> Float[Tensor, "row vocabulary"]:
        def judged(residual: Tensor) -> Tensor:
            return residual[self.rows][None]

        return run(start, {**hooks, "unembed.hook_in": judged})[0]

    def logits(self, replaced: Replacement) -> Float[Tensor, "row vocabulary"]:
        """Logits with heads replaced, at the positions before judged tokens."""
        if not replaced or self.start is Start.TOKENS:
            return self._run(self.model.logits, self.tokens, self._hooks(replaced))
        first = min(replaced)
        if self.start is Start.LAYER:
            return self.logits_from(first, self._hooks(replaced))
        z, v = (self.kept[_at(first, f"attn.hook_{name}")] for name in "zv")
        above = {layer: own for layer, own in replaced.items() if layer > first}
        with torch.inference_mode():
            new = rebuilt(z, self.model.attended(v), *replaced[first])
        with self.model.attending(first, new):
            return self.logits_from(first, self._hooks(above))

    def _hooks(self, replaced: Replacement) -> Hooks:
        hooks: dict[str, Callable[[Tensor], Tensor | None]] = {}
        for layer, (heads, pattern) in replaced.items():
            hooks |= self.model.replace_pattern(layer, heads, pattern)
        return hooks

    def logits_from(self, layer: int, hooks: Hooks) -> Float[Tensor, "row vocabulary"]:
        """The same from the clean residual stream before a layer on."""
        run = partial(self.model.logits_from, layer)
        return self._run(run, self.kept[_at(layer, "hook_resid_pre")], hooks)

    def by_token(self, replaced: Replacement) -> Float[Tensor, "batch pos"]:
        """Loss in nats on each token, at the token; 0 where it is not judged.

        The same patterns in the same heads are run once, under whatever condition: a head without
        a label is uniform, and in a model of one layer "all heads" and "the layer" are the same.
        """
        key = _digest(replaced)
        if key not in self._known:
            self._known[key] = self.by_logits(self.logits(replaced))
        return self._known[key]

    def with_logits(
        self, replaced: Replacement
    ) -> tuple[Float[Tensor, "batch pos"], Float[Tensor, "row vocabulary"]]:
        """`by_token`, and the logits that it is of."""
        logits = self.logits(replaced)
        by_token = self._known[_digest(replaced)] = self.by_logits(logits)
        return by_token, logits

    def by_logits(self, logits: Float[Tensor, "row vocabulary"]) -> Float[Tensor, "b pos"]:
        """Loss in nats on each judged token, from logits."""
        text, before = self.rows
        found = torch.nn.functional.cross_entropy(
            logits.float(), self.tokens[text, before + 1], reduction="none"
        )
        return self._at_tokens(found)

    def _at_tokens(self, values: Float[Tensor, " row"]) -> Float[Tensor, "b pos"]:
        text, before = self.rows
        placed = torch.zeros(self.tokens.shape, dtype=torch.float64)
        placed[text.cpu(), before.cpu() + 1] = values.double().cpu()
        return placed

    @property
    def queries(self) -> Bool[Tensor, "batch pos"]:
        """The positions before judged tokens: queries whose prediction is looked at."""
        return torch.cat([self.valid[:, 1:], torch.zeros_like(self.valid[:, :1])], dim=1)

    def nats(self, by_token: Float[Tensor, "batch pos"]) -> Nats:
        """Summed by text."""
        return Nats(by_token.sum(dim=1).numpy(), self.valid.sum(dim=1).double().numpy())

    def divergence(self, logits: Float[Tensor, "row vocabulary"]) -> Float[Tensor, "b pos"]:
        """KL(clean ‖ replaced) of the next-token distribution in nats, at the query."""
        if self.clean_logs is None:
            self.clean_logs = self.clean_logits.float().log_softmax(dim=-1)
        other = torch.nn.functional.kl_div(
            logits.float().log_softmax(dim=-1), self.clean_logs, reduction="none", log_target=True
        )
        found = torch.zeros(self.tokens.shape, dtype=torch.float64)
        text, before = self.rows
        found[text.cpu(), before.cpu()] = other.sum(dim=-1).double().cpu()
        return found


def _keepers(names: Iterable[str], kept: dict[str, Tensor]) -> dict[str, Callable[[Tensor], None]]:
    """Hooks that put a copy of each activation where it is kept."""

    def keep(name: str, value: Tensor) -> None:
        kept[name] = value.clone()

    return {name: partial(keep, name) for name in names}


def _at(layer: int, name: str) -> str:
    return f"blocks.{layer}.{name}"


def _digest(replaced: Replacement) -> bytes:
    """What tells replacements of one batch apart."""
    digest = hashlib.blake2b(digest_size=16)
    for layer, (heads, pattern) in sorted(replaced.items()):
        digest.update(f"{layer}:{[*heads]}:".encode())
        digest.update(np.ascontiguousarray(pattern.cpu().numpy()).data)
    return digest.digest()


def replacement(stand_ins: Sequence[Tensor], heads: Iterable[int], n_heads: int) -> Replacement:
    """The stand-ins of some heads, numbered through the model; `stand_ins` has one a layer."""
    by_layer: dict[int, list[int]] = {}
    for head in sorted(heads):
        by_layer.setdefault(head // n_heads, []).append(head % n_heads)
    return {layer: (own, stand_ins[layer][:, own]) for layer, own in by_layer.items()}


def real_patterns(model: LanguageModel, tokens: Tensor) -> list[Tensor]:
    """The model's own patterns, one `[batch, head, query, key]` a layer."""
    kept: dict[str, Tensor] = {}
    names = [_at(layer, "attn.hook_pattern") for layer in range(model.shape.n_layers)]
    model.read(tokens, _keepers(names, kept))
    return [kept[name] for name in names]


def self_test(model: LanguageModel, items: list[Prepared]) -> Start:
    """Where the model can be run again from; ModelError if its heads cannot be rebuilt.

    Every head rebuilt from its own pattern leaves the logits within 1e-5 of their largest value,
    uniform patterns change them.
    """
    trial = Trial(model, items, Start.TOKENS)
    clean = trial.clean_logits
    scale = max(float(clean.abs().max()), 1e-9)
    own = real_patterns(model, trial.tokens)
    layers, n = range(model.shape.n_layers), model.shape.n_heads
    heads = range(len(layers) * n)
    change = float((trial.logits(replacement(own, heads, n)) - clean).abs().max()) / scale
    if not change < TOLERANCE:
        raise ModelError(
            f"{model.shape.name}: rebuilding the heads from their own patterns moves the logits by "
            f"{change:.2g} of their size (expected < {TOLERANCE:g}), so its labels cannot be run"
        )
    even = [baseline(pattern.shape[-1], None).expand_as(pattern) for pattern in own]
    moved = float((trial.logits(replacement(even, heads, n)) - clean).abs().max())
    if moved == 0:
        raise ModelError(
            f"{model.shape.name}: replacing every head changes nothing; hooks are dead"
        )
    single = [replacement(even, range(layer * n, (layer + 1) * n), n) for layer in layers]
    expected = [trial.logits(one) for one in single]
    best = Start.TOKENS
    for start in (Start.LAYER, Start.HEADS):
        again = _from(model, items, start, single)
        far = [float((a - b).abs().max()) for a, b in zip(again, expected, strict=False)]
        if not again or not max(far) < TOLERANCE * scale:
            break
        best = start
    return best


def _from(
    model: LanguageModel, items: list[Prepared], start: Start, replaced: Iterable[Replacement]
) -> list[Tensor]:
    """Logits under each replacement; none where the model cannot be run again from there."""
    try:
        trial = Trial(model, items, start)
        return [trial.logits(one) for one in replaced]
    except Exception:  # noqa: BLE001 - whatever it is, the full pass serves
        return []
