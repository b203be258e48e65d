"""Local projections and forecasts against independent computations."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from nlp import study
from nlp.study import forecasts, projections


def _lagged(series, back):
    return np.r_[np.full(back, np.nan), series[: len(series) - back]]


def _worlds(seed, rows=600):
    """An index with memory, and a return that answers to it a period later."""
    random = np.random.default_rng(seed)
    shocks = random.normal(size=rows)
    index = np.zeros(rows)
    for row in range(1, rows):
        index[row] = 0.6 * index[row - 1] + shocks[row]
    same = 0.3 * _lagged(index, 1) + random.normal(size=rows)
    same[0] = 0.0
    return index, same


def _answer(same, horizon):
    """Return over the periods t + 1 to t + horizon."""
    whole = np.r_[same, np.full(horizon, np.nan)]
    return sum(whole[step : step + len(same)] for step in range(1, horizon + 1))


def test_projection_is_least_squares_on_index_and_past():
    index, same = _worlds(1)
    answer = _answer(same, 3)
    found, rows = projections.projection(answer, index, same, horizon=3, lags=2)
    columns = [
        np.ones(600),
        index,
        same,
        *(_lagged(one, k) for k in (1, 2) for one in (index, same)),
    ]
    table = np.column_stack([answer, *columns])
    table = table[np.isfinite(table).all(axis=1)]
    slopes, *_ = np.linalg.lstsq(table[:, 1:], table[:, 0], rcond=None)
    assert rows == len(table) == 600 - 2 - 3
    scale = table[:, 2].std(ddof=1)
    assert found.slope == pytest.approx(slopes[1] * scale)


@pytest.mark.parametrize("horizon", [1, 2, 4])
def test_projection_is_the_response_of_the_vector_autoregression(horizon):
    """Cumulated answer to a unit shock: 0.3 (1 + 0.6 + ... + 0.6^(h-1))."""
    found = []
    for seed in range(12):
        index, same = _worlds(100 + seed, 1500)
        fitted, rows = projections.projection(
            _answer(same, horizon), index, same, horizon=horizon, lags=2
        )
        found.append(fitted.slope / index[2 : 2 + rows].std(ddof=1))
    expected = 0.3 * sum(0.6**step for step in range(horizon))
    assert np.mean(found) == pytest.approx(expected, abs=0.05)


def test_expanding_forecasts_know_only_returns_that_have_closed():
    random = np.random.default_rng(2)
    index, target = random.normal(size=150), random.normal(size=150)
    index[[70, 100]] = np.nan
    target[148:] = np.nan
    horizon = 3
    made = forecasts.expanding_forecasts(target, index, horizon=horizon, first=40)
    means, lines, actual = [], [], []
    for row in range(150):
        known = [
            one
            for one in range(row - horizon + 1)
            if np.isfinite(index[one]) and np.isfinite(target[one])
        ]
        if len(known) < 40 or not (np.isfinite(index[row]) and np.isfinite(target[row])):
            continue
        slope, level = np.polyfit(index[known], target[known], 1)
        means.append(target[known].mean())
        lines.append(level + slope * index[row])
        actual.append(target[row])
    np.testing.assert_allclose(made.actual, actual)
    np.testing.assert_allclose(made.mean, means)
    np.testing.assert_allclose(made.line, lines, atol=1e-9)
    sums = [np.sum((np.array(actual) - one) ** 2) for one in (lines, means)]
    assert forecasts.out_of_sample_r2(made) == pytest.approx(1 - sums[0] / sums[1])


def test_diebold_mariano_over_one_period_is_students_test():
    """With one period ahead the correction turns the statistic into the plain t of the mean."""
    differences = np.random.default_rng(3).normal(loc=0.2, size=60)
    found = forecasts.diebold_mariano(differences, horizon=1)
    independent = stats.ttest_1samp(differences, 0.0)
    assert found == pytest.approx((independent.statistic, independent.pvalue))


def test_diebold_mariano_over_more_periods_is_the_formula_of_harvey_leybourne_and_newbold():
    series = np.convolve(np.random.default_rng(4).normal(size=83), np.ones(4), mode="valid")
    number, horizon = 80, 4
    covariance = np.correlate(series - series.mean(), series - series.mean(), "full") / number
    middle = number - 1
    long_run = covariance[middle - 3 : middle + 4].sum()
    plain = series.mean() / np.sqrt(long_run / number)
    expected = plain * np.sqrt((number + 1 - 8 + 12 / number) / number)
    statistic, p_value = forecasts.diebold_mariano(series, horizon=horizon)
    assert statistic == pytest.approx(expected)
    assert p_value == pytest.approx(2 * stats.t.sf(abs(expected), 79))


def test_diebold_mariano_survives_a_variance_that_is_not_positive():
    statistic, p_value = forecasts.diebold_mariano(np.array([1.0, -1.0] * 20 + [1.0]), horizon=2)
    assert np.isfinite(statistic)
    assert 0 <= p_value <= 1
    assert forecasts.diebold_mariano(np.zeros(30), horizon=2) == (0.0, 1.0)


def test_clark_west_is_the_t_of_the_adjusted_loss():
    random = np.random.default_rng(5)
    actual, mean, line = random.normal(size=(3, 90))
    made = forecasts.Forecasts(actual, mean, line)
    adjusted = (actual - mean) ** 2 - (actual - line) ** 2 + (mean - line) ** 2
    expected = stats.ttest_1samp(adjusted, 0.0).statistic / np.sqrt(89)
    assert forecasts.clark_west(made) == pytest.approx(expected)


def test_forecasts_of_permuted_indices_are_those_of_each_alone():
    random = np.random.default_rng(8)
    target, one, other = random.normal(size=(3, 120))
    one[50], other[50] = np.nan, np.nan
    both = forecasts.expanding_forecasts(target, np.stack([one, other]), horizon=2, first=30)
    for line, index in zip(both.line, (one, other), strict=True):
        alone = forecasts.expanding_forecasts(target, index, horizon=2, first=30)
        np.testing.assert_allclose(line, alone.line)
        np.testing.assert_allclose(both.mean, alone.mean)


def test_a_forecast_by_chance_is_as_rare_as_said_and_a_lead_is_found():
    """Of 200 worlds without a link 10 are expected below 5%; 22 or more would be one in 2,000."""
    below = found = 0
    for seed in range(200):
        random = np.random.default_rng(500 + seed)
        index = np.convolve(random.normal(size=210), 0.6 ** np.arange(10), mode="valid")
        returns = random.standard_t(4, size=201)
        led = returns + 0.5 * _lagged(index, 1)
        for target, planted in ((_answer(returns, 1), False), (_answer(led, 1), True)):
            p_value = forecasts.clark_west_p(
                target, index, horizon=1, first=60, resamples=99, seed=seed
            )
            found += planted and p_value < 0.05
            below += not planted and p_value < 0.05
    assert 2 <= below <= 21
    assert found >= 190


def test_a_strong_lead_is_forecast_and_a_null_world_is_not(world):
    random = np.random.default_rng(6)
    index = world.autoregressive(random, 400, 0.3)
    returns = random.normal(size=400)
    plan = world.plan(horizons=(1, 5))
    nothing = study.run(world.index({"leverage": index}), world.prices(returns), plan)
    said = " ".join(nothing.verdict)
    assert "Out of sample: in 2 of 2 comparisons the index is not shown to forecast" in said
    assert "Local projections: 2 of 2 show no answer" in said
    returns[1:] += 0.7 * index[:-1]
    result = study.run(world.index({"leverage": index}), world.prices(returns), plan)
    first = next(one for one in result.forecasts if one.horizon == 1)
    assert first.r2 == pytest.approx(0.7**2 / (1 + 0.7**2), abs=0.1)
    assert first.diebold_mariano > 3
    said = " ".join(result.verdict)
    assert "Out of sample, leverage and liquidations forecast BTC's return over 1 day" in said
    assert "is followed over 1 day by a BTC return of" in said


def test_too_short_a_sample_for_forecasts_is_said(world):
    random = np.random.default_rng(7)
    result = study.run(
        world.index({"leverage": random.normal(size=100)}),
        world.prices(random.normal(size=100)),
        world.plan(),
    )
    assert not result.forecasts
    assert any("forecasts at horizon 1 are too few" in one.reason for one in result.missing)
