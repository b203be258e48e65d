"""The headline's rules, and the words for numbers and amounts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from made_up_news import NEWS

from nlp.index import Reading
from service.report.headline import headline
from service.report.records import PriceWeek
from service.report.words import (
    amount_words,
    band,
    days,
    listed,
    percent,
    plain,
    price,
    pull,
    quantity,
    side,
    signed,
)

BASE = (datetime(2025, 9, 1, tzinfo=UTC), datetime(2025, 9, 29, tzinfo=UTC))
USUAL = "(usual: 1 to 28 September 2025)"


def reading(driver, pressure, lower, upper, raw=-0.1, **more):
    told = {
        "driver": driver,
        "stories": 100,
        "tagged": 40,
        "attention": 100.0,
        "stance": 0.0,
        "pressure": pressure,
        "lower": lower,
        "upper": upper,
        "pressure_raw": raw,
        "change": None,
        "preceding": 0,
        "direction": "bearish",
        "in_base": False,
    }
    return Reading(**(told | more))


def line(*core, composite=None, prices=()):
    composite = composite or reading("composite", -0.1, -1, 1)
    return headline("2025-W47", core, composite, prices, base=BASE)


def test_drivers_inside_their_bands_are_not_named():
    assert line(reading("macro", -3.0, -6.5, 0.1)) == (
        f"In week 47 of 2025 no driver's news pressure differed from what is usual {USUAL} by more"
        " than its uncertainty."
    )


def test_drivers_beyond_their_bands_are_named_by_side_the_strongest_in_front():
    told = line(
        reading("macro", 2.0, 0.5, 3.5, raw=0.2),
        reading("etf_flows", -3.0, -4.0, -2.0),
        reading("leverage", -1.0, -1.9, -0.1),
        reading("treasury", 0.3, -1.0, 1.6),
    )
    assert told == (
        "In week 47 of 2025 the news was more bearish than usual on spot-ETF flows and on leverage"
        f" and liquidations, and more bullish than usual on macro risk appetite {USUAL}."
    )


@pytest.mark.parametrize(
    ("pressure", "raw", "words"),
    [
        (-2.0, -0.1, "more bearish"),
        (-2.0, 0.1, "less bullish"),
        (2.0, 0.1, "more bullish"),
        (2.0, -0.1, "less bearish"),
    ],
)
def test_words_follow_both_pressure_and_side(pressure, raw, words):
    told = line(reading("macro", pressure, pressure - 1, pressure + 1, raw=raw))
    assert f"the news was {words} than usual on macro risk appetite {USUAL}" in told


def test_a_driver_without_a_band_is_never_named():
    assert "no driver's" in line(reading("macro", -9.0, None, None))


@pytest.mark.parametrize(
    ("direction", "pressure", "lower", "upper", "words"),
    [
        ("bearish", -2.0, -3.0, -1.0, "bearish, more than usual"),
        ("bearish", 2.0, 1.0, 3.0, "bearish, but less than usual"),
        ("bullish", 2.0, 1.0, 3.0, "bullish, more than usual"),
        ("bullish", -2.0, -3.0, -1.0, "bullish, but less than usual"),
        ("bullish", -2.0, -3.0, 0.1, "bullish, about as usual"),
        ("bullish", -2.0, None, None, "bullish, about as usual"),
        ("mixed", 0.2, 0.1, 0.3, "no side taken"),
        ("no coverage", None, None, None, "no coverage"),
    ],
)
def test_the_side_says_how_it_compares_with_what_is_usual(direction, pressure, lower, upper, words):
    assert side(reading("macro", pressure, lower, upper, direction=direction)) == words


def test_in_the_base_window_the_side_is_compared_with_nothing():
    assert side(reading("macro", -2.0, -3.0, -1.0, in_base=True)) == "bearish"


def test_a_small_share_is_told_as_one_story_of_many():
    assert pull(-0.124, 7) == "bearish, 12% of the week's pull"
    assert pull(0.004, 1495) == "bullish, one of 1,495 stories"


def test_the_composite_is_named_only_when_no_driver_can_be():
    composite = reading("composite", -1.5, -2.4, -0.6)
    alone = line(reading("macro", -1.0, -3.0, 1.0), composite=composite)
    assert "core drivers together was more bearish" in alone
    named = line(reading("macro", -1.0, -1.5, -0.5), composite=composite)
    assert "together" not in named


def test_price_is_told_beside_and_not_as_a_result():
    moves = [
        PriceWeek(asset=asset, currency="USD", close=1, closed_at=BASE[0], before=1, change=change)
        for asset, change in (("BTC", -0.0987), ("ETH", 0.0004))
    ]
    told = line(reading("macro", -1.0, -1.5, -0.5), prices=moves)
    assert told.endswith("; over the week BTC fell 9.9% and ETH ended where it began.")


@pytest.mark.parametrize(
    ("value", "text"), [(-1.25, "−1.2"), (0.04, "0.0"), (-0.04, "0.0"), (2, "+2.0"), (None, "—")]
)
def test_signed(value, text):
    assert signed(value) == text


def test_words_of_numbers():
    assert band(-1.04, 2.0) == "−1.0 to +2.0"
    assert band(None, 2.0) == "no band"
    assert percent(-0.1234) == "−12.3%"
    assert price(84_648.3, "USD") == "$84,648"
    assert price(2.5, "USDT") == "2.50 USDT"
    assert quantity(-870e6, "USD") == "$870 million"
    assert quantity(1.28e9, "EUR") == "€1.28 billion"
    assert quantity(8178, "BTC") == "8,178 BTC"
    assert quantity(0.5, "BTC") == "0.5 BTC"
    assert quantity(4.25, "%") == "4.25%"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert days(datetime(2025, 10, 27, tzinfo=UTC), datetime(2025, 11, 3, tzinfo=UTC)) == (
        "27 October to 2 November 2025"
    )
    assert plain("a\x00b\n c\u202ed") == "a b c d"


@pytest.mark.parametrize(
    ("kind", "value", "more", "text"),
    [
        ("net_flow", -870e6, {"period": "2025-11-13"}, "net outflow of $870 million (2025-11-13)"),
        ("net_flow", 5e6, {}, "net inflow of $5 million"),
        ("buy", 8178, {"unit": "BTC"}, "purchase of 8,178 BTC"),
        ("sell", -70e6, {}, "sale of $70 million"),
        ("liquidation", -2e9, {"side": "long"}, "long liquidations of $2 billion"),
        ("liquidation", -2e9, {"side": "total"}, "liquidations of $2 billion"),
        ("rate", -25, {"unit": "bp"}, "rate cut of 25 bp"),
        ("rate", 4.25, {"unit": "%"}, "rate of 4.25%"),
        ("raise", 90e6, {"realised": False}, "funding of $90 million, not realised"),
        ("open_interest", -3e9, {}, "open interest down by $3 billion"),
    ],
)
def test_amounts_in_words(kind, value, more, text):
    assert amount_words(NEWS.amount(kind, value, **more)) == text
