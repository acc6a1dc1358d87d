"""Where a model comes from and whether it fits: checkpoints, shards, pickles, memory, devices."""

from __future__ import annotations

import json
import shutil
from functools import partial
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants

from labeler import label, loading
from labeler.errors import ConfigError, ModelError
from labeler.model import load_model
from tests.oracles.vocabulary import VOCABULARY, save_tokenizer

from .small import small_model

NAME = "someone/a-model"
POST = "blocks.0.mlp.hook_post"
COMMITS = {"main": "a" * 40, "step1000": "b" * 40}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_model(tmp_path_factory.mktemp("models") / "small", "LlamaForCausalLM")


def cached(cache: Path, revision: str, files: Path) -> None:
    """A model in the hub's cache, as a download leaves it."""
    place = cache / f"models--{NAME.replace('/', '--')}"
    (place / "refs").mkdir(parents=True, exist_ok=True)
    (place / "refs" / revision).write_text(COMMITS[revision])
    shutil.copytree(files, place / "snapshots" / COMMITS[revision])


@pytest.fixture
def hub(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache with two checkpoints of one model, and no network."""
    other = small_model(tmp_path / "other", "LlamaForCausalLM", deep=True)
    for revision, files in (("main", folder), ("step1000", other)):
        cached(tmp_path / "hub", revision, files)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("transformers.utils.hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def test_a_revision_is_the_checkpoint_of_that_name(hub: Path):
    assert load_model(NAME, "cpu").shape.n_layers == 1
    assert load_model(NAME, "cpu", revision="step1000").shape.n_layers == 2


def test_a_revision_that_is_not_there_is_told(hub: Path):
    with pytest.raises(ModelError, match=r"at revision 'step7'.*--model FOLDER"):
        load_model(NAME, "cpu", revision="step7")


def test_a_folder_has_no_revisions(folder: Path):
    with pytest.raises(ModelError, match="leave --revision out"):
        load_model(str(folder), "cpu", revision="main")


def test_a_sharded_folder_is_the_same_model(folder: Path, tmp_path: Path):
    from transformers import AutoModelForCausalLM

    whole = AutoModelForCausalLM.from_pretrained(folder)
    shutil.copytree(folder, tmp_path / "sharded")
    (tmp_path / "sharded" / "model.safetensors").unlink()
    whole.save_pretrained(tmp_path / "sharded", max_shard_size="8KB")
    assert len(list((tmp_path / "sharded").glob("*.safetensors"))) > 1
    sharded = load_model(str(tmp_path / "sharded"), "cpu")
    assert sharded.fingerprint() == load_model(str(folder), "cpu").fingerprint()


def test_pickled_weights_are_read_only_when_asked_for(folder: Path, tmp_path: Path):
    from safetensors.torch import load_file

    shutil.copytree(folder, tmp_path / "old")
    weights = load_file(folder / "model.safetensors")
    (tmp_path / "old" / "model.safetensors").unlink()
    torch.save(weights, tmp_path / "old" / "pytorch_model.bin")
    with pytest.raises(ModelError, match="--pickle"):
        load_model(str(tmp_path / "old"), "cpu")
    old = load_model(str(tmp_path / "old"), "cpu", pickle=True)
    assert old.fingerprint() == load_model(str(folder), "cpu").fingerprint()


def test_a_folder_without_weights_is_told(folder: Path, tmp_path: Path):
    shutil.copy(folder / "config.json", tmp_path)
    with pytest.raises(ModelError, match="has no weights"):
        load_model(str(tmp_path), "cpu")


def test_what_the_memory_is_asked_for_is_told_before_loading(folder: Path):
    told: list[str] = []
    model = load_model(str(folder), "cpu", dtype="float64", copies=2, tell=told.append)
    parameters = sum(p.numel() for p in model.bridge.original_model.parameters())
    found = loading.find(loading.Source(str(folder), "cpu", "float64", copies=2))
    assert found.parameters == parameters
    assert found.needed == 2 * 8 * parameters + loading.WORKING
    assert told[0].startswith(f"{parameters:,} parameters in float64 and the re-initialised copy")


def test_a_model_that_does_not_fit_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(loading, "free_memory", lambda _: loading.WORKING)
    with pytest.raises(ModelError, match=r"does not fit.*--dtype bfloat16.*smaller model"):
        load_model(str(folder), "cpu")


def test_a_model_as_large_as_seventy_billion_is_counted_without_being_made(tmp_path: Path):
    """Llama 3 70B by its published configuration: 70,553,706,496 parameters, 263 GiB in float32."""
    config = {
        "model_type": "llama",
        "architectures": ["LlamaForCausalLM"],
        "hidden_size": 8192,
        "intermediate_size": 28672,
        "num_hidden_layers": 80,
        "num_attention_heads": 64,
        "num_key_value_heads": 8,
        "vocab_size": 128256,
        "tie_word_embeddings": False,
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match=r"70,553,706,496 parameters.* 263\.\d GiB"):
        load_model(str(tmp_path), "cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="the machine has the device")
def test_a_device_that_is_not_there_is_told(folder: Path):
    with pytest.raises(ModelError, match="'cuda' is not on this machine"):
        load_model(str(folder), "cuda")


def test_a_device_map_gives_the_same_activations(folder: Path):
    """Placed by accelerate; without a GPU everything lands on the CPU."""
    tokens = torch.arange(20)[None]
    values = []
    for options in ({"device": "cpu"}, {"device_map": "auto"}):
        model = load_model(str(folder), **options)
        kept: dict[str, torch.Tensor] = {}
        model.read(tokens, {POST: partial(kept.__setitem__, POST)})
        even = torch.ones(1, model.shape.n_heads, 20, 20).tril().softmax(dim=-1)
        hooks = model.replace_pattern(0, range(model.shape.n_heads), even)
        values.append([kept[POST], model.logits(tokens, hooks), model.input_weights(0)])
    for one, mapped in zip(*values, strict=True):
        assert torch.allclose(one, mapped.to(one), atol=1e-5)


def test_device_and_device_map_exclude_each_other(folder: Path, tmp_path: Path):
    with pytest.raises(ConfigError, match="device and device_map exclude each other"):
        label(folder, "stories", tmp_path / "out", device="cpu", device_map="auto")


def test_code_that_comes_with_a_model_is_not_run(folder: Path, tmp_path: Path):
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "its_own", "auto_map": {"AutoConfig": "evil.Config"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "evil.py").write_text("raise SystemExit('run')")
    with pytest.raises(ModelError, match="code of its own"):
        load_model(str(tmp_path), "cpu")


def test_a_tokenizer_larger_than_the_model_is_told(folder: Path, tmp_path: Path):
    shutil.copytree(folder, tmp_path / "wrong")
    file = tmp_path / "wrong" / "tokenizer.json"
    tokenizer = json.loads(file.read_text())
    tokenizer["model"]["vocab"][" zebra"] = 5000
    file.write_text(json.dumps(tokenizer))
    model = load_model(str(tmp_path / "wrong"), "cpu")
    model.tokenize("Tom saw the dog.")
    with pytest.raises(ModelError, match="gives token 5000"):
        model.tokenize("Tom saw the zebra.")


@pytest.mark.parametrize("length", [0, 1])
def test_a_context_in_which_nothing_stands_before_is_refused(length: int, tmp_path: Path):
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(
        n_layer=1, n_head=2, n_embd=8, n_positions=length, vocab_size=len(VOCABULARY)
    )
    GPT2LMHeadModel(config).save_pretrained(tmp_path)
    save_tokenizer(tmp_path, length)
    with pytest.raises(ModelError, match=rf"context length {length} .*expected 2 or more"):
        load_model(str(tmp_path), "cpu")


def test_an_error_of_several_lines_is_told_whole(folder: Path):
    """The first line of what a library says is often but a heading."""
    source = loading.Source(str(folder))
    told = loading.explain(source, ValueError("Could not read any of:\n  (1) one\n  (2) two"))
    assert told.endswith("cannot be loaded: Could not read any of: (1) one (2) two")


def test_an_error_of_one_word_is_told_with_its_kind(folder: Path):
    told = loading.explain(loading.Source(str(folder)), KeyError("model"))
    assert told.endswith("cannot be loaded: KeyError: 'model'")
