"""The event study: events and abnormal returns by pandas, no overlap, planted effects found."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from nlp import study
from nlp.study import events
from nlp.study.align import index_grid
from nlp.study.prices import checked_closes


def _said(result):
    return " ".join(result.verdict)


def test_events_are_those_that_pandas_finds_and_do_not_overlap():
    random = np.random.default_rng(1)
    index = random.standard_t(3, size=400)
    everywhere = np.ones(400, dtype=bool)
    found = events.shocks(index, everywhere, window=30, threshold=2.0, span=5)
    past = pd.Series(index).shift(1).rolling(30)
    surprise = ((index - past.mean()) / past.std()).to_numpy()
    sharp = [row for row in range(400) if abs(surprise[row]) >= 2.0]
    kept = [sharp[0]]
    for row in sharp[1:]:
        if row - kept[-1] > 5:
            kept.append(row)
    assert found.rises.tolist() == [row for row in kept if surprise[row] > 0]
    assert found.falls.tolist() == [row for row in kept if surprise[row] < 0]
    assert found.overlapping == len(sharp) - len(kept) > 0


def test_abnormal_returns_are_off_the_trailing_mean_before_the_event(world):
    moves = np.random.default_rng(2).normal(size=90)
    closes = checked_closes(world.prices(moves))[0]["BTC"]
    grid = index_grid(world.index({"leverage": moves}), asset="all", measure="pressure")
    found = events.abnormal_returns(grid, closes, horizons=(1, 3), window=30)
    usual = 0.02 * pd.Series(moves).shift(1).rolling(30).mean()
    np.testing.assert_allclose(found[0], 0.02 * moves - usual)
    ahead = 0.02 * pd.Series(moves).rolling(3).sum().shift(-3) - 3 * usual
    np.testing.assert_allclose(found[3][:86], ahead[:86], atol=1e-12)


def test_interval_with_blocks_of_one_is_near_students():
    values = np.random.default_rng(3).normal(loc=1.0, size=7)
    lower, upper = events.mean_interval(values[:3], level=0.9, resamples=4000, seed=1)
    assert lower < values[:3].mean() < upper
    many = np.random.default_rng(4).normal(size=1000)
    found = events.mean_interval(many, level=0.9, resamples=4000, seed=1)
    classical = stats.ttest_1samp(many, 0.0).confidence_interval(0.9)
    assert found == pytest.approx((classical.low, classical.high), abs=0.015)


def test_moving_dates_agrees_with_a_permutation_test_where_days_are_independent():
    random = np.random.default_rng(5)
    series = random.normal(size=300)
    rows = np.sort(random.choice(300, size=15, replace=False))
    for shift in (0.0, 0.5):
        moved = series.copy()
        moved[rows] += shift
        flag = np.zeros(300)
        flag[rows] = 1
        independent = stats.permutation_test(
            (flag,),
            lambda one, moved=moved: one @ (moved - moved.mean()),
            permutation_type="pairings",
            n_resamples=4000,
            rng=6,
        )
        found = events.moved_dates(moved, rows, resamples=4000, seed=7)
        assert found == pytest.approx(independent.pvalue, abs=0.03)


def test_planted_reaction_to_sharp_rises_is_found_and_falls_are_left_alone(world):
    random = np.random.default_rng(8)
    index = random.normal(size=700)
    index[60::11] += 4.0
    returns = random.normal(size=700)
    returns[61::11] += 2.5
    result = study.run(world.index({"leverage": index}), world.prices(returns), world.plan())
    rises = next(one for one in result.events if one.move == "rise")
    following = next(one for one in rises.returns if one.horizon == 1)
    assert following.p_holm < 0.05
    assert following.mean == pytest.approx(0.05, abs=0.02)
    assert following.lower < following.mean < following.upper
    assert "sharp rises of the index of leverage and liquidations, BTC's return was off" in _said(
        result
    )


def test_too_few_events_are_said(world):
    random = np.random.default_rng(9)
    result = study.run(
        world.index({"leverage": random.uniform(size=90)}),
        world.prices(random.normal(size=90)),
        world.plan(),
    )
    assert not result.events
    assert {one.reason for one in result.missing if one.method == "event_study"} == {
        f"{number} sharp {move}s are too few for an event study (the plan asks for 8)"
        for number, move in ((0, "rise"), (0, "fall"))
    }


def test_an_event_can_be_found_in_a_plan_of_many_tests(world):
    """As many tests as the default plan and few resamples: p-values still reach below 5%."""
    random = np.random.default_rng(10)
    names = world.drivers
    index = {name: random.normal(size=700) for name in names}
    index["leverage"][60::11] += 4.0
    returns = random.normal(size=700)
    returns[61::11] += 2.5
    prices = pd.concat([world.prices(returns), world.prices(returns[::-1], asset="ETH")])
    plan = world.plan(drivers=names, assets=("BTC", "ETH"), horizons=(1, 5), resamples=99)
    result = study.run(world.index(index), prices, plan)
    found = {
        (one.driver, one.asset, one.move, back.horizon)
        for one in result.events
        for back in one.returns
        if back.p_holm < 0.05
    }
    assert ("leverage", "BTC", "rise", 1) in found
    assert {(driver, asset) for driver, asset, _, _ in found} == {("leverage", "BTC")}
