"""Pictures of activations: projections, order of rows, deviations, and a prompt that stands out."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from labeler.activations import clustered, deviations, projections
from labeler.neuron_figures import histograms


def test_the_first_component_is_the_direction_that_varies_most():
    """Nearly all variance lies along one axis; the plane's first coordinate is that axis."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 5)) * [10, 1, 0.1, 0.1, 0.1]
    two, explained, tsne = projections(x, seed=0)
    assert abs(np.corrcoef(two[:, 0], x[:, 0])[0, 1]) == pytest.approx(1, abs=0.01)
    assert explained[0] > 0.95
    assert tsne.shape == (60, 2)


def test_two_heaps_stay_two_heaps_in_the_map():
    """Within each heap the mean distance is smaller than between them."""
    rng = np.random.default_rng(1)
    x = np.concatenate([rng.normal(0, 1, (30, 8)), rng.normal(12, 1, (30, 8))])
    for plane in projections(x, seed=0)[::2]:
        one, other = plane[:30], plane[30:]
        apart = np.linalg.norm(one.mean(axis=0) - other.mean(axis=0))
        assert apart > 2 * max(one.std(axis=0).max(), other.std(axis=0).max())


def test_an_mlp_that_always_writes_the_same_has_an_empty_map():
    two, explained, tsne = projections(np.ones((20, 4)), seed=0)
    assert not two.any()
    assert not explained.any()
    assert not tsne.any()


def test_like_rows_come_to_lie_next_to_each_other():
    """Rows of two shapes, alternating: afterwards each shape is in one piece."""
    wave = np.sin(np.arange(20.0))
    rows = np.stack([wave * (1 + i) if i % 2 else -wave + 0.01 * i for i in range(8)])
    kinds = [int(i) % 2 for i in clustered(rows)]
    assert sum(a != b for a, b in pairwise(kinds)) == 1


def test_a_neuron_that_stands_still_is_moved_by_no_prompt():
    """Rounding noise on a constant neuron is no deviation, however small its spread."""
    x, mean, std = np.array([3.0, 1.0 + 1e-9]), np.array([1.0, 1.0]), np.array([0.5, 1e-9])
    assert deviations(x, mean, std).tolist() == [4.0, 0.0]


def test_a_histogram_counts_every_token_once():
    x = np.array([[0.0, 7.0], [1.0, 7.0], [4.0, 7.0], [4.0, 7.0]], dtype=np.float32)
    edges, counts = histograms(x)
    assert (edges[0][0], edges[0][-1], len(edges[0])) == (0, 4, 33)
    assert (counts[0][0], counts[0][8], counts[0][-1], counts[0].sum()) == (1, 1, 2, 4)
    assert (edges[1], counts[1]) == (None, None)
