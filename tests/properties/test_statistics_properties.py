"""Statistics do not depend on how the work was cut, ordered, batched or padded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from labeler.distance import bucket_edges
from labeler.labels import HeadLabel
from labeler.lift import Near
from labeler.model import LanguageModel, load_model
from labeler.prepare import Prepared, Vocabulary
from labeler.score import Size, score_shard
from labeler.shape import Shape
from labeler.statistics import EXTREMES, SUMS, Statistics, merge
from tests.oracles.random_models import Shape as RandomShape
from tests.oracles.random_models import random_model
from tests.oracles.synthetic import (
    Made,
    PatternModel,
    clean_pattern,
    fitted,
    key_of,
    noisy,
    statistics_of,
)
from tests.unit.made_texts import RELATIONS, prepared, random_letters, vocabulary_of

FEW = settings(max_examples=8, deadline=None)
NAMES = [relation.name for relation in RELATIONS]
HEADS = (
    Made("previous token", {"previous token": 0.6, "start of text": 0.2}),
    Made("a's, where there are any", {"every a": 0.8}),
    Made(
        "current; on a's the sink",
        {"current token": 0.9},
        {"on a letter a": {"start of text": 0.9}},
    ),
    Made("nothing", {}),
)
SIZE = Size(Shape("t", "t", 1, 2, 2, 4, 2, 3, 20, 9, (None,)), 3, 4, 5)


def _whole_numbers(seed: int) -> Statistics:
    """Statistics of whole numbers, which add exactly in any order."""
    rng = np.random.default_rng(seed)
    zeros = SIZE.zeros()
    return Statistics(
        {name: rng.integers(-99, 99, z.shape).astype(z.dtype) for name, z in zeros.items()}
    )


def _equal(a: Statistics, b: Statistics) -> bool:
    return all(np.array_equal(a[name], b[name]) for name in a.arrays)


@FEW
@given(st.lists(st.integers(0, 2**31), min_size=1, max_size=6), st.data())
def test_merging_is_associative_commutative_and_has_an_identity(
    seeds: list[int], data: st.DataObject
) -> None:
    parts = [_whole_numbers(seed) for seed in seeds]
    total = merge(parts)
    assert _equal(merge([Statistics(SIZE.zeros()), *parts]), total)
    assert _equal(merge(data.draw(st.permutations(parts))), total)
    cut = data.draw(st.integers(0, len(parts)))
    halves = [merge(half) for half in (parts[:cut], parts[cut:]) if half]
    assert _equal(merge(halves), total)


@dataclass(frozen=True)
class Setting:
    """Made heads on made texts."""

    vocabulary: Vocabulary
    items: list[Prepared]
    patterns: dict[tuple[int, ...], np.ndarray]

    def score(self, items: list[Prepared], budget: int = 2048) -> Statistics:
        model = PatternModel(self.patterns)
        return score_shard(items, model, self.vocabulary, budget)  # type: ignore[arg-type]


def _noisy(vocabulary: Vocabulary, heads: tuple[Made, ...], item: Prepared) -> np.ndarray:
    rng = np.random.default_rng(int(item.text.id[1:]))
    clean = [clean_pattern(made, item, vocabulary) for made in heads]
    return np.stack([noisy(pattern, rng, 20.0, 0.0) for pattern in clean]).astype(np.float32)


@pytest.fixture(scope="module")
def setting() -> Setting:
    found = random_letters(np.random.default_rng(2), 240, 14)
    texts = list({text.string: text for text in found if len(text.string) > 3}.values())
    vocabulary = vocabulary_of(texts)
    items = prepared(texts, vocabulary)
    patterns = {key_of(item.text.token_ids): _noisy(vocabulary, HEADS, item) for item in items}
    return Setting(vocabulary, items, patterns)


def _close(a: Statistics, b: Statistics) -> None:
    """Within 1e-5 of the largest value; a value at the edge of a bucket may change sides."""
    for name in (*SUMS, *EXTREMES):
        if name == "hook_buckets":
            moved = np.abs(np.cumsum(a[name], axis=1) - np.cumsum(b[name], axis=1))
            assert moved.max(initial=0) <= 2
        elif a[name].size:
            scale = np.abs(np.where(np.isfinite(a[name]), a[name], 0)).max()
            np.testing.assert_allclose(a[name], b[name], rtol=1e-5, atol=1e-5 * scale, err_msg=name)


@FEW
@given(data=st.data())
def test_sharding_order_and_batches_do_not_matter(setting: Setting, data: st.DataObject) -> None:
    items = setting.items[:60]
    whole = setting.score(items)
    shuffled = data.draw(st.permutations(items))
    cuts = sorted(data.draw(st.lists(st.integers(1, len(items) - 1), max_size=4, unique=True)))
    shards = [list(part) for part in np.split(np.array(shuffled, dtype=object), cuts)]
    budget = data.draw(st.sampled_from([1, 40, 300, 10_000]))
    _close(whole, merge(setting.score(shard, budget) for shard in shards))


def test_the_same_plan_gives_the_same_bytes(setting: Setting) -> None:
    items = setting.items[:40]
    assert setting.score(items).pack() == setting.score(items).pack()
    # Batches are cut by length and name: the order in which texts come changes nothing either,
    # but for the order in which the text's side is added.
    _close(setting.score(items), setting.score(items[::-1]))


def _labels(setting: Setting, items: list[Prepared], budget: int = 2048) -> list[HeadLabel]:
    folds = [[item for item in items if int(item.text.id[1:]) % 16 == fold] for fold in range(16)]
    found, shape = statistics_of(
        folds,
        setting.vocabulary,
        lambda i: setting.patterns[key_of(i.text.token_ids)],
        budget=budget,
    )
    return fitted(found, shape, setting.vocabulary).labels


@settings(max_examples=2, deadline=None)
@given(data=st.data())
def test_labels_do_not_depend_on_order_or_batches(setting: Setting, data: st.DataObject) -> None:
    expected = _labels(setting, setting.items)
    shuffled = data.draw(st.permutations(setting.items))
    assert _labels(setting, shuffled, data.draw(st.sampled_from([1, 64, 4096]))) == expected
    assert [label.general.terms != () for label in expected] == [True, True, True, False]


@settings(max_examples=2, deadline=None)
@given(order=st.permutations(range(len(HEADS))))
def test_permuting_heads_permutes_rows(setting: Setting, order: list[int]) -> None:
    there = setting.score(setting.items[:40])
    turned = {key: pattern[order] for key, pattern in setting.patterns.items()}
    back = Setting(setting.vocabulary, setting.items, turned).score(setting.items[:40])
    for name in ("moment", "mass", "energy", "first", "entropy", "profile", "band_profile"):
        np.testing.assert_allclose(back[name], there[name][order], rtol=1e-6, atol=1e-6)
    whole = Setting(setting.vocabulary, setting.items, turned)
    found, expected = _labels(whole, whole.items), _labels(setting, setting.items)
    for place, head in enumerate(order):
        assert found[place].general == expected[head].general
        assert found[place].exceptions == expected[head].exceptions


@pytest.mark.parametrize("sink", [0.2, 0.5, 0.7])
def test_a_logit_on_the_first_position_leaves_the_other_shares(
    setting: Setting, sink: float
) -> None:
    # A logit on position 0 shrinks all other keys of a row alike; here by 1 − sink in each row.
    made = Made("", {"previous token": 0.6, "every a": 0.3})
    shares = []
    for share in (0.0, sink):
        patterns = {}
        for item in setting.items:
            pattern = (1 - share) * clean_pattern(made, item, setting.vocabulary)
            pattern[:, 0] += share
            patterns[key_of(item.text.token_ids)] = pattern[None]
        (label,) = _labels(Setting(setting.vocabulary, setting.items, patterns), setting.items)
        found = {NAMES[t.relation]: t.share for t in label.general.terms}
        assert found.pop("start of text", 0.0) == pytest.approx(share, abs=0.02)
        shares.append({name: value / (1 - share) for name, value in found.items()})
    assert set(shares[0]) == {"previous token", "every a"}
    # Half a percent of rounding, over what is left beside the sink.
    assert shares[1] == pytest.approx(shares[0], abs=0.005 + 0.005 / (1 - sink))


def test_lifts_do_not_see_the_first_position(setting: Setting) -> None:
    raised = {}
    for key, pattern in setting.patterns.items():
        # Half of every row's attention goes to the first position instead.
        moved = pattern * 0.5
        moved[:, :, 0] += 0.5
        raised[key] = moved
    heads = np.arange(len(HEADS))
    before = Near.of(setting.score(setting.items), heads, 0)
    after = Near.of(
        Setting(setting.vocabulary, setting.items, raised).score(setting.items), heads, 0
    )
    np.testing.assert_allclose(after.lift, before.lift, rtol=1e-4)
    np.testing.assert_allclose(after.mass, before.mass / 2, rtol=1e-4)


def _fingerprint(item: Prepared) -> tuple[bytes, ...]:
    pairs = item.pairs[0]
    arrays = (
        *(item.text.token_ids, item.text.offsets, item.classes, item.predictors.toarray()),
        *(pairs.relation, pairs.query, pairs.key, pairs.weight, pairs.present),
    )
    return tuple(np.asarray(array).tobytes() for array in arrays)


def test_inputs_are_never_written_to(setting: Setting) -> None:
    items = setting.items[:30]
    before = [_fingerprint(item) for item in items]
    patterns = {key: pattern.copy() for key, pattern in setting.patterns.items()}
    folds, shape = statistics_of(
        [items[fold::8] for fold in range(8)],
        setting.vocabulary,
        partial(_noisy, setting.vocabulary, HEADS),
    )
    copies = [{name: array.copy() for name, array in fold.arrays.items()} for fold in folds]
    fitted(folds, shape, setting.vocabulary)
    merge(folds)
    setting.score(items)
    assert [_fingerprint(item) for item in items] == before
    assert all(np.array_equal(patterns[key], setting.patterns[key]) for key in patterns)
    for fold, copy in zip(folds, copies, strict=True):
        assert all(np.array_equal(fold[name], copy[name]) for name in copy)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    torch.set_num_threads(1)
    shape = RandomShape("gpt2", 1, 2, 32)
    return load_model(str(random_model(tmp_path_factory.mktemp("model"), 0, shape)), "cpu")


def test_a_real_model_may_be_batched_and_padded_at_will(model: LanguageModel) -> None:
    found = [
        replace(text, token_ids=text.token_ids % 50)
        for text in random_letters(np.random.default_rng(3), 30, 14)
    ]
    vocabulary = vocabulary_of(found)
    items = prepared(found, vocabulary)
    whole = score_shard(items, model, vocabulary)
    assert whole["moment"].any()
    assert whole["predictor_moment"].shape[1] == model.shape.d_mlp
    for budget in (1, 50, 100_000):
        _close(whole, score_shard(items[::-1], model, vocabulary, budget))
    assert len(whole["profile"][0, 0]) == len(bucket_edges(model.shape.n_ctx)) - 1
