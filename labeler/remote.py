"""Finished runs at URLs that fsspec knows (s3://, gs://, file://): copied there, fetched again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from labeler.errors import ConfigError, RunFolderError
from labeler.folder import LOCK, is_stray
from labeler.paths import local_path
from labeler.readers import first_line, printable
from labeler.results import TABLES, open_run

LAST = "run.json"
FETCHED = (
    *("settings.toml", "activations.json", "review.json", *TABLES),
    *("showcase/prompts.json", "showcase/patterns.npz", LAST),
)
"""What reading a run needs. Only these names are asked for: none from the other side is a path."""
PROBE = ".labeler-probe"


def check_target(url: str) -> None:
    """ConfigError or RunFolderError, before any work, where `copy_run` could not write to a URL."""
    if "://" not in url:
        raise ConfigError(
            f"--copy-to {printable(url)} is no URL; expected one like s3://BUCKET/RUN, and --out "
            "for a folder on this machine"
        )
    with _blamed("--copy-to", url, "check the address and what may be written there"):
        store, root = _store(url)
        if store.exists(f"{root}/{LAST}"):
            raise RunFolderError(
                f"--copy-to {printable(url)} holds a run; remove it there, or choose another URL"
            )
        store.makedirs(root, exist_ok=True)
        store.pipe_file(f"{root}/{PROBE}", b"")
        store.rm_file(f"{root}/{PROBE}")


def copy_run(out: Path, url: str) -> None:
    """Copy a finished run folder to a URL, `run.json` last: what has it there is whole."""
    out = open_run(out).path
    files = [
        path
        for path in sorted(out.rglob("*"))
        if path.is_file() and not path.is_symlink() and path.name != LOCK and not is_stray(path)
    ]
    files.sort(key=lambda path: path == out / LAST)
    with _blamed("--copy-to", url, f"the run is whole in {out}; copy it by hand, or resume"):
        store, root = _store(url)
        for path in files:
            there = f"{root}/{path.relative_to(out).as_posix()}"
            store.makedirs(there.rsplit("/", 1)[0], exist_ok=True)
            store.put_file(str(path), there)


def run_path(run: str | Path) -> Path:
    """A run folder as it was named; one at a URL is fetched into the cache."""
    if not isinstance(run, str | Path):
        raise ConfigError(
            f"run is of type {type(run).__name__}; expected a path or a URL, "
            "the --out of `labeler run`"
        )
    return fetched(str(run)) if "://" in str(run) else local_path(run)


def fetched(url: str) -> Path:
    """The run at a URL as a folder in the cache, what reading needs of it; each time anew.

    Raises RunFolderError where there is no finished run at the URL.
    """
    from labeler.annotate import cache_folder

    digest = hashlib.blake2b(url.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    here = cache_folder() / "runs" / digest
    (here / LAST).unlink(missing_ok=True)
    with _blamed("run", url, "check the address, the network and what may be read"):
        store, root = _store(url)
        if not store.exists(f"{root}/{LAST}"):
            raise RunFolderError(f"{printable(url)} holds no finished run (no run.json)")
        for file in FETCHED:
            (here / file).unlink(missing_ok=True)
            if store.exists(f"{root}/{file}"):
                (here / file).parent.mkdir(parents=True, exist_ok=True)
                store.get_file(f"{root}/{file}", str(here / file))
    return here


def _store(url: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs

    store, root = url_to_fs(url)
    return store, root.rstrip("/")


@contextmanager
def _blamed(what: str, url: str, advice: str) -> Iterator[None]:
    """Whatever a store raises becomes one line about the URL."""
    try:
        yield
    except RunFolderError:
        raise
    except Exception as error:
        raise RunFolderError(
            f"{what} {printable(url)} cannot be used ({first_line(error)}); {advice}"
        ) from error
