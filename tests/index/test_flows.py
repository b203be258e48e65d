"""Flows of funds in two parts and by asset, from the amounts."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from nlp.amounts import find_amounts
from nlp.index import build, contributions, read_frame
from nlp.index.stated import NO_FLOW, told_flows


def _build(items, news, **more):
    given = {
        "frequency": "D",
        "as_of": news.start + timedelta(days=200),
        "model": news.model,
        "asset": ("all", "BTC", "ETH"),
    }
    return build(items, **(given | more))


def _at(frame, driver, asset, moment):
    chosen = (frame["driver"] == driver) & (frame["asset"] == asset)
    return frame[chosen & (frame["period_start"] == moment)].iloc[0]


def _story(news, number, moment, amounts, *, assets=("BTC",), stance=0.9, **more):
    return news.make(
        number,
        moment,
        probabilities={"etf_flows": 0.9},
        stances={"etf_flows": stance},
        amounts=amounts,
        assets=assets,
        **more,
    )


def _background(news):
    """A base window in which flows of both kinds and assets come and go."""
    items = []
    for number in range(28 * 6):
        amounts = [
            news.amount(
                "net_flow",
                (-1) ** (number % 5) * 10.0,
                asset=("BTC", "ETH")[number % 2],
                realised=number % 3 != 0,
            )
        ]
        moment = news.start + timedelta(hours=4 * number)
        items.append(
            _story(
                news,
                number,
                moment,
                amounts if number % 4 else [],
                assets=("BTC", "ETH"),
                source=f"Outlet {number % 3}",
            )
        )
    return items


def test_one_storys_flows_are_parted_by_asset_and_kind(news):
    """The tagger calls the story bullish; its amounts say which flow was which."""
    day = news.start + timedelta(days=30)
    amounts = [
        news.amount("net_flow", -500e6, asset="BTC"),
        news.amount("net_flow", 40e6, asset="ETH"),
        news.amount("net_flow", 900e6, asset="BTC", realised=False),
        news.amount("net_flow", -700e6, asset="BTC"),
        news.amount("buy", 1e9, asset="BTC"),
    ]
    items = [*_background(news), _story(news, 9000, day, amounts, assets=("BTC", "ETH"))]
    items.append(news.make(9001, day, assets=("BTC", "ETH")))
    parts = _build(items, news).parts
    for driver, asset, stance in (
        ("etf_flows.realised", "BTC", -1.0),
        ("etf_flows.realised", "ETH", 1.0),
        ("etf_flows.realised", "all", -1.0),
        ("etf_flows.expected", "BTC", 1.0),
    ):
        row = _at(parts, driver, asset, day)
        assert row["stance"] == stance
        assert row["tagged"] == 1
        assert row["attention_raw"] == pytest.approx(0.9 / 2, abs=0.05)
        assert row["coverage"] == "ok"
    nothing = _at(parts, "etf_flows.expected", "ETH", day)
    assert nothing["tagged"] == 0
    assert np.isnan(nothing["stance"])


def test_filings_are_in_the_driver_but_in_no_part(news):
    day = news.start + timedelta(days=30)
    result = _build([*_background(news), _story(news, 9000, day, [])], news)
    assert _at(result.frame, "etf_flows", "BTC", day)["tagged"] == 1
    assert _at(result.parts, "etf_flows.realised", "BTC", day)["tagged"] == 0


def test_in_a_week_a_told_flow_weighs_three_times_a_filing_in_the_stance_of_its_asset(news):
    """Stances less the usual ones of the outlets, which the two share out by three to one."""
    day = news.start + timedelta(days=30)
    told = [news.amount("net_flow", 5e8, asset="BTC")]
    result = _build(
        [
            *_background(news),
            _story(news, 9000, day, told, stance=0.8, source="New"),
            _story(news, 9001, day, [], stance=-0.4, source="New"),
        ],
        news,
        frequency="W",
    )
    row = _at(result.frame, "etf_flows", "BTC", news.start + timedelta(days=28))
    assert row["stance"] == pytest.approx((3 * 0.8 - 0.4) / 4)


WEDNESDAY = 30  # days after the first Monday


def _told(news, number, title, *, days=WEDNESDAY, stance=0.8, **more):
    """A story whose amounts are those that the grammar finds in its title."""
    moment = news.start + timedelta(days=days, hours=9)
    amounts = find_amounts(title, None, moment)
    return _story(news, number, moment, amounts, title=title, stance=stance, source="New", **more)


def _usual_days(news, *, flow=200, told=28):
    """A base window of one filing a day, and a flow on the first ``told`` days."""
    items = []
    for day in range(28):
        items.append(_told(news, day, "Bitcoin ETF filing amended", days=day, stance=0.2))
        title = f"Spot bitcoin ETFs take in ${flow * (1 + day % 3) / 2:.0f} million"
        if day < told:
            items.append(_told(news, 100 + day, title, days=day))
    return items


def _stance(news, items, asset="BTC", *, days=WEDNESDAY, **more):
    frame = _build(items, news, **more).frame
    return _at(frame, "etf_flows", asset, news.start + timedelta(days=days))["stance"]


@pytest.mark.parametrize(
    ("title", "millions"),
    [
        ("Spot bitcoin ETFs lose $500 million", -500),
        ("Bitcoin ETFs took in $60 million on Tuesday, less than hoped", 60),
        (
            "Spot bitcoin ETFs lose $500 million on Tuesday after $900 million came last week",
            -500,
        ),
    ],
)
def test_the_last_days_flow_speaks_by_side_and_size_and_weighs_ten_filings(news, title, millions):
    """The tagger hears 0.8 in all of them."""
    filing = _told(news, 9001, "Bitcoin ETF filing amended", stance=-0.4)
    found = _stance(news, [*_usual_days(news), _told(news, 9000, title), filing])
    assert found == pytest.approx((10 * np.tanh(millions / 200) - 0.4) / 11)


@pytest.mark.parametrize(
    "title",
    [
        "IBIT loses $500 million",
        "Spot bitcoin ETFs lose $500 million in a week",
        "Spot bitcoin ETFs lose $500 million on Friday",
        "Spot bitcoin ETFs have lost $500 million since launch",
        "Spot bitcoin ETFs could lose $500 million",
        "Spot ether ETFs lose $500 million",
        "Spot bitcoin ETFs hold $90 billion after inflows of $90 billion",
    ],
)
def test_other_flows_than_the_last_days_total_leave_the_stance_to_the_tagger(news, title):
    filing = _told(news, 9001, "Bitcoin ETF filing amended", stance=-0.4)
    found = _stance(news, [*_usual_days(news), _told(news, 9000, title), filing])
    assert found == pytest.approx((0.8 - 0.4) / 2)


def test_on_a_monday_the_last_day_is_friday(news):
    title = "Spot bitcoin ETFs lose $500 million on Friday"
    found = _stance(news, [*_usual_days(news), _told(news, 9000, title, days=35)], days=35)
    assert found == pytest.approx(np.tanh(-2.5))


def test_what_a_usual_flow_is_comes_from_the_base_window_alone(news):
    items = [*_usual_days(news), _told(news, 9000, "Spot bitcoin ETFs lose $50 million")]
    later = [
        _told(news, 9100 + day, "Spot bitcoin ETFs take in $3 billion", days=31 + day)
        for day in range(40)
    ]
    assert _stance(news, [*items, *later]) == _stance(news, items) == pytest.approx(-np.tanh(0.25))


def test_without_usual_flows_the_tagger_says_the_stance(news):
    items = [*_usual_days(news, told=4), _told(news, 9000, "Spot bitcoin ETFs lose $500 million")]
    assert _stance(news, items) == pytest.approx(0.8)


def test_all_assets_take_the_mean_of_flows_each_against_its_own_usual(news):
    items = _usual_days(news)
    items += [
        _told(news, 200 + day, "Spot ether ETFs take in $20 million", days=day, assets=("ETH",))
        for day in range(28)
    ]
    title = "Spot bitcoin ETFs lose $100 million as ether ETFs take in $40 million"
    items.append(_told(news, 9000, title, assets=("BTC", "ETH")))
    found = {asset: _stance(news, items, asset) for asset in ("BTC", "ETH", "all")}
    assert found["BTC"] == pytest.approx(np.tanh(-0.5))
    assert found["ETH"] == pytest.approx(np.tanh(2))
    assert found["all"] == pytest.approx((np.tanh(-0.5) + np.tanh(2)) / 2)


def test_a_storys_part_is_by_its_flow_and_parts_add_up(news):
    items = [
        *_usual_days(news),
        _told(news, 9000, "Spot bitcoin ETFs lose $500 million"),
        _told(news, 9001, "Bitcoin ETF filing amended", stance=0.4),
    ]
    result = _build(items, news)
    start = news.start + timedelta(days=WEDNESDAY)
    parts = contributions(result, items, period_start=start, asset="BTC", top=9)["etf_flows"]
    assert parts[0].title == "Spot bitcoin ETFs lose $500 million"
    assert parts[0].stance_score == pytest.approx(np.tanh(-2.5))
    assert parts[0].contribution < 0 < parts[1].contribution
    raw = _at(result.frame, "etf_flows", "BTC", start)["pressure_raw"]
    assert sum(one.contribution for one in parts) == pytest.approx(raw)


def test_copies_of_a_story_count_once_and_the_mean_sign_is_theirs(news):
    day = news.start + timedelta(days=30)
    copies = [
        _story(news, 9000 + copy, day, [news.amount("net_flow", value, asset="BTC")], story="s")
        for copy, value in enumerate((5.0, 5.0, -5.0))
    ]
    row = _at(_build([*_background(news), *copies], news).parts, "etf_flows.realised", "BTC", day)
    assert (row["stories"], row["tagged"]) == (1, 1)
    assert row["stance"] == pytest.approx(1 / 3)


def test_a_flow_without_asset_is_that_of_the_only_asset_named():
    flow = {"kind": "net_flow", "driver": "etf_flows", "realised": True, "value": -3.0}
    none = [NO_FLOW] * 3
    assert told_flows([flow], (False, True), ("BTC", "ETH")) == [-1, NO_FLOW, -1, *none]
    assert told_flows([flow], (True, True), ("BTC", "ETH")) == [-1, NO_FLOW, NO_FLOW, *none]
    other = flow | {"asset": "SOL"}
    assert told_flows([other], (True, False), ("BTC", "ETH")) == [-1, NO_FLOW, NO_FLOW, *none]
    assert told_flows([], (True, False), ("BTC", "ETH")) == [*none, *none]


def test_parts_are_in_the_file_but_not_among_the_drivers(news, tmp_path):
    result = _build(_background(news), news)
    assert set(result.parts["driver"]) == {"etf_flows.realised", "etf_flows.expected"}
    assert not set(result.parts["driver"]) & set(result.frame["driver"])
    result.write(tmp_path / "index.csv")
    assert len(read_frame(tmp_path / "index.csv")) == len(result.frame) + len(result.parts)
