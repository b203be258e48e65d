"""What price did in the week, and the closes of the chart."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from service.report.records import PricePoint, PriceWeek

if TYPE_CHECKING:
    import pandas as pd


def price_weeks(prices: pd.DataFrame, *, start: datetime, end: datetime) -> tuple[PriceWeek, ...]:
    """Each asset's last close by ``end`` against its last close by ``start``.

    ``prices`` has the columns of the price file (docs/contracts.md). An asset is left out when
    either close is two usual bars old or older, or when no bar closed in between.
    """
    found = []
    for asset, rows in prices.sort_values("time").groupby("asset", sort=True):
        bar = rows["time"].diff().median()
        before, last = rows[rows["time"] <= start], rows[rows["time"] <= end]
        if before.empty or len(last) == len(before):
            continue
        if start - before["time"].iloc[-1] >= 2 * bar or end - last["time"].iloc[-1] >= 2 * bar:
            continue
        close, opened = float(last["close"].iloc[-1]), float(before["close"].iloc[-1])
        found.append(
            PriceWeek(
                asset=str(asset),
                currency=str(last["currency"].iloc[-1]),
                close=close,
                closed_at=last["time"].iloc[-1].to_pydatetime(),
                before=opened,
                change=close / opened - 1,
            )
        )
    return tuple(found)


def price_points(prices: pd.DataFrame, *, since: datetime) -> tuple[PricePoint, ...]:
    """The last close of each UTC day from ``since`` on, by asset and time.

    A close at midnight ends the day before it.
    """
    import pandas as pd  # noqa: PLC0415 - keeps the command line quick to start

    recent = prices[prices["time"] >= since].sort_values(["asset", "time"])
    ended = (recent["time"] - pd.Timedelta(1, "us")).dt.date
    daily = recent[~pd.DataFrame({"asset": recent["asset"], "day": ended}).duplicated(keep="last")]
    rows: list[dict[Any, Any]] = daily.to_dict("records")
    return tuple(
        PricePoint(asset=row["asset"], time=row["time"].to_pydatetime(), close=row["close"])
        for row in rows
    )
