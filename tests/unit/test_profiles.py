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


def _explained(items, given, profiles: Profiles, head: int, window: int | None = None) -> float:
    """R² of a head's profile on the patterns that it is of."""
    error = energy = 0.0
    for item in items:
        real = torch.from_numpy(given(item))
        said = profiles.patterns(slice(0, len(real)), item, window)
        error += float(((real - said)[head, 1:] ** 2).sum())
        energy += float(((real - baseline(len(item), window))[head, 1:] ** 2).sum())
    return 1 - error / energy


@pytest.mark.parametrize("head", range(len(FADING)), ids=list(FADING))
def test_a_head_of_distance_alone_is_explained_by_its_profile(made, head: int) -> None:
    items, given, profiles = made
    # Not all of it: the first position has one share in rows of every length.
    assert _explained(items, given, profiles, head) > 0.8


@pytest.mark.parametrize("parked", [0.0, 0.6])
def test_a_windowed_head_is_explained_too(parked: float) -> None:
    """Also where it parks attention: that part is of the rows that see the first position."""
    window = 24
    texts = [t for t in random_letters(np.random.default_rng(0), 120, 200) if len(t) > 20]
    vocabulary = vocabulary_of(texts)
    items = prepared(texts, vocabulary, (window,))

    def given(item) -> np.ndarray:
        seen = (baseline(len(item), window) > 0).numpy()
        found = _fading(FADING["over 16"], len(item)) * seen
        found /= found.sum(axis=1, keepdims=True)
        found[:window] *= 1 - parked
        found[:window, 0] += parked
        return found[None].astype(np.float32)

    [statistics], shape = statistics_of([items], vocabulary, given, (window,))
    profiles = Profiles.of([statistics], shape)
    assert _explained(items, given, profiles, 0, window) > 0.9
