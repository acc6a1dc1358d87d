"""The folder that a report or an export is written into: what is not ours there stays as it is."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from labeler.results import RunFolderError, cannot_write

BEGINNING = 4096
"""Characters of a file within which its mark stands."""


@dataclass(frozen=True)
class Kind:
    """What is written into a folder: `tops` are the names at its top, `files` a pattern of paths.

    A folder holds an earlier one of the kind where its file `marked` has `mark` at its beginning.
    """

    name: str
    tops: tuple[str, ...]
    files: re.Pattern[str]
    marked: str
    mark: str


@contextmanager
def replaced(out: Path, kind: Kind) -> Iterator[Path]:
    """A new folder to write into; when all is written, it takes the place of the one in `out`.

    Raises RunFolderError where something else has one of its names, or the disk refuses; then all
    is as it was.
    """
    refuse_others(out, kind)
    new = not out.exists()
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(
            prefix=".labeler-", dir=out, ignore_cleanup_errors=True
        ) as folder:
            fresh, old = Path(folder, "new"), Path(folder, "old")
            fresh.mkdir()
            yield fresh
            _move([*_moves(out, old, kind), *_moves(fresh, out, kind)])
        for name in kind.tops:
            with suppress(OSError):
                (out / name).rmdir()  # if it is empty now
    except BaseException as error:
        if new:
            with suppress(OSError):
                out.rmdir()
        if isinstance(error, OSError):
            raise cannot_write(out, error) from error
        raise


def refuse_others(out: Path, kind: Kind) -> None:
    """RunFolderError where `out` is a file, or holds what an earlier one of the kind does not."""
    if out.exists() and not out.is_dir():
        raise RunFolderError(f"--out {out} is a file; expected a folder, new or with {kind.name}")
    if not is_marked(out / kind.marked, kind):
        for name in kind.tops:
            refuse_other(out / name, kind)


def refuse_other(path: Path, kind: Kind) -> None:
    """RunFolderError where a path is taken by what has not the mark of the kind."""
    if path.exists() and not is_marked(path, kind):
        raise RunFolderError(
            f"{path} is there and no part of {kind.name}; choose another --out, or move it away"
        )


def is_marked(file: Path, kind: Kind) -> bool:
    """Whether a file is there and begins as one of the kind does."""
    try:
        with file.open(encoding="utf-8", errors="replace") as opened:
            return kind.mark in opened.read(BEGINNING)
    except OSError:
        return False


def _moves(here: Path, there: Path, kind: Kind) -> list[tuple[Path, Path]]:
    """Where each of our files is, and where it goes."""
    found = [path for name in kind.tops for path in [here / name, *(here / name).rglob("*")]]
    names = [path.relative_to(here) for path in found if path.is_file()]
    return [(here / name, there / name) for name in names if kind.files.fullmatch(name.as_posix())]


def _move(moves: list[tuple[Path, Path]]) -> None:
    """Rename files, one after the other; where one cannot be, none is."""
    done: list[tuple[Path, Path]] = []
    try:
        for here, there in moves:
            there.parent.mkdir(parents=True, exist_ok=True)
            here.rename(there)
            done.append((here, there))
    except BaseException:
        for here, there in reversed(done):
            there.rename(here)
        raise
