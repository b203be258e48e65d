"""Prices against closes that are known: the stamps are told right, early or late."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from corpus.errors import StudyError
from nlp.study import stamps
from nlp.study.prices import checked_closes

MARKET = Path(__file__).parents[3] / "shared" / "market"
BAR = {"h": pd.Timedelta(hours=1), "D": pd.Timedelta(days=1)}


def frame(times, closes, asset="BTC"):
    return pd.DataFrame({"time": times, "asset": asset, "close": closes, "currency": "USD"})


def told(prices):
    return stamps.check_stamps(list(checked_closes(prices)[0].values()))


def walk_through_known(asset="BTC", first="2024-01-01", last="2025-12-31"):
    """Daily closes that pass through the known ones of midnights, and straight between them."""
    seconds, known = stamps.known_closes()[asset]
    days = pd.date_range(first, last, freq="D", tz="UTC")
    moments = np.array([int(day.timestamp()) for day in days])
    return frame(days, np.exp(np.interp(moments, seconds, known)), asset)


def real_prices(asset, bar):
    """Prices of an exchange; the known closes of days are of another source than these."""
    if not MARKET.exists():
        pytest.skip("the shared market series are not here")
    hours = pd.read_csv(MARKET / f"{asset.lower()}_hourly_binance_perp.csv")
    times = pd.to_datetime(hours["time"], utc=True)
    prices = frame(times + BAR["h"], hours["close_usdt"], asset)
    return prices if bar == "h" else prices[prices["time"].dt.hour == 0]


def test_right_stamps_are_told():
    (sentence,) = told(walk_through_known())
    assert "they carry the time at which their bars closed" in sentence


@pytest.mark.parametrize(("bars", "word"), [(-1, "early"), (1, "late")])
def test_a_bar_beside_is_refused(bars, word):
    prices = walk_through_known("ETH")
    prices["time"] += bars * BAR["D"]
    with pytest.raises(StudyError, match=f"the ETH prices are stamped a bar {word}"):
        told(prices)


@pytest.mark.parametrize("asset", ["BTC", "ETH"])
@pytest.mark.parametrize("bar", ["h", "D"])
def test_real_prices_of_any_two_months(asset, bar):
    """Right ones are told to be right, and a bar early or late they are refused, every time."""
    prices = real_prices(asset, bar)
    begins = pd.date_range("2023-02-01", "2025-06-01", freq="MS", tz="UTC")
    for begin in begins:
        span = prices[(prices["time"] > begin) & (prices["time"] <= begin + pd.Timedelta(days=61))]
        (sentence,) = told(span)
        assert "they carry the time" in sentence, (begin, sentence)
        for bars in (-1, 1):
            moved = span.assign(time=span["time"] + bars * BAR[bar])
            with pytest.raises(StudyError, match="early" if bars < 0 else "late"):
                told(moved)


def test_another_currency_is_flagged_and_another_span_not_checked():
    prices = walk_through_known()
    (flagged,) = told(prices.assign(close=prices["close"] * 0.87))
    assert flagged.startswith("Check the time stamps of the BTC prices: they are near few of")
    early = walk_through_known(first="2014-01-01", last="2016-12-31")
    (unknown,) = told(early)
    assert unknown.startswith("Not checked: whether the BTC prices carry the time")
    (other,) = told(walk_through_known().assign(asset="SOL"))
    assert other.startswith("Not checked: whether the SOL prices")


def test_the_table_is_what_the_market_series_make():
    if not MARKET.exists():
        pytest.skip("the shared market series are not here")
    import known_closes

    assert known_closes.table() == known_closes.TABLE.read_text(encoding="utf-8")
