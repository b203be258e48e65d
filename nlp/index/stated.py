"""What articles state: signs of net flows of funds, the flow of the last day, liquidations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np

from nlp.amounts import is_believable
from nlp.amounts.trading_days import is_trading_day, last_trading_day

FLOW_DRIVER = "etf_flows"
# Stands in for a sign where no flow is stated.
NO_FLOW = 2


def told_flows(
    amounts: Sequence[dict[str, Any]], named: Sequence[bool], assets: Sequence[str]
) -> list[int]:
    """Sign of the net flows that one article states, realised and then expected.

    Each for all assets together and then for each of ``assets``; :data:`NO_FLOW` where none is
    stated. A flow without an asset is that of the one asset that the article names (``named``).
    """
    flows = [one for one in amounts if one["kind"] == "net_flow" and one["driver"] == FLOW_DRIVER]
    width = 1 + len(assets)
    if not flows:
        return [NO_FLOW] * (2 * width)
    only = assets[list(named).index(True)] if sum(named) == 1 else None
    column = {asset: place for place, asset in enumerate(assets, start=1)}
    sums: dict[int, int] = {}
    for one in flows:
        row = 0 if one["realised"] else width
        value = one["value"]
        asset = one.get("asset") or only
        of_asset = [row + column[asset]] if asset in column else []
        for place in (row, *of_asset):
            sums[place] = sums.get(place, 0) + (value > 0) - (value < 0)
    return [
        NO_FLOW if place not in sums else (sums[place] > 0) - (sums[place] < 0)
        for place in range(2 * width)
    ]


def tells_liquidation(amounts: Sequence[dict[str, Any]]) -> bool:
    """Whether an article states a reported liquidation."""
    return any(one["kind"] == "liquidation" and one["realised"] for one in amounts)


def day_flows(
    published: date,
    amounts: Sequence[dict[str, Any]],
    named: Sequence[bool],
    assets: Sequence[str],
) -> list[float]:
    """The flow that an article states for the last trading day, for each of ``assets``, else NaN.

    ``published`` is the article's day (UTC). In dollars, outflows negative. Where it states
    several, the first counts, the title before the text: what a story is about stands first. A flow
    without an asset is that of the one asset that the article names (``named``).
    """
    found: dict[str, float] = {}
    only = assets[list(named).index(True)] if sum(named) == 1 else None
    flows = [one for one in amounts if _is_total_of_last_day(one, published)]
    for one in sorted(flows, key=lambda one: (one["field"] != "title", one["start"])):
        asset = one.get("asset") or only
        if asset and asset in assets:
            found.setdefault(asset, one["value"])
    return [found.get(asset, np.nan) for asset in assets]


def _is_total_of_last_day(flow: Mapping[str, Any], published: date) -> bool:
    """Whether an amount is the net flow of all funds on the trading day before ``published``."""
    scope = flow["scope"]
    if scope is None or scope["funds"] == "one" or scope["length"] not in ("day", "untold"):
        return False
    if not flow["realised"] or flow["unit"] != "USD" or flow["driver"] != FLOW_DRIVER:
        return False
    if not is_believable(flow["value"], flow["unit"], "day"):
        return False
    if flow["period"] is None:
        return True
    try:
        day = date.fromisoformat(flow["period"])
    except ValueError:  # a month or an interval
        return False
    # Funds do not trade on weekends and holidays: "on Sunday" is when the figure was printed.
    traded = day if is_trading_day(day) else last_trading_day(day)
    return traded == last_trading_day(published)
