"""Least squares from second moments, against scipy on the data that the moments came from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.optimize

from labeler.select import Problem, nnls, select


def _data(seed: int, rows: int = 200, predictions: int = 6, signals: int = 9) -> tuple:
    rng = np.random.default_rng(seed)
    x = rng.uniform(size=(rows, predictions)) * (rng.uniform(size=(rows, predictions)) < 0.5)
    y = x @ (rng.normal(size=(predictions, signals)) * 0.4) + 0.1 * rng.normal(size=(rows, signals))
    return x, y


def _problem(x: np.ndarray, y: np.ndarray, **options: object) -> Problem:
    allowed = np.ones((y.shape[1], x.shape[1]), dtype=bool)
    given = {"allowed": allowed, "coverage": np.zeros(x.shape[1]), **options}
    return Problem(gram=x.T @ x, moment=y.T @ x, energy=(y**2).sum(axis=0), **given)


@pytest.mark.parametrize("seed", range(4))
def test_nonnegative_weights_are_those_of_scipy(seed: int) -> None:
    x, y = _data(seed, predictions=4)
    chosen = np.tile(np.arange(4), (y.shape[1], 1))
    problem = _problem(x, y)
    weight = problem.weights(chosen)
    for signal in range(y.shape[1]):
        expected, norm = scipy.optimize.nnls(x, y[:, signal])
        np.testing.assert_allclose(weight[signal], expected, atol=1e-6)
        error = problem.error(chosen, weight)[signal]
        assert error == pytest.approx(norm**2, rel=1e-6)


def test_a_gram_of_its_own_adds_to_that_of_all() -> None:
    """Four more rows for each signal, in which only three of the six predictions say anything."""
    x, y = _data(2)
    rng = np.random.default_rng(3)
    listed = np.stack([rng.permutation(6)[:3] for _ in range(y.shape[1])])
    more, seen = rng.uniform(size=(y.shape[1], 4, 3)), rng.uniform(size=(y.shape[1], 4))
    own, place = np.zeros((len(listed), 4, 4)), np.full((len(listed), 6), 3)
    moment = y.T @ x
    for signal, relations in enumerate(listed):
        own[signal, :3, :3] = more[signal].T @ more[signal]
        place[signal, relations] = np.arange(3)
        moment[signal, relations] += more[signal].T @ seen[signal]
    energy = (y**2).sum(axis=0) + (seen**2).sum(axis=1)
    problem = replace(_problem(x, y), moment=moment, energy=energy, own=own, place=place)
    found = select(problem, 2)
    for signal, relations in enumerate(listed):
        wide = np.zeros((4, 6))
        wide[:, relations] = more[signal]
        both = np.concatenate([x, wide]), np.concatenate([y[:, signal], seen[signal]])[:, None]
        alone = select(_problem(*both), 2)
        assert set(found.chosen[signal]) == set(alone.chosen[0])
        assert found.error[signal] == pytest.approx(alone.error[0], rel=1e-9)
        assert found.error[signal] == pytest.approx(
            problem.of(np.array([signal])).error(found.chosen[[signal]], found.weight[[signal]])[0]
        )


def test_dense_weights_are_those_of_scipy() -> None:
    x, y = _data(6, predictions=12)
    weight = nnls((x.T @ x)[None], (y.T @ x)[None])[0]
    for signal in range(y.shape[1]):
        expected, _ = scipy.optimize.nnls(x, y[:, signal])
        np.testing.assert_allclose(weight[signal], expected, atol=1e-4)


def test_a_prediction_that_is_nothing_but_rounding_has_no_dense_weight() -> None:
    """As a relation that names every key its heads see, less the baseline, in single precision."""
    x, y = _data(6, predictions=3)
    expected = nnls((x.T @ x)[None], (y.T @ x)[None])[0]
    gram, moment = np.zeros((1, 4, 4)), np.zeros((1, y.shape[1], 4))
    gram[0, :3, :3], moment[0, :, :3] = x.T @ x, y.T @ x
    gram[0, 3, 3], moment[0, :, 3] = -1.5e-6, 1e-6
    weight = nnls(gram, moment, least=np.full((1, 4), 1e-6 * len(x)))[0]
    np.testing.assert_allclose(weight[:, :3], expected)
    assert (weight[:, 3] == 0).all()


def test_shares_are_held_to_one() -> None:
    # One prediction in every row, another in half of them; the signal is 0.9 and 0.4 of them, which
    # is 0.9 + 0.5 · 0.4 = 1.1 of attention. Against a constrained optimiser.
    x = np.zeros((40, 2))
    x[:, 0] = 1
    x[::2, 1] = 1
    y = x @ np.array([[0.9], [0.4]])
    coverage = np.array([1.0, 0.5])
    problem = _problem(x, y, coverage=coverage)
    weight = problem.weights(np.array([[0, 1]]))[0]
    assert coverage @ weight == pytest.approx(1.0)
    found = scipy.optimize.minimize(
        lambda w: ((y[:, 0] - x @ w) ** 2).sum(),
        np.array([0.5, 0.5]),
        bounds=[(0, None)] * 2,
        constraints={"type": "ineq", "fun": lambda w: 1 - coverage @ w},
        tol=1e-12,
    )
    np.testing.assert_allclose(weight, found.x, atol=1e-4)


def test_gains_are_what_letting_one_more_in_saves() -> None:
    x, _ = _data(7)
    y = x @ np.linspace(0.1, 0.5, 54).reshape(6, 9)  # no weight, old or new, wants to be negative
    problem = _problem(x, y)
    chosen = np.tile([[2, -1, 4]], (y.shape[1], 1))
    gains = problem.gains(chosen)
    before = problem.error(chosen, problem.weights(chosen))
    for extra in (0, 1, 3, 5):
        more = chosen.copy()
        more[:, 1] = extra
        after = problem.error(more, problem.weights(more))
        np.testing.assert_allclose(gains[:, extra], before - after, rtol=1e-5, atol=1e-8)
    assert not gains[:, [2, 4]].any()


def test_what_is_not_allowed_is_never_chosen() -> None:
    x, y = _data(8)
    allowed = np.ones((y.shape[1], x.shape[1]), dtype=bool)
    allowed[:, 3] = False
    allowed[0] = False
    chosen = select(_problem(x, y, allowed=allowed), 4).chosen
    assert not (chosen == 3).any()
    assert (chosen[0] == -1).all()


def test_exact_ingredients_are_found() -> None:
    # Nearly orthogonal predictions: forward selection must find the three that made the signal.
    rng = np.random.default_rng(9)
    x = (rng.uniform(size=(400, 30)) < 0.2).astype(float)
    y = x[:, [4]] * 0.5 + x[:, [11]] * 0.3 + x[:, [20]] * 0.2
    found = select(_problem(x, y), 4)
    kept = found.chosen[0] >= 0
    assert set(found.chosen[0][kept].tolist()) == {4, 11, 20}
    weight = dict(zip(found.chosen[0].tolist(), found.weight[0].tolist(), strict=True))
    assert [weight[4], weight[11], weight[20]] == pytest.approx([0.5, 0.3, 0.2], abs=1e-6)
    assert found.error[0] == pytest.approx(0, abs=1e-6)


def test_a_greedy_mistake_is_exchanged() -> None:
    # Prediction 2 lies between 0 and 1 and is the best single one; together 0 and 1 are exact.
    x = np.zeros((100, 3))
    x[:50, 0] = x[50:, 1] = 1
    x[25:75, 2] = x[:12, 2] = 1.0
    x[:, 2] += 0.5
    y = x[:, [0]] + x[:, [1]]
    alone = [_problem(x, y).gains(np.zeros((1, 0), dtype=int))[0, j] for j in range(3)]
    assert int(np.argmax(alone)) == 2
    assert set(select(_problem(x, y), 2).chosen[0].tolist()) == {0, 1}


def _twins() -> tuple[np.ndarray, np.ndarray]:
    """Predictions 0 and 1 differ in one row of 200, where the signal is with 0."""
    x = np.ones((200, 2))
    x[0, 1] = 0
    return x, np.ones((200, 1)) * 0.9


@pytest.mark.parametrize(
    ("level", "margin", "best"),
    [
        ([1, 0], 0.01, 1),  # the simpler twin costs 1/200 of the energy: within 1%
        ([1, 0], 0.001, 0),  # beyond a tenth of a percent
        ([0, 1], 0.01, 0),  # the better twin is the simpler one
        ([0, 0], 0.01, 0),  # equally simple: the better one
    ],
)
def test_the_simpler_of_two_nearly_equal_predictions(
    level: list[int], margin: float, best: int
) -> None:
    x, y = _twins()
    problem = _problem(x, y, level=np.array(level))
    found = select(problem, 1, margin=margin)
    assert found.chosen[0].tolist() == [best]
    # Without levels nothing is traded.
    assert select(_problem(x, y), 1, margin=margin).chosen[0].tolist() == [0]


def test_what_adds_less_than_the_floor_is_not_said() -> None:
    # After the first prediction 2% of the energy is left, and the second explains all of it.
    x = np.zeros((100, 2))
    x[:98, 0] = x[98:, 1] = 1
    y = np.ones((100, 1))
    assert select(_problem(x, y), 2, floor=0.01).chosen[0].tolist() == [0, 1]
    assert select(_problem(x, y), 2, floor=0.03).chosen[0].tolist() == [0, -1]


def test_nothing_to_explain_is_not_explained() -> None:
    x, _ = _data(10)
    found = select(_problem(x, np.zeros((len(x), 2))), 4)
    assert (found.chosen == -1).all()
    assert not found.weight.any()


def test_the_problem_is_not_written_to() -> None:
    x, y = _data(11)
    problem = _problem(x, y, level=np.arange(6))
    before = [problem.gram.copy(), problem.moment.copy(), problem.energy.copy()]
    select(problem, 4, floor=0.003, margin=0.01)
    for old, new in zip(before, (problem.gram, problem.moment, problem.energy), strict=True):
        assert np.array_equal(old, new)
