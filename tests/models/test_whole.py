"""Weights that do not match the configuration are refused; all that transformers maps is taken."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from labeler.errors import ModelError
from labeler.families import FAMILIES
from labeler.model import load_model

from .small import DEPTH, small_model

Weights = dict[str, Tensor]
Change = Callable[[Weights], Weights]
QUERY = "model.layers.1.self_attn.q_proj.weight"
TIED = {"tie_word_embeddings": True}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of two layers."""
    return small_model(tmp_path_factory.mktemp("models") / "small", "LlamaForCausalLM", deep=True)


def changed(folder: Path, copy: Path, change: Change = dict, **config: object) -> str:
    """A copy of a model, with other weights or another configuration."""
    shutil.copytree(folder, copy)
    weights = change(load_file(folder / "model.safetensors"))
    save_file(weights, copy / "model.safetensors", {"format": "pt"})
    own = json.loads((folder / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(own | config))
    return str(copy)


def without(*names: str) -> Change:
    return lambda weights: {name: x for name, x in weights.items() if name not in names}


def under(prefix: str) -> Change:
    return lambda weights: {prefix + name: x for name, x in weights.items()}


def test_a_weight_that_is_missing_is_named(folder: Path, tmp_path: Path):
    copy = changed(folder, tmp_path / "copy", without(QUERY))
    with pytest.raises(ModelError, match=rf"no weights for {QUERY}; expected a whole checkpoint"):
        load_model(copy, "cpu")


def test_weights_under_other_names_are_missing(folder: Path, tmp_path: Path):
    """As `torch.nn.DataParallel` names them."""
    count = len(load_file(folder / "model.safetensors")) - 1
    copy = changed(folder, tmp_path / "copy", under("module."))
    expected = rf"lm_head.weight \(and {count} more\), but module.lm_head.weight \(and {count} more"
    with pytest.raises(ModelError, match=expected):
        load_model(copy, "cpu")


def test_a_layer_more_than_there_are_weights_for(folder: Path, tmp_path: Path):
    """Nine tensors make a layer of a Llama: four of attention, three of the MLP, two norms."""
    copy = changed(folder, tmp_path / "copy", num_hidden_layers=3)
    with pytest.raises(ModelError, match=r"no weights for model.layers.2.* \(and 8 more\)"):
        load_model(copy, "cpu")


@pytest.mark.parametrize("change", [dict, lambda w: {n.removeprefix("model."): w[n] for n in w}])
def test_a_layer_less_than_there_are_weights_for(folder: Path, tmp_path: Path, change: Change):
    """Whether the checkpoint is of the model for text or of its base."""
    copy = changed(folder, tmp_path / "copy", change, num_hidden_layers=1)
    with pytest.raises(ModelError, match=r"has weights for (model.)?layers.1.*too few layers"):
        load_model(copy, "cpu")


def test_shapes_that_differ_are_told(folder: Path, tmp_path: Path):
    """The MLP's three tensors of both layers; d_model is 32, and they were made with 24 neurons."""
    copy = changed(folder, tmp_path / "copy", intermediate_size=48)
    expected = (
        r"model.layers.0.mlp.down_proj.weight of shape 32 × 24 where its config.json asks for "
        r"32 × 48 \(and 5 more\)"
    )
    with pytest.raises(ModelError, match=expected):
        load_model(copy, "cpu")


def test_experts_of_which_one_is_missing(tmp_path: Path):
    for architecture in ("MixtralForCausalLM", "Qwen3MoeForCausalLM"):
        folder = small_model(tmp_path / architecture, architecture)
        last = max(
            name for name in load_file(folder / "model.safetensors") if ".experts.3." in name
        )
        copy = changed(folder, tmp_path / f"{architecture} changed", without(last))
        with pytest.raises(ModelError, match="experts"):
            load_model(copy, "cpu")


def test_pickled_weights_are_held_to_the_same(folder: Path, tmp_path: Path):
    shutil.copytree(folder, tmp_path / "old")
    weights = load_file(folder / "model.safetensors")
    (tmp_path / "old" / "model.safetensors").unlink()
    torch.save(without(QUERY)(weights), tmp_path / "old" / "pytorch_model.bin")
    with pytest.raises(ModelError, match=f"no weights for {QUERY}"):
        load_model(str(tmp_path / "old"), "cpu", pickle=True)


def test_a_device_map_is_held_to_the_same(folder: Path, tmp_path: Path):
    copy = changed(folder, tmp_path / "copy", without(QUERY))
    with pytest.raises(ModelError, match=f"no weights for {QUERY}"):
        load_model(copy, device_map="auto")


def test_an_unembedding_may_be_left_out_where_it_is_the_embedding(folder: Path, tmp_path: Path):
    head = without("lm_head.weight")
    tied = load_model(changed(folder, tmp_path / "tied", head, **TIED), "cpu")
    table = load_file(folder / "model.safetensors")["model.embed_tokens.weight"]
    assert torch.equal(tied.bridge.W_U, table.T)
    with pytest.raises(ModelError, match=r"no weights for lm_head.weight;"):
        load_model(changed(folder, tmp_path / "untied", head), "cpu")


def test_weights_that_the_model_has_no_place_for_are_left_alone(folder: Path, tmp_path: Path):
    """A head for scores, and the tables of positions that older checkpoints hold."""
    more = {
        "score.weight": torch.zeros(2, 32),
        "model.layers.0.self_attn.rotary_emb.inv_freq": torch.zeros(8),
    }
    copy = changed(folder, tmp_path / "copy", lambda weights: weights | more)
    assert load_model(copy, "cpu").fingerprint() == load_model(str(folder), "cpu").fingerprint()


@pytest.mark.parametrize("architecture", [family.architecture for family in FAMILIES])
def test_of_every_family_a_base_model_loads_and_a_layer_less_does_not(
    architecture: str, tmp_path: Path
):
    from transformers import AutoModelForCausalLM

    folder = small_model(tmp_path / "small", architecture, deep=True)
    prefix = AutoModelForCausalLM.from_pretrained(folder).base_model_prefix + "."
    base = changed(
        folder,
        tmp_path / "base",
        lambda weights: {name.removeprefix(prefix): x for name, x in weights.items()},
    )
    assert load_model(base, "cpu").fingerprint() == load_model(str(folder), "cpu").fingerprint()
    own = json.loads((folder / "config.json").read_text())
    fewer = {name: 1 for name in DEPTH if name in own}
    fewer |= {"layer_types": own["layer_types"][:1]} if own.get("layer_types") else {}
    if architecture == "GPTNeoForCausalLM":
        fewer |= {"attention_types": [[["global"], 1]], "attention_layers": ["global"]}
    with pytest.raises(ModelError, match="too few layers"):
        load_model(changed(folder, tmp_path / "fewer", **fewer), "cpu")
