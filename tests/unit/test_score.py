"""The hot path against plain loops over rows, relations and heads."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from heuristics.check import relation_targets
from labeler.batches import batches, pad
from labeler.distance import N_BANDS, bands, bucket_edges
from labeler.prepare import Prepared, Vocabulary
from labeler.score import Scorer, score_shard, score_shards
from tests.oracles.synthetic import PatternModel, key_of
from tests.unit.made_texts import prepared, random_letters, random_patterns, vocabulary_of

WINDOWS = (None, 4)
N_CTX = 32
N_HEADS = 2


def _setting(seed: int = 0, count: int = 9) -> tuple[list[Prepared], Vocabulary, PatternModel]:
    rng = np.random.default_rng(seed)
    texts = random_letters(rng, count, 24)
    texts = list({text.string: text for text in texts}.values())
    vocabulary = vocabulary_of(random_letters(rng, 80))
    items = prepared(texts, vocabulary, WINDOWS)
    patterns = {
        key_of(item.text.token_ids): np.concatenate(
            [random_patterns(rng, N_HEADS, len(item), window) for window in WINDOWS]
        )
        for item in items
    }
    return items, vocabulary, PatternModel(patterns, WINDOWS, N_CTX)


def _targets(item: Prepared, vocabulary: Vocabulary, window: int | None) -> np.ndarray:
    """U as `[relation, query, key]` in float64, from the relations themselves."""
    n = len(item)
    dense = np.zeros((len(vocabulary.relations), n, n))
    for index, relation in enumerate(vocabulary.relations):
        targets = relation_targets(relation, item.text)
        for q, k, weight in zip(targets.query, targets.key, targets.weight, strict=True):
            if k <= q and q > 0 and q - k < (window or n):
                dense[index, q, k] = weight
    total = dense.sum(axis=2, keepdims=True)
    return np.where(total > 0, dense / np.where(total > 0, total, 1), 0)


def _by_loops(
    items: list[Prepared], vocabulary: Vocabulary, model: PatternModel
) -> dict[str, np.ndarray]:
    n_classes, n_relations = len(vocabulary.classes), len(vocabulary.relations)
    heads, edges = len(WINDOWS) * N_HEADS, bucket_edges(N_CTX)
    n_buckets = len(edges) - 1
    found = {
        "rows": np.zeros(n_classes),
        "visible_rows": np.zeros((2, n_classes)),
        "gram": np.zeros((2, n_classes, n_relations, n_relations)),
        "present": np.zeros((2, n_classes, n_relations)),
        "target_uniform": np.zeros((2, n_relations)),
        "target_pairs": np.zeros((2, n_relations, N_BANDS, n_buckets)),
        "class_target_pairs": np.zeros((2, n_classes, n_relations, n_buckets)),
        "profile_pairs": np.zeros((2, n_classes, n_buckets)),
        "band_pairs": np.zeros((2, N_BANDS, n_buckets)),
        "moment": np.zeros((heads, n_classes, n_relations)),
        "mass": np.zeros((heads, n_classes, n_relations)),
        "energy": np.zeros((heads, n_classes)),
        "first": np.zeros((heads, n_classes)),
        "entropy": np.zeros(heads),
        "profile": np.zeros((heads, n_classes, n_buckets)),
        "band_profile": np.zeros((heads, N_BANDS, n_buckets)),
    }
    for item in items:
        pattern = model.patterns[key_of(item.text.token_ids)].astype(float)
        for kind, window in enumerate(WINDOWS):
            u = _targets(item, vocabulary, window)
            for q in range(1, len(item)):
                _add_row(found, item, kind, window, u[:, q], pattern[:, q], q, edges)
    return found


def _add_row(found, item, kind, window, u, a, q, edges) -> None:
    c, n = item.classes[q], len(item)
    keys = [k for k in range(q + 1) if q - k < (window or n)]
    uniform = np.zeros(n)
    uniform[keys] = 1 / len(keys)
    has = u.sum(axis=1) > 0
    v = (u - uniform) * has[:, None]
    if kind == 0:
        found["rows"][c] += 1
    found["visible_rows"][kind, c] += 1 / len(keys)
    found["gram"][kind, c] += v @ v.T
    found["present"][kind, c] += has
    found["target_uniform"][kind] += (u > 0).sum(axis=1) / len(keys)
    band = bands(np.array([q]))[0]
    for k in keys:
        if k == 0:
            continue
        bucket = np.searchsorted(edges, q - k, side="right") - 1
        found["profile_pairs"][kind, c, bucket] += 1
        found["band_pairs"][kind, band, bucket] += 1
        found["target_pairs"][kind, :, band, bucket] += u[:, k] > 0
        found["class_target_pairs"][kind, c, :, bucket] += u[:, k] > 0
        for h in range(kind * N_HEADS, (kind + 1) * N_HEADS):
            found["profile"][h, c, bucket] += a[h, k]
            found["band_profile"][h, band, bucket] += a[h, k]
            found["mass"][h, c] += a[h, k] * (u[:, k] > 0)
    for h in range(kind * N_HEADS, (kind + 1) * N_HEADS):
        found["moment"][h, c] += v @ (a[h] - uniform)
        found["energy"][h, c] += ((a[h] - uniform) ** 2).sum()
        found["first"][h, c] += a[h, 0]
        positive = a[h][a[h] > 0]
        found["entropy"][h] -= (positive * np.log(positive)).sum()


@pytest.mark.parametrize("seed", [0, 1])
def test_sums_are_those_of_plain_loops(seed: int) -> None:
    items, vocabulary, model = _setting(seed)
    found = score_shard(items, model, vocabulary)  # type: ignore[arg-type]
    assert len(vocabulary.classes) > 2
    for name, expected in _by_loops(items, vocabulary, model).items():
        # float32 holds single values to 6e-8; sums of some hundred terms near 1 to 1e-5.
        np.testing.assert_allclose(found[name], expected, rtol=1e-5, atol=2e-5, err_msg=name)


def test_the_baseline_is_a_relation_that_explains_itself() -> None:
    # A uniform head has no energy and no moment beyond the baseline, whatever the relations.
    items, vocabulary, _ = _setting(3)
    even = {}
    for item in items:
        n = len(item)
        query, key = np.arange(n)[:, None], np.arange(n)[None, :]
        rows = [(key <= query) & (query - key < (w or n)) for w in WINDOWS for _ in range(N_HEADS)]
        even[key_of(item.text.token_ids)] = np.stack(
            [r / r.sum(axis=1, keepdims=True) for r in rows]
        )
    found = score_shard(items, PatternModel(even, WINDOWS, N_CTX), vocabulary)  # type: ignore[arg-type]
    np.testing.assert_allclose(found["energy"], 0, atol=1e-5)
    np.testing.assert_allclose(found["moment"], 0, atol=1e-4)


def test_batches_keep_to_the_budget_and_leave_nothing_out() -> None:
    items, _, _ = _setting(4, 30)
    for budget in (1, 25, 60, 10_000):
        found = list(batches(items, budget))
        assert sorted(id(item) for batch in found for item in batch) == sorted(map(id, items))
        for batch in found:
            longest = max(len(item) for item in batch)
            assert len(batch) == 1 or longest * len(batch) <= budget
            assert pad(batch).shape == (len(batch), longest)


def test_the_plan_of_batches_does_not_depend_on_the_order() -> None:
    items, _, _ = _setting(5, 30)
    plan = [[item.text.id for item in batch] for batch in batches(items, 60)]
    again = [[item.text.id for item in batch] for batch in batches(items[::-1], 60)]
    assert plan == again


def test_a_batch_is_read_in_a_thread_while_a_gpu_has_the_one_before() -> None:
    items, vocabulary, model = _setting()
    threads: list[int] = []

    def cut():
        for batch in batches(items, 60):
            threads.append(threading.get_ident())
            yield batch

    def sums(overlap: bool) -> dict[str, np.ndarray]:
        scorer = Scorer(model, vocabulary)  # type: ignore[arg-type]
        assert [*score_shards([(scorer, cut())], overlap)] == [scorer]
        return scorer.statistics().arrays

    one, other = sums(overlap=False), sums(overlap=True)
    assert all(np.array_equal(one[name], other[name]) for name in one)
    half = len(threads) // 2
    assert half > 2
    assert set(threads[:half]) == {threading.get_ident()}
    assert threading.get_ident() not in threads[half:]
