import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch

from labeler.ablate import ablate_neurons
from labeler.columns import Columns
from labeler.errors import ConfigError
from labeler.model import load_model
from labeler.pairs import correlations, paths
from labeler.reinitialised import reinitialised
from labeler.session import EMBEDDED_MODEL
from labeler.terminal import ablation_table
from tests.oracles.random_models import Shape, random_model

SMALL_GPT2 = Shape("gpt2", n_layers=1, n_heads=2, d_model=16, d_mlp=8, n_ctx=64)


@pytest.fixture(scope="module")
def model():
    return load_model(str(EMBEDDED_MODEL), "cpu")


@pytest.fixture(scope="module")
def texts(model):
    found = []
    for index, string in enumerate(["Tom had a red ball.", 'She said, "No!"', "The cat sat."]):
        ids, _ = model.tokenize(string)
        found.append(Columns(str(index), ids, 1, sp.csr_matrix((len(ids) - 1, 1)), str(index)))
    return found


def test_reinitialised_keeps_the_entries_and_mends_the_model(model):
    before = model.fingerprint()
    weights = [p.detach().clone() for p in model.bridge.original_model.parameters()]
    with reinitialised(model) as shuffled:
        assert shuffled.fingerprint() != before
        for old, new in zip(weights, shuffled.bridge.original_model.parameters(), strict=True):
            assert torch.equal(old.flatten().sort().values, new.flatten().sort().values)
    assert model.fingerprint() == before


def test_parameters_that_share_memory_are_mended_too(tmp_path):
    """GPT-2 keeps queries, keys and values in one matrix, and three parameters look into it."""
    model = load_model(str(random_model(tmp_path / "gpt2", 0, SMALL_GPT2)), "cpu")
    parameters = list(model.bridge.original_model.parameters())
    starts = [p.data.untyped_storage().data_ptr() for p in parameters]
    assert len(set(starts)) < len(starts)  # or this test says nothing
    before = [p.detach().clone() for p in parameters]
    with reinitialised(model):
        assert not all(torch.equal(a, b) for a, b in zip(before, parameters, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(before, parameters, strict=True))


def test_a_neurons_effect_is_what_its_output_does_through_the_final_norm(model):
    # LayerNorm takes the mean of the residual stream out, so what a neuron adds to every dimension
    # alike does nothing; on a stream of variance 1 a small step moves the logits by its effect.
    w_out, w_u = model.unembedding()
    torch.manual_seed(0)
    stream = torch.randn(10_000, w_out.shape[2])
    stream = (stream - stream.mean(dim=1, keepdim=True)) / stream.std(dim=1, keepdim=True)
    step = w_out[0, 3] + 1.0

    def logits(x):
        return model.bridge.unembed(model.bridge.ln_final(x))

    moved = (logits(stream + 1e-2 * step) - logits(stream)).mean(dim=0) / 1e-2
    expected = step @ w_u
    moved -= moved.mean()
    assert float(torch.corrcoef(torch.stack([moved, expected]))[0, 1]) > 0.999


def test_what_is_alike_in_all_dimensions_is_not_read_through_a_layernorm(model):
    # ln2(x + c) = ln2(x): along the vector of ones no neuron has an input direction.
    read = model.input_weights(0)
    norm, x = model.bridge.blocks[0].ln2, torch.randn(4, read.shape[0])
    assert torch.allclose(norm(x + 2.0), norm(x), atol=1e-5)
    assert float(read.sum(dim=0).abs().max()) < 1e-5
    assert float(read.abs().max()) > 1e-2


def test_zeroing_a_neuron_is_taking_its_output_weights_away(model, texts):
    rows = ablate_neurons(model, texts, ["L0N3", "L0N5"], {"L0N3": 0.1, "L0N5": 0.2})
    found = {(row["name"], row["condition"]): row for row in rows}
    assert len(rows) == 1 + 2 * 3
    weight = model.bridge.blocks[0].mlp.W_out.data
    kept = weight[3].clone()
    weight[3] = 0
    clean = ablate_neurons(model, texts, ["L0N3"], {"L0N3": 0.0})[0]
    weight[3] = kept
    assert np.isclose(found["L0N3", "zero"]["loss"], clean["loss"], atol=1e-6)
    same = found["L0N3,L0N5", "clean"]
    assert same["rise"] == same["rise_low"] == same["rise_high"] == 0.0


def test_two_prompts_give_no_interval(model, texts):
    rows = pd.DataFrame(ablate_neurons(model, texts[:2], ["L0N3"], {"L0N3": 0.1}))
    assert rows[["rise_low", "rise_high"]].isna().all(axis=None)
    assert [*ablation_table(rows).columns[-1].cells] == [""] * 3


def test_an_unknown_neuron_is_named(model, texts):
    with pytest.raises(ConfigError, match=r"'L0N99999'; the model has .* neurons, L0N0 to L"):
        ablate_neurons(model, texts, ["L0N99999"], {})


def test_pair_correlations_are_those_of_what_heads_write(model, texts):
    (found,) = correlations(model, texts, paths(model), 2048)
    z, x = [], []
    for text in texts:
        _, cache = model.bridge.run_with_cache(torch.from_numpy(text.tokens)[None])
        z.append(cache["blocks.0.attn.hook_z"][0, 1:, 2])
        x.append(cache["blocks.0.mlp.hook_post"][0, 1:, 7])
    block = model.bridge.blocks[0]
    direction = block.mlp.W_in[:, 7] * block.ln2.weight
    out = torch.cat(z) @ block.attn.W_O[2]
    out = out - out.mean(dim=1, keepdim=True)  # as LayerNorm does
    written = (out @ direction).detach().numpy()
    expected = np.corrcoef(written, torch.cat(x).detach().numpy())[0, 1]
    assert np.isclose(found[2, 7], expected, atol=1e-4)
