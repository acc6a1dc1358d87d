import numpy as np
import torch
from sklearn.metrics import average_precision_score, roc_auc_score

from labeler.class_null import effective_tokens, exchanged
from labeler.headline import _of_neurons
from labeler.neuron_figures import auroc, average_precision, ranking
from labeler.neuron_output import output_moments, role
from labeler.pairs import correlation_of, jackknife


def test_ranking_figures_agree_with_scikit_learn():
    rng = np.random.default_rng(0)
    high = rng.random(500) < 0.1
    said = np.round(rng.normal(size=500) + high, 1)  # with ties
    assert np.isclose(auroc(high, said), roc_auc_score(high, said))
    assert np.isclose(average_precision(high, said), average_precision_score(high, said))


def test_a_perfect_label_has_precision_one_on_top_and_zero_below():
    x = np.repeat([0.0, 1.0], [900, 100]) + np.linspace(0, 1e-3, 1000)
    found = ranking(x, (x > 0.5).astype(float))
    assert found["precision_top"] == 1.0
    assert found["precision_deciles"] == [0.0] * 9 + [1.0]
    assert found["auroc"] == found["average_precision"] == 1.0


def test_a_constant_neuron_has_no_ranking():
    assert ranking(np.ones(100), np.arange(100.0))["auroc"] is None


def test_moments_and_roles():
    effect = torch.zeros(3, 1000)
    effect[0, 0], effect[1, 0] = 5.0, -5.0  # one token of a thousand
    effect[2, :500], effect[2, 500:] = 1.0, -1.0  # the vocabulary in two halves
    moments = output_moments(effect)
    assert moments["kurtosis"][0] > 900
    assert np.isclose(float(moments["kurtosis"][2]), 1.0)
    kinds = [
        role(*(float(moments[k][i]) for k in ("variance", "kurtosis", "skew")), typical=0.1)
        for i in range(3)
    ]
    assert kinds == ["prediction", "suppression", "partition"]
    assert role(0.0, 0.0, 0.0, 0.1) == ""


def test_correlation_from_sums_is_pearsons():
    w, y = np.random.default_rng(1).normal(size=(2, 400))
    y = y + w
    parts = np.stack(
        [
            [[len(a)], [a.sum()], [b.sum()], [(a**2).sum()], [(b**2).sum()], [(a * b).sum()]]
            for a, b in zip(np.split(w, 8), np.split(y, 8), strict=True)
        ]
    )
    whole, low, high = jackknife(parts)
    assert np.isclose(whole[0], np.corrcoef(w, y)[0, 1])
    assert low[0] < whole[0] < high[0]
    assert correlation_of(np.zeros((6, 1)))[0] == 0.0


def test_a_single_token_is_no_class():
    count = np.array([[10.0, 5.0], [0.0, 5.0]])
    assert effective_tokens(count, np.array([10.0, 10.0])).tolist() == [1.0, 2.0]


def test_exchanged_tokens_are_permutations():
    for permutation in exchanged(np.array([100.0, 50.0, 20.0, 5.0]), 20):
        assert sorted(permutation) == [0, 1, 2, 3]


def test_the_headline_says_of_neurons_what_a_copy_does_not_reach():
    """That all have a label says nothing: those of random weights have one, too."""
    counts = {"neurons": 1024, "neurons_labelled": 1024}
    own = {"neurons_with_class": 0.398, "neurons_r2_median": 0.207}
    said = "a class that beats random ones is in the labels of 40% of neurons ("
    assert _of_neurons(counts, own) == (
        f"{said}no copy to compare with), and the median R² of all neurons is 0.21"
    )
    copy = {"neurons_with_class_reinitialised": 0.01, "neurons_r2_median_reinitialised": 0.323}
    assert _of_neurons(counts, own | copy) == (
        f"{said}re-initialised copy: 1%), and the median R² of all neurons is 0.21 (copy: 0.32)"
    )


def test_the_headline_says_that_no_neuron_is_labelled():
    figures = {"neurons_with_class": 0.0, "neurons_r2_median": 0.0}
    said = _of_neurons({"neurons": 8, "neurons_labelled": 0}, figures)
    assert said == "0 of 8 neurons are labelled"
