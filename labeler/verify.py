"""Putting patterns in the place of heads, and the loss that this costs, text by text."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy import ndarray
from torch import Tensor

from labeler.errors import ModelError
from labeler.model import Hooks, LanguageModel
from labeler.prepare import Prepared
from labeler.score import pad

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


class Trial:
    """One batch, clean once, then run again from the first replaced layer with heads replaced.

    `start_at_layer` is used only where `from_layer` says that it equals the full pass. Only rows
    that predict a judged token are unembedded: `rows` has their texts and positions.
    """

    def __init__(self, model: LanguageModel, items: list[Prepared], from_layer: bool) -> None:
        self.model = model
        self.items = items
        self.tokens = pad(items).to(model.device)
        self.from_layer = from_layer
        self.valid = torch.zeros(self.tokens.shape, dtype=torch.bool)
        for row, item in enumerate(items):
            self.valid[row, FIRST_JUDGED : len(item)] = True
        text, judged = self.valid.nonzero(as_tuple=True)
        self.rows = (text.to(model.device), judged.to(model.device) - 1)
        self.residual: dict[int, Tensor] = {}
        names = {layer: f"blocks.{layer}.hook_resid_pre" for layer in range(model.shape.n_layers)}
        keep = {name: self._keeper(layer) for layer, name in names.items()} if from_layer else {}
        self.clean_logits = self._run(model.logits, self.tokens, keep)
        self.clean_nats = self.by_logits(self.clean_logits)
        self.clean_logs: Tensor | None = None
        self._known: dict[bytes, Tensor] = {}

    def _keeper(self, layer: int) -> Callable[[Tensor], None]:
        def keep(value: Tensor) -> None:
            self.residual[layer] = value.clone()

        return keep

    def _run(
        self, run: Callable[[Tensor, Hooks], Tensor], start: Tensor, hooks: Hooks
    ) -> Float[Tensor, "row vocabulary"]:
        def judged(residual: Tensor) -> Tensor:
            return residual[self.rows][None]

        return run(start, {**hooks, "unembed.hook_in": judged})[0]

    def logits(self, replaced: Replacement) -> Float[Tensor, "row vocabulary"]:
        """Logits with heads replaced, at the positions before judged tokens."""
        hooks: dict[str, Callable[[Tensor], Tensor | None]] = {}
        for layer, (heads, pattern) in replaced.items():
            hooks |= self.model.replace_pattern(layer, heads, pattern)
        if not self.from_layer or not replaced:
            return self._run(self.model.logits, self.tokens, hooks)
        return self.logits_from(min(replaced), hooks)

    def logits_from(
        self, layer: int, hooks: Hooks | None = None
    ) -> Float[Tensor, "row vocabulary"]:
        """The same from the clean residual stream before a layer on."""
        run = partial(self.model.logits_from, layer)
        return self._run(run, self.residual[layer], hooks or {})

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
    kept: dict[int, Tensor] = {}

    def keeper(layer: int) -> Callable[[Tensor], None]:
        def keep(value: Tensor) -> None:
            kept[layer] = value.clone()

        return keep

    layers = range(model.shape.n_layers)
    model.read(tokens, {f"blocks.{layer}.attn.hook_pattern": keeper(layer) for layer in layers})
    return [kept[layer] for layer in layers]


def self_test(model: LanguageModel, items: list[Prepared]) -> bool:
    """Whether the model can be started at a layer; ModelError if its heads cannot be rebuilt.

    Every head rebuilt from its own pattern leaves the logits within 1e-5 of their largest value,
    uniform patterns change them.
    """
    trial = Trial(model, items, from_layer=False)
    clean = trial.clean_logits
    scale = max(float(clean.abs().max()), 1e-9)
    own = real_patterns(model, trial.tokens)
    heads = range(model.shape.n_layers * model.shape.n_heads)
    rebuilt = trial.logits(replacement(own, heads, model.shape.n_heads))
    change = float((rebuilt - clean).abs().max()) / scale
    if not change < TOLERANCE:
        raise ModelError(
            f"{model.shape.name}: rebuilding the heads from their own patterns moves the logits by "
            f"{change:.2g} of their size (expected < {TOLERANCE:g}), so its labels cannot be run"
        )
    even = [torch.full_like(pattern, 1.0).tril() for pattern in own]
    even = [pattern / pattern.sum(dim=-1, keepdim=True) for pattern in even]
    moved = float((trial.logits(replacement(even, heads, model.shape.n_heads)) - clean).abs().max())
    if moved == 0:
        raise ModelError(
            f"{model.shape.name}: replacing every head changes nothing; hooks are dead"
        )
    return _starts_at_layer(model, items, clean, scale)


def _starts_at_layer(
    model: LanguageModel, items: list[Prepared], clean: Tensor, scale: float
) -> bool:
    try:
        trial = Trial(model, items, from_layer=True)
        again = [trial.logits_from(layer) for layer in range(model.shape.n_layers)]
    except Exception:  # noqa: BLE001 - whatever it is, the full pass serves
        return False
    worst = max(float((logits - clean).abs().max()) for logits in again)
    return worst < TOLERANCE * scale
