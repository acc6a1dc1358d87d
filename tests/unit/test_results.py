"""The run folder as it is written and read: whole files, the schema, and clear refusals."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from labeler.errors import RunFolderError
from labeler.results import SCHEMA, TABLES, open_run, write_atomic, write_json, write_table

DOCS = Path(__file__).parents[2] / "docs" / "run-folder.md"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_json(
        tmp_path / "run.json",
        {"schema": SCHEMA, "headline": "Done.", "model": {"name": "m"}, "corpus": {}},
    )
    heads = pd.DataFrame(columns=list(TABLES["heads.parquet"]))
    write_table(tmp_path, "heads.parquet", heads)
    return tmp_path


@pytest.mark.parametrize("file", TABLES)
def test_the_schema_is_documented_column_by_column(file: str):
    """Each column of a table stands in the section of that table."""
    sections = DOCS.read_text(encoding="utf-8").split("\n## ")
    folder, _, name = file.rpartition("/")
    [section] = [part for part in sections if part.startswith((folder or file) + "\n")]
    about = [part for part in section.split("\n\n") if part.startswith(f"`{name}`")]
    text = about[0] if folder else section
    assert [column for column in TABLES[file] if f"`{column}`" not in text] == []


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "deep" / "file"
    write_atomic(path, b"first")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("labeler.results.os.fsync", full)
    with pytest.raises(RunFolderError, match="No space left on device; free some space"):
        write_atomic(path, b"second")
    assert path.read_bytes() == b"first"
    assert [found.name for found in path.parent.iterdir()] == ["file"]


def test_a_folder_that_cannot_be_made_is_said_so(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(RunFolderError, match="cannot write"):
        write_atomic(tmp_path / "file" / "below", b"")


def test_tables_have_every_column_of_the_schema_first(tmp_path: Path):
    write_table(tmp_path, "profiles.parquet", [{"extra": 1, "name": "L0H0", "distance": 2}])
    found = pd.read_parquet(tmp_path / "profiles.parquet")
    assert list(found.columns) == [*TABLES["profiles.parquet"], "extra"]
    assert found.loc[0, "name"] == "L0H0"
    assert found["attention"].isna().all()
    write_table(tmp_path, "profiles.parquet", [])
    assert list(pd.read_parquet(tmp_path / "profiles.parquet")) == [*TABLES["profiles.parquet"]]


def test_equal_tables_are_equal_files(tmp_path: Path):
    frame = pd.DataFrame({"name": ["L0H0"], "r2": [0.5]})
    for name in ("a", "b"):
        write_table(tmp_path / name, "heads.parquet", frame)
    files = [(tmp_path / name / "heads.parquet").read_bytes() for name in ("a", "b")]
    assert files[0] == files[1]


def test_json_holds_arrays_and_paths(tmp_path: Path):
    write_json(tmp_path / "x.json", {"b": np.float32(0.5), "a": np.arange(2), "p": tmp_path})
    text = (tmp_path / "x.json").read_text()
    assert json.loads(text) == {"a": [0, 1], "b": 0.5, "p": str(tmp_path)}
    assert text.index('"a"') < text.index('"b"')


def test_a_missing_table_is_empty_with_its_columns(folder: Path):
    assert list(open_run(folder).pairs.columns) == list(TABLES["pairs.parquet"])
    assert open_run(folder).showcase() == []
    assert open_run(folder).review == {}


def test_a_figure_that_was_measured_of_none_is_a_number_still(folder: Path):
    """A script asks `auroc > 0.8` of one run and of the next."""
    profiles = [{"name": "L0H0", "query_class": None, "distance": 2, "attention": None}]
    write_table(folder, "profiles.parquet", profiles)
    found = open_run(folder).profiles
    assert not (found["attention"] > 0.8).any()
    assert found["attention"].isna().all()
    assert found.loc[0, "query_class"] is None  # a string of which there is none


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("{", "cannot be read"),
        ("[]", "expected an object"),
        ('{"schema": 99}', f"not a run folder of schema {SCHEMA}"),
    ],
)
def test_a_run_json_that_is_none(tmp_path: Path, content: str, expected: str):
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(RunFolderError, match=expected):
        open_run(tmp_path)


def test_a_damaged_table_is_named(folder: Path):
    (folder / "heads.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(RunFolderError, match=r"heads\.parquet is damaged"):
        _ = open_run(folder).heads


def test_a_table_without_a_column_is_named(folder: Path):
    pd.DataFrame({"name": ["L0H0"]}).to_parquet(folder / "profiles.parquet")
    with pytest.raises(RunFolderError, match="lacks the column 'query_class'"):
        _ = open_run(folder).profiles


def test_a_damaged_showcase_is_named(folder: Path):
    write_json(folder / "showcase" / "prompts.json", [{"id": "s1"}])
    write_atomic(folder / "showcase" / "patterns.npz", b"PK no")
    with pytest.raises(RunFolderError, match=r"patterns\.npz cannot be read"):
        open_run(folder).showcase()
