"""The output folder while a run writes into it: who may, and what was done before."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from labeler.errors import EngineError, LabelerError, RunFolderError
from labeler.results import TABLES, write_atomic

LOCK = ".lock"
MARKS = ("run.json", "plan.json")
REVIEW = "review.json"
BEGUN = ("plan.json", "statistics", "judged")
OURS = (
    "run.json",
    *("settings.toml", "activations.json", "statistics", "judged", "showcase", "report"),
    *sorted({Path(file).parts[0] for file in TABLES}),
    "plan.json",
)
"""In the order in which they are removed: what is half removed is no finished run, but ours."""


def check_out(out: Path, overwrite: bool, resume: bool) -> None:
    """RunFolderError if `out` cannot take a run: a file, another run, or somebody's folder."""
    if _URL.match(str(out)):
        raise RunFolderError(
            f"--out {out} is a URL; a run is written on this machine: give a folder, and the URL "
            "with --copy-to"
        )
    if out.exists() and not out.is_dir():
        raise RunFolderError(f"--out {out} is a file; expected a folder, new or empty")
    _check_writable(out)
    if not out.is_dir() or all(path.name == LOCK or is_stray(path) for path in out.iterdir()):
        return
    if not any((out / name).is_file() for name in MARKS):
        raise RunFolderError(
            f"--out {out} holds files that are no run; choose another folder, new or empty"
        )
    if not (overwrite or resume):
        raise RunFolderError(
            f"--out {out} holds another run; pass --overwrite to replace it, --resume to go on "
            "with it, or another --out"
        )


_URL = re.compile(r"[A-Za-z][\w+.-]+:/")
_STRAY = re.compile(r"\.(.+)\.\d+\.\d+")


def is_stray(path: Path) -> bool:
    """Whether a file is half of one of ours, left by a run that was killed while it wrote."""
    half = _STRAY.fullmatch(path.name)
    return half is not None and half[1] in OURS and path.is_file()


def _check_writable(out: Path) -> None:
    there = out.absolute()
    while not there.exists():
        there = there.parent
    if not there.is_dir():
        raise RunFolderError(f"--out {out} cannot be made: {there} is a file, not a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise RunFolderError(f"--out {out} cannot be written: no permission in {there}")


@contextmanager
def locked(out: Path) -> Iterator[None]:
    """Hold the folder for this process; RunFolderError if another one writes into it."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        handle = (out / LOCK).open("w")
    except OSError as error:
        raise RunFolderError(f"{out} cannot be written: {error.strerror}") from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise RunFolderError(
                f"another command is writing into {out}; let it end, or name another folder"
            ) from error
        _HELD.add(handle)
        try:
            yield
        finally:
            _HELD.discard(handle)


_HELD: set[IO[str]] = set()


def _let_go() -> None:
    """In a copy of this process: a lock is held while any copy is, but only we write."""
    for handle in _HELD:
        handle.close()
    _HELD.clear()


os.register_at_fork(after_in_child=_let_go)


@contextmanager
def writing(out: Path, plan: bytes, resume: bool) -> Iterator[None]:
    """Hold the folder and make it this run's; an error leaves nothing half-written behind.

    Finished shards are kept where `--resume` can use them: after a disk that was full, after
    workers that were lost, and where they were there before. Files that no run writes stay.
    """
    missing = _missing(out)
    with locked(out):
        begun = resume and (out / "plan.json").is_file()
        if begun:
            check_plan(out, plan)
        try:
            clear(out, keep=BEGUN if begun else ())
            write_atomic(out / "plan.json", plan)
            yield
        except LabelerError as error:
            shards = len(list((out / "statistics").glob("*.bin")))
            if isinstance(error, RunFolderError | EngineError) and shards:
                raise type(error)(f"{error}; then --resume keeps what is done") from error
            if not begun:
                _undo(out, missing)
            raise


def _missing(out: Path) -> list[Path]:
    """The folders that `out` needs and that are not there, the innermost first."""
    return [path for path in (out, *out.parents) if not path.exists()]


def _undo(out: Path, made: list[Path]) -> None:
    with suppress(OSError):
        clear(out)
        (out / LOCK).unlink(missing_ok=True)
        for path in made:
            path.rmdir()


def clear(out: Path, keep: tuple[str, ...] = ()) -> None:
    """Remove what an earlier run left, and nothing else; readers' verdicts are set aside."""
    for name in OURS:
        path = out / name
        if name in keep:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    half = [path for path in out.iterdir() if is_stray(path)]
    of_shards = [path for name in BEGUN for path in (out / name).glob(".*")]
    for path in [*half, *of_shards]:
        path.unlink()
    if not keep and (out / REVIEW).is_file():
        (out / REVIEW).replace(out / "review.previous.json")


def begun_plan(out: Path) -> dict[str, Any]:
    """What the run in `out` depends on, as far as it can be read; empty where none was begun."""
    try:
        plan = json.loads((out / "plan.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return plan if isinstance(plan, dict) else {}


def check_unchanged(out: Path, plan: bytes, then: str) -> None:
    """RunFolderError if a finished run depends on something that is another now."""
    path = out / "plan.json"
    if not path.is_file() or path.read_bytes() != plan:
        raise RunFolderError(
            f"{out} was made with another {differing(begun_plan(out), json.loads(plan))} than "
            f"there is now; run it again, then {then}"
        )


def check_plan(out: Path, plan: bytes) -> None:
    """RunFolderError if the run in `out` depends on something else than this one (`--resume`)."""
    if (out / "plan.json").read_bytes() == plan:
        return
    raise RunFolderError(
        f"{out} was begun with another {differing(begun_plan(out), json.loads(plan))}, so it "
        "cannot be resumed; pass --overwrite, or another --out"
    )


def differing(before: dict[str, Any], now: dict[str, Any]) -> str:
    """What two plans differ in, in words: "corpus", "limit (128, now 64)", "heuristics (comma)"."""
    if not before:
        return "plan.json"
    keys = sorted(key for key in now if before.get(key) != now[key])
    if "corpus" in keys and "shards" in keys:
        keys.remove("shards")  # they are those of the corpus
    return ", ".join(_told(key, before.get(key), now[key]) for key in keys) or "plan.json"


def _told(key: str, before: Any, now: Any) -> str:
    if key == "heuristics" and isinstance(before, list):
        others = [item for item in [*before, *now] if item not in before or item not in now]
        names = {str(item.get("name")) for item in others if isinstance(item, dict)}
        shown = [*sorted(names)[:_SHOWN], *(["…"] if len(names) > _SHOWN else [])]
        return f"{key} ({', '.join(shown)})" if shown else key
    if key in _HASHES or not isinstance(before, int | str | None):
        return key
    return f"{key} ({json.dumps(before)}, now {json.dumps(now)})"


_SHOWN = 3
_HASHES = ("model", "corpus", "pipeline", "heuristics", "shards")
"""What a plan has of these tells a reader nothing."""
