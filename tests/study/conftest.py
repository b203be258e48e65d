"""Worlds of index and price with known links."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from nlp.index import COLUMNS
from nlp.study import load_plan

START = datetime(2025, 1, 6, tzinfo=UTC)
DRIVERS = ("etf_flows", "treasury", "leverage", "macro", "composite")


def autoregressive(random: np.random.Generator, rows: int, persistence: float = 0.4) -> np.ndarray:
    """A stationary series with unit variance."""
    shocks = random.normal(size=rows + 50) * np.sqrt(1 - persistence**2)
    series = np.zeros(rows + 50)
    for row in range(1, rows + 50):
        series[row] = persistence * series[row - 1] + shocks[row]
    return series[50:]


def fat_tailed(random: np.random.Generator, rows: int) -> np.ndarray:
    """Returns with Student tails and clustered variance, unit variance on average."""
    volatility, found = 1.0, np.zeros(rows)
    for row in range(rows):
        found[row] = np.sqrt(volatility) * random.standard_t(5) / np.sqrt(5 / 3)
        volatility = 0.1 + 0.12 * found[row] ** 2 + 0.78 * volatility
    return found


def index_frame(
    values: dict[str, np.ndarray],
    *,
    base: int = 28,
    asset: str = "all",
    attention: dict[str, np.ndarray] | None = None,
):
    """An index file with these pressures (and attention) by driver, one row a day from START."""
    parts = []
    for driver, series in values.items():
        rows = len(series)
        starts = pd.to_datetime([START + timedelta(days=day) for day in range(rows)], utc=True)
        parts.append(
            pd.DataFrame(
                {
                    "period_start": starts,
                    "frequency": "D",
                    "asset": asset,
                    "driver": driver,
                    "stories": 20,
                    "tagged": 5,
                    "attention": np.where(
                        np.isnan(series), np.nan, (attention or {}).get(driver, 100.0)
                    ),
                    "stance": 0.0,
                    "pressure": series,
                    "lower": series - 1,
                    "upper": series + 1,
                    "outlet_low": series - 0.5,
                    "outlet_high": series + 0.5,
                    "attention_raw": 0.2,
                    "pressure_raw": series,
                    "coverage": np.where(np.isnan(series), "none", "ok"),
                    "mix_distance": 0.1,
                    "mix_changed": False,
                    "in_base": np.arange(rows) < base,
                    "as_of": pd.Timestamp(START + timedelta(days=rows + 5)),
                    "vintage": "a" * 64,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)[list(COLUMNS)]


def price_frame(returns: np.ndarray, *, asset: str = "BTC", scale: float = 0.02, offset_hours=0):
    """Closes whose log return over day t (that starts t days after START) is returns[t]."""
    closes = 100 * np.exp(np.r_[0.0, np.cumsum(np.asarray(returns) * scale)])
    times = [START + timedelta(days=day, hours=offset_hours) for day in range(len(closes))]
    return pd.DataFrame(
        {
            "time": pd.to_datetime(times, utc=True),
            "asset": asset,
            "close": closes,
            "currency": "USD",
        }
    )


def quick_plan(**more):
    """One driver, one asset, few resamples."""
    given = {
        "drivers": ("leverage",),
        "assets": ("BTC",),
        "horizons": (1,),
        "resamples": 199,
    }
    return load_plan().model_copy(update=given | more)


class World:
    """What the tests call."""

    start = START
    drivers = DRIVERS
    autoregressive = staticmethod(autoregressive)
    fat_tailed = staticmethod(fat_tailed)
    index = staticmethod(index_frame)
    prices = staticmethod(price_frame)
    plan = staticmethod(quick_plan)


@pytest.fixture(scope="session")
def world() -> type[World]:
    return World
