"""What replacing heads costs: losses by condition, the dearest tokens, and the rows of both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from labeler.evidence import strip
from labeler.intervals import numbered, ratio
from labeler.prepare import Prepared
from labeler.verify import Nats

FRACTIONS = (0.1, 0.25, 0.5, 0.75, 1.0)
CURVES = ("label", "dense", "distance_profile", "uniform", "first_position", "zero")
COSTLY = 4
CLEAR_LOSS = 2.0
"""In half widths of its interval: with one, `recovered` was shown for lucky draws alone, and its
interval held the truth in 5% to 90% of these (50 and 12 prompts drawn of 101)."""


@dataclass
class Losses:
    """Loss by text under each condition: key → one entry a text, in the order of the texts.

    `prompts` has the prompt that each is of: intervals are over prompts, since the pieces of one
    are like each other.
    """

    prompts: list[str] = field(default_factory=list)
    clean: list[Nats] = field(default_factory=list)
    replaced: dict[tuple[str, str, str], list[Nats]] = field(default_factory=dict)
    divergence: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Σ KL over the queries at which a head's label names a key, and their number."""

    def add(self, scope: str, name: str, condition: str, nats: Nats) -> None:
        """The losses of one batch."""
        self.replaced.setdefault((scope, name, condition), []).append(nats)

    @property
    def tokens(self) -> Float[ndarray, " text"]:
        """Judged tokens of each text."""
        return np.concatenate([part.tokens for part in self.clean])

    @property
    def baseline(self) -> Float[ndarray, " text"]:
        """Nats of each text, nothing replaced."""
        return np.concatenate([part.total for part in self.clean])

    def of(self, scope: str, name: str, condition: str) -> Float[ndarray, " text"]:
        """Nats of each text under a condition."""
        return np.concatenate([part.total for part in self.replaced[scope, name, condition]])

    def rise(self, scope: str, name: str, condition: str) -> tuple[float, float, float]:
        """Rise of perplexity with its interval over prompts: 0.05 is +5%."""
        found = self.of(scope, name, condition)
        more = found - self.baseline[: len(found)]
        rise = self.mean(more, self.tokens[: len(found)])
        return tuple(float(np.expm1(min(value, 50.0))) for value in rise)  # type: ignore[return-value]

    def mean(
        self, over: Float[ndarray, " text"], under: Float[ndarray, " text"]
    ) -> tuple[float, float, float]:
        """Σ over / Σ under with its interval over prompts."""
        prompt = numbered(self.prompts[: len(over)])
        parts = [np.bincount(prompt, values)[:, None] for values in (over, under)]
        return tuple(float(value[0]) for value in ratio(*parts))  # type: ignore[return-value]

    def diverge(self, name: str, total: float, queries: float) -> None:
        """The divergence of one batch."""
        before = self.divergence.get(name, (0.0, 0.0))
        self.divergence[name] = (before[0] + total, before[1] + queries)

    def extend(self, other: Losses) -> None:
        """The losses of the texts that come next."""
        self.prompts += other.prompts
        self.clean += other.clean
        for key, parts in other.replaced.items():
            self.replaced.setdefault(key, []).extend(parts)
        for name, (total, queries) in other.divergence.items():
            self.diverge(name, total, queries)


class Costly:
    """Where the loss is made: each head's dearest token of each text, the dearest texts kept."""

    def __init__(self, names: Sequence[str]) -> None:
        self.by_head: dict[str, list[dict[str, Any]]] = {name: [] for name in names}

    def add(self, name: str, items: Sequence[Prepared], more: Float[torch.Tensor, "b pos"]) -> None:
        """A batch: by how much the loss rose on each token."""
        value, position = more.max(dim=1)
        for row, item in enumerate(items):
            at = int(position[row])
            start, tokens = strip(item, at)
            found = {
                "name": name,
                "prompt": item.text.id,
                "position": at,
                "rise": float(value[row]),
                "start": start,
                "tokens": tokens,
            }
            self._keep(name, [found])

    def extend(self, other: Costly) -> None:
        """What the texts that come next gave."""
        for name, rows in other.by_head.items():
            self._keep(name, rows)

    def _keep(self, name: str, rows: list[dict[str, Any]]) -> None:
        both = [*self.by_head[name], *rows]
        self.by_head[name] = sorted(both, key=lambda row: -row["rise"])[:COSTLY]

    def rows(self) -> Iterator[dict[str, Any]]:
        """Rows of evidence/costs.parquet."""
        for rows in self.by_head.values():
            yield from rows


@dataclass(frozen=True, eq=False)
class Verified:
    """What the campaign found."""

    losses: Losses
    order: list[int]
    costs: Float[ndarray, " head"]
    costly: list[dict[str, Any]]
    names: list[str]

    def rows(self) -> Iterator[dict[str, Any]]:
        """Rows of replacement.parquet."""
        tokens = float(self.losses.tokens.sum())
        clean = float(self.losses.baseline.sum()) / max(tokens, 1.0)
        yield {"scope": "model", "name": "", "condition": "clean", "loss": clean, "tokens": tokens}
        for scope, name, condition in self.losses.replaced:
            rise, low, high = self.losses.rise(scope, name, condition)
            found = self.losses.of(scope, name, condition)
            tokens = float(self.losses.tokens[: len(found)].sum())
            loss = float(found.sum()) / max(tokens, 1.0)
            kl = None
            if scope == "head" and condition == "label":
                total, queries = self.losses.divergence[name]
                kl = total / queries if queries else None
            yield {
                "scope": scope,
                "name": name,
                "condition": condition,
                "loss": loss,
                "rise": rise,
                "rise_low": low,
                "rise_high": high,
                "kl": kl,
                "tokens": tokens,
            }

    def heads(self) -> Iterator[dict[str, Any]]:
        """`recovered` and `cost` of every head; `recovered` is null where a head is inert here.

        What is lost by ablation divides: near 0 it is as good as any number, and an interval means
        nothing. So it has to be `CLEAR_LOSS` times as far from 0 as its interval is wide.
        """
        for name in self.names:
            label, even = (self.losses.of("head", name, c) for c in ("label", "uniform"))
            tokens = self.losses.tokens[: len(label)]
            clean = self.losses.baseline[: len(label)]
            lost = even - clean
            needed, low, _ = self.losses.mean(lost, tokens)
            inert = not needed > CLEAR_LOSS * (needed - low)
            recovered = self.losses.mean(even - label, lost)
            shown = [None] * 3 if inert else recovered
            cost = float((label - clean).sum() / max(tokens.sum(), 1.0))
            yield {
                "name": name,
                "recovered": shown[0],
                "recovered_low": shown[1],
                "recovered_high": shown[2],
                "inert": inert,
                "cost": cost,
            }

    def curve(self) -> list[dict[str, float | None]]:
        """Rise of perplexity by fraction of heads replaced, cheapest first.

        Bounds are None where prompts are too few, or too unequal, for an interval.
        """
        found = []
        for fraction in FRACTIONS:
            point: dict[str, float | None] = {"fraction": fraction}
            for condition in CURVES:
                own = self.losses.rise("fraction", f"{fraction:g}", condition)
                rise, low, high = (None if np.isnan(value) else value for value in own)
                point |= {condition: rise, f"{condition}_low": low, f"{condition}_high": high}
            found.append(point)
        return found
