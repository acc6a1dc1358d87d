"""The loop that hands out shards: none lost, none twice, three attempts, whoever dies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from labeler.engines import dispatch
from labeler.engines.dispatch import ATTEMPTS, Dispatch, Lost
from labeler.errors import EngineError, PluginError
from tests.torture.workers import simulate

Behaviour = Callable[[str, int], Any]


class Scripted:
    """Workers that answer at once as `behaviour(shard, attempt)` says; `starts` fail first."""

    def __init__(self, behaviour: Behaviour, failed_starts: int = 0, room: int = 99) -> None:
        self.behaviour, self.failed_starts, self.room = behaviour, failed_starts, room
        self.begun: list[tuple[int, str | None]] = []
        self.attempts: Counter[str] = Counter()
        self.hired, self.dismissed = 0, []

    def hire(self) -> tuple[int, int]:
        self.hired += 1
        self.begun.append((self.hired, None))
        return self.hired, len(self.begun) - 1

    def assign(self, worker: int, shard: str) -> int:
        assert worker not in self.dismissed
        self.begun.append((worker, shard))
        return len(self.begun) - 1

    def wait(self, calls: Sequence[int], seconds: float) -> list[int]:
        placed = [call for call in calls if self.begun[call][0] <= self.room]
        return placed[:1]

    def result(self, call: int) -> Any:
        _, shard = self.begun[call]
        if shard is None:
            self.failed_starts -= 1
            if self.failed_starts >= 0:
                raise Lost("no model there")
            return None
        self.attempts[shard] += 1
        return self.behaviour(shard, self.attempts[shard])

    def dismiss(self, worker: int) -> None:
        self.dismissed.append(worker)


def lost(shard: str, attempt: int) -> str:
    raise Lost("its node went away")


def run(pool: Scripted, shards: Sequence[str], workers: int = 2) -> tuple[dict[str, Any], list]:
    told: list[str] = []
    found = Dispatch(shards, pool, told.append).results(workers, lambda: False)
    return dict(found), told


def test_every_shard_comes_back_once():
    pool = Scripted(lambda shard, _: shard.upper())
    assert run(pool, "abcde") == ({letter: letter.upper() for letter in "abcde"}, [])
    assert pool.hired == 2


def test_no_more_workers_are_hired_than_there_are_shards():
    pool = Scripted(lambda shard, _: shard)
    run(pool, "ab", workers=50)
    assert pool.hired == 2


def test_a_lost_shard_is_put_back_and_its_worker_replaced():
    pool = Scripted(lambda shard, attempt: shard if attempt == 3 or shard != "b" else lost("b", 1))
    found, told = run(pool, "abc", workers=1)
    assert found == {letter: letter for letter in "abc"}
    assert pool.attempts == {"a": 1, "b": 3, "c": 1}
    assert pool.dismissed == [1, 2]
    assert pool.hired == 3
    assert [line.split(":")[0] for line in told] == [
        "shard b lost in attempt 1 of 3", "shard b lost in attempt 2 of 3",
    ]  # fmt: skip


def test_a_shard_lost_three_times_ends_the_run_and_is_named():
    pool = Scripted(lambda shard, attempt: lost(shard, attempt) if shard == "b" else shard)
    with pytest.raises(EngineError, match=r"shard b was lost in 3 attempts.*its node went away"):
        run(pool, "abc", workers=1)
    assert pool.attempts["b"] == ATTEMPTS


def test_the_users_error_ends_the_run_at_once():
    def broken(shard: str, attempt: int) -> str:
        raise PluginError("'colour' raised")

    pool = Scripted(broken)
    with pytest.raises(PluginError, match="colour"):
        run(pool, "abc", workers=1)
    assert pool.attempts.total() == 1


def test_workers_that_do_not_start_are_tried_three_times():
    with pytest.raises(EngineError, match=r"3 workers in a row did not start: no model there"):
        run(Scripted(lambda shard, _: shard, failed_starts=3), "abc", workers=1)
    found, told = run(Scripted(lambda shard, _: shard, failed_starts=2), "abc", workers=1)
    assert len(found) == 3
    assert len(told) == 2


def test_a_worker_that_finds_no_room_holds_nobody_up():
    pool = Scripted(lambda shard, _: shard, room=1)
    assert len(run(pool, "abcd", workers=2)[0]) == 4
    assert {worker for worker, shard in pool.begun if shard} == {1}


def test_no_room_for_anybody_is_an_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(dispatch, "START_SECONDS", 0.0)
    with pytest.raises(EngineError, match="no worker was ready"):
        run(Scripted(lambda shard, _: shard, room=0), "ab")


def test_stopping_ends_what_was_begun_and_begins_nothing():
    pool = Scripted(lambda shard, _: shard)
    found: list[str] = []
    for shard, _ in Dispatch("abcdef", pool, print).results(2, lambda: bool(found)):
        found.append(shard)
    assert 1 <= len(found) <= 2  # of two workers, each one shard
    assert pool.attempts.total() == len(found)


@pytest.mark.parametrize("dying", [0.0, 0.05])
def test_a_hundred_workers(dying: float):
    found = simulate(workers=100, shards=1000, dying=dying, seed=1)
    assert (found.attempts > 1000) == (dying > 0)
    # With 1 second a shard on average, 1,000 shards take 100 workers some 10 seconds and a start.
    assert 9 <= found.virtual_seconds <= 20


def test_the_driver_costs_less_than_a_millisecond_a_shard():
    """Of processor time that is all the loop's own; the fake workers' share is in it."""
    costs = [simulate(workers=1000, shards=2000, seed=seed).milliseconds_a_shard for seed in (0, 1)]
    assert min(costs) <= 1.0
