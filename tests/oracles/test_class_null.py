"""What is a function of the token, whatever it is, hardly gets a class; a class added to it does."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from numpy import ndarray

from labeler.fit_neurons import NeuronFit, fit_neurons
from labeler.predictors import predictors
from labeler.prepare import Prepared
from labeler.statistics import Statistics
from labeler.thresholds import Thresholds

from .synthetic_heads import Stories, embedded_stories

NEURONS = 150
ALLOWED = 0.04
"""2% are expected for the level of 98%; of 600 neurons, 4% would be three and a half errors off."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def stories(tmp_path_factory: pytest.TempPathFactory) -> Stories:
    return embedded_stories(tmp_path_factory.mktemp("parses"))


def _fitted(stories: Stories, seed: int, added: int | None = None) -> NeuronFit:
    """The fit of ReLU(g(token)), g normal for each token by itself, plus 2 × a column if given."""
    texts = [item.text for fold in stories.folds for item in fold]
    vocabulary = 1 + max(int(text.token_ids.max()) for text in texts)
    by_token = np.maximum(np.random.default_rng(seed).standard_normal((vocabulary, NEURONS)), 0)

    def activation(item: Prepared) -> ndarray:
        x = by_token[item.text.token_ids[item.first :]]
        if added is None:
            return x
        return x + 2 * item.predictors[item.first :, [added]].toarray()

    folds = [
        _sums(
            sp.vstack([item.predictors[item.first :] for item in fold], format="csr"),
            np.vstack([activation(item) for item in fold]),
        )
        for fold in stories.folds
    ]
    return fit_neurons(folds, stories.vocabulary.neurons, Thresholds())


def _sums(columns: sp.csr_matrix, x: ndarray) -> Statistics:
    return Statistics(
        {
            "tokens": np.array([float(len(x))]),
            "predictor_gram": (columns.T @ columns).toarray().astype(float),
            "predictor_sum": np.asarray(columns.sum(axis=0), dtype=float).ravel(),
            "predictor_moment": columns.T @ x,
            "neuron_sum": x.sum(axis=0),
            "neuron_square": (x**2).sum(axis=0),
            "neuron_min": x.min(axis=0),
            "neuron_max": x.max(axis=0),
        }
    )


def test_functions_of_the_token_hardly_get_classes(stories):
    """Skewed ones, too: once their strongest tokens are named, the rare ones stand out together."""
    shares = [_fitted(stories, seed).has_class.mean() for seed in range(4)]
    assert np.mean(shares) <= ALLOWED


@pytest.mark.parametrize("name", ["noun", "verb", "proper noun"])
def test_a_class_on_top_of_them_is_found(stories, name):
    names = [item.name for item in predictors(stories.vocabulary.neurons, str)]
    column = names.index(name)
    found = (_fitted(stories, 0, column).chosen[:, :, 0] == column).any(axis=1)
    assert found.mean() >= 0.9
