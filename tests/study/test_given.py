"""Given series and unrelated topics: lags and changes found where planted, bad series refused."""

from __future__ import annotations

from datetime import date, timedelta
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from corpus.errors import InputError, StudyError, UsageError
from nlp import study
from nlp.study import markets
from nlp.study.align import index_grid
from nlp.study.plan import Market, Outside
from nlp.study.prices import checked_closes
from nlp.study.series import checked_series

PAIR = Outside(series="flows", driver="leverage", asset="all", measure="pressure")


def _series(world, values, name="flows", *, step=1):
    days = [world.start.date() + timedelta(days=step * day) for day in range(len(values))]
    return pd.DataFrame({"date": [str(day) for day in days], "value": values, "name": name})


def _plan(world, **more):
    return world.plan(**({"outside": (PAIR,), "outside_lags": (0, 1, 2), "markets": ()} | more))


def test_news_that_follows_a_series_by_a_day_is_said_to(world):
    random = np.random.default_rng(1)
    flows = random.standard_t(2, size=150)
    index = np.r_[0.0, np.sign(flows[:-1])] + random.normal(size=150)
    result = study.run(
        world.index({"leverage": index}),
        world.prices(random.normal(size=150)),
        _plan(world),
        series=_series(world, flows),
    )
    by_lag = {one.lag: one for one in result.outside}
    assert by_lag[1].p_plan < 0.01
    assert by_lag[0].p_plan > 0.05
    assert by_lag[1].correlation == pytest.approx(stats.spearmanr(index[1:], flows[:-1]).statistic)
    assert (
        "Pressure of news on leverage and liquidations goes with the given flows of 1 day before"
        in " ".join(result.verdict)
    )


def test_days_without_a_value_are_left_out_and_weeks_take_the_mean(world):
    random = np.random.default_rng(2)
    flows = random.normal(size=150)
    table = _series(world, flows)
    table = table[[date.fromisoformat(day).weekday() < 5 for day in table["date"]]]
    result = study.run(
        world.index({"leverage": random.normal(size=150)}),
        world.prices(random.normal(size=150)),
        _plan(world),
        series=table,
    )
    periods = {one.lag: one.periods for one in result.outside}
    assert periods[0] == len(table)
    said = " ".join(result.verdict)
    assert "is not shown to follow the given flows at any of 3 lags" in said
    frame = world.index({"leverage": np.zeros(10)})
    frame["period_start"] = [world.start + timedelta(weeks=week) for week in range(10)]
    frame["frequency"] = "W"
    grid = index_grid(
        frame.assign(as_of=world.start + timedelta(weeks=20)), asset="all", measure="pressure"
    )
    weekly = checked_series(table)[0]["flows"].by_period(grid, of="mean")
    expected = [flows[7 * week : 7 * week + 5].mean() for week in range(10)]
    np.testing.assert_allclose(weekly, expected)


def test_a_series_outside_the_plan_is_refused_not_guessed_at(world):
    random = np.random.default_rng(3)
    with pytest.raises(StudyError, match="the plan says nothing of the series rainfall"):
        study.run(
            world.index({"leverage": random.normal(size=100)}),
            world.prices(random.normal(size=100)),
            _plan(world),
            series=_series(world, random.normal(size=100), "rainfall"),
        )


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda table: table.drop(columns="value"), "no column value"),
        (lambda table: table.assign(value=table["value"].astype(str) + "x"), "is no number"),
        (lambda table: table.assign(value=np.inf), "is no number"),
        (lambda table: table.assign(date="yesterday"), "'yesterday' of flows is no day"),
        (lambda table: table.assign(date="2025-01-06T14:00:00"), "holds a time of day"),
        (lambda table: pd.concat([table, table.iloc[[4]]]), "more than one value on 2025-01-10"),
    ],
)
def test_bad_series_are_refused_clearly(world, damage, message):
    with pytest.raises(StudyError, match=message):
        checked_series(damage(_series(world, np.arange(20.0))))


@pytest.mark.parametrize(
    ("values", "start", "reason"),
    [
        (np.ones(200), 0, "btc_etf_net_flow: index or series does not vary (etf_flows, BTC)"),
        (np.arange(200.0), 900, "btc_etf_net_flow: 0 periods with both values are too few"),
    ],
)
def test_a_series_that_cannot_be_compared_is_said(world, values, start, reason):
    random = np.random.default_rng(23)
    days = pd.date_range(world.start + timedelta(days=start), periods=200)
    given = pd.DataFrame({"date": days.strftime("%Y-%m-%d"), "value": values})
    index = pd.concat(
        world.index(
            {"leverage": random.normal(size=200), "etf_flows": random.normal(size=200)}, asset=asset
        )
        for asset in ("all", "BTC")
    )
    index["stance"] = index["pressure"].clip(-1, 1)
    result = study.run(
        index,
        world.prices(random.normal(size=200)),
        world.plan(),
        series=given.assign(name="btc_etf_net_flow"),
    )
    assert result.outside == ()
    assert any(note.startswith(f"Not compared: {reason}") for note in result.notes)


def test_series_files_are_read_and_named(tmp_path, world):
    table = _series(world, np.arange(5.0)).drop(columns="name")
    table.loc[2, "value"] = np.nan
    table.assign(unit="USD").to_csv(tmp_path / "gold.csv", index=False)
    _series(world, np.arange(4.0), "sp500").to_parquet(tmp_path / "other.parquet")
    read = study.read_series([tmp_path / "gold.csv", tmp_path / "other.parquet"])
    found, notes = checked_series(read)
    assert {name: len(one.values) for name, one in found.items()} == {"gold": 4, "sp500": 4}
    assert notes == ("1 days of gold have no value and were dropped.",)
    (tmp_path / "bad.csv").write_text("day,value\n1,2\n")
    with pytest.raises(InputError, match="no column date"):
        study.read_series([tmp_path / "bad.csv"])
    with pytest.raises(InputError, match="cannot read"):
        study.read_series([tmp_path / "absent.csv"])
    with pytest.raises(UsageError, match="unknown suffix"):
        study.read_series([tmp_path / "gold.txt"])


def _linked(world, seed, early, late, rows=400):
    """Returns and a market level, correlated as told in either half; every day a market day."""
    random = np.random.default_rng(seed)
    own, noise = random.normal(size=(2, rows))
    strength = np.r_[np.full(rows // 2, early), np.full(rows - rows // 2, late)]
    market = strength * own + np.sqrt(1 - strength**2) * noise
    return own, 100 * np.exp(np.cumsum(0.01 * market))


GOLD = Market(series="gold", change="log")


def test_correlation_with_a_market_and_its_change_are_found(world):
    own, level = _linked(world, 4, 0.0, 0.6)
    result = study.run(
        world.index({"leverage": np.random.default_rng(5).normal(size=400)}),
        world.prices(own),
        _plan(world, markets=(GOLD,)),
        series=_series(world, level, "gold"),
    )
    (link,) = result.markets
    moves = pd.DataFrame({"own": own[1:], "gold": np.diff(np.log(level))})
    assert link.changes == 399
    assert link.correlation == pytest.approx(moves.corr().iloc[0, 1])
    assert link.late == pytest.approx(moves[199:].corr().iloc[0, 1])
    rolling = moves["own"].rolling(60).corr(moves["gold"]).dropna()
    np.testing.assert_allclose([one.correlation for one in link.rolling], rolling, atol=1e-9)
    assert link.rolling[-1].date == world.start.date() + timedelta(days=399)
    assert link.difference_lower > 0.2
    assert "BTC's correlation with gold" in " ".join(result.verdict)
    assert "has risen" in " ".join(result.verdict)


def test_a_correlation_that_stays_is_not_said_to_have_changed(world):
    own, level = _linked(world, 6, 0.4, 0.4)
    result = study.run(
        world.index({"leverage": np.random.default_rng(7).normal(size=400)}),
        world.prices(own),
        _plan(world, markets=(GOLD,)),
        series=_series(world, level, "gold"),
    )
    assert "that it has changed is not shown" in " ".join(result.verdict)


def test_interval_of_the_change_is_near_that_of_fisher():
    """Independent pairs: the deviation of a difference of correlations, by Fisher's z."""
    random = np.random.default_rng(8)
    first = random.normal(size=600)
    second = 0.5 * first + random.normal(size=600)
    early, late, draws = markets.change_of_correlation(
        first, second, block=1, resamples=4000, seed=1
    )
    expected = np.sqrt(((1 - early**2) ** 2 + (1 - late**2) ** 2) / 297)
    assert np.std(draws) == pytest.approx(expected, rel=0.1)
    assert np.mean(draws) == pytest.approx(late - early, abs=0.01)


def test_changes_over_a_weekend_span_it_on_both_sides(world):
    own = np.arange(1.0, 31.0)
    closes = checked_closes(world.prices(own, scale=0.001))[0]["BTC"]
    table = _series(world, np.exp(np.arange(30.0)), "gold")
    table = table[[date.fromisoformat(day).weekday() < 5 for day in table["date"]]]
    given = checked_series(table)[0]["gold"]
    days, returned, changes = markets.paired_changes(closes, given, GOLD)
    monday = list(days).index((world.start.date() + timedelta(days=7) - date(1970, 1, 1)).days)
    # From the close of Friday to that of Monday: the returns of days 5, 6 and 7.
    assert returned[monday] == pytest.approx(0.001 * (6 + 7 + 8))
    assert changes[monday] == pytest.approx(3.0)


def test_an_unrelated_topic_is_shown_and_its_link_casts_doubt(world):
    random = np.random.default_rng(9)
    mood = random.normal(size=250)
    index = {
        "leverage": mood + random.normal(size=250),
        "adoption": mood + random.normal(size=250),
    }
    result = study.run(world.index(index), world.prices(mood), world.plan())
    topics = [one for one in result.placebos if one.kind == "unrelated_topic"]
    assert {one.relation for one in topics} == {"contemporaneous", "predictive"}
    said = " ".join(result.verdict)
    assert "A topic taken as unrelated, adoption, goes with BTC's return of the same day" in said
    index["adoption"] = random.normal(size=250)
    calm = study.run(world.index(index), world.prices(mood), world.plan())
    assert "Topics taken as unrelated (adoption) show no link" in " ".join(calm.verdict)


def test_a_driver_cannot_be_its_own_placebo(tmp_path):
    text = files("nlp.study").joinpath("plan.toml").read_text(encoding="utf-8")
    plan = tmp_path / "plan.toml"
    plan.write_text(text.replace('placebo_topics = ["adoption"]', 'placebo_topics = ["macro"]'))
    with pytest.raises(InputError, match="macro cannot be both a driver and a placebo"):
        study.load_plan(plan)
