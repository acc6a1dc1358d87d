"""How many processes a run takes, and threads in each: the same here as in every worker."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from threadpoolctl import threadpool_limits

from labeler.config import Settings
from labeler.engines.forked import can_fork
from labeler.errors import ConfigError
from labeler.folder import begun_plan
from labeler.loading import free_memory, resolve_device

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Options of `mallopt`, in malloc.h."""

KEPT_BYTES = 2**31 - 1


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def keep_memory() -> None:
    """Have freed tensors' memory used for the next ones, where the allocator is glibc's.

    It gives large blocks back to the system at once, and to touch fresh pages costs more than many
    a kernel. For a process that does nothing else: what it once took it keeps, until `give_back`.
    """
    allocator = _glibc()
    if hasattr(allocator, "mallopt"):
        for option in (M_MMAP_THRESHOLD, M_TRIM_THRESHOLD):
            allocator.mallopt(option, KEPT_BYTES)


def give_back() -> None:
    """Give the system what is free: blocks of many sizes leave gaps that no next one fits into."""
    allocator = _glibc()
    if hasattr(allocator, "malloc_trim"):
        allocator.malloc_trim(0)


def _glibc() -> Any:
    return ctypes.CDLL(None) if sys.platform == "linux" else None


def take_cores() -> None:
    """As many threads as cores that this process may use, and the memory that they free."""
    torch.set_num_threads(cores())
    keep_memory()


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


def with_engine(settings: Settings) -> Settings:
    """The engine and the number of threads filled in, so that a model on the CPU has every core.

    A run that goes on keeps its threads, and so its bits, on whatever machine. ConfigError where
    processes are asked for and this system or the device cannot have them.
    """
    threads = settings.threads
    if threads is None and settings.resume:
        begun = begun_plan(settings.out).get("threads")
        threads = begun if type(begun) is int and begun > 0 else None
    engine = settings.engine
    if engine in ("auto", "processes"):
        why = _unforkable(settings)
        if engine == "processes" and why:
            raise ConfigError(f"engine 'processes' {why}; leave --engine out")
        if engine == "auto":
            engine = "serial" if why or cores() // (threads or 1) < 2 else "processes"
    return replace(
        settings, engine=engine, threads=threads or (cores() if engine == "serial" else 1)
    )


def workers(settings: Settings) -> int:
    """How many processes there are to be, one a core; 1 is this one.

    A run that was made by processes may be read where there can be none.
    """
    if settings.engine not in ("auto", "processes") or _unforkable(settings):
        return 1
    return settings.workers or max(1, cores() // (settings.threads or 1))


def affordable(wanted: int, each: int, beside: int = 0) -> int:
    """As many processes as memory has room for, `each` bytes in each beside `beside` here."""
    free = free_memory("cpu")
    return wanted if free is None else max(1, min(wanted, (free - beside) // each))


def _unforkable(settings: Settings) -> str:
    """Why the model cannot be in several copies of this process; "" where it can."""
    if not can_fork():
        return "needs a system that forks, such as Linux"
    if settings.device_map or resolve_device(settings.device) != "cpu":
        return "is for models on the CPU, and this one is not"
    return ""
