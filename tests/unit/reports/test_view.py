"""What the page shows is what the tables say, worded."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from labeler.results import RunFolder, open_run, write_table
from reports.pack import unpack
from reports.parts import parts
from reports.reviewed import said, verdicts, worded
from reports.view import view
from reports.wording import decimal, percent, short_name


def bare(path: Path, full: RunFolder, run: dict | None = None, **tables: pd.DataFrame) -> Path:
    """A run folder of heads, run.json (`run`, where given) and some other tables."""
    for name, table in {"heads": full.heads, **tables}.items():
        write_table(path, f"{name}.parquet", table)
    (path / "run.json").write_text(json.dumps(full.run | (run or {})))
    return path


def test_heads_are_those_of_the_table_in_its_order(run: RunFolder) -> None:
    shown = view(run).heads
    assert [head.name for head in shown] == run.heads["name"].tolist()
    for head, row in zip(shown, run.heads.to_dict("records"), strict=True):
        assert head.label == row["label"]
        assert head.r2_text == decimal(row["r2"])
        assert head.recovered_text == percent(row["recovered"])
        marks = {"clear": "", "likely": "~", "weak": "~~", "unlabelled": ""}
        assert head.mark == marks[row["confidence"]]


@pytest.mark.parametrize(
    ("model", "shown"),
    [
        ("../models/stories260k", "stories260k"),
        ("/data/checkpoints/step 100/", "step 100"),
        ("C:\\models\\mine", "mine"),
        ("roneneldan/TinyStories-33M", "roneneldan/TinyStories-33M"),
        ("embedded story model", "embedded story model"),
        ("..", ".."),
        ("/", "/"),
    ],
)
def test_a_folder_is_called_by_its_own_name(model: str, shown: str) -> None:
    assert short_name(model) == shown


def test_shares_and_rest_are_the_printed_ones(run: RunFolder) -> None:
    shown = {head.name: head for head in view(run).heads}
    table = run.predictions
    for name, head in shown.items():
        rows = table[table["name"].eq(name) & table["selected"] & table["query_class"].eq("")]
        general = [group for group in head.groups if group.wording == "on all queries"]
        expected = rows.sort_values("order")
        texts = [share.text for group in general for share in group.shares]
        assert texts == [percent(share) for share in expected["share"]]
        remainder = run.heads.set_index("name").loc[name, "unexplained"]
        assert all(group.rest_fraction == remainder for group in general)


def test_a_share_is_said_in_the_words_of_the_label(run: RunFolder, tmp_path: Path) -> None:
    heads = {head.name: head for head in view(run).heads}
    for head in heads.values():
        for share in head.general.shares if head.general else ():
            assert share.phrase in head.label
            assert share.name not in ("", share.phrase)
    bare(tmp_path, run, predictions=run.predictions.drop(columns="phrase"))
    older = view(open_run(tmp_path)).heads
    assert [share.phrase for head in older if head.general for share in head.general.shares] == [
        share.name for head in heads.values() if head.general for share in head.general.shares
    ]


def test_a_share_has_its_coverage_and_its_lift_only_where_they_say_something(
    tmp_path: Path, run_path: Path
) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run_path, copy)
    table = pd.read_parquet(copy / "predictions.parquet")
    rows = table.index[table["name"].eq("L0H0") & table["selected"]]
    table.loc[rows, "lift"] = 2.0
    table.loc[rows, "coverage"] = 1.0
    table.loc[rows[0], "lift"] = None  # of a distance, in an exception
    table.loc[rows[0], "coverage"] = 0.5
    write_table(copy, "predictions.parquet", table)
    shares = [share for group in view(open_run(copy)).heads[0].groups for share in group.shares]
    assert sorted((share.coverage, share.lift) for share in shares) == sorted(
        [("50%", "–"), *[("", "2.0×")] * (len(rows) - 1)]
    )


def test_exceptions_carry_their_class_in_words(run: RunFolder) -> None:
    head = next(h for h in view(run).heads if len(h.groups) > 1)
    assert head.groups[1].wording.startswith("on a ")
    assert head.groups[1].rest == "39%"


def test_the_map_has_each_head_once(run: RunFolder) -> None:
    report = view(run)
    assert report.grid == [(0, [0, 1, 2, 3]), (1, [4, 5, 6, 7])]
    r2 = report.metrics[0]
    assert r2.values == [decimal(value) for value in run.heads["r2"]]
    assert all(step is not None and 0 <= step <= 10 for step in r2.steps)
    two_way = next(metric for metric in report.metrics if metric.scale == "two")
    assert two_way.low == "−" + two_way.high


def test_a_bare_run_is_shown_without_what_it_lacks(tmp_path: Path, run_path: Path) -> None:
    """Only run.json and heads.parquet, nothing verified, nothing measured beyond R²."""
    full = open_run(run_path)
    kept = full.heads.assign(recovered=None, recovered_low=None, recovered_high=None, cost=None)
    report = view(open_run(bare(tmp_path, full, {"replacement_curve": []}, heads=kept)))
    assert report.chart is None
    assert not report.verified
    assert report.neurons == []
    assert report.activations.hooks == []
    assert report.dearest == []
    assert {head.recovered_text for head in report.heads} == {"–"}
    assert "recovered" not in {metric.key for metric in report.metrics}


def test_a_null_query_class_means_all_queries(tmp_path: Path, run_path: Path) -> None:
    full = open_run(run_path)
    bare(tmp_path, full, predictions=full.predictions.assign(query_class=None))
    groups = [group.wording for head in view(open_run(tmp_path)).heads for group in head.groups]
    assert set(groups) == {"on all queries"}


def test_reviewed_wording_comes_first_and_the_automatic_one_stays() -> None:
    found = verdicts(
        {
            "reviewer": "Ada",
            "verdicts": {
                "L0H0": {"verdict": "edit", "label": "Better words."},
                "L0H1": {"verdict": "agree", "label": ""},
                "L0H4": {"verdict": "agree", "label": "Ada's words."},
                "L0H5": {"verdict": "reject", "label": "ignored"},
                "L0H2": {"verdict": "nonsense", "reviewer": "Bob"},
                "L0H3": "malformed",
            },
        }
    )
    assert worded("Words.", found["L0H0"]) == ("Better words.", "Words.")
    assert worded("Words.", found["L0H1"]) == ("Words.", "")
    assert worded("Words.", found["L0H4"]) == ("Ada's words.", "Words.")
    assert worded("Words.", found["L0H5"]) == ("Words.", "")
    assert found["L0H0"].reviewer == "Ada"
    assert (found["L0H2"].verdict, found["L0H2"].reviewer) == ("", "Bob")
    assert "L0H3" not in found


def test_a_label_is_in_short_unless_it_is_short_or_a_readers(
    run_path: Path, tmp_path: Path
) -> None:
    shutil.copytree(run_path, tmp_path, dirs_exist_ok=True)
    before = open_run(tmp_path)
    assert not any(head.gist for head in view(before).heads)
    labels = list(before.heads["label"])
    gists = ["In\u202e short.", labels[1], None, "Not shown."] + [None] * (len(labels) - 4)
    write_table(tmp_path, "heads.parquet", before.heads.assign(gist=gists))
    given = {before.heads["name"][3]: {"verdict": "edit", "label": "Better words."}}
    (tmp_path / "review.json").write_text(json.dumps({"verdicts": given}))
    heads = view(open_run(tmp_path)).heads
    assert [head.gist for head in heads[:4]] == ["In⟨U+202E⟩ short.", "", "", ""]
    assert heads[3].label == "Better words."


def test_neurons_are_listed_in_short_unless_a_reader_worded_them(
    run_path: Path, tmp_path: Path
) -> None:
    shutil.copytree(run_path, tmp_path, dirs_exist_ok=True)
    before = open_run(tmp_path).neurons
    assert not view(open_run(tmp_path)).neurons_in_short
    write_table(tmp_path, "neurons.parquet", before.assign(gist="Gist of " + before["name"]))
    listed = view(open_run(tmp_path))
    assert listed.neurons_in_short
    assert [row.label for row in listed.neurons] == [f"Gist of {r.name}" for r in listed.neurons]
    labelled = set(before["name"][before["label"] != ""])
    followers = [one.neuron for head in listed.heads for one in head.followers]
    name = next(neuron for neuron in followers if neuron in labelled)
    given = {"verdicts": {name: {"verdict": "edit", "label": "Better words."}}}
    (tmp_path / "review.json").write_text(json.dumps(given))
    again = view(open_run(tmp_path)).heads
    worded = {one.neuron: one.label for head in again for one in head.followers}
    assert worded.pop(name) == "Better words."
    assert worded == {neuron: f"Gist of {neuron}" for neuron in worded}


def test_who_decided_what_and_when_is_said_in_one_line() -> None:
    found = verdicts(
        {
            "verdicts": {
                "L0H0": {"verdict": "reject", "reviewer": "Ada", "when": "2026-11-23T10:00:00Z"},
                "L0H1": {"verdict": "", "note": "Odd\u202e."},
                "L0H2": {"verdict": "", "note": ""},
            }
        }
    )
    assert said(found["L0H0"]) == "Rejected by Ada on 2026-11-23"
    assert said(found["L0H1"]) == "Noted: Odd⟨U+202E⟩."
    assert said(found["L0H2"]) == said(None) == ""


def test_a_neurons_review_reaches_its_page(tmp_path: Path, run_path: Path) -> None:
    full = open_run(run_path)
    bare(tmp_path, full, neurons=full.neurons)
    edit = {"verdict": "edit", "label": "Fires on fruit.", "reviewer": "Ada"}
    (tmp_path / "review.json").write_text(json.dumps({"verdicts": {"L0N2": edit}}))
    packed = next(make for name, make in parts(open_run(tmp_path)) if name == "neurons-L0")()
    columns, _ = unpack(packed)
    shown = {key: columns["words"][columns[key][2]] for key in ("label", "automatic", "review")}
    assert shown == {
        "label": "Fires on fruit.",
        "automatic": full.neurons["label"][2].replace("\n", "⏎"),
        "review": "Reworded by Ada",
    }


def test_the_replacement_curve_is_part_of_the_result(tmp_path: Path, run: RunFolder) -> None:
    sentences = {"headline": "Labelled.", "headline_replacement": "Costs 1.0%."}
    shown = view(open_run(bare(tmp_path, run, sentences)))
    assert (shown.headline, shown.replaced) == ("Labelled.", "Costs 1.0%.")
    assert "median held-out R² 0.31 (0.17)" in shown.neuron_figures


def test_a_docstring_is_a_line(tmp_path: Path, run: RunFolder) -> None:
    said = {"heuristics": [{"name": "a", "kind": "feature", "description": "One\n    two."}]}
    assert view(open_run(bare(tmp_path, run, said))).heuristics == [("a", "feature", "One two.")]


def test_the_summary_says_over_which_heads_it_averages(tmp_path: Path, run: RunFolder) -> None:
    def summary(**figures: float | None) -> str:
        said = {"figures": run.run["figures"] | figures}
        return view(open_run(bare(tmp_path, run, said))).summary[0]

    assert "Mean held-out R² over all heads: of the labels 0.39, " in summary()
    assert "; over the labelled heads alone, of their labels 0.52." in summary(
        mean_r2_labelled=0.52
    )
    assert "labelled heads alone" not in summary(mean_r2_labelled=None)


def test_agreement_is_counted_on_the_index(tmp_path: Path, run_path: Path) -> None:
    bare(tmp_path, open_run(run_path))
    review = {"verdicts": {"L0H0": {"verdict": "agree"}, "L0H9": {"verdict": "reject"}}}
    (tmp_path / "review.json").write_text(json.dumps(review))
    assert "Reviewed: 1; 1 agreed, 0 reworded, 0 rejected." in view(open_run(tmp_path)).summary


@pytest.mark.parametrize("column", ["r2", "entropy"])
def test_a_column_of_nulls_is_no_metric(run: RunFolder, column: str) -> None:
    from reports.grid import metrics

    heads = run.heads.assign(**{column: pd.Series([None] * len(run.heads), dtype=float)})
    assert column not in {metric.key for metric in metrics(heads)}
