"""A run that is killed and resumed leaves what an undisturbed run leaves, byte for byte."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.oracles.prompts import prompts

from .conftest import Cli

CONFIG = """
model = "{model}"
corpus = "{corpus}"
prompts_per_shard = 2
"""
LEAST_DONE = 3


def tables(run: Path) -> dict[str, bytes]:
    """Everything in a run folder but times and places."""
    left_out = {"run.json", "settings.toml", ".lock"}
    return {
        str(path.relative_to(run)): path.read_bytes()
        for path in sorted(run.rglob("*"))
        if path.is_file() and path.name not in left_out and "report" not in path.parts
    }


def facts(run: Path) -> dict:
    found = json.loads((run / "run.json").read_text(encoding="utf-8"))
    del found["created"], found["seconds"], found["settings"]["out"], found["settings"]["resume"]
    return found


def start_and_kill(config: Path, out: Path) -> None:
    """Begin a run in a process of its own and kill it once a few shards are on disk."""
    process = subprocess.Popen(
        [sys.executable, "-m", "labeler.cli", "run", "--config", str(config), "--out", str(out)],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if len(list((out / "statistics").glob("*.bin"))) >= LEAST_DONE:
            break
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=30)


def test_resume_takes_the_options_that_the_run_was_begun_with(
    cli: Cli, model: Path, tmp_path: Path
):
    corpus = tmp_path / "stories.txt"
    corpus.write_text("\n\n".join(prompts(10)))
    out = tmp_path / "run"
    begun = ("run", "--model", model, "--corpus", corpus, "--max-prompts", 9, "--no-report")
    assert cli(*begun, "--out", out).code == 0
    before = tables(out)
    (out / "run.json").unlink()  # as if it had not come so far
    assert cli("run", "--out", out, "--resume", "--no-report").code == 0
    assert tables(out) == before
    none = cli("run", "--out", tmp_path / "none", "--resume")
    assert none.code == 2
    assert f"there is no run to go on with in {tmp_path / 'none'}" in none.error
    other = cli("run", "--out", out, "--resume", "--max-prompts", 8)
    assert "begun with another corpus" in other.error


def test_resume_after_sigkill(cli: Cli, model: Path, tmp_path: Path):
    corpus = tmp_path / "stories.txt"
    corpus.write_text("\n\n".join(prompts(36)))
    config = tmp_path / "run.toml"
    config.write_text(CONFIG.format(model=model, corpus=corpus))
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    common = ("run", "--config", config, "--no-report", "--out")
    assert cli(*common, undisturbed).code == 0
    start_and_kill(config, killed)

    every = {path.name for path in (undisturbed / "statistics").iterdir()}
    done = {path.name for path in (killed / "statistics").glob("*.bin")}
    assert LEAST_DONE <= len(done) < len(every)
    assert not (killed / "run.json").exists()
    assert "--resume" in cli(*common, killed).error  # it is not begun again unasked

    before = {path.name: path.stat().st_mtime_ns for path in (killed / "statistics").glob("*.bin")}
    resumed = cli(*common, killed, "--resume")
    assert resumed.code == 0, resumed.err
    after = {name: (killed / "statistics" / name).stat().st_mtime_ns for name in before}
    assert after == before  # what was done was not done again
    assert tables(killed) == tables(undisturbed)
    assert facts(killed) == facts(undisturbed)


def test_resuming_a_finished_run_changes_nothing(cli: Cli, model: Path, corpus, tmp_path: Path):
    common = ("run", "--model", model, "--corpus", corpus, "--no-report", "--out", tmp_path / "run")
    assert cli(*common, "--resume").code == 0  # nothing to resume: it begins
    first = tables(tmp_path / "run")
    assert cli(*common, "--resume").code == 0
    assert tables(tmp_path / "run") == first
