"""The output folder while a run writes into it: who may, and what was done before."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labeler.errors import RunFolderError
from labeler.results import write_atomic

OURS = ("run.json", "statistics", "plan.json")


def check_out(out: Path, overwrite: bool, resume: bool) -> None:
    """RunFolderError if `out` cannot take a run: a file, another run, or somebody's folder."""
    if out.exists() and not out.is_dir():
        raise RunFolderError(f"--out {out} is a file; expected a folder, new or empty")
    if not out.is_dir() or not any(out.iterdir()):
        return
    if not any((out / name).exists() for name in OURS):
        raise RunFolderError(f"--out {out} holds files that are no run; choose another folder")
    if not (overwrite or resume):
        raise RunFolderError(
            f"--out {out} holds another run; pass --overwrite to replace it, --resume to go on "
            "with it, or another --out"
        )


@contextmanager
def locked(out: Path) -> Iterator[None]:
    """Hold the folder for this process; RunFolderError if another run writes into it."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        handle = (out / ".lock").open("w")
    except OSError as error:
        raise RunFolderError(f"--out {out} cannot be written: {error.strerror}") from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise RunFolderError(
                f"another run is writing into {out}; choose another --out"
            ) from error
        yield


def clear(out: Path) -> None:
    """Remove what an earlier run left, and nothing else."""
    for path in out.iterdir():
        if path.name == ".lock":
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def check_plan(out: Path, plan: bytes) -> None:
    """Write what the run depends on, or compare it with what is there (`--resume`)."""
    path = out / "plan.json"
    if path.is_file() and path.read_bytes() != plan:
        raise RunFolderError(
            f"{out} was begun with another model, corpus, pipeline, vocabulary or setting, so it "
            "cannot be resumed; pass --overwrite, or another --out"
        )
    write_atomic(path, plan)
