"""A run is killed at a random instant and resumed: nothing may tell it from an undisturbed one."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from labeler.config import Settings
from labeler.run import run_labels
from tests.torture.small import contents, small_run

MOST_WRONG = 5
"""Wrong results after which a campaign has shown enough."""


def facts(run: Path) -> dict[str, Any]:
    """`run.json` but for times, and for what was asked about the folder."""
    found = json.loads((run / "run.json").read_text(encoding="utf-8"))
    for name in ("created", "seconds"):
        del found[name]
    for name in ("out", "resume", "overwrite"):
        del found["settings"][name]
    return found


def begin(settings: Settings) -> int:
    """A process of its own that does the run; a fork, so that it need not import anything."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        os.environ["LABELER_CACHE"] = str(settings.out.with_name("cache"))
        run_labels(settings)
        code = 0
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        os._exit(code)


def ended(child: int) -> int:
    """How a process ended: 0, or the signal or code that it ended with."""
    return os.waitpid(child, 0)[1]


def reached(out: Path) -> str:
    """How far a killed run had come."""
    if (out / "run.json").is_file():
        return "finished"
    if list(out.glob("*.parquet")):
        return "tables being written"
    if not (out / "plan.json").is_file():
        return "nothing written"
    done, half = out.glob("statistics/*.bin"), out.glob("statistics/.*")
    return "in the middle of a file" if [*half] else f"{'some' if [*done] else 'no'} shards done"


@dataclass
class Killed:
    """How many runs were killed in which state, and what was wrong after resuming."""

    states: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    kills: int = 0


def kill_at_random(folder: Path, kills: int, seed: int = 0) -> Killed:
    """Kill so many runs, one in four of them again while it is resumed, and resume them all."""
    draw, found = random.Random(seed), Killed()
    settings = small_run(folder)
    assert ended(begin(replace(settings, overwrite=True))) == 0
    began = time.perf_counter()
    assert ended(begin(replace(settings, overwrite=True))) == 0
    usual = time.perf_counter() - began
    wanted, said = contents(settings.out), facts(settings.out)
    out = folder / "killed"
    while found.kills < kills and len(found.wrong) < MOST_WRONG:
        shutil.rmtree(out, ignore_errors=True)
        resume = False
        while not resume or (found.kills < kills and draw.random() < 0.25):
            child = begin(replace(settings, out=out, resume=resume))
            time.sleep(draw.uniform(0, usual))
            os.kill(child, signal.SIGKILL)
            status = ended(child)
            if status == signal.SIGKILL:
                found.kills += 1
                found.states[reached(out)] += 1
            elif status:
                found.wrong.append(f"after kill {found.kills} of seed {seed}: ended with {status}")
                break
            resume = True
        code = ended(begin(replace(settings, out=out, resume=True)))
        name = f"kill {found.kills} of seed {seed}"
        if code:
            found.wrong.append(f"{name}: resuming ended with {code}")
        elif contents(out) != wanted or facts(out) != said:
            found.wrong.append(f"{name}: the result differs")
    return found
