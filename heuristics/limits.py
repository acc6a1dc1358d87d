"""How long a plugin may think about one text; it is interrupted where Python can do that."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

SLOW_SECONDS = 60.0
"""The longest that a plugin may take over one text."""


class TooSlow(BaseException):
    """Raised into a plugin that thinks too long; no `except Exception` of its own catches it."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


@contextmanager
def time_limit() -> Iterator[None]:
    """TooSlow after `SLOW_SECONDS`: at once in the main thread, else when the call returns."""
    limit = SLOW_SECONDS
    began = time.perf_counter()
    armed = _arm(limit)
    try:
        yield
    finally:
        if armed:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
    taken = time.perf_counter() - began
    if taken > limit:
        raise TooSlow(taken)


def _arm(limit: float) -> bool:
    """Set the alarm; not where there is none, or where somebody else uses it."""
    usable = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    if not usable or signal.getsignal(signal.SIGALRM) is not signal.SIG_DFL:
        return False

    def ring(_signal: int, _frame: Any) -> None:
        raise TooSlow(limit)

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, limit)
    return True
