"""The command line on models: families listed, a model out of reach, figures of one prompt."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from labeler import label
from labeler.cli import main
from labeler.families import FAMILIES
from labeler.hooks import prompt_statistics
from labeler.model import load_model
from tests.oracles.prompts import prompts

from .conftest import MAP_PROMPTS, PIPELINE, RELATIONS
from .small import small_model

PROMPT = "One day, Tom saw the big dog. He ran to the park and said,"
SEVEN = ("mean", "std", "min", "q1", "median", "q3", "max")


def called(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0)


def test_models_are_listed(capsys: pytest.CaptureFixture[str]):
    assert called("models") == 0
    said = capsys.readouterr().out
    assert all(family.name in said for family in FAMILIES)


def test_a_hub_model_without_network_ends_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """HF_HUB_OFFLINE is set for these tests: the hub does not answer."""
    out = tmp_path / "out"
    code = called("run", "--model", "roneneldan/TinyStories-1L-21M", "--out", str(out))
    said = capsys.readouterr().err
    last = said.rstrip("\n").rsplit("\n", 1)[-1]
    assert code == 2
    assert last.startswith("labeler: model 'roneneldan/TinyStories-1L-21M'")
    assert "--model FOLDER" in last
    assert "embedded story model" in last
    assert "Traceback" not in said
    assert not out.exists()


def test_the_three_blocks_of_a_prompt_are_those_of_hugging_face(tmp_path: Path):
    """GPT-Neo, as TinyStories-1L-21M: neurons, what the MLP writes, the final norm both ways."""
    folder = small_model(tmp_path / "neo", "GPTNeoForCausalLM")
    reference = AutoModelForCausalLM.from_pretrained(folder).eval()
    kept: dict[str, np.ndarray] = {}

    def keep(name: str):
        def hook(_module, _inputs, output):
            kept[name] = output[0].numpy()

        return hook

    core = reference.transformer
    # A norm that does something, so that the two sides of its affine step differ.
    with torch.no_grad():
        core.ln_f.weight.uniform_(0.5, 2)
        core.ln_f.bias.uniform_(-1, 1)
    reference.save_pretrained(folder)
    core.h[0].mlp.act.register_forward_hook(keep("blocks.0.mlp.hook_post"))
    core.h[0].mlp.register_forward_hook(keep("blocks.0.hook_mlp_out"))
    core.ln_f.register_forward_hook(keep("ln_final.hook_out"))
    ids = AutoTokenizer.from_pretrained(folder)(PROMPT, add_special_tokens=False)["input_ids"]
    with torch.inference_mode():
        reference(torch.tensor([[0, *ids]]))
    weight, bias = (x.detach().numpy() for x in (core.ln_f.weight, core.ln_f.bias))
    kept["ln_final.hook_normalized"] = (kept["ln_final.hook_out"] - bias) / weight

    rows = {row["hook"]: row for row in prompt_statistics(load_model(str(folder), "cpu"), PROMPT)}
    for name, values in kept.items():
        x = values[1:].astype(np.float64)  # BOS left out
        quartiles = np.percentile(x, [25, 50, 75])
        expected = [x.mean(), x.std(), x.min(), *quartiles, x.max()]
        assert rows[name]["count"] == x.size == len(ids) * x.shape[1]
        assert [rows[name][figure] for figure in SEVEN] == pytest.approx(expected, abs=1e-4)


def test_a_model_without_bos_is_labelled_from_its_first_token(tmp_path: Path):
    """No token is put before the text, though the bridge would: it takes EOS for BOS."""
    folder = small_model(tmp_path / "qwen", "Qwen2ForCausalLM")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.bos_token = None
    tokenizer.save_pretrained(folder)
    model = load_model(str(folder), "cpu")
    assert model.bos is None
    assert len(model.tokenize(PROMPT)[0]) == len(tokenizer(PROMPT)["input_ids"])
    with patch("labeler.session.Pipeline", lambda _: PIPELINE), patch(MAP_PROMPTS, 1):
        run = label(
            folder,
            prompts(20),
            tmp_path / "run",
            only=RELATIONS,
            reinitialised=False,
            device="cpu",
        )
    assert run.folder.run["model"]["has_bos"] is False
    total = sum(len(tokenizer(text)["input_ids"]) for text in prompts(20))
    assert run.folder.run["corpus"]["tokens"] == total
    assert "previous token" in run.heads.set_index("name").label["L0H0"]
