"""Make ``nlp/study/known_closes.csv`` from market series: ``python -m tests.study.known_closes``.

Of each month the five days and the five hours on whose both sides the price moved the farthest,
each with the price at its end: closes of days for bars of a day, openings of the hour after for
bars of an hour.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[2]
MARKET = ROOT.parent / "shared" / "market"
TABLE = ROOT / "nlp" / "study" / "known_closes.csv"
A_MONTH = 5
FIRST = pd.Timestamp("2017-01-01", tz="UTC")
HEAD = """\
# Prices in USD of moments on whose both sides BTC or ETH moved far: five days, five hours a month.
# A study tells by them whether prices carry the time at which their bars closed (see stamps.py).
# Made by tests/study/known_closes.py from daily closes and the openings of hours.
"""


def sharp(prices: pd.Series) -> pd.Series:
    """Of each month the prices with the largest of the lesser of the moves before and after."""
    moves = np.log(prices).diff().abs()
    lesser = np.minimum(moves, moves.shift(-1))[prices.index >= FIRST].dropna()
    months = lesser.index.strftime("%Y-%m")
    chosen = lesser.groupby(months).nlargest(A_MONTH).index.get_level_values(1)
    return prices[chosen]


def prices_of(asset: str) -> pd.Series:
    """Sharp moments of days and hours, by time."""
    days = pd.read_csv(MARKET / f"{asset}_daily.csv")
    days = days[days["source"].str.startswith("yahoo")]
    ends = pd.to_datetime(days["date"], utc=True) + pd.Timedelta(days=1)
    hours = pd.read_csv(MARKET / f"{asset}_hourly_binance_perp.csv")
    begins = pd.to_datetime(hours["time"], utc=True)
    daily = sharp(pd.Series(days["close_usd"].to_numpy(), index=ends))
    hourly = sharp(pd.Series(hours["open_usdt"].to_numpy(), index=begins))
    both = pd.concat([daily, hourly[~hourly.index.isin(daily.index)]])
    return both.sort_index()


def table() -> str:
    """The whole file."""
    lines = [HEAD + "asset,time,close\n"]
    for asset in ("btc", "eth"):
        for time, price in prices_of(asset).items():
            lines.append(f"{asset.upper()},{time:%Y-%m-%dT%H:%MZ},{float(f'{price:.5g}'):g}\n")
    return "".join(lines)


if __name__ == "__main__":
    TABLE.write_text(table(), encoding="utf-8")
    sys.stdout.write(f"{TABLE} is written\n")
