"""Exports: what others read, figure by figure."""

from __future__ import annotations

import csv
import errno
import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from markdown_it import MarkdownIt

from labeler.errors import RunFolderError
from labeler.results import RunFolder, open_run
from reports import FORMATS, export
from reports.headvis import sparse
from reports.tables import described, latex_table, markdown_table
from reports.view import view
from tests.data.make_run_folder import make_run_folder
from tests.data.synthetic_heads import HOSTILE, Size


@pytest.fixture
def reviewed(run_path: Path, tmp_path: Path) -> RunFolder:
    folder = tmp_path / "run"
    shutil.copytree(run_path, folder)
    verdicts = {
        "L0H0": {"verdict": "edit", "label": "Attends to a | b_c & 50%.", "note": "seen"},
        "L0H1": {"verdict": "reject"},
        "L0N0": {"verdict": "reject"},
    }
    (folder / "review.json").write_text(json.dumps({"reviewer": "Ada", "verdicts": verdicts}))
    return open_run(folder)


@pytest.fixture
def hostile(tmp_path: Path) -> RunFolder:
    """A hostile run whose readers reworded every head and a neuron with hostile text."""
    folder = make_run_folder(tmp_path / "hostile", Size(n_heads=16, d_mlp=8, hostile=True))
    verdicts = {
        f"L0H{i}": {"verdict": "edit", "label": text, "reviewer": text}
        for i, text in enumerate([*HOSTILE, "a | b \\| c\nd & <e> `f` \ud800"])
    }
    unlabelled = open_run(folder).neurons.query("confidence == 'unlabelled'")["name"].iloc[0]
    verdicts[unlabelled] = {"verdict": "edit", "label": HOSTILE[0], "reviewer": "Ada"}
    (folder / "review.json").write_text(json.dumps({"verdicts": verdicts}))
    return open_run(folder)


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def test_formats_are_the_promised_ones() -> None:
    assert list(FORMATS) == ["markdown", "csv", "json", "latex", "headvis", "neuronpedia"]


def test_an_unknown_format_names_the_known(run: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'html'; known are markdown, csv"):
        export(run, "html", tmp_path)


def test_markdown_is_the_table_in_the_source_form(run: RunFolder, tmp_path: Path) -> None:
    text = export(run, "markdown", tmp_path / "t.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("| L")]
    assert len(lines) == len(run.heads)
    for line, row in zip(lines, run.heads.to_dict("records"), strict=True):
        name, words, *_ = cells(line)
        mark = {"clear": "", "likely": r"\~ ", "weak": r"\~\~ ", "unlabelled": ""}
        assert name == row["name"]
        if row["confidence"] == "unlabelled":
            assert words == "unlabelled"
        else:
            assert words == mark[row["confidence"]] + row["label"]


def test_markdown_keeps_a_reviewers_words_in_one_cell(reviewed: RunFolder, tmp_path: Path) -> None:
    text = export(reviewed, "markdown", tmp_path / "t.md").read_text(encoding="utf-8")
    first, second = [line for line in text.splitlines() if line.startswith("| L0H")][:2]
    assert r"Attends to a \| b\_c &amp; 50%. \[automatic: Attends" in first
    assert len(cells(first)) == 4
    assert r"\[rejected in review\]" in second


def test_markdown_of_hostile_wording_shows_what_the_report_shows(
    hostile: RunFolder, tmp_path: Path
) -> None:
    text = export(hostile, "markdown", tmp_path / "t.md").read_text(encoding="utf-8")
    parsed = MarkdownIt("commonmark").enable("table").parse(text)
    shown = ["".join(c.content for c in t.children or []) for t in parsed if t.type == "inline"]
    assert "html_inline" not in {c.type for t in parsed for c in t.children or []}
    report = view(hostile)
    assert shown[0] == report.title
    table = shown[shown.index("Recovered") + 1 :]
    for index, head in enumerate(report.heads):
        assert table[4 * index] == head.name
        assert table[4 * index + 1] == re.sub(" +", " ", described(head))
        assert table[4 * index + 2].startswith(head.r2_text)


@pytest.mark.parametrize("format", ["csv", "json", "latex", "neuronpedia", "headvis"])
def test_hostile_wording_goes_through_every_export(
    hostile: RunFolder,
    tmp_path: Path,
    format: str,  # noqa: A002
) -> None:
    """Its own words as they are, the automatic ones beside them."""
    out = export(hostile, format, tmp_path / "out")
    automatic = hostile.heads["label"].iloc[0]
    if format == "csv":
        with (out / "heads.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    elif format == "json":
        rows = json.loads(out.read_text(encoding="utf-8"))["heads"]
    elif format == "headvis":
        rows = json.loads((out / "scatter_data.json").read_text(encoding="ascii"))
    elif format == "latex":
        assert out.read_text(encoding="ascii").count(r"\\") == 16 + 2
        return
    else:
        found = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
        (only,) = [row for row in found if row["notes"]]
        assert only["description"] == HOSTILE[0]
        assert only["notes"] == "reworded by Ada; automatic, and scored: unlabelled"
        assert only["scoreValue"] is None
        return
    assert [row["label"] for row in rows[: len(HOSTILE)]] == [t.strip() for t in HOSTILE]
    assert rows[0]["automatic_label"] == automatic


def test_latex_escapes_what_latex_reads(reviewed: RunFolder, tmp_path: Path) -> None:
    text = export(reviewed, "latex", tmp_path / "t.tex").read_text(encoding="utf-8")
    assert r"a \textbar{} b\_c \& 50\%." in text
    rows = [line for line in text.splitlines() if line.startswith("L0H")]
    assert all(line.endswith(r"\\") for line in rows)
    assert all(len(re.findall(r"(?<!\\)&", line)) == 3 for line in rows)
    assert not re.search(r"[^\x00-\x7f]", "".join(rows))


def test_no_table_has_a_column_that_was_not_measured(tmp_path: Path) -> None:
    folder = open_run(make_run_folder(tmp_path / "run", Size(1, 4, 8, verified=False)))
    assert "Recovered" not in export(folder, "markdown", tmp_path / "t.md").read_text("utf-8")
    table = export(folder, "latex", tmp_path / "t.tex").read_text("ascii")
    assert r"{lp{0.62\linewidth}r}" in table
    assert r"Head & Description & $R^2$ \\" in table
    rows = [line for line in table.splitlines() if line.startswith("L0H")]
    assert all(len(re.findall(r"(?<!\\)&", line)) == 2 for line in rows)


def test_csv_keeps_every_digit_and_both_wordings(reviewed: RunFolder, tmp_path: Path) -> None:
    folder = export(reviewed, "csv", tmp_path / "out")
    with (folder / "heads.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["r2"]) for row in rows] == reviewed.heads["r2"].tolist()
    assert rows[0]["label"] == "Attends to a | b_c & 50%."
    assert rows[0]["automatic_label"] == reviewed.heads["label"].iloc[0]
    assert (rows[0]["reviewer"], rows[0]["note"], rows[1]["verdict"]) == ("Ada", "seen", "reject")
    with (folder / "neurons.csv").open(encoding="utf-8", newline="") as file:
        neuron = next(csv.DictReader(file))
    assert json.loads(neuron["promotes"]) == list(reviewed.neurons["promotes"].iloc[0])


def test_csv_to_a_file_is_the_heads(run: RunFolder, tmp_path: Path) -> None:
    path = export(run, "csv", tmp_path / "heads.csv")
    assert path.read_text(encoding="utf-8").startswith("name,layer,head,label,")


def test_json_is_strict_and_whole(run: RunFolder, tmp_path: Path) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    path = export(run, "json", tmp_path / "t.json")
    value = json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
    assert len(value["heads"]) == len(run.heads)
    assert len(value["neurons"]) == len(run.neurons)
    table = run.predictions
    first = table[table["name"].eq("L0H0") & table["selected"]].sort_values("order")
    given = [item["share"] for item in value["heads"][0]["predictions"]]
    assert sorted(given) == sorted(first["share"])
    for item in value["heads"][0]["predictions"]:
        assert item["phrase"] in value["heads"][0]["label"] or item["query_class"]


def test_headvis_has_the_tree_that_its_reader_asks_for(run: RunFolder, tmp_path: Path) -> None:
    out = export(run, "headvis", tmp_path / "hv")
    config = json.loads((out / "config.json").read_text())
    for key in ("model_name", "dataset_name", "n_sequences", "seq_len", "dtype"):
        assert config["pipeline_config"][key] is not None
    scatter = json.loads((out / "scatter_data.json").read_text())
    assert [[row["layer"], row["head"]] for row in scatter] == config["heads"]
    assert config["metrics"] == [
        *("self_attention_score", "prev_token_score", "pattern_entropy", "qk_distance"),
        *("qk_distance_variance", "induction_score"),
    ]
    assert all(metric in scatter[0] for metric in config["metrics"])
    head = json.loads((out / "heads" / "L1H2.json").read_text())
    assert set(head) == {
        *("sequences", "qk_distance_histogram", "top_query_tokens", "top_key_tokens"),
        *("histogram", "statistics"),
    }
    prompt = run.showcase()[0]
    real = np.asarray(prompt["real"][6], dtype=float)
    sequence = head["sequences"][0]
    n = sequence["seq_len"]
    assert sequence["tokens"] == prompt["tokens"]
    pairs = zip(sequence["attention_indices"], sequence["attention_values"], strict=True)
    assert all(abs(real[flat // n, flat % n] - value) <= 5e-5 for flat, value in pairs)
    assert max(item["interval"] for item in head["sequences"]) == 10
    assert min(item["interval"] for item in head["sequences"]) >= 1
    edges = head["histogram"]["bin_edges"]
    assert len(edges) == len(head["histogram"]["bin_values"]) + 1


def test_sparse_keeps_the_largest_keys_of_each_query() -> None:
    pattern = np.array([[1.0, 0, 0], [0.004, 0.996, 0], [0.2, 0.3, 0.5]])
    assert sparse(pattern) == ([0, 4, 6, 7, 8], [1.0, 0.996, 0.2, 0.3, 0.5])


def test_headvis_metrics_come_from_the_profile(run: RunFolder, tmp_path: Path) -> None:
    out = export(run, "headvis", tmp_path / "hv")
    row = json.loads((out / "scatter_data.json").read_text())[0]
    table = run.profiles
    profile = table[table["name"].eq("L0H0") & table["query_class"].eq("")]
    attention = profile.set_index("distance")["attention"]
    assert row["self_attention_score"] == pytest.approx(attention[0], abs=5e-5)
    assert row["prev_token_score"] == pytest.approx(attention[1], abs=5e-5)
    mean = (attention.index * attention).sum() / attention.sum()
    assert row["qk_distance"] == pytest.approx(mean, abs=5e-5)


def test_headvis_replaces_its_own_folder_and_no_other(run: RunFolder, tmp_path: Path) -> None:
    """A model's folder has a config.json as well."""
    out = export(run, "headvis", tmp_path / "hv")
    written = {path for path in out.rglob("*") if path.is_file()}
    (out / "heads" / "L9H9.json").write_text("{}")
    assert {path for path in export(run, "headvis", out).rglob("*") if path.is_file()} == written
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("mine")
    with pytest.raises(RunFolderError, match=r"model/config.json is there and no part of a HeadV"):
        export(run, "headvis", tmp_path / "model")
    assert [path.read_text() for path in (tmp_path / "model").iterdir()] == ["mine"]


def test_a_full_disk_leaves_headvis_as_it_was(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = export(run, "headvis", tmp_path / "hv")
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}

    def full(path: Path, *_: object, **__: object) -> None:
        path.touch()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(RunFolderError, match=f"cannot write {out}: No space .*free some space"):
        export(run, "headvis", out)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_neuronpedia_leaves_out_what_has_no_label_or_was_rejected(
    reviewed: RunFolder, tmp_path: Path
) -> None:
    path = export(reviewed, "neuronpedia", tmp_path / "np.jsonl")
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    table = reviewed.neurons
    labelled = table[table["label"].ne("") & table["confidence"].ne("unlabelled")]
    expected = [(str(r.layer), str(r.neuron)) for r in labelled.itertuples() if r.name != "L0N0"]
    assert [(record["layer"], record["index"]) for record in records] == expected
    assert all(record["description"] for record in records)


def test_neuronpedia_without_a_record_is_an_empty_list(run: RunFolder, tmp_path: Path) -> None:
    """A file of no bytes is no JSON."""
    silent = RunFolder(run.path)
    silent.__dict__["neurons"] = run.neurons.assign(label="", confidence="unlabelled")
    path = export(silent, "neuronpedia", tmp_path / "np.jsonl")
    assert json.loads(path.read_text(encoding="utf-8")) == []


def test_described_says_a_rejection(reviewed: RunFolder) -> None:
    head = view(reviewed).heads[1]
    assert described(head).endswith("[rejected in review]")


def test_a_table_is_headed_by_the_models_own_name(run: RunFolder) -> None:
    place = run.run["model"] | {"name": "/home/ada/checkpoints/step_100"}
    moved = RunFolder(run.path)
    moved.run.update(run.run | {"model": place})
    assert markdown_table(moved).startswith("# step\\_100\n")
    assert "Attention heads of step\\_100." in latex_table(moved)
