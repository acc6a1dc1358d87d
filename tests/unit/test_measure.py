"""The second pass: what it measures of printed patterns is what patterns and sums say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from labeler.head_moments import rule_error, sums_of
from labeler.labels import HeadLabel, Rule, Term
from labeler.measure import Measured, measure
from labeler.model import LanguageModel, load_model
from labeler.predict import Rules, baseline, patterns
from labeler.prepare import Prepared
from labeler.profiles import Profiles
from labeler.score import score_shard
from labeler.simplicity import levels
from tests.oracles.random_models import Shape, random_model
from tests.unit.made_texts import RELATIONS, prepared, random_letters, vocabulary_of

NAMES = [relation.name for relation in RELATIONS]
WEIGHTS = {"previous token": 0.5, "start of text": 0.25}
N_HEADS = 2


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    torch.set_num_threads(1)
    shape = Shape("gpt2", 2, N_HEADS, 32)
    return load_model(str(random_model(tmp_path_factory.mktemp("model"), 0, shape)), "cpu")


@pytest.fixture(scope="module")
def texts():
    # The oracles' vocabulary has fewer tokens than there are letters' numbers.
    found = [
        replace(text, token_ids=text.token_ids % 50)
        for text in random_letters(np.random.default_rng(0), 90, 14)
    ]
    vocabulary = vocabulary_of(found)
    return vocabulary, prepared(found[:12], vocabulary)


def _labels(n_classes: int) -> list[HeadLabel]:
    terms = tuple(Term(NAMES.index(name), weight, 1.0) for name, weight in WEIGHTS.items())
    return [HeadLabel(f"L0H{h}", Rule(terms, tuple(range(n_classes)))) for h in range(N_HEADS)]


def _measured(model: LanguageModel, texts, budget: int = 2048, watchers=()) -> Measured:
    vocabulary, items = texts
    rules = [Rules.of_labels(_labels(len(vocabulary.classes)), len(vocabulary.classes))] * 2
    profiles = Profiles.of([score_shard(items, model, vocabulary)], model.shape)
    return measure(items, model, rules, profiles, watchers, budget=budget)


def test_errors_are_those_of_the_patterns(model: LanguageModel, texts) -> None:
    vocabulary, items = texts
    rules = Rules.of_labels(_labels(len(vocabulary.classes)), len(vocabulary.classes))
    seen: list[tuple[Prepared, int, torch.Tensor, torch.Tensor]] = []
    found = _measured(model, texts, watchers=[lambda *given: seen.append(given)])
    assert len(seen) == 2 * len(items)
    error, energy = np.zeros(2 * N_HEADS), np.zeros(2 * N_HEADS)
    for item, layer, real, said in seen:
        torch.testing.assert_close(said, patterns(rules, item, 0, None))
        for head in range(N_HEADS):
            rows = (real[head] - said[head])[1:].double()
            even = (real[head] - baseline(len(item), None))[1:].double()
            error[layer * N_HEADS + head] += float((rows**2).sum())
            energy[layer * N_HEADS + head] += float((even**2).sum())
    np.testing.assert_allclose(found.error, error, rtol=1e-6)
    np.testing.assert_allclose(found.energy, energy, rtol=1e-6)
    assert found.queries == sum(len(item) - 1 for item in items)


def test_errors_agree_with_the_first_pass(model: LanguageModel, texts) -> None:
    # Weights of 0.75 in all never pass 1, so sums say what patterns say.
    vocabulary, items = texts
    statistics = score_shard(items, model, vocabulary)
    heads = np.arange(2 * N_HEADS)
    sums = sums_of(statistics, 0, heads, levels(vocabulary.relations))
    found = _measured(model, texts)
    rule = _labels(len(vocabulary.classes))[0].general
    expected = [rule_error(sums, head, rule) for head in heads]
    np.testing.assert_allclose(found.error, expected, rtol=1e-4)
    np.testing.assert_allclose(found.energy, sums.energy.sum(axis=1), rtol=1e-4)


def test_batching_and_padding_do_not_matter(model: LanguageModel, texts) -> None:
    whole, single = _measured(model, texts), _measured(model, texts, budget=1)
    for name in (
        "error",
        "distance_error",
        "energy",
        "weighted_error",
        "weighted_energy",
        "written",
    ):
        np.testing.assert_allclose(getattr(whole, name), getattr(single, name), rtol=1e-5)


def test_parts_add_up(model: LanguageModel, texts) -> None:
    vocabulary, items = texts
    first, second = (_measured(model, (vocabulary, part)) for part in (items[:5], items[5:]))
    total, whole = first + second, _measured(model, texts)
    np.testing.assert_allclose(total.error, whole.error, rtol=1e-5)
    np.testing.assert_allclose(total.written, whole.written, rtol=1e-5)
    assert total.queries == whole.queries
    empty = Measured.empty(2 * N_HEADS)
    assert np.array_equal((empty + total).error, total.error)


def test_what_is_written_is_a_share_of_the_layer(model: LanguageModel, texts) -> None:
    found = _measured(model, texts)
    by_layer = found.written.reshape(2, N_HEADS).sum(axis=1) / found.queries
    np.testing.assert_allclose(by_layer, 1, rtol=1e-5)
    assert (found.weighted_first <= found.queries).all()
