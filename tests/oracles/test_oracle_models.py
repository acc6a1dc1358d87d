"""Every constructed head and neuron does what its description says, to 1e-4."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from .build import build_induction, build_neurons
from .conftest import Booted
from .expected import uniform
from .heads import FACTS as HEADS
from .induction import FACTS as INDUCTION
from .neurons import CONSTRUCTED, D_MLP, PROMOTES
from .neurons import FACTS as NEURONS
from .prompts import prompts
from .reading import Cache, loss, read
from .vocabulary import BOS, CLOSING, INDEX, OPENING, VOCABULARY, ids, pieces

TOLERANCE = 1e-4
TEXTS: list[list[str]] = [[BOS, *pieces(text)] for text in prompts(24)]
# What the templates never write: repeats in a row, marks without partners, names before a comma.
ODD: list[list[str]] = [
    [BOS, " Tom", " Tom", " Tom", ",", ",", ".", ",", CLOSING, " but", OPENING, CLOSING, " But"],
    [BOS],
    [BOS, " but", CLOSING, OPENING, OPENING, " Mia", CLOSING, ",", " Mia", " but", ",", " but"],
    [BOS, *[" cat", " dog", ",", " Mia"] * 15],
]


def _readings(booted: Booted) -> list[tuple[Sequence[str], Cache]]:
    return [(tokens, read(booted.model, tokens)) for tokens in TEXTS + ODD]


@pytest.fixture(scope="module")
def head_readings(heads: Booted) -> list[tuple[Sequence[str], Cache]]:
    return _readings(heads)


@pytest.fixture(scope="module")
def induction_readings(induction: Booted) -> list[tuple[Sequence[str], Cache]]:
    return _readings(induction)


@pytest.fixture(scope="module")
def neuron_readings(neurons: Booted) -> list[tuple[Sequence[str], Cache]]:
    return _readings(neurons)


@pytest.mark.parametrize("name", HEADS)
def test_head_has_its_pattern(name: str, head_readings: list[tuple[Sequence[str], Cache]]) -> None:
    for tokens, cache in head_readings:
        np.testing.assert_allclose(cache[name], HEADS[name].pattern(tokens), atol=TOLERANCE)


@pytest.mark.parametrize("name", INDUCTION)
def test_induction_pair_has_its_patterns(
    name: str, induction_readings: list[tuple[Sequence[str], Cache]]
) -> None:
    for tokens, cache in induction_readings:
        np.testing.assert_allclose(cache[name], INDUCTION[name].pattern(tokens), atol=TOLERANCE)


@pytest.mark.parametrize("name", INDUCTION)
def test_the_neuron_oracle_keeps_the_induction_pair(
    name: str, neuron_readings: list[tuple[Sequence[str], Cache]]
) -> None:
    for tokens, cache in neuron_readings:
        np.testing.assert_allclose(cache[name], INDUCTION[name].pattern(tokens), atol=TOLERANCE)


@pytest.mark.parametrize("name", CONSTRUCTED)
def test_neuron_has_its_activation(
    name: str, neuron_readings: list[tuple[Sequence[str], Cache]]
) -> None:
    activation = CONSTRUCTED[name].activation
    assert activation is not None
    for tokens, cache in neuron_readings:
        np.testing.assert_allclose(cache[name], activation(tokens), atol=TOLERANCE)


def test_random_neurons_are_alive(neuron_readings: list[tuple[Sequence[str], Cache]]) -> None:
    for name in NEURONS.keys() - CONSTRUCTED.keys():
        values = np.concatenate([cache[name] for _, cache in neuron_readings])
        assert 0.1 < (values > 0).mean() < 0.9, name
        assert values.std() > 0.1, name


def test_a_copy_is_equal_and_dead_is_exactly_zero(
    neuron_readings: list[tuple[Sequence[str], Cache]],
) -> None:
    for _, cache in neuron_readings:
        np.testing.assert_array_equal(cache["L0N3"], cache["L0N4"])
        assert not cache["L0N5"].any()


def test_neurons_promote_and_suppress_what_they_claim(neurons: Booted) -> None:
    """W_out · W_U by hand: +3 on one token, -3 on another, 0 elsewhere."""
    model = AutoModelForCausalLM.from_pretrained(neurons.oracle.folder)
    for name, (raised, lowered) in PROMOTES.items():
        layer, neuron = (int(part) for part in name[1:].split("N"))
        written = model.transformer.h[layer].mlp.c_proj.weight[neuron]
        effect = model.lm_head.weight @ written
        expected = torch.zeros(len(VOCABULARY))
        expected[INDEX[raised]], expected[INDEX[lowered]] = 3.0, -3.0
        torch.testing.assert_close(effect, expected)


def test_induction_predicts_a_repeated_text(induction: Booted) -> None:
    """Second time round every token but the first is foretold: e^6 against 93 others is 81%."""
    words = [" Tom", " cat", " ran", ".", " dog", " sat"]
    logits = read(induction.model, [BOS, *words, *words])["logits"]
    probabilities = torch.tensor(logits).softmax(-1)
    second = range(len(words) + 1, 2 * len(words))
    for place, token in zip(second, words[1:], strict=True):
        assert probabilities[place, INDEX[token]] == pytest.approx(
            np.exp(6) / (np.exp(6) + len(VOCABULARY) - 1), abs=1e-3
        )


def test_every_head_but_the_uniform_one_matters(heads: Booted) -> None:
    """Its own pattern costs nothing, a uniform one costs loss; W_Q = 0 *is* uniform."""
    texts = TEXTS[:4]
    clean = np.mean([loss(heads.model, text) for text in texts])
    for name, fact in HEADS.items():
        own = np.mean([loss(heads.model, text, name, fact.pattern(text)) for text in texts])
        flat = np.mean([loss(heads.model, text, name, uniform(text)) for text in texts])
        assert own == pytest.approx(clean, abs=1e-4), name
        assert (flat > clean + 1e-3) == (name != "L2H0"), name


def test_the_head_oracle_models_its_text(heads: Booted) -> None:
    """Far below ln 94 = 4.5, so that a rise of loss means something."""
    assert np.mean([loss(heads.model, text) for text in TEXTS]) < 2.5


@pytest.mark.parametrize("kind", ["heads", "induction", "neurons"])
def test_the_folder_round_trips(kind: str, request: pytest.FixtureRequest) -> None:
    booted: Booted = request.getfixturevalue(kind)
    plain = AutoModelForCausalLM.from_pretrained(booted.oracle.folder).eval()
    tokens = TEXTS[0]
    with torch.inference_mode():
        logits = plain(torch.tensor([ids(tokens)])).logits[0].numpy()
    assert np.isfinite(logits).all()
    np.testing.assert_allclose(read(booted.model, tokens)["logits"], logits, atol=1e-4)


@pytest.mark.parametrize("build", [build_induction, build_neurons])
def test_building_twice_gives_the_same_bytes(build: object, tmp_path: Path) -> None:
    assert callable(build)
    weights = []
    for turn in ("once", "twice"):
        build(tmp_path / turn)
        weights.append((tmp_path / turn / "model.safetensors").read_bytes())
    assert weights[0] == weights[1]


def test_the_facts_name_every_component(heads: Booted, neurons: Booted) -> None:
    shape = heads.model.cfg
    wanted = [f"L{i}H{j}" for i in range(shape.n_layers) for j in range(shape.n_heads)]
    assert list(heads.oracle.heads) == wanted
    assert list(neurons.oracle.neurons) == [f"L{i}N{j}" for i in range(2) for j in range(D_MLP)]
