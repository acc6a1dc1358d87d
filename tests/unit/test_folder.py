"""Who may write into an output folder, and what stays there when something goes wrong."""

from __future__ import annotations

import os
import shutil
import signal
import time
from contextlib import nullcontext
from pathlib import Path

import pytest

from labeler.errors import EngineError, LabelerError, PluginError, RunFolderError
from labeler.folder import (
    LOCK,
    OURS,
    REVIEW,
    check_out,
    check_plan,
    check_unchanged,
    clear,
    differing,
    locked,
    writing,
)
from labeler.results import OWN, write_atomic


def a_run(out: Path, plan: bytes = b'{"model": 1}') -> Path:
    """What a finished run leaves, as far as this module cares."""
    for name in ("run.json", "heads.parquet", "statistics/0.bin", "report/index.html"):
        write_atomic(out / name, b"old")
    write_atomic(out / "plan.json", plan)
    return out


def names(out: Path) -> set[str]:
    return {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}


def test_a_new_or_empty_folder_is_taken(tmp_path: Path):
    check_out(tmp_path / "new" / "deep", overwrite=False, resume=False)
    check_out(tmp_path, overwrite=False, resume=False)
    (tmp_path / ".lock").touch()  # left by a run that did not begin
    check_out(tmp_path, overwrite=False, resume=False)


@pytest.mark.parametrize("flags", [(False, False), (True, False), (False, True)])
def test_somebodys_folder_is_never_taken(tmp_path: Path, flags: tuple[bool, bool]):
    (tmp_path / "statistics").mkdir()  # a name that a run uses does not make it a run
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(RunFolderError, match="no run"):
        check_out(tmp_path, *flags)


def test_another_run_is_taken_only_if_asked(tmp_path: Path):
    a_run(tmp_path)
    with pytest.raises(RunFolderError, match=r"--overwrite .* --resume"):
        check_out(tmp_path, overwrite=False, resume=False)
    check_out(tmp_path, overwrite=True, resume=False)
    check_out(tmp_path, overwrite=False, resume=True)


def test_a_finished_run_goes_with_what_it_was_made_with(tmp_path: Path):
    check_unchanged(a_run(tmp_path), b'{"model": 1}', "verify")
    with pytest.raises(RunFolderError, match=r"another model than .*run it again, then verify"):
        check_unchanged(tmp_path, b'{"model": 2}', "verify")


def test_a_folder_belongs_to_one_run_at_a_time(tmp_path: Path):
    with (
        locked(tmp_path),
        pytest.raises(RunFolderError, match="another command is writing"),
        locked(tmp_path),
    ):
        pass
    with locked(tmp_path):
        pass


def test_a_killed_runs_copies_do_not_hold_its_folder(tmp_path: Path):
    """Copies of a process outlive it for as long as they compute."""
    read, write = os.pipe()
    run = os.fork()
    if not run:
        with locked(tmp_path):
            copy = os.fork()
            if not copy:
                time.sleep(60)
            os.write(write, str(copy).encode())
            time.sleep(60)
        os._exit(0)
    copy = int(os.read(read, 20))
    with pytest.raises(RunFolderError, match="another command"), locked(tmp_path):
        pass
    os.kill(run, signal.SIGKILL)
    os.waitpid(run, 0)
    try:
        with locked(tmp_path):
            os.kill(copy, 0)  # it is there still
    finally:
        os.kill(copy, signal.SIGKILL)


def test_clear_removes_what_a_run_leaves_and_nothing_else(tmp_path: Path):
    a_run(tmp_path)
    for name in ("review.json", "notes.txt"):
        (tmp_path / name).write_text("mine")
    clear(tmp_path)
    assert names(tmp_path) == {"review.previous.json", "notes.txt"}


def test_clear_does_not_follow_links(tmp_path: Path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "precious").touch()
    out = tmp_path / "run"
    out.mkdir()
    (out / "statistics").symlink_to(tmp_path / "elsewhere")
    clear(out)
    assert (tmp_path / "elsewhere" / "precious").exists()
    assert not (out / "statistics").exists()


def test_resume_keeps_the_shards_and_nothing_that_hangs_on_them(tmp_path: Path):
    a_run(tmp_path)
    (tmp_path / "statistics" / ".1.bin.77").touch()  # half a shard
    with writing(tmp_path, b'{"model": 1}', resume=True):
        assert names(tmp_path) == {".lock", "plan.json", "statistics/0.bin"}


def test_resume_of_something_else_touches_nothing(tmp_path: Path):
    before = names(a_run(tmp_path)) | {".lock"}
    with (
        pytest.raises(RunFolderError, match=r"cannot be resumed.*or another --out$"),
        writing(tmp_path, b'{"model": 2}', resume=True),
    ):
        pass
    assert names(tmp_path) == before


def fail(out: Path, error: LabelerError) -> None:
    """A run that writes one shard and ends with an error."""
    with writing(out, b"plan", resume=False):
        write_atomic(out / "statistics" / "0.bin", b"shard")
        raise error


def test_an_error_leaves_no_folder_that_was_not_there(tmp_path: Path):
    with pytest.raises(PluginError):
        fail(tmp_path / "a" / "b", PluginError("on purpose"))
    assert list(tmp_path.iterdir()) == []


def test_an_error_leaves_a_folder_that_was_there_as_it_was(tmp_path: Path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(PluginError), writing(tmp_path, b"plan", resume=False):
        raise PluginError("on purpose")
    assert names(tmp_path) == {"notes.txt"}


def test_an_error_while_resuming_keeps_the_shards(tmp_path: Path):
    a_run(tmp_path)
    with pytest.raises(PluginError), writing(tmp_path, b'{"model": 1}', resume=True):
        raise PluginError("on purpose")
    assert "statistics/0.bin" in names(tmp_path)


def test_a_full_disk_keeps_the_shards_and_says_how_to_go_on(tmp_path: Path):
    with pytest.raises(RunFolderError, match=r"cannot write.*--resume"):
        fail(tmp_path / "run", RunFolderError("cannot write it"))
    assert names(tmp_path / "run") == {".lock", "plan.json", "statistics/0.bin"}


def test_what_lost_workers_leave_is_kept_too(tmp_path: Path):
    with pytest.raises(EngineError, match=r"lost.*--resume"):
        fail(tmp_path / "run", EngineError("workers were lost"))
    assert "statistics/0.bin" in names(tmp_path / "run")


def test_half_a_file_of_ours_makes_no_foreign_folder(tmp_path: Path):
    """Killed before anything but the half of a file was there."""
    (tmp_path / ".lock").touch()
    (tmp_path / ".plan.json.12.34").write_text("{")
    check_out(tmp_path, overwrite=False, resume=True)
    with writing(tmp_path, b'{"model": 1}', resume=True):
        assert names(tmp_path) == {".lock", "plan.json"}
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / ".thesis.tex.12.34").touch()
    with pytest.raises(RunFolderError, match="no run"):
        check_out(tmp_path / "new", overwrite=False, resume=False)


@pytest.mark.parametrize("after", range(4))
def test_killed_while_it_clears_a_run_is_still_one(tmp_path: Path, after: int, monkeypatch):
    """Whatever was removed when the end came, the folder can be taken again."""
    a_run(tmp_path)
    left = [after]

    def until(path: Path, *_: object, **__: object) -> None:
        if left[0] == 0:
            raise SystemExit("killed")
        left[0] -= 1
        removed(path)

    removed = shutil.rmtree
    monkeypatch.setattr("labeler.folder.shutil.rmtree", until)
    with pytest.raises(SystemExit) if after < 2 else nullcontext():
        clear(tmp_path)
    if after < 2:
        assert not (tmp_path / "run.json").exists()  # it does not pass for a finished run
        check_out(tmp_path, overwrite=True, resume=False)


def test_a_refusal_says_what_differs(tmp_path: Path):
    a_run(tmp_path, b'{"corpus": "a", "model": "b", "limit": 3}')
    other = b'{"corpus": "c", "model": "b", "limit": 4}'
    differs = r"another corpus, limit \(3, now 4\)"
    with pytest.raises(RunFolderError, match=f"{differs}, so it cannot"):
        check_plan(tmp_path, other)
    with pytest.raises(RunFolderError, match=f"{differs} than there is now"):
        check_unchanged(tmp_path, other, "verify")


def test_what_differs_is_told_by_name():
    before = {"corpus": "a", "shards": ["1"], "heuristics": [{"name": "comma"}, {"name": "noun"}]}
    now = {"corpus": "b", "shards": ["2"], "heuristics": [{"name": "noun"}, {"name": "red"}]}
    assert differing(before, now) == "corpus, heuristics (comma, red)"
    assert differing({**now, "shards": ["1"]}, now) == "shards"
    assert differing({**now, "heuristics": 3}, now) == "heuristics"
    assert differing({**now, "heuristics": [3]}, now) == "heuristics (noun, red)"
    assert differing({}, now) == "plan.json"  # damaged, or not there


def test_what_a_run_removes_is_what_readers_must_not_write_over():
    assert set(OURS) | {REVIEW, LOCK} <= OWN
