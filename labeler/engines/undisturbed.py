"""What a caller may have set in torch and numpy for work of his own, as it is by default."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import numpy as np
import torch


@contextmanager
def undisturbed() -> Iterator[None]:
    """Make new tensors float32 and on the CPU unless told, and no rounding to 0 an error."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    elsewhere = torch.empty(0).device.type != "cpu"
    try:
        with (
            torch.device("cpu") if elsewhere else nullcontext(),
            np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"),
        ):
            yield
    finally:
        torch.set_default_dtype(before)
