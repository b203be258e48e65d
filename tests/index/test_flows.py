"""Flows of funds in two parts and by asset, from the amounts."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from nlp.index import build, read_frame
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


def test_a_told_flow_weighs_three_times_a_filing_in_the_stance_of_its_asset(news):
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
    )
    row = _at(result.frame, "etf_flows", "BTC", day)
    assert row["stance"] == pytest.approx((3 * 0.8 - 0.4) / 4)


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
