"""The worked example of docs/method.md, with the numbers that stand there."""

import numpy as np
import pytest

from labeler.select import Problem


def test_worked_example_is_what_the_code_computes():
    rows = [np.array([0.5, 0.5]), np.array([0.2, 0.6, 0.2]), np.array([0.1, 0.2, 0.6, 0.1])]
    gram = moment = energy = 0.0
    for query, row in enumerate(rows, start=1):
        n = query + 1
        energy += (row**2).sum() - 1 / n
        if query - 1 > 0:
            gram += 1 - 1 / n
            moment += row[query - 1] - 1 / n
    problem = Problem(
        gram=np.array([[gram]]),
        moment=np.array([[moment]]),
        energy=np.array([energy]),
        allowed=np.array([[True]]),
        coverage=np.array([2 / 3]),
    )
    chosen = np.array([[0]])
    weight = problem.weights(chosen)
    assert weight[0, 0] == pytest.approx(0.4353, abs=5e-5)
    assert weight[0, 0] * 2 / 3 == pytest.approx(0.29, abs=5e-3)
    assert energy == pytest.approx(0.2767, abs=5e-5)
    error = problem.error(chosen, weight)[0]
    assert error == pytest.approx(0.0082, abs=5e-5)
    assert 1 - error / energy == pytest.approx(0.97, abs=5e-3)
