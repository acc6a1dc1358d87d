"""Shards to workers that may die: one shard in flight each, none lost, three attempts each.

Knows nothing of Ray. `Pool` is what it needs of a cluster, so that a test can make one of a
thousand workers that fail as they are told to.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Hashable, Sequence
from typing import Any, Protocol

from labeler.errors import EngineError

ATTEMPTS = 3
START_SECONDS = 600.0
WAIT_SECONDS = 0.5

Worker = Any
Call = Hashable
Stopped = Callable[[], bool]
"""Whether no further shard is to be begun."""


class Lost(Exception):  # noqa: N818 - an event that the loop answers, not an error of the user's
    """A call that gave nothing: its worker or machine is gone, or the worker failed."""


class Pool(Protocol):
    """Workers that take one call at a time."""

    def hire(self) -> tuple[Worker, Call]:
        """A new worker, and the call that is done when it is ready."""

    def assign(self, worker: Worker, shard: str) -> Call:
        """Have a worker score a shard."""

    def wait(self, calls: Sequence[Call], seconds: float) -> Sequence[Call]:
        """The calls that are done; none where no call is done in time."""

    def result(self, call: Call) -> Any:
        """What a call gave; Lost, or a LabelerError of the worker's."""

    def dismiss(self, worker: Worker) -> None:
        """Let a worker go, dead or alive."""


class Dispatch:
    """One run over shards. `attempts` counts how often each was begun."""

    def __init__(self, shards: Sequence[str], pool: Pool, tell: Callable[[str], None]) -> None:
        self.pool, self.tell = pool, tell
        self.waiting = deque(shards)
        self.attempts: Counter[str] = Counter()
        self.starting: dict[Call, Worker] = {}
        self.scoring: dict[Call, tuple[Worker, str]] = {}
        self.free: list[Worker] = []
        self.failed_starts = 0

    def results(self, workers: int, stopped: Stopped) -> Generator[tuple[str, Any], None, None]:
        """Each shard's result when it is there; EngineError for one lost in every attempt."""
        since = time.monotonic()
        for _ in range(min(workers, len(self.waiting))):
            self._hire()
        while True:
            self._assign(stopped)
            if not self.scoring and (stopped() or not self.waiting):
                return
            calls = self.pool.wait([*self.scoring, *self.starting], WAIT_SECONDS)
            if calls or self.scoring:
                since = time.monotonic()
            elif time.monotonic() - since > START_SECONDS:
                raise EngineError(
                    f"no worker was ready within {START_SECONDS:.0f} s; see `ray status` for what "
                    "the cluster has free, and lower --threads or --workers"
                )
            for call in calls:
                if call in self.starting:
                    self._started(call)
                    continue
                worker, shard = self.scoring.pop(call)
                try:
                    found = self.pool.result(call)
                except Lost as lost:
                    self._lost(worker, shard, lost)
                    continue
                self.free.append(worker)
                self._assign(stopped)
                yield shard, found

    def _hire(self) -> None:
        worker, call = self.pool.hire()
        self.starting[call] = worker

    def _assign(self, stopped: Stopped) -> None:
        while self.free and self.waiting and not stopped():
            worker, shard = self.free.pop(), self.waiting.popleft()
            self.attempts[shard] += 1
            self.scoring[self.pool.assign(worker, shard)] = (worker, shard)

    def _started(self, call: Call) -> None:
        worker = self.starting.pop(call)
        try:
            self.pool.result(call)
        except Lost as lost:
            self.pool.dismiss(worker)
            self.failed_starts += 1
            if self.failed_starts >= ATTEMPTS:
                raise EngineError(f"{ATTEMPTS} workers in a row did not start: {lost}") from lost
            self.tell(f"a worker did not start ({lost}); another one is started")
            self._hire()
        else:
            self.failed_starts = 0
            self.free.append(worker)

    def _lost(self, worker: Worker, shard: str, lost: Lost) -> None:
        self.pool.dismiss(worker)
        attempt = self.attempts[shard]
        if attempt >= ATTEMPTS:
            raise EngineError(
                f"shard {shard} was lost in {ATTEMPTS} attempts, the last time because {lost}; "
                "mend that"
            ) from lost
        self.tell(f"shard {shard} lost in attempt {attempt} of {ATTEMPTS}: {lost}; it is put back")
        self.waiting.appendleft(shard)
        self._hire()
