"""The rules of the watch list, each from the amounts that turn it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from corpus.errors import UsageError
from nlp.amounts import find_amounts
from nlp.watch import assess

UNTIL = datetime(2025, 11, 24, tzinfo=UTC)  # exclusive: the last day looked at is a Sunday


def at(days_before: float) -> datetime:
    return UNTIL - timedelta(days=days_before)


class Told:
    """Collects stories; each call is one article of its own story unless told otherwise."""

    def __init__(self, news):
        self.news, self.items = news, []

    def __call__(self, days_before, *amounts, **more):
        self.items.append(
            self.news.make(len(self.items) + 1, at(days_before), amounts=amounts, **more)
        )
        return self

    def state(self, variable, **more):
        states = assess(self.items, until=UNTIL, **more)
        assert [one.variable for one in states] == ["etf_flows", "treasury", "leverage"]
        return next(one for one in states if one.variable == variable)

    def flow(self, days_before, value, **more):
        day = (at(days_before)).date().isoformat()
        amount = self.news.amount("net_flow", value, period=day)
        return self(days_before - 0.5, amount, **more)

    def liquidation(self, days_before, value, side="total", **more):
        day = at(days_before).date().isoformat()
        return self(
            days_before - 0.5, self.news.amount("liquidation", value, side=side, period=day), **more
        )


@pytest.fixture
def told(news):
    return Told(news)


def test_without_reports_nothing_is_claimed(told):
    for variable in ("etf_flows", "treasury", "leverage"):
        state = told.state(variable)
        assert state.state == "unclear"
        assert state.since is None
        assert state.evidence == ()


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (-800e6, -600e6, "outflow_persisting"),
        (-800e6, -400e6, "outflow_slowing"),
        (-800e6, 50e6, "turned_to_inflow"),
        (300e6, 200e6, "inflow_persisting"),
        (300e6, 150e6, "inflow_slowing"),
        (300e6, -10e6, "turned_to_outflow"),
    ],
)
def test_flow_states_follow_the_rate_of_two_weeks(told, before, now, expected):
    for day in (3, 4, 5):
        told.flow(day, now).flow(day + 7, before)
    state = told.state("etf_flows")
    assert state.state == expected
    assert [figure.value for figure in state.figures] == [now, before]
    assert state.evidence[0].amount.value == now


def test_flow_of_one_week_alone_is_not_judged(told):
    state = told.flow(3, -1e9).flow(4, -1e9).state("etf_flows")
    assert state.state == "unclear"
    assert "too few reports to compare" in state.sentence


def test_one_daily_report_makes_no_rate_but_a_told_week_does(told, news):
    told.flow(10, -500e6).flow(11, -500e6).flow(3, -2e9)
    assert told.state("etf_flows").state == "unclear"
    told(1, news.amount("net_flow", -1e9, period="2025-11-17/2025-11-21"))
    state = told.state("etf_flows")
    assert state.figures[0].value == pytest.approx(-200e6)
    assert state.state == "outflow_slowing"


def test_the_median_over_stories_decides_a_day(told):
    for value in (-900e6, -880e6, -9e6):
        told.flow(3, value).flow(4, value)
    assert told.state("etf_flows").figures[0].value == pytest.approx(-880e6)


def test_sums_since_launch_and_single_funds_are_neither_rate_nor_evidence(told):
    for day in (3, 4, 10, 11):
        told.flow(day, -500e6)
    for words in (
        "IBIT lost $900 million on Friday",
        "Bitcoin ETFs now at $46 billion of inflows",
        "Crypto funds have brought $105 billion of inflows",
        "Bitcoin ETFs took in $9 billion in October",
    ):
        found = find_amounts(words, None, at(1))
        assert found
        told(1, *found, title=words)
    state = told.state("etf_flows")
    assert [figure.value for figure in state.figures] == [-500e6, -500e6]
    assert {one.amount.value for one in state.evidence} == {-500e6}


def test_a_flow_without_a_day_is_that_of_the_trading_day_before(told):
    told.flow(10, -500e6).flow(11, -500e6)
    title = "Bitcoin ETFs lose $300 million"
    # Told on Wednesday and on Tuesday: Tuesday's and Monday's.
    for day in (4.5, 5.5):
        told(day, *find_amounts(title, None, at(day)), title=title)
    state = told.state("etf_flows")
    assert state.since == at(11).date()
    assert state.figures[0].value == -300e6


def test_copies_of_a_story_speak_once(told):
    told.flow(3, -900e6, story="one").flow(3, -9e6, story="two")
    told.flow(4, -900e6, story="three")
    for _ in range(5):
        told.flow(2.9, -9e6, story="one")
    assert told.state("etf_flows").figures[0].value == pytest.approx((-454.5e6 - 900e6) / 2)


def test_flow_holds_since_the_first_day_of_the_unbroken_run(told):
    for day in (2, 3, 4, 9, 10, 11):
        told.flow(day, -500e6)
    told.flow(12, 100e6).flow(13, -500e6)
    assert told.state("etf_flows").since == at(11).date()


def test_planned_amounts_later_articles_and_old_ones_do_not_count(told, news):
    told.flow(3, -500e6).flow(4, -500e6).flow(10, -500e6).flow(11, -500e6)
    before = told.state("etf_flows")
    told(2, news.amount("net_flow", 9e9, realised=False, period="2025-11-21"))
    told(-1, news.amount("net_flow", 9e9, period="2025-11-21"))
    told(57, news.amount("net_flow", 9e9, period="2025-11-21"))
    assert told.state("etf_flows") == before


def test_what_was_not_yet_seen_is_not_known(told):
    told.flow(3, -500e6).flow(4, -500e6).flow(10, -500e6)
    told.flow(11, -500e6, seen_after=timedelta(days=30))
    assert told.state("etf_flows", as_of=UNTIL).state == "unclear"
    assert told.state("etf_flows", as_of=UNTIL + timedelta(days=40)).state == "outflow_persisting"


def test_purchases_at_the_usual_pace_are_rebuilding(told, news):
    for day in (20, 30):
        told(day, news.amount("buy", day * 1e6))
    told(2, news.amount("buy", 800e6))
    told(5, news.amount("raise", 90e6))
    state = told.state("treasury")
    assert state.state == "rebuilding"
    assert state.since == at(5).date()
    assert state.evidence[0].amount.value == 800e6


def test_sales_that_are_not_fewer_than_purchases_are_selling(told, news):
    told(2, news.amount("sell", -70e6))
    told(5, news.amount("sell", -20e6))
    told(3, news.amount("buy", 10e6))
    state = told.state("treasury")
    assert state.state == "selling"
    assert all(one.amount.kind == "sell" for one in state.evidence)


def test_buying_that_fell_to_half_has_paused_since_the_last_purchase(told, news):
    for day in (16, 20, 25, 30):
        told(day, news.amount("buy", day * 1e6))
    state = told.state("treasury")
    assert state.state == "paused"
    assert state.since == at(16).date()
    told(2, news.amount("buy", 77e6))
    assert told.state("treasury").state == "paused"


def test_one_purchase_told_by_many_counts_once(told, news):
    for number in range(5):
        told(2 + number / 10, news.amount("buy", 835.6e6 + number * 1e5))
    state = told.state("treasury")
    assert state.figures[0].value == 1
    assert "1 purchase or funding by" in state.sentence
    assert state.state == "unclear"


def test_dollars_stand_for_a_story_that_tells_coins_too(told, news):
    told(2, news.amount("buy", 8178, unit="BTC"), news.amount("buy", 835.6e6))
    state = told.state("treasury")
    assert state.figures[0].value == 1
    assert "$836 million" in state.sentence


def test_a_day_twice_the_usual_is_a_clearing(told):
    for day in (12, 15, 20):
        told.liquidation(day, -300e6)
    told.liquidation(3, -600e6)
    state = told.state("leverage")
    assert state.state == "clearing"
    assert state.since == at(3).date()
    assert [figure.value for figure in state.figures] == [600e6, 300e6]


def test_less_than_twice_the_usual_is_not(told):
    for day in (12, 15, 20):
        told.liquidation(day, -300e6)
    assert told.liquidation(3, -599e6).state("leverage").state == "unclear"


def test_quiet_after_a_surge_is_flushed_since_the_surge(told):
    for day in (12, 15, 20):
        told.liquidation(day, -300e6)
    told.liquidation(17, -19e9).liquidation(3, -500e6)
    state = told.state("leverage")
    assert state.state == "flushed"
    assert state.since == at(17).date()
    assert any(one.amount.value == -19e9 for one in state.evidence)


def test_longs_and_shorts_add_up_unless_the_total_is_told(told, news):
    for day in (12, 15, 20):
        told.liquidation(day, -300e6)
    day = at(3).date().isoformat()
    told(
        2.5,
        news.amount("liquidation", -400e6, side="long", period=day),
        news.amount("liquidation", 250e6, side="short", period=day),
    )
    state = told.state("leverage")
    assert state.figures[0].value == 650e6
    assert state.state == "clearing"


def test_open_interest_that_rises_without_liquidations_is_building(told, news):
    told(2, news.amount("open_interest", 3e9))
    told(4, news.amount("open_interest", 1e9))
    told(3, news.amount("open_interest", -1e9))
    state = told.state("leverage")
    assert state.state == "building"
    assert state.since == at(4).date()
    assert state.sentence.startswith("No liquidations were told")


def test_months_and_intervals_of_months_are_read(told, news):
    # A month is no day: it neither makes a daily report nor breaks the reading.
    told.flow(3, -500e6).flow(10, -500e6).flow(11, -500e6)
    told(2, news.amount("net_flow", -3e9, period="2025-11"))
    told(2, news.amount("net_flow", -3e9, period="2025-10/2025-11"))
    assert told.state("etf_flows").state == "unclear"


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(UsageError, match="zone"):
        assess([], until=datetime(2025, 11, 24))  # noqa: DTZ001 - the point of the test


def test_the_sentence_names_the_last_day_before_until(told):
    told.flow(1, -500e6).flow(2, -400e6)
    assert "the week to 23 November 2025" in told.state("etf_flows").sentence
