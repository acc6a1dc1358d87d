import numpy as np
import pytest

from labeler.hooks import (
    N_BUCKETS,
    RELATIVE_ERROR,
    bucket_edges,
    count_buckets,
    hook_names,
    prompt_statistics,
    quantile,
    seven_figures,
)
from labeler.model import load_model
from labeler.session import EMBEDDED_MODEL


def test_every_value_lies_in_its_bucket():
    edges = bucket_edges()
    assert len(edges) == N_BUCKETS + 1
    for value in (1e-6, 0.3, 1.0, 1.999, 2.0, 700.0):
        for x in (np.float32(value), np.float32(-value)):
            index = int(np.flatnonzero(count_buckets(np.array([x])))[0])
            assert edges[index] <= x <= edges[index + 1]


def test_counts_add_in_any_order():
    x = np.random.default_rng(0).normal(size=1000).astype(np.float32)
    parts = count_buckets(x[600:]) + count_buckets(x[:600])
    assert (parts == count_buckets(x)).all()
    assert parts.sum() == 1000


@pytest.mark.parametrize("q", [0.01, 0.25, 0.5, 0.9])
def test_quantiles_are_right_to_the_stated_error(q):
    x = np.random.default_rng(1).lognormal(size=20_001).astype(np.float32)
    exact = np.sort(x)[int(q * 20_000)]
    assert abs(quantile(count_buckets(x), q) / exact - 1) <= RELATIVE_ERROR


def test_zero_has_a_bucket_of_its_own():
    assert quantile(count_buckets(np.zeros(5, dtype=np.float32)), 0.5) == 0.0


def test_seven_figures_by_hand():
    found = seven_figures(np.array([1.0, 2.0, 3.0, 4.0, 5.0]))
    assert found == {
        "mean": 3.0, "std": 2**0.5, "min": 1.0, "q1": 2.0, "median": 3.0, "q3": 4.0, "max": 5.0,
    }  # fmt: skip


@pytest.fixture(scope="module")
def model():
    return load_model(str(EMBEDDED_MODEL), "cpu")


def test_figures_of_a_prompt_are_those_of_its_activations(model):
    prompt = "Once upon a time there was a little girl."
    rows = {row["hook"]: row for row in prompt_statistics(model, prompt)}
    assert list(rows) == hook_names(model.shape)
    ids, _ = model.tokenize(prompt)
    import torch

    _, cache = model.bridge.run_with_cache(torch.from_numpy(ids)[None])
    for name, row in rows.items():
        x = cache[name][0, 1:].detach().double().numpy()
        expected = (x.mean(), x.std(), x.min(), *np.quantile(x, [0.25, 0.5, 0.75]), x.max())
        figures = [row[k] for k in ("mean", "std", "min", "q1", "median", "q3", "max")]
        assert np.abs(np.array(figures) - expected).max() < 1e-6
        assert row["count"] == x.size


def test_gelu_has_its_floor(model):
    """GELU's minimum is −0.17 at x = −0.75; a prompt of some length comes close to it."""
    text = "One day, Tom saw a big red ball in the park and he wanted to play with it."
    rows = {row["hook"]: row for row in prompt_statistics(model, text)}
    assert -0.1701 < rows["blocks.0.mlp.hook_post"]["min"] < -0.165


def test_a_prompt_without_tokens_has_no_rows(model):
    assert prompt_statistics(model, "") == []
