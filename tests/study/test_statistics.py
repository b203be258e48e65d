"""Each statistic against an independent implementation, a published example or arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from arch.bootstrap import CircularBlockBootstrap
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.tsa.stattools import grangercausalitytests

from nlp.index.effects import shrunken_deviations
from nlp.study import inference, resampling, statistics
from nlp.study.correction import holm


@pytest.fixture
def series():
    random = np.random.default_rng(5)
    first = random.normal(size=150)
    return first, 0.3 * first + random.normal(size=150)


def test_correlation_is_scipys(series):
    assert statistics.correlation(*series) == pytest.approx(stats.pearsonr(*series).statistic)


def test_interval_of_independent_pairs_is_near_the_classical_one(series):
    lower, upper = statistics.correlation_interval(
        *series, block=1, level=0.9, resamples=2000, seed=1
    )
    classical = stats.pearsonr(*series).confidence_interval(0.9)
    assert lower == pytest.approx(classical.low, abs=0.03)
    assert upper == pytest.approx(classical.high, abs=0.03)


def test_block_length_grows_with_dependence(world):
    random = np.random.default_rng(2)
    loose = random.normal(size=400)
    tight = world.autoregressive(random, 400, 0.9)
    assert statistics.block_length(loose) < statistics.block_length(tight)
    assert statistics.block_length(tight[:40]) <= 10


def newey_west(design: np.ndarray, residual: np.ndarray, lag: int) -> np.ndarray:
    """The estimator as Newey and West (1987) write it, over residuals of HC3."""
    inverse = np.linalg.inv(design.T @ design)
    leverage = np.diag(design @ inverse @ design.T)
    scores = design * (residual / (1 - leverage))[:, None]
    middle = scores.T @ scores
    for back in range(1, lag + 1):
        product = scores[back:].T @ scores[:-back]
        middle += (1 - back / (lag + 1)) * (product + product.T)
    return inverse @ middle @ inverse


def test_regression_is_least_squares_with_newey_west_errors(series):
    regressor, target = series
    control = np.roll(target, 1)
    found = statistics.regression(target, regressor, {"past": control}, horizon=1)
    standard = (regressor - regressor.mean()) / regressor.std(ddof=1)
    design = np.column_stack([np.ones(150), standard, control])
    slopes, *_ = np.linalg.lstsq(design, target, rcond=None)
    covariance = newey_west(design, target - design @ slopes, found.hac_lag)
    error = np.sqrt(covariance[1, 1])
    assert found.hac_lag == 4
    assert found.slope == pytest.approx(slopes[1])
    assert found.error == pytest.approx(error)
    assert found.p_value == pytest.approx(2 * stats.t.sf(abs(slopes[1] / error), 1.5 * 150 / 5))


def by_cosines(design: np.ndarray, residual: np.ndarray, number: int) -> np.ndarray:
    """The estimator as Lazarus, Lewis, Stock and Watson (2018) write it, over residuals of HC3."""
    rows = len(design)
    inverse = np.linalg.inv(design.T @ design)
    leverage = np.diag(design @ inverse @ design.T)
    scores = design * (residual / (1 - leverage))[:, None]
    middle = np.zeros((design.shape[1], design.shape[1]))
    for frequency in range(1, number + 1):
        wave = np.cos(np.pi * frequency * (np.arange(1, rows + 1) - 0.5) / rows)
        projected = np.sqrt(2 / rows) * (wave @ scores)
        middle += np.outer(projected, projected) / number
    return rows * inverse @ middle @ inverse


def test_overlapping_returns_are_tested_by_equally_weighted_cosines(series):
    regressor, target = series
    control = np.roll(target, 1)
    found = statistics.regression(target, regressor, {"past": control}, horizon=5)
    standard = (regressor - regressor.mean()) / regressor.std(ddof=1)
    design = np.column_stack([np.ones(150), standard, control])
    slopes, *_ = np.linalg.lstsq(design, target, rcond=None)
    residual = target - design @ slopes
    assert found.hac_lag == 8
    assert found.error == pytest.approx(np.sqrt(newey_west(design, residual, 8)[1, 1]))
    assert found.cosines == 11
    assert found.cosine_error == pytest.approx(np.sqrt(by_cosines(design, residual, 11)[1, 1]))
    statistic = abs(slopes[1] / found.cosine_error)
    assert found.p_value == pytest.approx(2 * stats.t.sf(statistic, 11))


def test_overlapping_returns_of_nothing_are_found_as_seldom_as_stated(world):
    alarms = 0
    for seed in range(1000):
        random = np.random.default_rng(1_000 + seed)
        index = world.autoregressive(random, 176, 0.5)
        five_days = np.convolve(world.fat_tailed(random, 180), np.ones(5), mode="valid")
        found = statistics.regression(five_days, index, {}, horizon=5)
        alarms += found.p_value < 0.05
    assert 0.035 <= alarms / 1000 <= 0.065


def test_errors_without_a_lag_are_hc3_of_statsmodels(series):
    regressor, target = series
    design = np.column_stack([np.ones(150), regressor, np.roll(target, 1)])
    fit = sm.OLS(target, design).fit(cov_type="HC3")
    found = statistics.hac_covariance(design, fit.resid, 0)
    np.testing.assert_allclose(found, fit.cov_params())


@pytest.mark.parametrize(
    ("rows", "columns", "lag", "expected"),
    [(150, 3, 8, 25.0), (150, 3, 0, 147.0), (20, 5, 4, 6.0), (10, 9, 20, 1.0)],
)
def test_degrees_of_freedom_shrink_with_the_lag(rows, columns, lag, expected):
    assert statistics.hac_freedom(rows, columns, lag) == expected


def test_regression_refuses_a_singular_design(series):
    regressor, target = series
    assert statistics.regression(target, regressor, {"same": regressor * 2}, horizon=1) is None


@pytest.mark.filterwarnings("ignore")
def test_granger_without_robust_errors_is_the_classical_f_test(world):
    random = np.random.default_rng(8)
    source = world.autoregressive(random, 200)
    target = np.r_[0.0, 0.3 * source[:-1]] + random.normal(size=200)
    found = statistics.granger(target, source, lags=2, robust=False)
    classical = grangercausalitytests(np.column_stack([target, source]), [2])[2][0]["ssr_ftest"]
    assert found.statistic == pytest.approx(classical[0])
    assert found.p_value == pytest.approx(classical[1])


def test_robust_granger_is_the_wald_test_with_hc3_errors_by_hand(world):
    random = np.random.default_rng(11)
    source, target = world.autoregressive(random, 120), random.standard_t(4, size=120)
    found = statistics.granger(target, source, lags=1)
    design = np.column_stack([np.ones(119), target[:-1], source[:-1]])
    inverse = np.linalg.inv(design.T @ design)
    residual = target[1:] - design @ (inverse @ design.T @ target[1:])
    scores = design * (residual / (1 - np.diag(design @ inverse @ design.T)))[:, None]
    covariance = inverse @ scores.T @ scores @ inverse
    ratio = (inverse @ design.T @ target[1:])[2] ** 2 / covariance[2, 2]
    assert found.statistic == pytest.approx(ratio)
    assert found.p_value == pytest.approx(stats.f.sf(ratio, 1, 119 - 3))


def test_granger_finds_the_planted_direction_only(world):
    random = np.random.default_rng(9)
    source = world.autoregressive(random, 400)
    target = np.r_[0.0, 0.5 * source[:-1]] + random.normal(size=400)
    assert statistics.granger(target, source, lags=2).p_value < 0.001
    assert statistics.granger(source, target, lags=2).p_value > 0.01


def test_granger_uses_no_row_that_spans_a_gap(world):
    random = np.random.default_rng(10)
    source, target = random.normal(size=100), random.normal(size=100)
    target[50] = np.nan
    assert statistics.granger(target, source, lags=2).rows == 98 - 3


def test_volatility_is_the_mean_size_of_the_last_values():
    found = statistics.trailing_mean(np.array([1.0, 2.0, 3.0, 4.0]), 2)
    assert np.isnan(found[0])
    assert found[1:].tolist() == [1.5, 2.5, 3.5]


def test_permutation_p_value_with_blocks_of_one_is_scipys(series):
    first, second = series[0][:60], series[1][:60]
    family = inference.Family(first[:, None], second[:, None], ((0, 0),), block=1)
    (found,) = inference.permutation_tests([family], resamples=1999, seed=3)
    independent = stats.permutation_test(
        (first,),
        lambda one: stats.pearsonr(one, second).statistic,
        permutation_type="pairings",
        n_resamples=1999,
        rng=4,
    )
    assert found.correlation[0] == pytest.approx(independent.statistic)
    assert found.p_value[0] == pytest.approx(independent.pvalue, abs=0.02)
    assert found.null_deviation[0] == pytest.approx(1 / np.sqrt(59), rel=0.06)


def test_plan_wide_p_value_is_never_below_the_single_one_and_grows_with_the_plan():
    random = np.random.default_rng(12)
    index, target = random.normal(size=(120, 8)), random.normal(size=(120, 1))
    target[:, 0] += 0.25 * index[:, 0]
    alone = inference.Family(index[:, :1], target, ((0, 0),), 3)
    every = inference.Family(index, target, tuple((place, 0) for place in range(8)), 3)
    (one,) = inference.permutation_tests([alone], resamples=999, seed=1)
    (all_eight,) = inference.permutation_tests([every], resamples=999, seed=1)
    assert one.p_plan[0] == pytest.approx(one.p_value[0], abs=0.002)
    assert (all_eight.p_plan >= all_eight.p_value - 0.01).all()
    assert all_eight.p_plan[0] > one.p_value[0]


def test_block_orders_keep_neighbours_together():
    random = np.random.default_rng(1)
    for order in inference.block_orders(20, 5, 10, random):
        assert sorted(order) == list(range(20))
        follows = (np.diff(order) % 20 == 1).sum()
        assert follows >= 16


def test_detectable_size_is_the_textbook_power_of_a_correlation():
    """n = 194 shows r = 0.2 with 80% power at 5% (Cohen 1988 gives 193)."""
    found = statistics.detectable_correlation(1 / np.sqrt(193), 0.05)
    assert found == pytest.approx(0.2, abs=0.005)


def test_shrinkage_is_the_best_linear_predictor_of_balanced_random_effects():
    """Balanced one-way layout: the textbook factor is 1 - 1/F (Searle, Casella and McCulloch)."""
    random = np.random.default_rng(6)
    group = np.repeat(np.arange(6), 25)
    values = random.normal(0, 0.5, 6)[group] + random.normal(size=150)
    ratio = stats.f_oneway(*(values[group == one] for one in range(6))).statistic
    means = np.array([values[group == one].mean() for one in range(6)])
    expected = (means - values.mean()) * (1 - 1 / ratio)
    np.testing.assert_allclose(shrunken_deviations(values, group, 6), expected)


@pytest.mark.parametrize("block", [1, 4, 7])
def test_block_sums_give_the_correlations_of_the_resampled_rows(series, block):
    first, second = series
    draws = resampling.correlation_draws(first, second, block=block, resamples=30, seed=5)
    starts = resampling.block_starts(150, block, 30, np.random.default_rng(5))
    whole = (starts[:, :, None] + np.arange(block)) % 150
    rows = whole.reshape(len(starts), -1)[:, :150]
    slow = [stats.pearsonr(first[chosen], second[chosen]).statistic for chosen in rows]
    np.testing.assert_allclose(draws, slow, atol=1e-12)
    means = resampling.mean_draws(second, block=block, resamples=30, seed=5)
    np.testing.assert_allclose(means, [second[chosen].mean() for chosen in rows], atol=1e-12)


@pytest.mark.parametrize("block", [1, 6])
def test_bootstrap_interval_is_that_of_arch(series, block):
    first, second = series
    found = statistics.correlation_interval(
        first, second, block=block, level=0.9, resamples=4000, seed=1
    )
    independent = CircularBlockBootstrap(block, first, second, seed=2).conf_int(
        lambda one, other: np.corrcoef(one, other)[0, 1],
        reps=2000,
        method="percentile",
        size=0.9,
    )
    assert found == pytest.approx(independent[:, 0], abs=0.015)


def test_holm_is_that_of_statsmodels():
    p_values = np.r_[np.random.default_rng(3).uniform(size=15) ** 3, 0.2, 0.2, 1.0]
    np.testing.assert_allclose(holm(p_values), multipletests(p_values, method="holm")[1])
    assert holm([]) == []


def test_an_interval_of_few_blocks_is_wider_as_students_t_is():
    draws = np.random.default_rng(4).normal(loc=2.0, size=100_000)
    lower, upper = resampling.percentile_interval(2.0, draws, level=0.9, blocks=5)
    reach = stats.norm.ppf(0.95) * np.sqrt(5 / 4) * stats.t.ppf(0.95, 4) / stats.norm.ppf(0.95)
    assert (lower, upper) == pytest.approx((2 - reach, 2 + reach), abs=0.03)
