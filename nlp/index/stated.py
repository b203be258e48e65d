"""The net flows of funds that articles state, as signs, and whether they state liquidations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

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


def folded_flows(
    signs: npt.NDArray[np.int8], first: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Mean sign over the members of each story that state a flow, NaN where none does.

    ``signs`` has the articles, story by story, as rows; ``first`` says where each story begins.
    """
    told = signs != NO_FLOW
    number = np.add.reduceat(told.astype(np.float64), first, axis=0)
    sums = np.add.reduceat(np.where(told, signs, 0).astype(np.float64), first, axis=0)
    mean: npt.NDArray[np.float64] = np.divide(
        sums, number, out=np.full(sums.shape, np.nan), where=number > 0
    )
    return mean


def tells_liquidation(amounts: Sequence[dict[str, Any]]) -> bool:
    """Whether an article states a reported liquidation."""
    return any(one["kind"] == "liquidation" and one["realised"] for one in amounts)
