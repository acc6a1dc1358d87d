"""Texts as neurons see them: tokens and columns, in padded batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import scipy.sparse as sp
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from heuristics.text import Text


@dataclass(frozen=True, eq=False)
class Columns:
    """A text's tokens and its columns, the first position left out where it is BOS.

    `prompt` is the string that it is of: a long one has several pieces.
    """

    id: str
    tokens: Int[ndarray, " pos"]
    first: int
    matrix: sp.csr_matrix
    prompt: str

    def __len__(self) -> int:
        return len(self.tokens)

    @classmethod
    def of(cls, text: Text, matrix: sp.csr_matrix) -> Columns:
        """From all columns of a text."""
        first = int(text.has_bos)
        return cls(text.id, text.token_ids, first, matrix[first:], text.string)


class Looked(Protocol):
    """A text of which neurons are looked at from its `first` position on."""

    @property
    def first(self) -> int:
        """The first position that is looked at."""

    def __len__(self) -> int: ...


def at_tokens(
    value: Float[Tensor, "b pos neuron"], batch: Sequence[Looked]
) -> Float[Tensor, "token neuron"]:
    """An activation at the tokens of a batch that are looked at, text after text.

    Of a single text it is not a copy.
    """
    parts = [value[row, text.first : len(text)] for row, text in enumerate(batch)]
    return (parts[0] if len(parts) == 1 else torch.cat(parts)).float()
