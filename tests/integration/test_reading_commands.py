"""The commands that read: report, show, heuristics, and help."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from labeler.results import open_run, write_table

from .conftest import Cli


def test_report_writes_a_page(cli: Cli, finished: Path, tmp_path: Path):
    ended = cli("report", finished, "--out", tmp_path / "page")
    assert ended.code == 0, ended.err
    assert ended.out.strip() == str(tmp_path / "page" / "index.html")
    page = (tmp_path / "page" / "index.html").read_text(encoding="utf-8")
    assert "L0H1" in page
    single = cli("report", finished, "--out", tmp_path / "one", "--single-file")
    assert single.code == 0
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["index.html"]


def test_export_writes_the_table_elsewhere(cli: Cli, finished: Path, tmp_path: Path):
    ended = cli("export", finished, "--out", tmp_path / "heads.md")
    assert ended.code == 0, ended.err
    assert "L0H1" in (tmp_path / "heads.md").read_text(encoding="utf-8")
    unknown = cli("export", finished, "--out", tmp_path / "x", "--format", "markdwn")
    assert unknown.code == 2
    assert "did you mean 'markdown'" in unknown.error


@pytest.mark.parametrize("name", ["e.xlsx", "e.txt", "e"])
def test_an_ending_that_names_no_format_is_refused(
    cli: Cli, finished: Path, tmp_path: Path, name: str
):
    ended = cli("export", finished, "--out", tmp_path / name)
    assert ended.code == 2
    for ending in (".md", ".csv", ".json", ".jsonl", ".tex", "--format"):
        assert ending in ended.error
    assert not (tmp_path / name).exists()
    assert cli("export", finished, "--out", tmp_path / name, "--format", "markdown").code == 0
    assert (tmp_path / name).read_text().startswith("# ")


def test_a_csv_file_is_said_to_hold_heads_alone(cli: Cli, finished: Path, tmp_path: Path):
    ended = cli("export", finished, "--out", tmp_path / "heads.csv")
    assert ended.out == f"{tmp_path / 'heads.csv'}\n"
    assert ended.err == "note: heads alone; --format csv --out FOLDER has the neurons, too\n"
    assert cli("export", finished, "--out", tmp_path / "both", "--format", "csv").err == ""


@pytest.mark.parametrize("name", ["L0H1", "L0N3"])
def test_show_says_what_is_known_of_a_component(cli: Cli, finished: Path, name: str):
    ended = cli("show", finished, name)
    assert ended.code == 0, ended.err
    assert ended.out.startswith(name)
    assert "held-out R²" in ended.out
    assert re.search(r"^(explained worst|strongest activation) · ", ended.out, re.MULTILINE)


def test_show_says_what_a_reader_decided(cli: Cli, finished: Path, tmp_path: Path):
    run = tmp_path / "run"
    shutil.copytree(finished, run, ignore=shutil.ignore_patterns("report"))
    edit = {"verdict": "edit", "label": "Looks at itself.", "reviewer": "Ada", "when": "2026-01-02"}
    reject = {"verdict": "reject", "reviewer": "Bob"}
    found = {"verdicts": {"L0H1": edit, "L0N3": reject}}
    (run / "review.json").write_text(json.dumps(found))
    shown = cli("show", run, "l0h1").out  # as one types it
    assert shown.splitlines()[0].endswith("Looks at itself.")
    assert "Reworded by Ada on 2026-01-02" in shown
    assert "(automatic: " in shown
    assert "Rejected by Bob" in cli("show", run, "L0N3").out
    table = " ".join(cli("show", run).out.split())
    assert "L0H0" in table
    assert "Looks at itself." in table
    assert open_run(run).run["headline"] in table


def test_compare_lists_in_short_the_heads_that_moved(cli: Cli, finished: Path, tmp_path: Path):
    later = tmp_path / "later"
    shutil.copytree(finished, later, ignore=shutil.ignore_patterns("report"))
    run = open_run(later)
    heads = run.heads.assign(confidence="clear", gist=["One in short.", "Two in short."])
    write_table(later, "heads.parquet", heads)
    said = run.predictions.iloc[[0]].assign(name="L0H1", selected=True, query_class="", share=0.5)
    write_table(later, "predictions.parquet", said)
    ended = cli("compare", finished, later, "--out", tmp_path / "page.html")
    assert ended.code == 0, ended.err
    assert "Two in short." in ended.out
    assert ended.out.count("L0H") == 1
    assert "and 1 that moved by less than a percent" in ended.out


def test_compare_lists_no_heads_without_a_label(cli: Cli, finished: Path, tmp_path: Path):
    silent = tmp_path / "silent"
    shutil.copytree(finished, silent, ignore=shutil.ignore_patterns("report"))
    run = open_run(silent)
    write_table(silent, "heads.parquet", run.heads.assign(confidence="unlabelled"))
    write_table(silent, "predictions.parquet", run.predictions.assign(selected=False))
    ended = cli("compare", silent, silent, "--out", tmp_path / "page.html")
    assert ended.code == 0, ended.err
    assert "unlabelled in both" in ended.out
    assert "that moved" not in ended.out
    assert "distance" not in ended.out  # no table of nothing


@pytest.mark.parametrize("name", ["L0H7", "foo"])
def test_show_says_what_heads_and_neurons_there_are(cli: Cli, finished: Path, name: str):
    ended = cli("show", finished, name)
    assert ended.code == 2
    assert f"no head or neuron '{name}'" in ended.error
    assert ended.error.endswith("it has L0H0 to L0H1 and L0N0 to L0N7")


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("none", "no run folder at"),
        ("empty", "no run.json); expected the --out of"),
        ("begun", "no run.json); `labeler run --resume --out"),
        ("part", "is not whole: heads.parquet is missing"),
    ],
)
def test_what_is_no_run_is_said_so(
    cli: Cli, finished: Path, tmp_path: Path, folder: str, expected: str
):
    (tmp_path / "empty").mkdir()
    (tmp_path / "begun").mkdir()
    shutil.copy(finished / "plan.json", tmp_path / "begun")
    shutil.copytree(finished, tmp_path / "part", ignore=shutil.ignore_patterns("heads.parquet"))
    for command in (("report",), ("show",), ("verify",)):
        name = ("L0H0",) if command == ("show",) else ()
        ended = cli(*command, tmp_path / folder, *name)
        assert ended.code == 2
        assert expected in ended.error


def test_heuristics_are_listed_and_explained(cli: Cli, tmp_path: Path):
    listed = cli("heuristics", "list")
    assert listed.code == 0
    assert re.search(r"relation +previous token +heuristics\.", listed.out)
    shown = cli("heuristics", "show", "previous token")
    assert shown.code == 0
    assert shown.out.startswith("previous token (relation, heuristics.")
    assert "In a label: the previous token" in shown.out
    plugin = tmp_path / "mine.py"
    plugin.write_text(
        "from heuristics import feature\n"
        '@feature("red word")\ndef red(text):\n    "Red."\n    return text.matches({"red"})\n'
    )
    assert "Red." in cli("heuristics", "show", "red word", "--plugin", plugin).out
    unknown = cli("heuristics", "show", "previous tokn")
    assert unknown.code == 2
    assert "did you mean 'previous token'" in unknown.error


def test_help_names_the_options_of_a_run(cli: Cli):
    ended = cli("run", "--help")
    assert ended.code == 0
    wanted = (
        *("--model", "--corpus", "--prompt", "--out", "--device", "--dtype", "--max-prompts"),
        *("--max-tokens", "--min-tokens", "--plugin", "--only", "--without", "--spacy", "--seed"),
        *("--config", "--overwrite", "--resume"),
    )
    assert [option for option in wanted if option not in ended.out] == []


def test_an_unknown_option_is_the_users_error(cli: Cli):
    ended = cli("run", "--modle", "x")
    assert ended.code == 2
    assert "--model" in ended.err  # click's own "did you mean"


def test_review_is_merged_and_shown_everywhere(cli: Cli, finished: Path, tmp_path: Path):
    copy = tmp_path / "run"
    shutil.copytree(finished, copy)
    run = json.loads((copy / "run.json").read_text(encoding="utf-8"))
    said = {
        "verdict": "edit",
        "label": "Attends to what Ada says.",
        "note": "",
        "when": "2026-11-26T10:00:00Z",
    }
    file = tmp_path / "review.json"
    review = {
        "schema": 1,
        "run": f"{run['corpus']['hash']}+{run['model']['hash']}",
        "reviewer": "Ada",
        "verdicts": {"L0H1": said},
    }
    file.write_text(json.dumps(review), encoding="utf-8")
    ended = cli("review", copy, file)
    assert ended.code == 0, ended.err
    assert "1 new, 0 changed, 0 as they were." in ended.out
    ended = cli("export", copy, "--out", tmp_path / "heads.md")
    assert "Attends to what Ada says." in (tmp_path / "heads.md").read_text(encoding="utf-8")
    file.write_text(json.dumps(review | {"run": "another"}), encoding="utf-8")
    refused = cli("review", copy, file)
    assert refused.code == 2
    assert "belongs to another run" in refused.error


def test_compare_writes_a_page(cli: Cli, finished: Path, tmp_path: Path):
    ended = cli("compare", finished, finished, "--out", tmp_path / "page.html")
    assert ended.code == 0, ended.err
    assert "0 changed their label" in " ".join(ended.out.split())
    assert "<h1>" in (tmp_path / "page.html").read_text(encoding="utf-8")
    alone = cli("compare", finished)
    assert alone.code == 2
    assert "takes two run folders or more, got 1" in alone.error


@pytest.mark.parametrize("part", ["run.json", "heads.parquet", "evidence/heads.parquet", "."])
def test_no_command_writes_over_the_run(cli: Cli, finished: Path, part: str):
    """Nor where another spelling leads to it."""
    before = {path: path.read_bytes() for path in finished.rglob("*") if path.is_file()}
    for out in (finished / part, finished / "showcase" / ".." / part):
        for command in (("report",), ("export", "--format", "csv"), ("compare", finished)):
            ended = cli(*command, finished, "--out", out)
            assert ended.code == 2, ended.out
            assert f"--out {out} is " in ended.error
    assert {path: path.read_bytes() for path in finished.rglob("*") if path.is_file()} == before


def test_a_run_folder_takes_what_is_no_part_of_it(cli: Cli, finished: Path, tmp_path: Path):
    run = tmp_path / "run"
    shutil.copytree(finished, run, ignore=shutil.ignore_patterns("report"))
    assert cli("export", run, "--out", run / "heads.md").code == 0
    assert cli("report", run, "--out", run / "report").code == 0
    ended = cli("export", run, "--out", run / "report", "--format", "json")
    assert "is a part of the run" in ended.error
