"""The model as the labeler reads it, held against Hugging Face's own eager attention."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge
from transformers import AutoModelForCausalLM

from labeler.errors import ModelError
from labeler.model import LanguageModel, load_model
from tests.oracles.random_models import SHAPES, random_model
from tests.oracles.vocabulary import VOCABULARY

TOLERANCE = 1e-5
# GPT-Neo's every second layer sees eight keys back; Llama's eight heads share two keys and values.
NAMES = ("gpt2", "gpt-neo-local", "llama-gqa")
N_TOKENS = 24


@pytest.fixture(scope="module", params=NAMES)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_model(tmp_path_factory.mktemp("model") / request.param, 1, request.param)


@pytest.fixture(scope="module")
def model(folder: Path) -> LanguageModel:
    torch.set_num_threads(1)
    return load_model(str(folder), "cpu")


@pytest.fixture(scope="module")
def tokens() -> Tensor:
    drawn = torch.randint(
        len(VOCABULARY), (2, N_TOKENS), generator=torch.Generator().manual_seed(0)
    )
    drawn[:, 0] = 0
    return drawn


def patterns(model: LanguageModel, tokens: Tensor) -> list[Tensor]:
    """`[batch, head, query, key]` of every layer, as `read` hands them out."""
    found: dict[int, Tensor] = {}

    def keep(layer: int) -> Callable[[Tensor], None]:
        def store(value: Tensor) -> None:
            found[layer] = value.clone()

        return store

    layers = range(model.shape.n_layers)
    model.read(tokens, {f"blocks.{layer}.attn.hook_pattern": keep(layer) for layer in layers})
    return [found[layer] for layer in layers]


def rebuilt(model: LanguageModel, tokens: Tensor, replacing: list[Tensor]) -> Tensor:
    """Logits with every head's `z` made from a pattern of ours."""
    hooks: dict[str, Callable[[Tensor], Tensor | None]] = {}
    for layer, pattern in enumerate(replacing):
        hooks |= model.replace_pattern(layer, range(model.shape.n_heads), pattern)
    return model.logits(tokens, hooks)


def test_patterns_are_those_of_eager_attention(folder: Path, model: LanguageModel, tokens: Tensor):
    reference = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager").eval()
    with torch.inference_mode():
        expected = reference(tokens, output_attentions=True).attentions
    found = patterns(model, tokens)
    assert len(found) == SHAPES[folder.name].n_layers
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.shape == (2, model.shape.n_heads, N_TOKENS, N_TOKENS)
        assert torch.allclose(ours, theirs, atol=TOLERANCE)
        assert torch.allclose(ours.sum(-1), torch.ones(()), atol=TOLERANCE)


def test_windows_say_what_a_layer_cannot_see(folder: Path, model: LanguageModel, tokens: Tensor):
    windows = {"gpt-neo-local": (None, 8, None, 8)}.get(folder.name)
    assert model.shape.windows == (windows or (None,) * model.shape.n_layers)
    distance = torch.arange(N_TOKENS)[:, None] - torch.arange(N_TOKENS)[None, :]
    for window, pattern in zip(model.shape.windows, patterns(model, tokens), strict=True):
        hidden = (distance < 0) | (distance >= (window or N_TOKENS))
        assert pattern[..., hidden].max() == 0


def test_logits_are_those_of_hugging_face(folder: Path, model: LanguageModel, tokens: Tensor):
    reference = AutoModelForCausalLM.from_pretrained(folder).eval()
    with torch.inference_mode():
        assert torch.allclose(model.logits(tokens, {}), reference(tokens).logits, atol=1e-4)


def test_rebuilding_heads_from_their_own_patterns_changes_nothing(
    model: LanguageModel, tokens: Tensor
):
    clean = model.logits(tokens, {})
    own = patterns(model, tokens)
    assert (rebuilt(model, tokens, own) - clean).abs().max() < TOLERANCE
    visible = torch.ones(N_TOKENS, N_TOKENS).tril()
    uniform = (visible / visible.sum(-1, keepdim=True)).expand_as(own[0])
    assert (rebuilt(model, tokens, [uniform] * len(own)) - clean).abs().max() > 0.01
    # Nothing stays behind in the model.
    assert torch.equal(model.logits(tokens, {}), clean)


def test_one_head_is_replaced_and_no_other(model: LanguageModel, tokens: Tensor):
    own = patterns(model, tokens)[0]
    heads: dict[str, Tensor] = {}

    def keep(value: Tensor) -> None:
        heads["z"] = value.clone()

    model.logits(tokens, {"blocks.0.attn.hook_z": keep})
    before = heads["z"]
    changed = own[:, [1]].flip(1).roll(1, dims=-1)
    hooks = model.replace_pattern(0, [1], changed)
    replace = hooks["blocks.0.attn.hook_z"]

    def watched(z: Tensor) -> Tensor:
        heads["z"] = replace(z)
        return heads["z"]

    model.logits(tokens, {**hooks, "blocks.0.attn.hook_z": watched})
    others = [head for head in range(model.shape.n_heads) if head != 1]
    assert torch.equal(heads["z"][:, :, others], before[:, :, others])
    assert (heads["z"][:, :, 1] - before[:, :, 1]).abs().max() > 1e-3


def test_shape_is_that_of_the_configuration(folder: Path, model: LanguageModel):
    planned = SHAPES[folder.name]
    shape = model.shape
    assert (shape.n_layers, shape.n_heads, shape.d_model, shape.n_ctx) == (
        *(planned.n_layers, planned.n_heads, planned.d_model, planned.n_ctx),
    )
    assert shape.n_key_value_heads == (planned.n_kv_heads or planned.n_heads)
    assert shape.d_mlp == (planned.d_mlp or 4 * planned.d_model)
    assert shape.heads[-1] == f"L{planned.n_layers - 1}H{planned.n_heads - 1}"
    assert len(shape.neurons) == shape.n_layers * shape.d_mlp


def test_the_fingerprint_is_of_the_weights(folder: Path, model: LanguageModel):
    again = load_model(str(folder), "cpu")
    assert again.fingerprint() == model.fingerprint()
    with torch.no_grad():
        next(iter(again.bridge.parameters())).add_(1e-6)
    assert again.fingerprint() != model.fingerprint()


def test_gradients_are_off(model: LanguageModel, tokens: Tensor):
    assert not any(parameter.requires_grad for parameter in model.bridge.parameters())
    assert not model.logits(tokens, {}).requires_grad


@pytest.fixture(scope="module")
def story_model() -> LanguageModel:
    return load_model(str(Path("labeler/assets/story_model").resolve()), "cpu")


HOSTILE = (
    'One day, Tom said: "Wait!"',
    " leading and trailing ",
    "two  spaces\n\n\nthree breaks\r\n\ttab",
    "“curly” ‘quotes’ … — é è ñ ü",
    "é is e and an accent, é is one",
    "👩‍👩‍👧‍👦🇩🇪 a family and a flag",
    "שלום עולם \u202eolleh\u202c مرحبا",
    "\x00\x01\x7f\u200b\ufeff",
    "中文没有空格",
    "a" * 3000,
    "<|bos|> is written out here",
)


@pytest.mark.parametrize("string", HOSTILE, ids=range(len(HOSTILE)))
def test_tokens_cover_the_string_and_decode_to_it(story_model: LanguageModel, string: str):
    ids, offsets = story_model.tokenize(string)
    assert ids[0] == story_model.bos
    assert offsets[0].tolist() == [0, 0]
    start, end = offsets[1:, 0], offsets[1:, 1]
    assert (start < end).all()
    covered = np.zeros(len(string), dtype=bool)
    for a, b in offsets:
        covered[a:b] = True
    assert covered.all()
    # A character in several tokens is given to each of them; nothing else overlaps or is skipped.
    assert (start[1:] <= end[:-1]).all()
    assert ((start[1:] == end[:-1]) | (end[:-1] - start[1:] == 1)).all()
    assert story_model.tokenizer.decode(ids[1:], clean_up_tokenization_spaces=False) == string


@pytest.mark.parametrize("string", HOSTILE[:4])
def test_tokens_that_hold_whole_characters_read_as_their_span(story_model, string: str):
    ids, offsets = story_model.tokenize(string)
    for token, (a, b) in list(zip(ids, offsets, strict=True))[1:]:
        read = story_model.token_string(int(token))
        assert read == string[a:b] or "<0x" in read  # a part of a character reads as bytes


def test_what_is_no_model_is_told_apart(tmp_path: Path):
    with pytest.raises(ModelError, match="is not a folder"):
        load_model(str(tmp_path / "none"))
    with pytest.raises(ModelError, match=r"has no config\.json"):
        load_model(str(tmp_path))


def test_models_are_loaded_one_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """transformers patches its classes while it loads: two at once left them so for good."""
    folder = random_model(tmp_path / "model", 1, NAMES[0])
    inside: list[int] = []
    seen: list[int] = []

    def boot(*_: object, **__: object) -> None:
        inside.append(1)
        time.sleep(0.2)  # long enough for the other
        seen.append(len(inside))
        inside.pop()
        raise OSError("enough")

    monkeypatch.setattr(TransformerBridge, "boot_transformers", boot)

    def load(_: int) -> None:
        with pytest.raises(ModelError, match="enough"):
            load_model(str(folder), "cpu")

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(load, range(2)))
    assert seen == [1, 1]
