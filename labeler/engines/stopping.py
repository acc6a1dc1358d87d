"""Ctrl-C while shards are scored: what was begun is ended and kept; a second one ends at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from labeler.engines.dispatch import Stopped

SAID = "stopping when the shards in work are done; Ctrl-C again stops now"


@contextmanager
def stopping(tell: Callable[[str], None]) -> Iterator[Stopped]:
    """Gives what says whether to stop; `tell` is told when. Only the main thread hears signals."""
    asked: list[int] = []

    def hear(number: int, _: FrameType | None) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)
        with suppress(RuntimeError):  # a signal in the middle of a write to the terminal
            tell(SAID)

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = signal.signal(signal.SIGINT, hear)
    try:
        yield lambda: bool(asked)
    finally:
        signal.signal(signal.SIGINT, before)
