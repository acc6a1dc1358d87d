"""Forked copies of this process that answer calls: everything loaded is there, shared till written.

Forking needs a POSIX system other than macOS (whose libraries do not survive it) and a model on
the CPU. A copy prints nothing.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar, cast

import torch
from threadpoolctl import threadpool_limits

from labeler.engines.dispatch import Call, Dispatch, Lost, Stopped
from labeler.errors import LabelerError

T = TypeVar("T")
BEHIND = 10
"""Niceness of what is computed meanwhile: with more of it than cores, this process goes on."""


def can_fork() -> bool:
    """Whether this system forks processes safely, and this process may have any."""
    if sys.platform == "darwin" or multiprocessing.current_process().daemon:
        return False
    return "fork" in multiprocessing.get_all_start_methods()


class Worker:
    """One copy, forked when made; `send` it a call, then `result` is what `answer` made of it."""

    def __init__(self, answer: Callable[[Any], Any], threads: int = 1) -> None:
        context = multiprocessing.get_context("fork")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(
            target=_serve, args=(self.pipe, theirs, answer, threads), daemon=True
        )
        with warnings.catch_warnings():  # other threads hold nothing that a copy uses
            warnings.simplefilter("ignore", DeprecationWarning)
            self.process.start()
        theirs.close()

    def send(self, call: Any) -> None:
        """Ask; a copy that died is noticed when its result is."""
        with suppress(OSError):
            self.pipe.send(call)

    def result(self) -> Any:
        """The answer. A LabelerError of the copy's is raised here, anything else is Lost."""
        try:
            kind, value = self.pipe.recv()
        except (EOFError, OSError) as error:
            self.process.join()
            raise Lost(_end(self.process.exitcode or 0)) from error
        if kind == "error":
            raise value
        if kind == "lost":
            raise Lost(value)
        return value

    def end(self) -> None:
        """Kill it, whatever it does."""
        self.process.kill()
        self.process.join()
        self.pipe.close()


class ForkPool:
    """Workers as `dispatch` wants them; a call is the pipe that its result comes through."""

    def __init__(self, answer: Callable[[Any], Any], threads: int = 1) -> None:
        self.answer, self.threads = answer, threads
        self.hired: dict[Connection, Worker] = {}

    def hire(self) -> tuple[Worker, Call]:
        """A copy of this process as it is now."""
        worker = Worker(self.answer, self.threads)
        self.hired[worker.pipe] = worker
        return worker, worker.pipe

    def assign(self, worker: Worker, shard: str) -> Call:
        """Send a shard's name."""
        worker.send(shard)
        return worker.pipe

    def wait(self, calls: Sequence[Call], seconds: float) -> Sequence[Call]:
        """All calls that are done by the time that one is."""
        return wait(list(calls), seconds)  # type: ignore[arg-type]

    def result(self, call: Call) -> Any:
        """What a copy gave."""
        return self.hired[call].result()  # type: ignore[index]

    def dismiss(self, worker: Worker) -> None:
        """Kill a copy."""
        self.hired.pop(worker.pipe, None)
        worker.end()

    def close(self) -> None:
        """Kill all of them."""
        for worker in list(self.hired.values()):
            self.dismiss(worker)


def forked(
    answer: Callable[[str], Any],
    names: Sequence[str],
    workers: int,
    tell: Callable[[str], None],
    stopped: Stopped = lambda: False,
    threads: int = 1,
) -> Generator[tuple[str, Any], None, None]:
    """`answer` of each name, in copies of this process, in the order in which they are done.

    A copy computes with so many threads. EngineError for a name that was lost three times; a
    LabelerError of `answer` is raised here.
    """
    pool = ForkPool(answer, threads)
    try:
        yield from Dispatch(names, pool, tell).results(workers, stopped)
    finally:
        pool.close()


def in_order(
    answer: Callable[[int], T], count: int, workers: int, tell: Callable[[str], None]
) -> Generator[T, None, None]:
    """`answer` of 0, 1, …, in that order: from copies of this process, or here for one worker."""
    if workers < 2:
        yield from map(answer, range(count))
        return
    early: dict[int, T] = {}
    turn = 0
    names = [str(number) for number in range(count)]
    for name, found in forked(lambda name: answer(int(name)), names, workers, tell):
        early[int(name)] = found
        while turn in early:
            yield early.pop(turn)
            turn += 1


@contextmanager
def meanwhile(function: Callable[[], T], fork: bool) -> Iterator[Callable[[], T]]:
    """What gives a function's value, computed in a copy of this process since now; or when asked.

    `fork` says whether there can be a copy. One that dies costs time only.
    """
    if not fork:
        yield function
        return

    def behind(_: object) -> T:
        os.nice(BEHIND)
        return function()

    worker = Worker(behind)

    def value() -> T:
        try:
            return cast(T, worker.result())
        except Lost:
            return function()

    try:
        with suppress(Lost):
            worker.result()  # it is there
        worker.send(None)
        yield value
    finally:
        worker.end()


def _serve(
    parents: Connection, own: Connection, answer: Callable[[Any], Any], threads: int
) -> None:
    """A copy's life: it ends when its parent does, and leaves Ctrl-C to it."""
    parents.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(threads)
    threadpool_limits(threads)
    with suppress(EOFError, OSError):  # its parent is no more
        own.send(("done", None))
        while True:
            own.send(_answered(answer, own.recv()))


def _answered(answer: Callable[[Any], Any], call: Any) -> tuple[str, Any]:
    try:
        return "done", answer(call)
    except LabelerError as error:
        return "error", error
    except Exception as error:  # noqa: BLE001 - one bad call must not end the others
        return "lost", f"{type(error).__name__}: {error}"


def _end(code: int) -> str:
    if code < 0:
        return f"its process was ended by {signal.Signals(-code).name}"
    return f"its process ended with exit code {code}"
