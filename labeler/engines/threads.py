"""How many threads torch and the linear algebra take: the same here as in every worker."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch
from threadpoolctl import threadpool_limits

from labeler.config import Settings
from labeler.folder import begun_plan


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


@contextmanager
def limited(threads: int) -> Iterator[None]:
    """Hold torch and BLAS to so many threads: sums may be grouped by them, and so round by them."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with threadpool_limits(threads):
            yield
    finally:
        torch.set_num_threads(before)


def with_threads(settings: Settings) -> Settings:
    """The number of threads filled in: that of the run which goes on, else one under Ray, else all.

    So a run is resumed with the bits that it was begun with, on whatever machine.
    """
    if settings.threads is not None:
        return settings
    begun = begun_plan(settings.out).get("threads") if settings.resume else None
    own = 1 if settings.engine == "ray" else cores()
    return replace(settings, threads=begun if type(begun) is int and begun > 0 else own)
