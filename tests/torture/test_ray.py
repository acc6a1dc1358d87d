"""Ray and the serial engine agree bit for bit, whatever dies on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from labeler import judge, judging
from labeler.cli import main
from labeler.engines.stopping import SAID
from labeler.measure import measure
from labeler.run import run_labels

from . import deaths
from .small import ONLY, contents, small_run

pytest.importorskip("ray")

ROOT = Path(__file__).parents[2]
DRIVER = """
import sys
from labeler.cli import main
from tests.torture.deaths import slow_actors
with slow_actors():
    main(sys.argv[1:])
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small model, a corpus, and an undisturbed serial run of them in `out`."""
    folder = tmp_path_factory.mktemp("ray")
    run_labels(small_run(folder))
    assert len(kept(folder / "out")) >= 8
    return folder


@pytest.fixture(scope="module")
def nodes(made: Path) -> Iterator[tuple[Any, Any]]:
    """Two nodes of a core each; the second is for the test that removes it."""
    with deaths.two_nodes(made / "marks") as found:
        yield found


def kept(out: Path) -> dict[str, int]:
    """The shards that a run has kept, and when each was written."""
    return {path.stem: path.stat().st_mtime_ns for path in (out / "statistics").glob("*.bin")}


def driven(
    out: Path, signalled: Callable[[int], None], *options: str, least: int
) -> tuple[int, str]:
    """A run under Ray in a process of its own, signalled once so many shards are kept.

    The process leads a group, as one that a terminal starts does. Gives how it ended and what it
    said.
    """
    command = [sys.executable, "-c", DRIVER, "run", "--config", str(out.with_suffix(".toml"))]
    process = subprocess.Popen(
        [*command, "--no-report", *options],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    until = time.monotonic() + deaths.PATIENCE
    while len(kept(out)) < least and process.poll() is None and time.monotonic() < until:
        time.sleep(0.005)
    signalled(process.pid)
    said, _ = process.communicate(timeout=deaths.PATIENCE)
    return process.returncode, said


def test_a_killed_driver_is_resumed_to_the_same_bytes(made: Path, nodes: Any, tmp_path: Path):
    out = tmp_path / "run"
    settings = small_run(made, out=out, engine="ray", workers=1)
    out.with_suffix(".toml").write_text(settings.to_toml(), encoding="utf-8")
    code, said = driven(
        out, lambda pid: os.kill(pid, signal.SIGKILL), "--address", nodes[0].address, least=2
    )
    assert code == -signal.SIGKILL, said
    before = kept(out)
    assert 2 <= len(before) < len(kept(made / "out"))
    assert not (out / "run.json").exists()
    run_labels(small_run(made, out=out, engine="ray", workers=1, resume=True))
    assert contents(out) == contents(made / "out")
    assert {name: kept(out)[name] for name in before} == before  # none was scored again


def test_ctrl_c_ends_what_is_in_work_and_says_how_to_go_on(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Ray is started by the run, and Ctrl-C reaches all that the terminal started."""
    out, marks = tmp_path / "run", tmp_path / "marks"
    marks.mkdir()
    monkeypatch.setenv(deaths.MARKS, str(marks))
    settings = small_run(made, out=out, engine="ray", workers=1)
    out.with_suffix(".toml").write_text(settings.to_toml(), encoding="utf-8")
    code, said = driven(out, lambda pid: os.killpg(pid, signal.SIGINT), least=1)
    assert code == 130, said
    assert SAID in " ".join(said.split())
    assert said.splitlines()[-1] == "labeler: stopped; the same command with --resume goes on"
    assert "Traceback" not in said
    # Every shard that was begun was begun once, and is kept.
    begun = sorted(mark.split(".")[2] for mark in deaths.begun(marks))
    assert begun == sorted(kept(out))
    assert 1 <= len(begun) < len(kept(made / "out"))
    run_labels(small_run(made, out=out, resume=True))
    assert contents(out) == contents(made / "out")


def test_judging_goes_through_actors_and_gives_the_same_bytes(
    made: Path, nodes: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """All texts but those that evidence is shown on; here measured by nobody but the actors."""
    monkeypatch.setattr(judge, "EVIDENCE_PROMPTS", 3)
    options = {"threads": 1, "reinitialised": False}
    serial = run_labels(small_run(made, out=tmp_path / "serial", **options))
    measured: list[int] = []

    def counted(texts: Any, *arguments: Any) -> Any:
        measured.append(len(texts))
        return measure(texts, *arguments)

    monkeypatch.setattr(judging, "measure", counted)
    run = run_labels(small_run(made, out=tmp_path / "ray", engine="ray", workers=1, **options))
    assert contents(run.path) == contents(serial.path)
    assert sum(measured) == 3


PLUGIN = """
from heuristics import Text, relation

@relation("breaks late")
def breaks_late(text: Text):
    if text.string == {late!r}:
        raise RuntimeError("no such key")
    return text.initials[:, None] == text.initials[None, :]
"""


def test_a_plugin_that_raises_in_a_worker_is_the_line_that_it_is_here(
    made: Path, nodes: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    # The driver tries two texts of the first shard; this one is met by a worker first.
    late = (made / "stories.txt").read_text(encoding="utf-8").split("\n\n")[-1]
    plugin = tmp_path / "late.py"
    plugin.write_text(PLUGIN.format(late=late), encoding="utf-8")
    lines = {}
    for engine in ("serial", "ray"):
        out = tmp_path / engine
        own = (*ONLY, "breaks late")
        options = {"workers": 1} if engine == "ray" else {}
        settings = small_run(
            made, out=out, engine=engine, plugin=(str(plugin),), only=own, **options
        )
        config = out.with_suffix(".toml")
        config.write_text(settings.to_toml(), encoding="utf-8")
        with pytest.raises(SystemExit) as ended:
            main(["run", "--config", str(config), "--no-report"])
        assert ended.value.code == 2
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        lines[engine] = said.err.splitlines()[-1]
        assert not out.exists()  # nothing half-written
    assert lines["ray"] == lines["serial"]
    for part in (
        "labeler: ",
        "'breaks late'",
        "labeler_plugin_late",
        "no such key",
        "--keep-going",
    ):
        assert part in lines["serial"], lines["serial"]


def test_a_killed_worker_and_a_removed_node_change_nothing(made: Path, nodes: Any):
    cluster, second = nodes
    serial = contents(made / "out")
    marks = made / "marks"
    run, attempts = deaths.disturbed(
        made, marks, lambda: deaths.kill_a_worker(marks), "worker-death"
    )
    assert contents(run.path) == serial
    assert attempts > len(kept(run.path))
    run, attempts = deaths.disturbed(
        made, marks, lambda: deaths.remove_node(cluster, second, marks), "node-death"
    )
    assert contents(run.path) == serial
    assert attempts > len(kept(run.path))
