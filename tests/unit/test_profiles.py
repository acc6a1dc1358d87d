"""A head's own distance profile as a pattern: it explains a head that is nothing but distance."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from labeler.predict import baseline
from labeler.profiles import Profiles
from tests.oracles.synthetic import statistics_of
from tests.unit.made_texts import prepared, random_letters, vocabulary_of

FADING = {
    "over 16": lambda d: np.exp(-d / 16),
    "over 64": lambda d: np.exp(-d / 64),
    "slowly": lambda d: (1.0 + d) ** -0.25,
}


def _fading(weight, n: int) -> np.ndarray:
    distance = np.arange(n)[:, None] - np.arange(n)[None, :]
    found = np.where(distance >= 0, weight(np.maximum(distance, 0)), 0.0)
    return found / found.sum(axis=1, keepdims=True)


@pytest.fixture(scope="module")
def made():
    texts = [t for t in random_letters(np.random.default_rng(0), 120, 200) if len(t) > 20]
    vocabulary = vocabulary_of(texts)
    items = prepared(texts, vocabulary)

    def given(item) -> np.ndarray:
        return np.stack([_fading(w, len(item)) for w in FADING.values()]).astype(np.float32)

    [statistics], shape = statistics_of([items], vocabulary, given)
    return items, given, Profiles.of([statistics], shape)


def test_rows_add_up_to_one_and_look_back(made) -> None:
    items, _, profiles = made
    for item in items[:5]:
        found = profiles.patterns(slice(0, 3), item, None)
        torch.testing.assert_close(found.sum(dim=2), torch.ones(3, len(item)))
        assert not found.triu(1).any()


def test_a_window_is_kept(made) -> None:
    item = max(made[0], key=len)
    found = made[2].patterns(slice(0, 3), item, 8)
    assert not (found[:, :, :] * (baseline(len(item), 8) == 0))[:, 1:].any()


@pytest.mark.parametrize("head", range(len(FADING)), ids=list(FADING))
def test_a_head_of_distance_alone_is_explained_by_its_profile(made, head: int) -> None:
    items, given, profiles = made
    error = energy = 0.0
    for item in items:
        real = torch.from_numpy(given(item))
        said = profiles.patterns(slice(0, 3), item, None)
        error += float(((real - said)[head, 1:] ** 2).sum())
        energy += float(((real - baseline(len(item), None))[head, 1:] ** 2).sum())
    # Not all of it: the first position has one share in rows of every length.
    assert 1 - error / energy > 0.8


def test_a_windowed_head_of_distance_alone_is_explained_too() -> None:
    texts = [t for t in random_letters(np.random.default_rng(0), 120, 200) if len(t) > 20]
    vocabulary = vocabulary_of(texts)
    items = prepared(texts, vocabulary, (24,))

    def given(item) -> np.ndarray:
        seen = (baseline(len(item), 24) > 0).numpy()
        found = _fading(FADING["over 16"], len(item)) * seen
        return (found / found.sum(axis=1, keepdims=True))[None].astype(np.float32)

    [statistics], shape = statistics_of([items], vocabulary, given, (24,))
    profiles = Profiles.of([statistics], shape)
    error = energy = 0.0
    for item in items:
        real = torch.from_numpy(given(item))
        error += float(((real - profiles.patterns(slice(0, 1), item, 24))[:, 1:] ** 2).sum())
        energy += float(((real - baseline(len(item), 24))[:, 1:] ** 2).sum())
    assert 1 - error / energy > 0.9


def test_a_windowed_head_that_also_parks_attention_is_explained() -> None:
    """The part of the first position is of the rows that see it, not of all."""
    window = 24
    texts = [t for t in random_letters(np.random.default_rng(0), 120, 200) if len(t) > 20]
    vocabulary = vocabulary_of(texts)
    items = prepared(texts, vocabulary, (window,))

    def given(item) -> np.ndarray:
        seen = (baseline(len(item), window) > 0).numpy()
        found = _fading(FADING["over 16"], len(item)) * seen
        found /= found.sum(axis=1, keepdims=True)
        found[:window] *= 0.4
        found[:window, 0] += 0.6
        return found[None].astype(np.float32)

    [statistics], shape = statistics_of([items], vocabulary, given, (window,))
    profiles = Profiles.of([statistics], shape)
    error = energy = 0.0
    for item in items:
        real = torch.from_numpy(given(item))
        error += float(((real - profiles.patterns(slice(0, 1), item, window))[:, 1:] ** 2).sum())
        energy += float(((real - baseline(len(item), window))[:, 1:] ** 2).sum())
    assert 1 - error / energy > 0.9
