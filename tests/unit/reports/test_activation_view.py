"""The page of activations says what hooks.parquet and activations.json hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from labeler.results import RunFolder, open_run, write_table
from reports import pack
from reports.activation_view import DIFFERENT, activations_view, heat_part, in_place


def test_every_hook_has_its_seven_figures_and_says_what_it_is(run: RunFolder) -> None:
    shown = activations_view(run).hooks
    assert [hook.hook for hook in shown] == run.hooks["hook"].tolist()
    assert {len(hook.figures) for hook in shown} == {7}
    assert [hook.meaning for hook in shown[-2:]] == [
        "final norm, before its affine step",
        "final norm, after its affine step",
    ]
    assert all(hook.meaning for hook in shown)


def test_figures_of_a_row_share_their_decimals() -> None:
    """Three digits after the deviation's first; a true minus; a dash for null."""
    assert in_place(-0.00251, 0.1442) == "−0.0025"
    assert in_place(12.0, 1.135) == "12.000"
    assert in_place(None, 1.0) == "–"
    assert in_place(5.0, 0.0) == "5"


def test_before_and_after_stand_together_layer_by_layer(run: RunFolder) -> None:
    pairs = activations_view(run).pairs
    assert [pair.layer for pair in pairs] == [0, 0, 1, 1]
    assert pairs[0].wording == "Residual stream, before and after the MLP"


def test_the_map_opens_with_the_feature_that_it_tells_apart_best(run: RunFolder) -> None:
    """Only commas were placed apart."""
    shown = activations_view(run).map
    assert shown is not None
    assert shown.chosen is not None
    assert shown.chosen.name == "comma"
    commas = [title for title in shown.titles if title.startswith(", (")]
    assert [shown.titles[place] for place in shown.chosen.inside] == commas
    assert shown.chosen.says.startswith(f"{len(commas)} of {len(shown.titles)} tokens; ")
    assert [len(points) for _, points in shown.planes] == [len(shown.titles)] * 2


def test_prompts_that_differ_most_are_named_with_what_they_move(run: RunFolder) -> None:
    shown = activations_view(run)
    assert (shown.n_prompts, len(shown.titles), len(shown.prompts)) == (30, 30, DIFFERENT)
    assert [one.prompt for one in shown.prompts[:2]] == ["a000", "a001"]
    assert shown.prompts[0].distance == "0.50"
    assert shown.prompts[0].moved == [("L0N0", "2.5"), ("L0N1", "1.5"), ("L0N2", "0.5")]


def test_norms_leave_out_positions_that_few_prompts_reach(run: RunFolder) -> None:
    """Of the made-up prompts fewer than five reach beyond position 167."""
    norms = activations_view(run).norms
    assert [layer for layer, _ in norms] == [0, 1]
    assert [tick.text for tick in norms[0][1].x][-1] == "128"


def test_the_heat_maps_are_packed_with_names_and_labels(run: RunFolder) -> None:
    packed = heat_part(run)
    assert packed is not None
    head, _ = pack.unpack(packed)
    given = run.activations["heat_maps"]
    assert len(head["maps"]) == len(given)
    first = head["maps"][0]
    assert first["neurons"] == given[0]["neurons"]
    assert [head["words"][i] for i in first["tokens"]][1] == given[0]["tokens"][1].replace(" ", "·")
    assert first["values"][2][3] == pytest.approx(given[0]["values"][2][3], abs=0.051)


def test_an_older_folder_and_one_without_an_mlp_are_shown_too(
    tmp_path: Path, run: RunFolder
) -> None:
    write_table(tmp_path, "heads.parquet", run.heads)
    (tmp_path / "run.json").write_text(json.dumps(run.run))
    bare = activations_view(open_run(tmp_path))
    assert (bare.hooks, bare.pairs, bare.heat, bare.map, bare.boxes) == ([], [], [], None, None)
    assert heat_part(open_run(tmp_path)) is None
    older = dict(run.activations)
    older["prompts"] = [
        {k: v for k, v in row.items() if k not in ("begins", "moved")} for row in older["prompts"]
    ]
    (tmp_path / "activations.json").write_text(json.dumps(older))
    shown = activations_view(open_run(tmp_path)).prompts[0]
    assert (shown.begins, shown.moved) == ("", [])
