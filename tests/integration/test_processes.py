"""Processes score as one process does, bit for bit; what breaks in one is the line it is here."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from labeler.engines import processes
from labeler.engines.serial import Serial
from labeler.run import run_labels
from tests.torture.small import contents, small_run


def test_processes_agree_with_one_process_whatever_dies(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    options = {"threads": 1, "reinitialised": True}
    one = run_labels(small_run(made, out=tmp_path / "serial", engine="serial", **options))
    many = small_run(made, out=tmp_path / "processes", engine="processes", workers=3, **options)
    assert contents(run_labels(many).path) == contents(one.path)

    class Dying(Serial):
        """The first process that scores anything is killed."""

        def map(self, *arguments):
            if not (tmp_path / "died").exists():
                (tmp_path / "died").touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return super().map(*arguments)

    monkeypatch.setattr(processes, "Serial", Dying)
    again = small_run(made, out=tmp_path / "again", engine="processes", workers=2, **options)
    assert contents(run_labels(again).path) == contents(one.path)
    assert (tmp_path / "died").exists()


def test_a_run_begun_by_processes_goes_on_in_one(made: Path, tmp_path: Path):
    out = tmp_path / "run"
    run = run_labels(small_run(made, out=out, engine="processes", workers=2))
    wanted = contents(run.path)
    shards = sorted((out / "statistics").iterdir())
    (out / "run.json").unlink()
    for path in shards[1:]:
        path.unlink()
    before = shards[0].stat().st_mtime_ns
    again = run_labels(small_run(made, out=out, engine="serial", resume=True))
    assert contents(again.path) == wanted
    assert shards[0].stat().st_mtime_ns == before
    assert json.loads((out / "run.json").read_text())["settings"]["engine"] == "serial"
