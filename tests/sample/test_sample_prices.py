"""The bundled price file: its form, its span, and the public figures that it repeats."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from corpus.sample import sample_prices_path


@pytest.fixture(scope="module")
def prices() -> pd.DataFrame:
    return pd.read_csv(sample_prices_path(), parse_dates=["time"])


def test_it_is_a_price_file_of_both_assets_without_gaps(prices: pd.DataFrame):
    assert list(prices) == ["time", "asset", "close", "currency"]
    assert set(prices["asset"]) == {"BTC", "ETH"}
    assert set(prices["currency"]) == {"USD"}
    for _, rows in prices.groupby("asset"):
        days = pd.date_range("2025-08-26", "2025-12-11", freq="D", tz="UTC")
        assert list(rows["time"]) == list(days)
        assert (rows["close"] > 0).all()


@pytest.mark.parametrize(("asset", "name"), [("BTC", "btc_daily.csv"), ("ETH", "eth_daily.csv")])
def test_each_close_is_that_of_the_day_before_its_stamp(prices, market: Path, asset, name):
    with (market / name).open(encoding="utf-8", newline="") as lines:
        closes = {row["date"]: float(row["close_usd"]) for row in csv.DictReader(lines)}
    rows = prices[prices["asset"] == asset]
    for stamp, close in zip(rows["time"], rows["close"], strict=True):
        day = (stamp.to_pydatetime() - timedelta(days=1)).date().isoformat()
        assert close == pytest.approx(closes[day], abs=0.006)


def test_the_low_of_november_is_where_the_market_had_it(prices: pd.DataFrame):
    bitcoin = prices[prices["asset"] == "BTC"].set_index("time")["close"]
    november = bitcoin[datetime(2025, 11, 2, tzinfo=UTC) : datetime(2025, 12, 1, tzinfo=UTC)]
    assert november.idxmin().to_pydatetime() == datetime(2025, 11, 23, tzinfo=UTC)
