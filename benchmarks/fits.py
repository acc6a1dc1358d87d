"""How long the fits take on made-up sums of a large model: 144 heads, 36,864 neurons.

python -m benchmarks.fits [--heads 144] [--classes 13] [--relations 60] [--neurons 36864]
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from numpy import ndarray

from heuristics.contract import Heuristic
from labeler.fit_neurons import fit_neurons
from labeler.predictors import NeuronVocabulary
from labeler.select import Problem, select
from labeler.statistics import Statistics
from labeler.thresholds import Thresholds

N_FOLDS, TOKENS, N_TOKENS = 16, 2000, 20


def neuron_folds(n_neurons: int, features: int, rng: np.random.Generator) -> list[Statistics]:
    """Sums over random tokens; each neuron follows three features, with noise."""
    used = rng.integers(0, 2 * features, size=(3, n_neurons))
    folds = []
    for _ in range(N_FOLDS):
        token = np.eye(N_TOKENS)[rng.integers(0, N_TOKENS, TOKENS)]
        here = rng.random((TOKENS, 2 * features)) < 0.1
        f = np.hstack([here, token, np.roll(token, 1, axis=0)]).astype(np.float32)
        x = f[:, used].sum(axis=1) + rng.normal(size=(TOKENS, n_neurons)).astype(np.float32)
        folds.append(
            Statistics(
                {
                    "tokens": np.array([float(TOKENS)]),
                    "predictor_gram": (f.T @ f).astype(float),
                    "predictor_sum": f.sum(axis=0).astype(float),
                    "predictor_moment": (f.T @ x).astype(float),
                    "neuron_sum": x.sum(axis=0).astype(float),
                    "neuron_square": (x**2).sum(axis=0).astype(float),
                }
            )
        )
    return folds


def head_problems(
    heads: int, classes: int, relations: int, rng: np.random.Generator
) -> list[Problem]:
    """Least squares of all heads, one problem a class."""
    found = []
    for _ in range(classes):
        u = rng.random((4 * relations, relations))
        a = np.maximum(rng.normal(size=(heads, 4 * relations)), 0)
        everything = np.ones((heads, relations), dtype=bool)
        energy, coverage = (a**2).sum(axis=1), np.ones(relations)
        found.append(Problem(u.T @ u, a @ u, energy, everything, coverage))
    return found


def nothing(_: object) -> ndarray:
    """Stands where a heuristic's function would be; only its name is needed."""
    return np.zeros(0, dtype=bool)


def main() -> None:
    """Time both fits."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("heads", 144), ("classes", 13), ("relations", 60), ("neurons", 36864)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--features", type=int, default=50, help="as many again one token back")
    asked = parser.parse_args()
    rng = np.random.default_rng(0)
    problems = head_problems(asked.heads, asked.classes, asked.relations, rng)
    start = time.perf_counter()
    for problem in problems:
        select(problem, 4, 0.01, 0.003)
    print(f"heads: {time.perf_counter() - start:.1f} s")
    names = [f"feature {index}" for index in range(asked.features)]
    own = tuple(Heuristic(name, "feature", nothing, name, "made") for name in names)
    folds = neuron_folds(asked.neurons, asked.features, rng)
    start = time.perf_counter()
    fit = fit_neurons(folds, NeuronVocabulary(own, tuple(range(N_TOKENS))), Thresholds())
    print(f"neurons: {time.perf_counter() - start:.1f} s, median R² {np.median(fit.r2):.2f}")


if __name__ == "__main__":
    main()
