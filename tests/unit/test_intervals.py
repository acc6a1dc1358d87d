"""Jackknife intervals, t tests over folds and false discovery rates, against values by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from labeler.intervals import benjamini_hochberg, p_positive, passes, r_squared, ratio, tells


def test_ratio_by_hand() -> None:
    # Folds 1/2, 2/2, 3/2: the whole is 6/6; leaving one out gives 5/4, 4/4, 3/4. Their mean is 1,
    # so the jackknife variance is 2/3 · (1/16 + 0 + 1/16) = 1/12, and t(0.975, 2) = 4.302653.
    whole, low, high = ratio(np.array([[1.0], [2.0], [3.0]]), np.full((3, 1), 2.0))
    assert whole[0] == pytest.approx(1.0)
    margin = 4.302653 * math.sqrt(1 / 12)
    assert (high - whole)[0] == pytest.approx(margin, rel=1e-6)
    assert (whole - low)[0] == pytest.approx(margin, rel=1e-6)


def test_the_jackknife_of_a_mean_is_the_standard_error() -> None:
    # With equal denominators the ratio is a mean, whose jackknife is exactly s / √n.
    over = np.random.default_rng(0).normal(size=(8, 1))
    whole, _, high = ratio(over, np.ones((8, 1)))
    standard_error = over.std(ddof=1) / math.sqrt(8)
    assert (high - whole)[0] == pytest.approx(2.364624 * standard_error, rel=1e-6)


def test_r_squared_is_one_minus_error_over_energy() -> None:
    error = np.array([[1.0, 0.0], [1.0, 0.0], [2.0, 0.0]])
    energy = np.array([[2.0, 1.0], [2.0, 1.0], [4.0, 1.0]])
    r2, low, high = r_squared(error, energy)
    assert r2.tolist() == [0.5, 1.0]
    # The same in every fold: no spread, no width.
    assert low == pytest.approx([0.5, 1.0])
    assert high == pytest.approx([0.5, 1.0])


def test_no_interval_below_three_folds_and_no_division_by_nothing() -> None:
    whole, low, high = ratio(np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([[4.0, 0.0], [4.0, 0.0]]))
    assert whole.tolist() == [0.25, 0.0]
    assert np.isnan(low).all()
    assert np.isnan(high).all()


def test_p_positive_by_hand() -> None:
    # Mean 2, s = 1, n = 4: t = 2 / (1/2) = 4 with 3 degrees of freedom; P(t₃ > 4) = 0.014004.
    # (t₃ has the closed form 1/2 − (x/(1+x²) + atan x)/π with x = t/√3.)
    x = 4 / math.sqrt(3)
    expected = 0.5 - (x / (1 + x * x) + math.atan(x)) / math.pi
    values = 2 + math.sqrt(0.75) * np.array([1.0, -1.0, 1.0, -1.0])
    assert values.std(ddof=1) == pytest.approx(1.0)
    gains = np.stack([values, -values, np.zeros(4), np.ones(4)], axis=1)
    p = p_positive(gains, np.ones((4, 4)))
    assert p == pytest.approx([expected, 1 - expected, 1.0, 0.0], abs=1e-12)


def test_folds_that_differ_in_size_alone_say_the_same() -> None:
    # Each gains 0.1 of its size: no doubt, where the mean of the gains, 1.6 ± 0.7, leaves some.
    size = np.array([[1.0], [40.0], [10.0], [13.0]])
    assert p_positive(0.1 * size, size) == pytest.approx([0.0], abs=1e-12)
    whole, low, high = ratio(0.1 * size, size)
    assert [whole[0], low[0], high[0]] == pytest.approx([0.1] * 3)


@pytest.mark.parametrize("unequal", [0.0, 1.0, 2.0])
def test_intervals_and_tests_hold_where_folds_are_unequal(unequal: float) -> None:
    # Rates differ from fold to fold about 0.3, sizes by a factor of e or e² either way.
    rng = np.random.default_rng(3)
    size = np.exp(unequal * rng.normal(size=(8, 20_000)))
    rate = 0.3 + 0.1 * rng.normal(size=size.shape)
    _, low, high = ratio(rate * size, size)
    held = np.isfinite(low)
    covered = ((low <= 0.3) & (high >= 0.3))[held].mean()
    # Of 20,000 draws 95% is known to 0.15 points; very unequal folds give wider intervals.
    assert 0.945 < covered < 0.985
    p = p_positive((rate - 0.3) * size, size)
    for level in (0.05, 0.01, 0.001):
        assert (p < level).mean() < level + 3 * math.sqrt(level / 20_000)


def test_folds_without_a_signal_are_no_folds() -> None:
    over, under = np.array([[1.0], [2.0], [3.0]]), np.full((3, 1), 2.0)
    padded = [np.concatenate([part, np.zeros((5, 1))]) for part in (over, under)]
    assert np.allclose(ratio(*padded), ratio(over, under))
    assert p_positive(*padded) == pytest.approx(p_positive(over, under))


@pytest.mark.filterwarnings("error")
def test_sizes_that_rounding_left_below_zero_are_none() -> None:
    # A class in which attention is even has no variance but what single precision leaves.
    size = np.full((4, 1), -1e-9)
    assert np.isnan(p_positive(size, size)).all()
    assert not tells(size[:, 0])


def test_one_fold_that_outweighs_all_others_tells_nothing() -> None:
    # (97 + 3)² / (97² + 3) = 1.06 folds of equal size.
    size = np.array([[97.0], [1.0], [1.0], [1.0]])
    assert np.isnan(ratio(0.5 * size, size)[1:]).all()
    assert np.isnan(p_positive(0.5 * size, size)).all()
    assert not tells(size[:, 0])
    assert tells(np.ones(3))
    assert not tells(np.ones(2))


def test_p_is_unknown_below_three_folds() -> None:
    assert np.isnan(p_positive(np.ones((2, 3)), np.ones((2, 3)))).all()


def test_benjamini_hochberg_by_hand() -> None:
    # Sorted .01 .02 .03 .5 × 4/rank = .04 .04 .04 .5, then running minima from the largest.
    p = np.array([0.5, 0.01, np.nan, 0.03, 0.02])
    q = benjamini_hochberg(p)
    assert q == pytest.approx([0.5, 0.04, np.nan, 0.04, 0.04], nan_ok=True)
    assert passes(q, 0.05).tolist() == [False, True, False, True, True]


def test_benjamini_hochberg_never_passes_one_and_keeps_order() -> None:
    p = np.random.default_rng(1).uniform(size=200)
    q = benjamini_hochberg(p)
    assert (q >= p).all()
    assert (q <= 1).all()
    assert (np.diff(q[np.argsort(p)]) >= 0).all()
    assert benjamini_hochberg(np.zeros(0)).shape == (0,)


def test_the_false_discovery_rate_holds_on_noise_with_signals() -> None:
    # 900 tests of nothing and 100 of something: at 5% the share of nothing among what passes is
    # 5% · 0.9 on average; the mean over 40 draws stays within three standard errors of it.
    rng = np.random.default_rng(2)
    shares = []
    for _ in range(40):
        difference = rng.normal(size=(8, 1000))
        difference[:, 900:] += 2.5
        found = passes(benjamini_hochberg(p_positive(difference, np.ones(difference.shape))), 0.05)
        shares.append(found[:900].sum() / max(found.sum(), 1))
    assert np.mean(shares) < 0.045 + 3 * np.std(shares) / math.sqrt(40)
