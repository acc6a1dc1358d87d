"""Runs at URLs, in fsspec's own memory and file systems: no network is needed for any of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from labeler import remote
from labeler.errors import RunFolderError

from .conftest import Cli


@pytest.fixture
def store() -> Iterator[fsspec.AbstractFileSystem]:
    """fsspec's memory, empty before and after."""
    memory = fsspec.filesystem("memory")
    memory.rm("/", recursive=True)
    yield memory
    memory.rm("/", recursive=True)


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


@pytest.mark.parametrize("scheme", ["memory://bucket", "file://{tmp_path}/bucket"])
def test_a_run_is_copied_whole_and_read_from_there(
    scheme: str, cli: Cli, store, model: Path, corpus: Path, tmp_path: Path
):
    url = f"{scheme.format(tmp_path=tmp_path)}/runs/one"
    out = tmp_path / "run"
    done = cli("run", "--model", model, "--corpus", corpus, "--out", out, "--copy-to", url)
    assert done.code == 0, done.err
    assert f"Copied to: {url}" in done.out
    there, root = fsspec.core.url_to_fs(url)
    copied = {name.removeprefix(f"{root}/"): there.cat_file(name) for name in there.find(root)}
    assert copied == files(out)
    assert {"run.json", "heads.parquet", "report/index.html"} <= set(copied)

    for command in (("show", "L0H1"), ("export", "--format", "json", "--out", tmp_path / "x")):
        here = cli(command[0], out, *command[1:])
        assert here.code == 0, here.err
        written = (tmp_path / "x").read_bytes() if command[0] == "export" else b""
        away = cli(command[0], url, *command[1:])
        assert (away.code, away.out) == (0, here.out)
        assert command[0] != "export" or (tmp_path / "x").read_bytes() == written
    page = tmp_path / "page"
    assert cli("report", url, "--out", page).code == 0
    assert (page / "index.html").is_file()
    both = cli("compare", out, url, "--out", tmp_path / "compare.html")
    assert both.code == 0, both.err


def test_run_json_is_copied_last(finished: Path, store, monkeypatch: pytest.MonkeyPatch):
    """A store that fails in the middle of the copy leaves no finished run there."""
    kept = type(store).put_file

    def put_file(self, here: str, there: str, **options: object) -> None:
        if there.endswith("hooks.parquet"):
            raise OSError("the connection was lost\nand more")
        kept(self, here, there, **options)

    monkeypatch.setattr(type(store), "put_file", put_file)
    with pytest.raises(RunFolderError, match=r"connection was lost.*the run is whole in") as raised:
        remote.copy_run(finished, "memory://bucket/run")
    assert "\n" not in str(raised.value)
    assert store.exists("/bucket/run/heads.parquet")
    with pytest.raises(RunFolderError, match="holds no finished run"):
        remote.fetched("memory://bucket/run")


def test_a_run_that_changed_there_is_fetched_anew(finished: Path, store):
    remote.copy_run(finished, "memory://bucket/run")
    here = remote.fetched("memory://bucket/run")
    assert (here / "hooks.parquet").is_file()
    assert not (here / "statistics").exists()  # reading needs none
    store.rm("/bucket/run/hooks.parquet")
    assert remote.fetched("memory://bucket/run") == here
    assert not (here / "hooks.parquet").exists()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nosuch://bucket/run", "--copy-to nosuch://bucket/run cannot be used (Protocol not known"),
        ("s3//bucket/run", "is no URL; expected one like s3://BUCKET/RUN"),
        ("memory://bucket/taken", "holds a run; remove it there, or choose another URL"),
        ("file:///proc/nothing/run", "cannot be used ("),
    ],
)
def test_a_place_that_takes_no_run_is_one_line_before_any_work(
    url: str, said: str, cli: Cli, store, tmp_path: Path
):
    store.pipe_file("/bucket/taken/run.json", b"{}")
    out = tmp_path / "run"
    # The model does not exist either: the place is looked at first.
    done = cli("run", "--model", tmp_path / "none", "--out", out, "--copy-to", url)
    assert done.code == 2
    assert said in done.error
    assert not out.exists()


def test_out_itself_is_no_url(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    done = cli("run", "--out", "s3://bucket/run")
    assert done.code == 2
    assert "is a URL" in done.error
    assert "--copy-to" in done.error
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", [("report",), ("show", "L0H0"), ("compare", "memory://b/c")])
@pytest.mark.parametrize("url", ["memory://bucket/nothing", "nosuch://bucket/run"])
def test_a_url_without_a_run_is_one_line(command: tuple[str, ...], url: str, cli: Cli, store):
    done = cli(command[0], url, *command[1:])
    assert done.code == 2
    assert url in done.error
