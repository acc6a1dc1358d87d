"""The whole of every campaign: `make torture`, or `python -m tests.torture kills fuzz …`."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # a fork is no place for its threads
os.environ.setdefault("OMP_NUM_THREADS", "1")

KILLS, DEATHS, INPUTS, WORKERS = 200, 10, 100_000, 1000


def kills(folder: Path) -> list[str]:
    """Runs killed at random instants."""
    from tests.torture.kills import kill_at_random

    found = kill_at_random(folder, KILLS)
    print(f"{found.kills} kills, by what there was then: {dict(found.states)}")
    return found.wrong


def deaths(folder: Path) -> list[str]:
    """Nodes removed while they score."""
    from labeler.run import run_labels
    from tests.torture.deaths import node_death
    from tests.torture.small import contents, small_run

    os.environ["LABELER_CACHE"] = str(folder / "cache")
    wanted = contents(run_labels(small_run(folder, out=folder / "serial")).path)
    wrong = []
    for number in range(DEATHS):
        path, shards, attempts = node_death(folder, f"death-{number}")
        print(f"node removed: {shards} shards in {attempts} attempts", flush=True)
        if contents(path) != wanted:
            wrong.append(f"death {number}: the result differs")
        if attempts <= shards:
            wrong.append(f"death {number}: nothing was lost, so nothing was shown")
    return wrong


def fuzz(_: Path) -> list[str]:
    """Hostile input."""
    from tests.torture.fuzz import fuzz as run

    found = run(INPUTS)
    for name, count in found.inputs.items():
        print(f"{name}: {count:,} inputs, {found.refused[name]:,} refused")
    print(f"{found.inputs.total():,} inputs")
    return found.wrong


def workers(_: Path) -> list[str]:
    """A thousand workers that score nothing."""
    from tests.torture.workers import simulate

    wrong = []
    for count, dying in ((1, 0.0), (64, 0.0), (WORKERS, 0.0), (WORKERS, 0.01)):
        found = simulate(count, 50_000, dying)
        print(
            f"{count} workers, {dying:.0%} of calls die: {found.milliseconds_a_shard:.3f} ms a "
            f"shard, {found.attempts:,} attempts"
        )
        if found.milliseconds_a_shard > 1:
            wrong.append(f"{count} workers: more than 1 ms a shard")
    return wrong


CAMPAIGNS: dict[str, Callable[[Path], list[str]]] = {
    campaign.__name__: campaign for campaign in (workers, fuzz, kills, deaths)
}


def main(names: list[str]) -> int:
    """Run the campaigns named, or all; how many failed."""
    failed = 0
    for name in names or CAMPAIGNS:
        print(f"== {name}", flush=True)
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            wrong = CAMPAIGNS[name](Path(folder))
        print(*wrong, f"{len(wrong)} wrong, {time.monotonic() - began:.0f} s", sep="\n", flush=True)
        failed += bool(wrong)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
