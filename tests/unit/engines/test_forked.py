"""Copies of this process: they answer, may die, and end when their parent does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import torch

from labeler.engines.forked import ForkPool, can_fork, forked, in_order, meanwhile
from labeler.errors import EngineError, PluginError

NAMES = [f"shard {i}" for i in range(12)]


def nothing(_: str) -> None:
    """Where nobody listens."""


def test_every_name_is_answered_once_by_several_processes():
    found = list(forked(lambda name: (name.upper(), os.getpid()), NAMES, 3, nothing))
    assert sorted(name for name, _ in found) == sorted(NAMES)
    assert all(answer == name.upper() for name, (answer, _) in found)
    pids = {pid for _, (_, pid) in found}
    assert os.getpid() not in pids
    assert 1 <= len(pids) <= 3


def test_a_copy_computes_with_the_threads_that_it_is_given():
    for threads in (1, 2):
        [(_, found)] = forked(lambda _: torch.get_num_threads(), ["a"], 1, nothing, threads=threads)
        assert found == threads


@pytest.mark.parametrize("workers", [1, 3])
def test_answers_come_in_order_whoever_is_done_first(workers: int):
    def answer(number: int) -> tuple[int, int]:
        time.sleep(0.02 * (number % 3 == 0))
        return number, os.getpid()

    found = [*in_order(answer, 9, workers, nothing)]
    assert [number for number, _ in found] == [*range(9)]
    assert (os.getpid() in {pid for _, pid in found}) is (workers == 1)


def test_a_copy_that_is_killed_costs_one_attempt(tmp_path: Path):
    said: list[str] = []

    def answer(name: str) -> str:
        with (tmp_path / "begun").open("a") as file:
            file.write(f"{name}\n")
        if name == NAMES[3] and not (tmp_path / "died").exists():
            (tmp_path / "died").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return name

    found = [name for name, _ in forked(answer, NAMES, 2, said.append)]
    assert sorted(found) == sorted(NAMES)
    begun = Counter((tmp_path / "begun").read_text().splitlines())
    assert begun == Counter([*NAMES, NAMES[3]])
    assert said == [
        "shard shard 3 lost in attempt 1 of 3: its process was ended by SIGKILL; it is put back"
    ]


def test_what_always_fails_ends_the_run_and_names_the_cause():
    def answer(name: str) -> str:
        raise KeyError("gone")

    with pytest.raises(EngineError, match=r"lost in 3 attempts.*KeyError: 'gone'"):
        list(forked(answer, ["a"], 2, nothing))


def test_an_error_of_the_users_is_raised_as_it_was():
    def answer(name: str) -> str:
        raise PluginError("it breaks", heuristic="mine")

    with pytest.raises(PluginError, match="it breaks") as caught:
        list(forked(answer, NAMES, 2, nothing))
    assert caught.value.heuristic == "mine"


def test_stopping_ends_what_is_begun_and_begins_no_more():
    done: list[str] = []
    for name, _ in forked(lambda name: name, NAMES, 2, nothing, lambda: len(done) >= 2):
        done.append(name)
    assert 2 <= len(done) <= 4  # two in work when it was asked


def test_no_process_is_left_over():
    pool = ForkPool(lambda name: name)
    workers = [pool.hire()[0] for _ in range(2)]
    pool.close()
    assert not any(worker.process.is_alive() for worker in workers)
    with meanwhile(lambda: time.sleep(60), True):
        pass  # not asked for its value: not waited for


def test_a_value_is_computed_meanwhile_or_when_asked():
    for fork in (True, False):
        with meanwhile(lambda: (os.getpid(), [1, 2]), fork) as value:
            pid, found = value()
        assert found == [1, 2]
        assert (pid == os.getpid()) is not fork


def test_a_value_whose_process_died_is_computed_here():
    here = os.getpid()

    def function() -> str:
        if os.getpid() != here:
            os.kill(os.getpid(), signal.SIGKILL)
        return "found"

    with meanwhile(function, True) as value:
        assert value() == "found"


def test_a_copy_has_no_copies_of_its_own():
    assert can_fork()
    assert [*forked(lambda _: can_fork(), ["a"], 1, nothing)] == [("a", False)]


PARENT = """
import os, signal, sys, time
from labeler.engines.forked import ForkPool
pool = ForkPool(lambda name: name)
workers = [pool.hire()[0] for _ in range(3)]
print(*[worker.process.pid for worker in workers], flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_copies_end_when_their_parent_is_killed():
    found = subprocess.run(
        [sys.executable, "-c", PARENT],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
    )
    pids = [int(pid) for pid in found.stdout.split()]
    assert len(pids) == 3, found.stderr
    deadline = time.monotonic() + 20
    while (left := [pid for pid in pids if _lives(pid)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not left


def _lives(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits to be noticed does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
