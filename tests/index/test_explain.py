"""Readings of a period and the stories behind them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from corpus.errors import UsageError
from nlp import index as narrative

LATER = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def weekly(news):
    items = news.random(63)
    result = narrative.build(
        items, frequency="W", as_of=LATER, model=news.model, asset=("all", "BTC"), replicates=50
    )
    return items, result


def test_all_contributions_add_up_to_the_raw_pressure(news, weekly):
    items, result = weekly
    week = news.start + timedelta(weeks=7)
    for asset in ("all", "BTC"):
        found = narrative.contributions(result, items, period_start=week, asset=asset, top=10_000)
        for reading in narrative.readings(result, week, asset=asset):
            if reading.driver == narrative.COMPOSITE:
                continue
            parts = [one.contribution for one in found[reading.driver]]
            assert sum(parts) == pytest.approx(reading.pressure_raw, abs=1e-8)
            assert sum(abs(one.share) for one in found[reading.driver]) == pytest.approx(1)


def test_contributions_of_a_day_add_up_though_leverage_is_told_apart_from_the_day_before(news):
    items = news.random(40)
    given = {"frequency": "D", "as_of": LATER, "model": news.model, "asset": ("all", "BTC")}
    for half_life in (None, timedelta(hours=12)):
        result = narrative.build(items, replicates=4, half_life=half_life, **given)
        day = news.start + timedelta(days=35)
        for asset in ("all", "BTC"):
            found = narrative.contributions(
                result, items, period_start=day, asset=asset, top=10_000
            )
            raw = {
                one.driver: one.pressure_raw for one in narrative.readings(result, day, asset=asset)
            }
            for driver, parts in found.items():
                assert sum(one.contribution for one in parts) == pytest.approx(
                    raw[driver] or 0.0, abs=1e-8
                )


def test_top_stories_are_those_that_made_the_reading_and_carry_their_words(news, weekly):
    items, result = weekly
    week = news.start + timedelta(weeks=7)
    every = narrative.contributions(result, items, period_start=week, top=10_000)["macro"]
    three = narrative.contributions(result, items, period_start=week, top=3)["macro"]
    assert three == every[:3]
    way = 1 if sum(one.contribution for one in every) > 0 else -1
    pushes = [one.contribution * way for one in every]
    with_it = [push for push in pushes if push > 0]
    assert with_it == sorted(with_it, reverse=True)
    against = pushes[len(with_it) :]
    assert against == sorted(against)
    articles = {item.article.id: item.article for item in items}
    for one in three:
        assert one.title == articles[one.article_id].title
        assert one.decisive[0].text == one.title
        assert week <= one.published_at < week + timedelta(weeks=1)


def test_the_change_is_against_the_mean_of_four_weeks_before(news, weekly):
    _, result = weekly
    week = news.start + timedelta(weeks=7)
    rows = result.frame.query("driver == 'leverage' and asset == 'all'").set_index("period_start")
    before = rows.loc[week - timedelta(weeks=4) : week - timedelta(weeks=1), "pressure"]
    reading = next(one for one in narrative.readings(result, week) if one.driver == "leverage")
    assert len(before) == reading.preceding == 4
    assert reading.change == pytest.approx(rows.loc[week, "pressure"] - before.mean())
    assert reading.direction == ("bullish" if rows.loc[week, "pressure_raw"] > 0 else "bearish")


def test_driver_changes_add_up_to_the_change_of_the_composite(news, weekly):
    _, result = weekly
    week = news.start + timedelta(weeks=8)
    parts = narrative.composite_change(result, week)
    composite = narrative.readings(result, week)[-1]
    assert set(parts) == {"etf_flows", "treasury", "leverage", "macro"}
    assert sum(parts.values()) == pytest.approx(composite.change, abs=1e-6)


def test_amounts_shown_are_those_of_the_driver(news):
    items = news.random(35)
    day = news.start + timedelta(days=34, hours=3)
    flow = news.amount("net_flow", -870e6)
    items.append(
        news.make(
            8000,
            day,
            title="Funds lose $870 million",
            probabilities={"etf_flows": 1.0},
            stances={"etf_flows": -1.0},
            amounts=[flow, news.amount("liquidation", -1e9)],
        )
    )
    result = narrative.build(items, frequency="D", as_of=LATER, model=news.model, replicates=20)
    start = narrative.period_start(day, "D")
    found = narrative.contributions(result, items, period_start=start, top=50)["etf_flows"]
    told = next(one for one in found if one.title == "Funds lose $870 million")
    assert told.amounts == (flow,)


def test_a_period_outside_the_news_is_refused(news, weekly):
    _, result = weekly
    with pytest.raises(UsageError, match="2026-03-02"):
        narrative.readings(result, datetime(2026, 3, 2, tzinfo=UTC))
