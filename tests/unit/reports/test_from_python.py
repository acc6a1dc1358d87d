"""A run in Python or a notebook: the report it writes, and how it is shown."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import labeler
from labeler import load


def test_the_report_is_of_the_run_whatever_a_caller_made_of_its_tables(
    run_path: Path, tmp_path: Path
):
    plain = load(run_path).report(tmp_path / "plain.html", single_file=True)
    run = load(run_path)
    run.heads["r2"] = 0.123  # the table that is handed out is the caller's
    del run.heads["label"]
    changed = run.report(tmp_path / "changed.html", single_file=True)
    assert changed.read_bytes() == plain.read_bytes()


def test_a_run_is_read_wherever_the_process_went(
    run_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(run_path.parent)
    run = load(run_path.name)
    monkeypatch.chdir(tmp_path)
    assert list(run.heads["name"]) == list(load(run_path).heads["name"])  # and not an empty table
    assert len(run.heads)


def test_a_notebook_shows_labels_in_full_and_runs_no_code_of_a_run(run_path: Path, tmp_path: Path):
    shutil.copytree(run_path, tmp_path / "run")
    facts = json.loads((tmp_path / "run" / "run.json").read_bytes())
    facts["headline"] = "<script>1 < 2</script>"  # a run folder may come from anybody
    (tmp_path / "run" / "run.json").write_text(json.dumps(facts))
    run = load(tmp_path / "run")
    run.heads["label"] = "word " * 50 + "end"  # pandas shows 50 characters unless told
    shown = run._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script&gt;1 &lt; 2" in shown
    assert shown.count("word end") == len(run.heads)


def test_completion_and_help_know_what_the_package_gives():
    assert set(labeler.__all__) <= set(dir(labeler))
