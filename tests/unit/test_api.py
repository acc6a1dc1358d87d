"""What the Python API refuses, and says of it, before it has read or written anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from labeler import label, load
from labeler.config import Settings
from labeler.errors import ConfigError, RunFolderError
from labeler.run import Run

TEXTS = ["A cat sat.", "A dog ran."]


class AskedError(Exception):
    """Raised in the place of a run, with its settings."""


@pytest.fixture(autouse=True)
def nothing_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def run_labels(settings: Settings, _progress: object) -> Run:
        raise AskedError(settings)

    monkeypatch.setattr("labeler.run.run_labels", run_labels)
    monkeypatch.chdir(tmp_path)


def asked(*arguments: Any, **options: Any) -> Settings:
    """What a call would have run."""
    with pytest.raises(AskedError) as caught:
        label(*arguments, **options)
    return caught.value.args[0]


@pytest.mark.parametrize(
    "prompts",
    [TEXTS, (text for text in TEXTS), pd.Series(TEXTS), pd.Index(TEXTS), np.array(TEXTS)],
    ids=["list", "generator", "series", "index", "array"],
)
def test_texts_come_in_whatever_gives_them_one_by_one(prompts: Any):
    taken = asked("embedded", prompts).prompts
    assert taken == tuple(TEXTS)
    assert {type(text) for text in taken} == {str}  # as settings.toml can hold them


def test_a_path_is_a_corpus():
    assert asked("embedded", Path("a.txt")).corpus == asked("embedded", "a.txt").corpus == "a.txt"


def test_no_out_is_the_default():
    assert asked(out=None).out == asked().out == Settings().out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            {"prompts": pd.DataFrame({"text": TEXTS, "source": "x"})},  # it gives its columns
            "prompts is a table with the columns 'text', 'source'; give the one",
        ),
        (
            {"prompts": pd.Series([*TEXTS, None])},
            "expected a list of strings, and number 3 is the number nan",
        ),
        ({"prompts": [*TEXTS * 99, 5]}, "and number 199 is the integer 5"),
        ({"prompts": "x", "progress": "yes"}, "progress is of type str; expected True, False, or"),
        ({"prompts": "x", "progress": 1}, "progress is of type int; expected True, False, or"),
        ({"prompts": ""}, "corpus is the string ''; expected a string that is not empty"),
    ],
)
def test_what_cannot_be_meant_is_one_line(arguments: dict[str, Any], expected: str):
    with pytest.raises(ConfigError) as caught:
        label(**arguments)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("run", [None, 5, b"runs/labels"])
def test_a_run_is_named_by_a_path(run: Any):
    with pytest.raises(ConfigError, match=f"run is of type {type(run).__name__}; expected a path"):
        load(run)


def test_a_run_that_is_not_there_is_named_on_one_line():
    with pytest.raises(RunFolderError, match=r"^\. holds no finished run"):
        load("")  # as Path has it: where we are
    with pytest.raises(RunFolderError, match=r"^no run folder at a\\nb;"):
        load("a\nb")
