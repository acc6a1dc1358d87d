"""What a head's attention does to predictions: against divergences that are computed outright."""

from __future__ import annotations

from itertools import islice, product

import numpy as np
import pytest
import torch

from heuristics.registry import load_heuristics
from labeler import sensitivity
from labeler.annotate import ParseCache, annotate
from labeler.batches import pad
from labeler.corpus import read_corpus
from labeler.model import LanguageModel, load_model
from labeler.pipeline import Pipeline
from labeler.predict import baseline, targets_dense
from labeler.prepare import Prepared, build_vocabulary, prepare
from labeler.sensitivity import add_effects, direction
from tests.oracles.random_models import Shape, random_model

SHAPE = Shape("gpt2", n_layers=2, n_heads=2, d_model=16, d_mlp=8, n_ctx=64)
ONLY = ("previous token", "current token", "start of text")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    return load_model(str(random_model(tmp_path_factory.mktemp("random"), 0, SHAPE)), "cpu")


@pytest.fixture(scope="module")
def item(model: LanguageModel) -> Prepared:
    corpus = read_corpus(["The dog saw a cat, and ran."])
    texts = annotate(corpus.prompts, model, ParseCache(Pipeline("none"), None), 12)
    vocabulary = build_vocabulary(load_heuristics(only=ONLY), texts)
    return prepare(texts[0], vocabulary, model.shape.kinds)


def _total(model: LanguageModel, item: Prepared) -> np.ndarray:
    relations = np.tile(np.arange(len(ONLY)), (4, 1))
    total = np.zeros((4, int(item.classes.max()) + 1, len(ONLY) + 1, len(ONLY) + 1))
    add_effects(total, model, item, relations)
    return total


def test_the_mean_of_all_directions_is_the_information_of_a_token() -> None:
    p = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64)
    signs = torch.tensor(list(product([-1.0, 1.0], repeat=4)), dtype=torch.float64)
    drawn = direction(p.expand(16, 4), signs)
    expected = torch.diag(p) - p[:, None] * p[None, :]
    torch.testing.assert_close(drawn.T @ drawn / 16, expected)


def test_an_effect_is_twice_the_divergence_of_a_small_move(
    model: LanguageModel, item: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Query by query: the pattern goes a step towards an even spread, or to the previous token."""
    monkeypatch.setattr(sensitivity, "DRAWS", 3000)
    found = _total(model, item).sum(axis=1)
    monkeypatch.setattr(sensitivity, "DRAWS", 1)
    patterns = [pattern for pattern, _, _ in sensitivity._derived(model, item)]
    tokens, n, step = pad([item]), len(item), 0.02
    clean = model.logits(tokens, {})[0].double().log_softmax(dim=-1)
    even = baseline(n, None)
    previous = targets_dense(item.pairs[0], np.array([ONLY.index("previous token")]), n)[:, 0]
    for head, (layer, own) in enumerate(product(range(2), range(2))):
        pattern = patterns[layer][own]
        for place, away in ((-1, pattern - even), (0, previous - even)):
            expected = 0.0
            for query in range(1, n):
                moved = pattern.clone()
                moved[query] += step * away[query]
                hooks = model.replace_pattern(layer, [own], moved[None, None])
                other = model.logits(tokens, hooks)[0].double().log_softmax(dim=-1)
                expected += 2 * float((clean.exp() * (clean - other)).sum()) / step**2
            assert found[head, place, place] == pytest.approx(expected, rel=0.15)


def test_directions_are_the_texts_own(item: Prepared) -> None:
    logits = torch.zeros(len(item), 5)
    first, second = islice(sensitivity._directions(logits, item.tokens), 2)
    again = next(sensitivity._directions(logits, item.tokens.copy()))
    other = next(sensitivity._directions(logits, item.tokens[::-1]))
    assert torch.equal(first, again)
    assert not torch.equal(first, second)
    assert not torch.equal(first, other)


def test_queries_may_be_laid_out_a_few_at_a_time(
    model: LanguageModel, item: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = _total(model, item)
    monkeypatch.setattr(sensitivity, "CELLS", 3 * len(ONLY) * len(item))
    np.testing.assert_allclose(_total(model, item), whole, rtol=1e-4, atol=1e-9)


def test_the_callers_mode_changes_nothing(
    item: Prepared, model: LanguageModel, tmp_path: Path
) -> None:
    expected = _total(model, item)
    with torch.inference_mode():
        other = load_model(str(random_model(tmp_path, 0, SHAPE)), "cpu")
        np.testing.assert_array_equal(_total(other, item), expected)
    with torch.no_grad():
        np.testing.assert_array_equal(_total(other, item), expected)


def test_a_text_costs_the_model_no_gradient_of_its_weights(
    model: LanguageModel, item: Prepared
) -> None:
    _total(model, item)
    assert all(weight.grad is None for weight in model.bridge.parameters())
    assert not model.logits(pad([item]), {}).requires_grad
