"""A small part of each campaign, and each guard of a stranger's run folder by itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from labeler.errors import LabelerError

from .fuzz import TARGETS, fuzz

ROOT = Path(__file__).parents[2]
INPUTS = 5_000

KILLS = """
import os, sys
from pathlib import Path
import sklearn.decomposition, sklearn.manifold, transformer_lens.model_bridge  # once, for all forks
from tests.torture.kills import kill_at_random
found = kill_at_random(Path(sys.argv[1]), 5, seed=int(sys.argv[2]))
print(found.kills, found.wrong)
"""


def test_five_kills_at_random_instants(tmp_path: Path):
    """In a process of its own, whose forks hold no threads of other tests."""
    done = subprocess.run(
        [sys.executable, "-c", KILLS, str(tmp_path), "1"],
        cwd=ROOT, capture_output=True, text=True, timeout=500,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines()[-1] == "5 []"


def test_hostile_input_is_refused_or_right():
    found = fuzz(INPUTS, seed=1)
    assert found.wrong == []
    assert found.inputs.total() >= INPUTS - len(TARGETS)
    # Some of it must get through, or nothing was tried but the first check.
    for name in ("corpus", "configuration", "review", "run_folder"):
        assert 0 < found.refused[name] < found.inputs[name], name


def test_the_fuzzer_notices_what_is_wrong(monkeypatch: pytest.MonkeyPatch):
    """An exception of any other kind, and an error of two lines, are counted as wrong."""

    def broken(*_: object) -> None:
        raise KeyError("ours")

    def wordy(*_: object) -> None:
        raise LabelerError("one\ntwo")

    monkeypatch.setattr(sys.modules[fuzz.__module__], "TARGETS", {broken: 0.5, wordy: 0.5})
    assert fuzz(2).wrong == ["broken 0: KeyError: 'ours'", "wordy 0: AssertionError: one\ntwo"]
