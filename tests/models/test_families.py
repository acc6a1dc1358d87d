"""What docs/models.md says of each family, held by a small model of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import AutoModelForCausalLM
from transformers.activations import ACT2FN

from labeler.batches import pad
from labeler.errors import ModelError
from labeler.families import ALL, FAMILIES, page
from labeler.model import load_model
from labeler.predict import baseline
from labeler.sensitivity import _derived, _directions
from labeler.verify import Start, Trial, replacement, self_test

from .conftest import RELATIONS, Small
from .planted import ALIBI_SHARE
from .small import CONFIGS, N_CTX, WINDOW, small_model

TOLERANCE = 1e-5


def test_the_page_is_that_of_the_code():
    """`labeler models --markdown > docs/models.md` makes it again."""
    assert Path("docs/models.md").read_text(encoding="utf-8") == page()


def test_every_supported_family_is_here():
    assert [family.architecture for family in FAMILIES] == list(CONFIGS)


def test_patterns_and_logits_are_those_of_eager_attention(small: Small):
    reference = AutoModelForCausalLM.from_pretrained(small.folder, attn_implementation="eager")
    with torch.inference_mode():
        expected = reference.eval()(small.tokens, output_attentions=True)
    found = small.patterns()
    assert len(found) == len(expected.attentions) == small.model.shape.n_layers
    for ours, theirs in zip(found, expected.attentions, strict=True):
        assert torch.allclose(ours, theirs, atol=TOLERANCE, rtol=0)
        assert torch.allclose(ours.sum(-1), torch.ones(()), atol=TOLERANCE)
    assert torch.allclose(small.model.logits(small.tokens, {}), expected.logits, atol=1e-4)


def test_heads_can_be_rebuilt_and_started_where_the_page_says(small: Small, tmp_path: Path):
    """`self_test` raises where rebuilding every head from its own pattern moves the logits."""
    deep = load_model(str(small_model(tmp_path, small.family.architecture, deep=True)), "cpu")
    assert deep.shape.n_layers == 2
    items = [replace(item, pairs=()) for item in small.items]
    expected = Start.HEADS if small.family.start_at_layer else Start.TOKENS
    assert self_test(deep, items) is expected


def test_a_head_alone_is_rebuilt_from_what_a_clean_run_kept(small: Small):
    items = [replace(item, pairs=()) for item in small.items]
    own = small.patterns()
    even = [baseline(pattern.shape[-1], None).expand_as(pattern) for pattern in own]
    last = small.model.shape.n_heads - 1
    one = replacement(even, [last], small.model.shape.n_heads)
    whole, kept = Trial(small.model, items, Start.TOKENS), Trial(small.model, items, Start.HEADS)
    assert not torch.allclose(whole.logits(one), whole.clean_logits)
    if small.family.start_at_layer:
        assert torch.allclose(kept.logits(one), whole.logits(one), atol=1e-5)


def test_slopes_are_what_moving_a_pattern_does_to_the_predictions(small: Small):
    """Along each direction of the logits, against the difference that a small move makes."""
    model, shape, item = small.model, small.model.shape, small.items[0]
    tokens = pad([item])
    clean = model.logits(tokens, {})[0]
    directions = list(islice(_directions(clean, item.tokens), 2))
    step, head = 0.03, shape.n_heads - 1
    for layer, (pattern, value, slope) in enumerate(_derived(model, item)):
        even = baseline(len(item), shape.windows[layer])
        away = even - pattern[head]
        moved = [
            model.logits(tokens, model.replace_pattern(layer, [head], one[None, None]))[0]
            for one in (pattern[head] + step * away, pattern[head] - step * away)
        ]
        read = away @ value[:, head * value.shape[1] // shape.n_heads]
        for draw, along in enumerate(directions):
            found = (slope[head, :, :, draw] * read).sum()
            expected = (along * (moved[0] - moved[1])).sum() / (2 * step)
            assert float(found) == pytest.approx(float(expected), rel=0.05, abs=2e-4)


def test_what_the_parts_of_a_layer_write_adds_up(small: Small):
    """So `hook_attn_out` and `hook_mlp_out` are what reaches the residual stream, norms included."""
    names = ("hook_resid_pre", "hook_attn_out", "hook_mlp_out", "hook_resid_post")
    before, attention, mlp, after = small.read(*(f"blocks.0.{name}" for name in names))
    assert torch.allclose(before + attention + mlp, after, atol=1e-4)


def test_windows_are_what_the_patterns_show(small: Small):
    shape = small.model.shape
    assert (shape.windows[0] == WINDOW) == small.family.window
    distance = torch.arange(small.tokens.shape[1])
    distance = distance[:, None] - distance[None, :]
    for window, pattern in zip(shape.windows, small.patterns(), strict=True):
        seen = distance[(pattern > 0).any(dim=0).any(dim=0)]
        assert int(seen.min()) == 0
        assert int(seen.max()) == (window or len(distance)) - 1


def test_anywhere_is_cut_to_the_window(small: Small):
    """Every key that a layer sees, the first position left out, and no other."""
    index = RELATIONS.index("anywhere")
    for kind, window in enumerate(small.model.shape.kinds):
        for item in small.items:
            pairs = item.pairs[kind]
            own = pairs.relation == index
            found = set(zip(pairs.query[own].tolist(), pairs.key[own].tolist(), strict=True))
            assert found == {
                (q, k) for q in range(1, len(item)) for k in range(1, q + 1)
                if q - k < (window or N_CTX)
            }  # fmt: skip


def test_a_neuron_is_what_the_output_weights_multiply(small: Small):
    shape = small.model.shape
    if small.family.neurons != ALL:
        assert shape.d_mlp == 0
        return
    post, out = small.read("blocks.0.mlp.hook_post", "blocks.0.mlp.out.hook_out")
    mlp = small.model.bridge.blocks[0].mlp
    assert post.shape[-1] == shape.d_mlp == mlp.W_out.shape[0]
    written = post @ mlp.W_out
    bias = getattr(mlp, "b_out", None)
    written = written if bias is None else written + bias
    assert torch.allclose(written, out, atol=1e-4)


def test_the_neuron_is_the_gate_times_what_it_lets_through(small: Small):
    bridge = small.model.bridge
    if small.family.neurons != ALL:
        return
    assert ("blocks.0.mlp.hook_pre_linear" in bridge.hook_dict) == small.family.gated
    names = ["hook_pre", "hook_post", "hook_in"] + ["hook_pre_linear"] * small.family.gated
    pre, post, read, *linear = small.read(*(f"blocks.0.mlp.{name}" for name in names))
    activation = activation_of(small)
    assert torch.allclose(activation(pre) * (linear[0] if linear else 1), post, atol=1e-5)
    if linear:
        # What the labeler takes for the neuron's input direction is the gate's.
        assert torch.allclose(read @ bridge.blocks[0].mlp.W_gate, pre, atol=1e-4)


def activation_of(small: Small) -> Callable[[Tensor], Tensor]:
    """By the name in the configuration, which every family spells in its own way."""
    config = small.model.bridge.original_model.config
    names = ("hidden_activation", "hidden_act", "activation_function", "activation")
    name = next((getattr(config, name) for name in names if hasattr(config, name)), None)
    # BLOOM and MPT have no choice: one has GPT-2's approximation, the other the exact function.
    return ACT2FN[name or {"bloom": "gelu_new", "mpt": "gelu"}[config.model_type]]


def test_attention_and_mlp_are_parallel_where_the_page_says(small: Small):
    assert small.model.shape.parallel == small.family.parallel


def test_a_planted_previous_token_head_is_found(small: Small):
    run = small.run
    heads = run.heads.set_index("name")
    rows = run.predictions
    own = rows[
        (rows.name == "L0H0") & (rows.prediction == "previous token") & (rows.query_class == "")
    ]
    assert bool(own.selected.iloc[0])
    assert own.order.iloc[0] == 0
    expected = ALIBI_SHARE if small.family.positions == "ALiBi" else 0.9
    assert own.mass.iloc[0] > expected
    assert "previous token" in heads.label["L0H0"]
    # The head that sends most attention there is the planted one, by far.
    every = rows[(rows.prediction == "previous token") & (rows.query_class == "")].set_index("name")
    others = every.mass.drop("L0H0")
    assert own.mass.iloc[0] > 1.5 * others.max()


def test_tables_are_written_for_every_component(small: Small):
    run, shape = small.run, small.model.shape
    assert list(run.heads.name) == shape.heads
    assert list(run.neurons.name if shape.d_mlp else []) == shape.neurons
    assert np.isfinite(run.heads.r2.astype(float)).all()
    left_out = any("mixtures of experts" in line for line in run.warnings)
    assert left_out == (small.family.neurons != ALL)
    assert run.folder.run["model"]["architecture"] == small.family.architecture


REFUSED = {
    "bert": ("BertForMaskedLM", "an encoder reads both ways"),
    "t5": ("T5ForConditionalGeneration", "more than one stack"),
    "mamba": ("MambaForCausalLM", "not supported"),
    "gemma3": ("Gemma3ForConditionalGeneration", "more than text"),
    "vivid_llm": ("VividForCausalLM", "VividForCausalLM"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_another_family_is_refused_by_name(kind: str, tmp_path: Path):
    """From the configuration alone: the folder has no weights to be read."""
    architecture, why = REFUSED[kind]
    config = {"model_type": kind, "architectures": [architecture]}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match=architecture) as refused:
        load_model(str(tmp_path))
    assert why in str(refused.value)
    assert all(family.name in str(refused.value) for family in FAMILIES)


@pytest.mark.parametrize("architectures", [[], ["Gemma3ForCausalLM"]])
def test_a_model_that_sees_is_refused_whatever_it_is_called(
    architectures: list[str], tmp_path: Path
):
    """Loading it, TransformerLens would install packages; its windows are not those of a text."""
    config = {"model_type": "gemma3", "architectures": architectures, "vision_config": {"a": 1}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="more than text"):
        load_model(str(tmp_path))
