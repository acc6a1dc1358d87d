"""Workers that score nothing, in virtual time: what is left is what the driver itself costs."""

from __future__ import annotations

import heapq
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from labeler.engines.dispatch import Dispatch, Lost


@dataclass
class FakePool:
    """Calls end after 0.5 to 1.5 virtual seconds; of the scoring ones `dying` end in a death."""

    seed: int = 0
    dying: float = 0.0
    now: float = 0.0
    n_workers: int = 0
    gone: set[int] = field(default_factory=set)
    ends: list[tuple[float, int]] = field(default_factory=list)
    calls: list[tuple[int, str | None, bool]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    def hire(self) -> tuple[int, int]:
        self.n_workers += 1
        return self.n_workers, self._call(self.n_workers, None)

    def assign(self, worker: int, shard: str) -> int:
        assert worker not in self.gone  # work for the dead would never come back
        return self._call(worker, shard)

    def _call(self, worker: int, shard: str | None) -> int:
        dies = shard is not None and self.random.random() < self.dying
        self.calls.append((worker, shard, dies))
        number = len(self.calls) - 1
        heapq.heappush(self.ends, (self.now + self.random.uniform(0.5, 1.5), number))
        return number

    def wait(self, calls: Sequence[int], seconds: float) -> list[int]:
        self.now, number = heapq.heappop(self.ends)
        assert number in calls
        return [number]

    def result(self, call: int) -> Any:
        worker, shard, dies = self.calls[call]
        if dies:
            raise Lost("its worker died")
        return (worker, shard)

    def dismiss(self, worker: int) -> None:
        self.gone.add(worker)


@dataclass(frozen=True)
class Simulated:
    """What a simulation cost and did."""

    milliseconds_a_shard: float
    virtual_seconds: float
    attempts: int


def simulate(workers: int, shards: int, dying: float = 0.0, seed: int = 0) -> Simulated:
    """Drive so many workers over so many shards; each must come back once, with its own result."""
    pool = FakePool(seed, dying)
    dispatch = Dispatch([f"{number:032x}" for number in range(shards)], pool, lambda _: None)
    seen: Counter[str] = Counter()
    began = time.perf_counter()
    for name, (_, scored) in dispatch.results(workers, lambda: False):
        assert name == scored
        seen[name] += 1
    cost = time.perf_counter() - began
    assert len(seen) == shards
    assert set(seen.values()) == {1}
    return Simulated(cost / shards * 1000, pool.now, dispatch.attempts.total())
