"""What a caller may have set in torch and numpy for work of his own, as it is by default."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext

import numpy as np
import torch

KINDS = ("cpu", "cuda", "mps")
"""Devices of which a caller may have asked for autocast."""


@contextmanager
def undisturbed() -> Iterator[None]:
    """Make new tensors float32 and on the CPU unless told, and no rounding to 0 an error.

    Nothing is cast by itself: a run computes in the dtype that it was asked for.
    """
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    elsewhere = torch.empty(0).device.type != "cpu"
    try:
        with (
            ExitStack() as plain,
            torch.device("cpu") if elsewhere else nullcontext(),
            np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"),
        ):
            for kind in KINDS:
                if torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind):
                    plain.enter_context(torch.autocast(kind, enabled=False))
            yield
    finally:
        torch.set_default_dtype(before)
