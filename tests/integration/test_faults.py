"""Faults in the middle of a run: each is named, and the run goes on as if it had not been."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from labeler import results
from labeler.engines.stopping import SAID
from labeler.errors import ModelError, RunFolderError
from labeler.progress import Silent
from labeler.run import run_labels
from tests.torture.small import asked, contents, small_run

ROOT = Path(__file__).parents[2]


def test_a_nan_is_named_by_layer_hook_and_prompt(made: Path, tmp_path: Path):
    """One weight of the second neuron's input is no number, so `hook_pre` is the first that is not."""
    broken = tmp_path / "model"
    broken.mkdir()
    for file in (made / "model").iterdir():
        (broken / file.name).write_bytes(file.read_bytes())
    weights = load_file(broken / "model.safetensors")
    [name] = [key for key in weights if key.endswith("h.0.mlp.c_fc.bias")]
    weights[name][1] = torch.nan
    save_file(weights, broken / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError) as raised:
        run_labels(asked(made, tmp_path, model=str(broken)))
    message = str(raised.value)
    assert "activations are NaN: layer 0, hook blocks.0.mlp.hook_pre, prompt '" in message


@contextmanager
def room_for(writes: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A disk that is full after so many files."""
    left, flush = [writes], os.fsync

    def fsync(handle: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        flush(handle)

    with monkeypatch.context() as patch:
        patch.setattr(results.os, "fsync", fsync)
        yield


def test_a_disk_that_fills_up(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    settings = asked(made, tmp_path)
    with (
        room_for(8, monkeypatch),
        pytest.raises(RunFolderError, match=r"No space left.*free some space.*--resume"),
    ):
        run_labels(settings)
    kept = list((settings.out / "statistics").glob("*.bin"))
    assert kept
    assert not list((settings.out / "statistics").glob(".*"))  # no half of a shard
    run_labels(asked(made, tmp_path, resume=True))
    assert contents(settings.out) == contents(made / "out")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_small_disk(made: Path, tmp_path: Path):
    """A real file system of 128 kB, which cannot hold the run; then one that can."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        settings = small_run(made, out=disk / "run")
        with pytest.raises(RunFolderError, match="No space left"):
            run_labels(settings)
        subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
        run_labels(small_run(made, out=disk / "run", resume=True))
        assert contents(settings.out) == contents(made / "out")
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_damaged_shard_is_scored_again(made: Path, tmp_path: Path):
    settings = asked(made, tmp_path)
    run_labels(settings)
    path = sorted((settings.out / "statistics").glob("*.bin"))[1]
    raw = path.read_bytes()
    path.write_bytes(raw[:-20] + bytes(20))
    run_labels(asked(made, tmp_path, resume=True))
    assert path.read_bytes() == raw
    assert contents(settings.out) == contents(made / "out")


class Interrupting(Silent):
    """Presses Ctrl-C when the first shard is done."""

    def __init__(self) -> None:
        self.stages: list[str] = []
        self.said: list[str] = []

    def stage(self, name: str, total: int, unit: str) -> None:
        self.stages.append(name)

    def advance(self, steps: int = 1) -> None:
        if self.stages[-1] == "score" and SAID not in self.said:
            os.kill(os.getpid(), signal.SIGINT)

    def note(self, text: str) -> None:
        self.said.append(text)


@pytest.mark.parametrize(("engine", "in_work"), [("serial", 0), ("processes", 2)])
def test_ctrl_c_stops_after_the_shards_in_work_and_the_run_goes_on(
    engine: str, in_work: int, made: Path, tmp_path: Path
):
    workers = in_work or None
    settings = asked(made, tmp_path, engine=engine, workers=workers)
    progress = Interrupting()
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        run_labels(settings, progress)
    assert 1 <= len(list((settings.out / "statistics").glob("*.bin"))) <= 1 + in_work
    assert progress.said[-1] == SAID
    assert signal.getsignal(signal.SIGINT) is before
    run_labels(asked(made, tmp_path, resume=True))
    assert contents(settings.out) == contents(made / "out")


@pytest.mark.parametrize("what", ["model", "corpus"])
def test_another_run_is_not_gone_on_with(what: str, made: Path, tmp_path: Path):
    settings = asked(made, tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    other_run = small_run(other, n_prompts=12)
    run_labels(settings)
    changed: dict[str, Any] = {what: getattr(other_run, what)}
    if what == "model":
        weights = load_file(other / "model" / "model.safetensors")
        weights = {name: value + 0.25 for name, value in weights.items()}
        save_file(weights, other / "model" / "model.safetensors", {"format": "pt"})
    before = contents(settings.out)
    with pytest.raises(RunFolderError, match=f"was begun with another {what}.*cannot be resumed"):
        run_labels(asked(made, tmp_path, resume=True, **changed))
    assert contents(settings.out) == before


CHANGED = """
import sys, time
ticks = iter(range(2_000_000_000, 0, -7))
time.time = lambda: float(next(ticks))
from labeler.cli import main
main(sys.argv[1:])
"""


def test_clock_locale_and_hash_seed_change_nothing(made: Path, tmp_path: Path):
    """A clock that runs backwards from 2033, the C locale, ASCII on the terminal, another zone."""
    settings = asked(made, tmp_path)
    config = tmp_path / "run.toml"
    config.write_text(settings.to_toml(), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", CHANGED, "run", "--config", str(config)],
        cwd=ROOT,
        capture_output=True,
        env={
            **os.environ, "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0",
            "TZ": "Asia/Kathmandu", "PYTHONHASHSEED": "7", "PYTHONPATH": str(ROOT),
        },
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-2000:]
    report = {name for name in contents(settings.out) if name.startswith("report/")}
    found = {name: raw for name, raw in contents(settings.out).items() if name not in report}
    assert report
    assert found == contents(made / "out")
