"""Evidence and pictures of a real run: there, in order, and true to the tables beside them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from labeler.results import RunFolder, open_run


@pytest.fixture
def run(finished: Path) -> RunFolder:
    return open_run(finished)


def test_prompts_come_by_how_far_they_are_from_the_corpus(run: RunFolder):
    rows = run.activations["prompts"]
    distances = [row["distance"] for row in rows]
    assert distances == sorted(distances, reverse=True)
    names = set(run.neurons["name"])
    for row in rows:
        assert row["begins"]
        assert row["min"] <= row["q1"] <= row["median"] <= row["q3"] <= row["max"]
        moved = [abs(value) for _, value in row["moved"]]
        assert moved == sorted(moved, reverse=True)
        assert {name for name, _ in row["moved"]} <= names


def test_a_neurons_histogram_lies_between_its_extremes(run: RunFolder):
    """Every neuron is counted on the same reservoir, so all counts add up to the same."""
    table = run.neurons[run.neurons["counts"].notna()]
    assert len(table)
    assert len({int(np.sum(counts)) for counts in table["counts"]}) == 1
    for row in table.to_dict("records"):
        assert row["edges"][0] >= row["min"] - 1e-4
        assert row["edges"][-1] <= row["max"] + 1e-4
        assert np.all(np.diff(row["edges"]) > 0)


def test_strongest_activations_are_one_a_prompt_and_reach_the_maximum_where_it_was_judged(
    run: RunFolder,
):
    top = run.evidence_neurons[run.evidence_neurons["kind"].eq("top")]
    assert set(top["name"]) == set(run.neurons["name"])
    highest = run.neurons.set_index("name")["max"]
    for name, rows in top.groupby("name"):
        ordered = rows.sort_values("rank")
        assert ordered["prompt"].is_unique
        assert ordered["value"].is_monotonic_decreasing
        assert ordered["value"].iloc[0] <= highest[name] + 1e-3


def test_examples_climb_through_the_tenths_of_the_activation(run: RunFolder):
    rows = run.evidence_neurons[run.evidence_neurons["kind"].str.startswith("decile")]
    assert len(rows)
    for _, own in rows.groupby("name"):
        tenth = own["kind"].str.removeprefix("decile ").astype(int)
        assert sorted(tenth) == list(range(1, 11))
        assert own.assign(tenth=tenth).sort_values("tenth")["value"].is_monotonic_increasing


def test_a_strip_has_a_value_for_every_token_and_its_peak_in_place(run: RunFolder):
    for row in run.evidence_neurons.to_dict("records"):
        assert len(row["values"]) == len(row["tokens"])
        assert row["values"][row["position"] - row["start"]] == pytest.approx(
            row["value"], abs=2e-3
        )
