"""Texts in batches: by length, within a budget of tokens, padded on the right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

import numpy as np
import torch
from jaxtyping import Int
from numpy import ndarray
from torch import Tensor

TOKEN_BUDGET = 2048


class Sized(Protocol):
    """A text, annotated or prepared."""

    @property
    def id(self) -> str:
        """Its name."""

    def __len__(self) -> int: ...


class Tokenised(Protocol):
    """A text as a model reads it."""

    @property
    def tokens(self) -> Int[ndarray, " pos"]:
        """Its token ids."""


T = TypeVar("T", bound=Sized)


def batches(items: Iterable[T], budget: int = TOKEN_BUDGET) -> Iterator[list[T]]:
    """Texts by length, cut so that a batch has at most `budget` padded tokens."""
    batch: list[T] = []
    for item in sorted(items, key=lambda item: (len(item), item.id)):
        if batch and (len(batch) + 1) * len(item) > budget:
            yield batch
            batch = []
        batch.append(item)
    if batch:
        yield batch


def pad(batch: Sequence[Tokenised]) -> Int[Tensor, "batch pos"]:
    """Token ids of a batch, padded on the right, where causal attention does not see it."""
    tokens = np.zeros((len(batch), max(len(text.tokens) for text in batch)), dtype=np.int64)
    for row, text in enumerate(batch):
        tokens[row, : len(text.tokens)] = text.tokens
    return torch.from_numpy(tokens)
