"""The embedded story model is as specified and has learned to read short stories."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer, GPTNeoForCausalLM, PreTrainedTokenizerBase

import labeler

FOLDER = Path(labeler.__file__).parent / "assets" / "story_model"
MAX_BYTES = 10_000_000
STORIES = [
    "Once upon a time, there was a little boy named Tom. Tom had a red ball. One day, the ball"
    ' rolled into the pond and Tom was sad. "Do not cry," said his mom. She took a long stick and'
    " pulled the ball out of the water. Tom was very happy and gave his mom a big hug.",
    "Lily and her dog Max went to the park. They saw a small bird on the grass. The bird could not"
    ' fly. "We must help the bird," said Lily. They took it home and gave it some bread and water.'
    " The next day, the bird could fly again. Lily waved and said goodbye to her new friend.",
    "Ben wanted to bake a cake with his grandma. They put eggs and milk in a big bowl. Ben made a"
    " mess on the floor, but grandma only laughed. They cleaned the kitchen together. Then they ate"
    " the cake, and it was yummy. Ben learned that it is fun to help.",
]


@pytest.fixture(scope="module")
def model() -> GPTNeoForCausalLM:
    return GPTNeoForCausalLM.from_pretrained(FOLDER, dtype=torch.float32).eval()


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(FOLDER)


def nats_per_token(model: GPTNeoForCausalLM, ids: list[int]) -> float:
    """Return the mean loss of the tokens after the first."""
    batch = torch.tensor([ids])
    with torch.no_grad():
        return float(model(batch, labels=batch).loss)


def test_folder_fits_into_a_wheel() -> None:
    assert sum(file.stat().st_size for file in FOLDER.rglob("*")) <= MAX_BYTES


def test_config_is_one_global_layer_of_sixteen_heads() -> None:
    config = json.loads((FOLDER / "config.json").read_text(encoding="utf-8"))
    assert config["model_type"] == "gpt_neo"
    assert config["num_layers"] == 1
    assert config["num_heads"] == 16
    assert config["attention_types"] == [[["global"], 1]]
    assert config["max_position_embeddings"] == 512
    assert config["hidden_size"] % config["num_heads"] == 0


def test_bos_is_known_and_never_added(
    model: GPTNeoForCausalLM, tokenizer: PreTrainedTokenizerBase
) -> None:
    assert tokenizer.bos_token_id == model.config.bos_token_id == 0
    assert tokenizer.bos_token_id not in tokenizer(STORIES[0])["input_ids"]


def test_tokenizer_fits_the_embedding(
    model: GPTNeoForCausalLM, tokenizer: PreTrainedTokenizerBase
) -> None:
    assert len(tokenizer) == model.config.vocab_size == model.transformer.wte.weight.shape[0]


@pytest.mark.parametrize("text", [*STORIES, "", " \n\n two  spaces", "naïve 🙂 'quotes' \x00 …"])
def test_every_text_survives_the_tokenizer(tokenizer: PreTrainedTokenizerBase, text: str) -> None:
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


@pytest.mark.parametrize("story", STORIES)
def test_stories_are_predicted_well(
    model: GPTNeoForCausalLM, tokenizer: PreTrainedTokenizerBase, story: str
) -> None:
    ids = tokenizer(story)["input_ids"]
    shuffled = [ids[i] for i in torch.randperm(len(ids), generator=torch.manual_seed(0)).tolist()]
    bos = [tokenizer.bos_token_id]
    loss = nats_per_token(model, bos + ids)
    # A model that has learned anything of these stories halves the uniform guess's nats, and
    # loses at least a nat a token once the order of the words is gone.
    assert loss < math.log(model.config.vocab_size) / 2
    assert loss < nats_per_token(model, bos + shuffled) - 1
