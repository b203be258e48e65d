"""Volatility as a target: measured as stated, found where planted, silent where absent."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nlp import study
from nlp.study.align import index_grid
from nlp.study.prices import checked_closes
from nlp.study.volatility import volatility, volatility_kind


def _grid(world, days):
    frame = world.index({"leverage": np.random.default_rng(1).normal(size=days)})
    return index_grid(frame, asset="all", measure="pressure")


def _hourly(world, days, *, seed=2):
    random = np.random.default_rng(seed)
    closes = 100 * np.exp(np.cumsum(random.normal(scale=0.01, size=days * 24 + 1)))
    times = pd.date_range(world.start, periods=days * 24 + 1, freq="h")
    return pd.DataFrame({"time": times, "asset": "BTC", "close": closes, "currency": "USD"})


def test_realised_volatility_is_that_of_pandas_by_day(world):
    prices = _hourly(world, 40)
    closes = checked_closes(prices)[0]["BTC"]
    grid = _grid(world, 40)
    assert volatility_kind(grid, closes) == "log_realised"
    moves = np.log(prices.set_index("time")["close"]).diff().dropna()
    by_day = (moves**2).resample("D", closed="right", label="left").sum()
    by_day = by_day[by_day > 0]  # pandas puts an empty day in front
    expected = 0.5 * np.log(by_day.to_numpy())[:40]
    np.testing.assert_allclose(volatility(grid, closes, relation="contemporaneous"), expected)
    before = volatility(grid, closes, relation="price_leads")
    np.testing.assert_allclose(before[1:], expected[:-1])
    assert np.isnan(before[0])
    three = volatility(grid, closes, relation="predictive", horizon=3, lag=2)
    sums = by_day.rolling(3).sum().to_numpy()  # of days t - 2 to t; wanted t + 2 to t + 4
    np.testing.assert_allclose(three[:36], 0.5 * np.log(sums[4:40]))
    assert np.isnan(three[36:]).all()


def test_a_day_that_lacks_bars_has_no_volatility(world):
    prices = _hourly(world, 40).drop(index=range(245, 250))
    closes = checked_closes(prices)[0]["BTC"]
    found = volatility(_grid(world, 40), closes, relation="contemporaneous")
    assert np.flatnonzero(np.isnan(found)).tolist() == [10]


def test_with_daily_bars_it_is_the_mean_absolute_return(world):
    moves = np.random.default_rng(3).normal(size=30)
    closes = checked_closes(world.prices(moves))[0]["BTC"]
    grid = _grid(world, 30)
    assert volatility_kind(grid, closes) == "absolute_return"
    size = np.abs(moves) * 0.02
    np.testing.assert_allclose(volatility(grid, closes, relation="contemporaneous"), size)
    ahead = volatility(grid, closes, relation="predictive", horizon=2, lag=1)
    np.testing.assert_allclose(ahead[:27], (size[1:28] + size[2:29]) / 2)


def test_planted_link_of_attention_with_volatility_is_found_there_only(world):
    random = np.random.default_rng(4)
    attention = np.exp(0.5 * random.normal(size=300))
    returns = random.normal(size=300) * attention
    index = world.index({"leverage": random.normal(size=300)}, attention={"leverage": attention})
    result = study.run(index, world.prices(returns), world.plan())
    same = next(
        cell
        for cell in result.cells
        if (cell.target, cell.relation) == ("volatility", "contemporaneous")
    )
    assert (same.measure, same.volatility_kind) == ("attention", "absolute_return")
    assert same.p_plan < 0.05
    assert same.correlation == pytest.approx(np.corrcoef(attention, np.abs(returns))[0, 1])
    said = " ".join(result.verdict)
    assert "Attention to leverage and liquidations goes with BTC's volatility the same day" in said
    assert "moves with BTC the same day" not in said
    assert "runs ahead" not in said
    assert "Volatility of BTC: 2 of 3 tests show no link" in said


def test_volatility_that_lasts_is_no_lead_of_the_news(world):
    """Attention answers to today's volatility, which lasts: the HAC regression says no lead."""
    random = np.random.default_rng(5)
    level = world.autoregressive(random, 400, 0.9)
    returns = random.normal(size=400) * np.exp(0.6 * level)
    attention = np.abs(returns) + 0.3 * random.normal(size=400)
    index = world.index({"leverage": random.normal(size=400)}, attention={"leverage": attention})
    result = study.run(index, world.prices(returns), world.plan())
    ahead = next(
        cell
        for cell in result.cells
        if (cell.target, cell.relation) == ("volatility", "predictive")
    )
    assert ahead.correlation > 0.1
    assert ahead.regression.p_value > 0.05
    assert "volatility over" not in " ".join(result.verdict)


def test_progress_is_told_to_the_end(world):
    random = np.random.default_rng(6)
    index = world.index(
        {"leverage": random.normal(size=120)}, attention={"leverage": random.random(120)}
    )
    told = []
    study.run(
        index,
        world.prices(random.normal(size=120)),
        world.plan(),
        on_progress=lambda done, total: told.append((done, total)),
    )
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1][0] == told[-1][1] == len(told)
