"""The worked example of docs/method.md: its patterns through our code give the figures it prints."""

import re
from pathlib import Path

import numpy as np
import pytest

from labeler.select import Problem

EXAMPLE = (
    (Path(__file__).parents[2] / "docs" / "method.md")
    .read_text(encoding="utf-8")
    .split("## A worked example")[1]
    .split("\n## ")[0]
)


def patterns() -> list[np.ndarray]:
    """The rows of attention that the example gives, shortest first."""
    rows = [np.array([float(x) for x in row.split(",")])
            for row in re.findall(r"attends `\[([\d., ]+)\]`", EXAMPLE)]  # fmt: skip
    return sorted(rows, key=len)


@pytest.fixture(scope="module")
def problem() -> Problem:
    """The relation "previous token", which never names BOS, over the example's three queries."""
    gram = moment = energy = 0.0
    for query, row in enumerate(patterns(), start=1):
        baseline = np.full(query + 1, 1 / (query + 1))
        energy += ((row - baseline) ** 2).sum()
        if query > 1:
            prediction = np.eye(query + 1)[query - 1] - baseline
            gram += prediction @ prediction
            moment += (row - baseline) @ prediction
    return Problem(
        gram=np.array([[gram]]),
        moment=np.array([[moment]]),
        energy=np.array([energy]),
        allowed=np.array([[True]]),
        coverage=np.array([2 / 3]),
    )


def test_rows_are_attention():
    assert [len(row) for row in patterns()] == [2, 3, 4]
    assert all(row.sum() == pytest.approx(1) for row in patterns())


def test_the_figures_are_what_the_code_computes(problem: Problem):
    chosen = np.array([[0]])
    weight = problem.weights(chosen)
    error = float(problem.error(chosen, weight)[0])
    energy = float(problem.energy[0])
    figures = {
        f"= {weight[0, 0]:.4f}. Coverage": "the weight",
        f"= {weight[0, 0] * 2 / 3:.2f}. The error left": "the share",
        f"{energy:.4f} − ": "the energy of the baseline",
        f"= {error:.4f}, and": "the error that is left",
        f"= {1 - error / energy:.2f}. The label": "R²",
        f"({weight[0, 0] * 2 / 3:.0%}); the rest spread over all visible tokens "
        f"({1 - weight[0, 0] * 2 / 3:.0%})": "the label",
        f"{weight[0, 0]:.0%} at the two queries": "what the label says where it has a target",
    }
    assert [name for text, name in figures.items() if text not in EXAMPLE] == []
