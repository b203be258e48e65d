"""Granger tests in both directions: whether the past of one adds to that of the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from nlp.study.align import Grid, returns
from nlp.study.plan import Plan
from nlp.study.prices import Closes
from nlp.study.result import Direction, Granger
from nlp.study.samples import Sampler
from nlp.study.statistics import Wald, granger


def granger_tests(
    plan: Plan, closes: Mapping[str, Closes], sampler: Sampler
) -> tuple[Granger, ...]:
    """Both directions for every driver and asset.

    Towards the return, the return of a period is taken over bars that begin at or after the
    period's start, so that no bar overlaps an earlier period of the index; towards the index,
    over bars closed by the period's end.
    """
    return tuple(
        found
        for (asset, target), grid in sampler.grids.items()
        if target == "return"
        for driver in plan.drivers
        if driver in grid.values
        for found in _both_ways(plan, closes[asset], grid, driver)
    )


def _both_ways(plan: Plan, closes: Closes, grid: Grid, driver: str) -> Iterator[Granger]:
    index, lags = grid.values[driver], plan.granger_lags
    onward = closes.from_edge(grid.starts + grid.length) - closes.from_edge(grid.starts)
    closed = returns(grid, closes, relation="contemporaneous")
    forward = granger(onward, np.where(grid.in_base, np.nan, index), lags=lags)
    backward = granger(index, closed, lags=lags)
    told: tuple[tuple[Direction, Wald | None], ...] = (
        ("index_to_return", forward),
        ("return_to_index", backward),
    )
    for direction, found in told:
        if found is not None:
            yield Granger(
                driver=driver,
                asset=closes.asset,
                direction=direction,
                lags=lags,
                periods=found.rows,
                statistic=found.statistic,
                p_value=found.p_value,
            )
