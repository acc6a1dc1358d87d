import numpy as np

from labeler.fit_neurons import Moments, SlotSums
from labeler.neuron_select import WIDTH, Fitting, choose


def _sums(columns: np.ndarray, x: np.ndarray) -> Moments:
    return Moments(
        float(len(x)), columns.T @ columns, columns.sum(axis=0), columns.T @ x, x.sum(axis=0),
        (x**2).sum(axis=0),
    )  # fmt: skip


def _tokens(n: int = 600, kinds: int = 12, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.eye(kinds)[rng.integers(0, kinds, n)]


def _fitting(columns: np.ndarray, x: np.ndarray) -> Fitting:
    return _sums(columns, x).fitting(
        np.ones(columns.shape[1], dtype=bool), [range(columns.shape[1])]
    )


def test_tokens_of_one_level_become_one_group():
    columns = _tokens()
    x = 2.0 * columns[:, [1, 4, 7]].sum(axis=1, keepdims=True)
    fitting = _fitting(columns, x)
    chosen = choose(fitting, 6, 0.01)
    assert sorted(c for c in chosen[0, 0] if c >= 0) == [1, 4, 7]
    assert (chosen[0, 1:] == -1).all()  # nothing is left to explain
    weight, error = fitting.weights(chosen)
    assert np.isclose(weight[0, 0], 2.0)
    assert error[0] < 1e-6


def test_a_group_never_has_more_members_than_are_printed():
    columns = _tokens(kinds=30, n=3000)
    x = columns[:, :20].sum(axis=1, keepdims=True)
    chosen = choose(_fitting(columns, x), 6, 0.001)
    assert chosen.shape[2] == WIDTH == 8


def test_weights_of_groups_are_least_squares_on_their_sums():
    columns, rng = _tokens(), np.random.default_rng(1)
    x = rng.normal(size=(600, 2))
    chosen = np.full((2, 2, WIDTH), -1)
    chosen[:, 0, :2], chosen[:, 1, 0] = (2, 3), 5
    design = np.stack([columns[:, [2, 3]].sum(axis=1), columns[:, 5], np.ones(600)], axis=1)
    expected, *_ = np.linalg.lstsq(design, x, rcond=None)
    sums = SlotSums.of(_sums(columns, x), chosen)
    weight, constant, error = sums.weights(chosen[:, :, 0] >= 0)
    assert np.allclose(weight, expected[:2].T)
    assert np.allclose(constant, expected[2])
    assert np.allclose(error, ((x - design @ expected) ** 2).sum(axis=0))
    assert np.allclose(_fitting(columns, x).weights(chosen)[1], error)


def test_a_trace_of_a_column_is_not_worth_a_word():
    """Where two columns explain all but 8e-7 of the variance, the third, which is that, is noise."""
    rng = np.random.default_rng(2)
    columns = (rng.random((2000, 40)) < 0.2).astype(np.float64)
    fitting = _sums(columns, columns @ _weights(1e-3)).fitting(np.ones(40, dtype=bool), [])
    chosen = choose(fitting, 6, 0.01)
    assert sorted(chosen[0, chosen[0, :, 0] >= 0, 0]) == [3, 8]
    fitting = _sums(columns, columns @ _weights(1e-2)).fitting(np.ones(40, dtype=bool), [])
    chosen = choose(fitting, 6, 0.01)
    assert sorted(chosen[0, chosen[0, :, 0] >= 0, 0]) == [3, 8, 20]


def _weights(third: float) -> np.ndarray:
    weights = np.zeros((40, 1))
    weights[[3, 8, 20], 0] = 1.0, 0.5, third
    return weights
