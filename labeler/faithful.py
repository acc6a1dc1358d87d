"""What TransformerLens computes, held against what transformers does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from labeler.errors import ModelError
from labeler.fused import fuse
from labeler.whole import Whole

LONGEST = 16
TOLERANCE = 1e-3
HALF_TOLERANCE = 0.05
"""Mean difference of the logits, of their mean size; other orders of adding stay far below."""


class Faithful:
    """Loads as `Whole` does, and keeps the logits of some tokens as transformers has them.

    TransformerLens wraps the very model that it is given, so later they cannot be had any more.
    What it does not know in a configuration (GPT-2 without `scale_attn_weights`) it leaves out and
    says nothing. Fused kernels are put in place between the two, so they are checked as well.
    """

    def __init__(self, name: str, device: str | None) -> None:
        self.name = name
        self.device = device
        self.tokens: Int[Tensor, "1 pos"] | None = None
        self.expected: Float[Tensor, "1 pos vocabulary"] | None = None

    def from_pretrained(self, path: str, **options: Any) -> Any:
        """The model of a folder; ModelError where `Whole` raises one."""
        model = Whole(self.name).from_pretrained(path, **options)
        if self.device:
            model = model.to(self.device)
        embedding = model.get_input_embeddings()
        length = min(LONGEST, _context(model.config))
        if length > 1:
            tokens = torch.arange(length)[None] * 7919 % embedding.num_embeddings
            self.tokens = tokens.to(embedding.weight.device)
            with torch.no_grad():
                self.expected = model(self.tokens, use_cache=False).logits
        fuse(model)
        return model

    def check(self, logits: Callable[[Tensor], Tensor]) -> None:
        """ModelError where what computes the logits now does so otherwise than transformers."""
        if self.expected is None or self.tokens is None or not self.expected.isfinite().all():
            return  # numbers that are none are told where they are met
        found, expected = logits(self.tokens).float().cpu(), self.expected.float().cpu()
        size = float(expected.abs().mean())
        far = float((found - expected).abs().mean())
        half = self.expected.dtype in (torch.float16, torch.bfloat16)
        if not far <= (HALF_TOLERANCE if half else TOLERANCE) * size:
            raise ModelError(
                f"model {self.name} is computed otherwise by TransformerLens than by transformers "
                f"(logits of {size:.2g} on average differ by {far:.2g}), so its figures would be "
                "wrong; something in its config.json is unusual for its family and not known to "
                "TransformerLens"
            )


def _context(config: Any) -> int:
    """How many tokens the model can read, as far as its configuration says."""
    names = ("max_position_embeddings", "max_seq_len")
    return next((int(getattr(config, n)) for n in names if hasattr(config, n)), LONGEST)
