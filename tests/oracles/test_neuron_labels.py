"""Labels of constructed neurons say what they are; of random ones, hardly ever a class."""

from __future__ import annotations

import pandas as pd
import pytest

from labeler import label
from labeler.run import Run

from .build import build_neurons, random_model
from .prompts import prompts
from .vocabulary import NAMES

ALLOWED = 0.05
"""The fraction of random neurons that may get a class (METHOD.md, step 5)."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("neuron-labels")
    build_neurons(folder / "model")
    return label(folder / "model", prompts=prompts(240), out=folder / "run", reinitialised=False)


@pytest.fixture(scope="module")
def neurons(run: Run) -> pd.DataFrame:
    return run.neurons.set_index("name")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "kind", "said"),
    [
        ("L0N0", "class", "Fires on proper nouns."),
        ("L0N1", "class", "Fires on proper nouns and speech marks."),
        ("L0N2", "class", "Fires on proper nouns right after commas."),
        ("L0N3", "token detector", 'Fires on "·cat".'),
        ("L0N4", "token detector", 'Fires on "·cat".'),
        ("L0N5", "dead", "Never active on this corpus."),
        ("L0N6", "always on", "Always 1 on this corpus."),
        ("L0N7", "token detector", "Fires on what follows commas."),
        ("L0N8", "position", "Fires on tokens at positions 1 to 7."),
        ("L0N9", "class", "Lower on proper nouns."),
    ],
)
def test_constructed_neurons_come_out_as_they_are(neurons, name, kind, said):
    assert (neurons.kind[name], neurons.label[name]) == (kind, said)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["L0N0", "L0N1", "L0N2", "L0N3", "L0N7", "L0N8", "L0N9", "L1N0"])
def test_what_is_a_sum_of_predictions_is_explained_wholly(neurons, name):
    assert neurons.r2[name] > 0.99


@pytest.mark.slow
def test_an_xor_needs_the_conjunction(neurons):
    """a + b − 2·(a and b): both parts, and quiet where both hold."""
    up, down = neurons.label["L1N0"].split("; ")
    assert "commas" in up
    assert "proper nouns" in up
    assert down == "quiet on proper nouns right after commas."


@pytest.mark.slow
def test_the_strongest_activations_are_where_the_neuron_fires(run):
    """L0N0 is 1 on every name, and nothing else moves it."""
    rows = run.folder.evidence_neurons
    top = rows[rows["name"].eq("L0N0") & rows["kind"].eq("top")]
    assert len(top) == 3
    assert top["prompt"].is_unique
    for row in top.to_dict("records"):
        assert row["tokens"][row["position"] - row["start"]] in NAMES
        assert row["value"] == pytest.approx(1, abs=1e-3)


@pytest.mark.slow
def test_where_a_label_falls_short_is_shown_both_ways(run, neurons):
    """Of each label that does not explain all, examples of too much and of too little."""
    constant = neurons.kind.isin(["dead", "always on"])
    short = neurons[neurons.label.ne("") & neurons.r2.lt(0.9) & ~constant]
    assert len(short)
    kinds = run.folder.evidence_neurons.groupby("name")["kind"].agg(set)
    for name in short.index:
        assert {"feature without activation", "activation without feature"} <= kinds[name]


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["gpt2", "llama"])
def test_random_neurons_hardly_get_classes(tmp_path, shape):
    random_model(tmp_path / "model", 0, shape)
    run = label(tmp_path / "model", prompts=prompts(160), out=tmp_path / "run", reinitialised=False)
    assert run.folder.run["figures"]["neurons_with_class"] <= ALLOWED
