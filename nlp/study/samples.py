"""Which rows of index and price each target of the plan can use, and an account of the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from corpus.errors import StudyError
from nlp.index.stories import Booleans, Floats
from nlp.study.align import Grid, index_grid, returns
from nlp.study.plan import Plan
from nlp.study.prices import Closes
from nlp.study.result import Dropped, Missing, Relation
from nlp.study.statistics import complete, varies

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Target:
    """One target of the plan, before its drivers."""

    asset: str
    relation: Relation
    horizon: int
    lag: int


@dataclass(frozen=True)
class Sample:
    """The rows of one target: which drivers can be tested on it, and on which rows."""

    test: Target
    grid: Grid
    drivers: tuple[str, ...]
    rows: Booleans
    target: Floats

    def index(self, driver: str) -> Floats:
        """The driver's index on the rows of the sample."""
        return self.grid.values[driver][self.rows]


class Sampler:
    """Grids by asset, their samples, and the account of what was left out."""

    def __init__(self, plan: Plan, index: pd.DataFrame, closes: Mapping[str, Closes]) -> None:
        self._plan = plan
        self._closes = closes
        self.missing: list[Missing] = []
        self.dropped: list[Dropped] = []
        self.grids: dict[str, Grid] = {}
        for asset in plan.assets:
            if asset not in closes:
                self._leave_out(asset, None, "the price file does not hold it")
                continue
            name = "all" if plan.index_asset == "all" else asset
            grid = index_grid(index, asset=name, measure=plan.measure)
            overlap = (closes[asset].seconds > grid.starts[0]) & (
                closes[asset].seconds <= grid.starts[-1] + grid.length
            )
            if not overlap.any():
                raise StudyError(
                    f"the index and the {asset} prices have no time in common",
                    remedy="give prices of the span of the index",
                )
            self.grids[asset] = grid

    def _leave_out(self, asset: str, relation: Relation | None, reason: str) -> None:
        for driver in self._plan.drivers:
            self.missing.append(
                Missing(driver=driver, asset=asset, relation=relation, reason=reason)
            )

    def _tests(self, asset: str) -> list[Target]:
        tests = [Target(asset, "contemporaneous", 1, 0)]
        tests += [
            Target(asset, "predictive", horizon, lag)
            for lag in self._plan.lags
            for horizon in self._plan.horizons
        ]
        return [*tests, Target(asset, "price_leads", 1, -1)]

    def samples(self) -> list[Sample]:
        """One sample a target; raises :class:`StudyError` when too many rows are lost."""
        found = []
        for asset, grid in self.grids.items():
            present = [name for name in self._plan.drivers if name in grid.values]
            for absent in set(self._plan.drivers) - set(present):
                self.missing.append(
                    Missing(
                        driver=absent,
                        asset=asset,
                        relation=None,
                        reason="the index lacks this driver",
                    )
                )
            for test in self._tests(asset):
                sample = self._sample(test, grid, present)
                if sample is not None:
                    found.append(sample)
        return found

    def _sample(self, test: Target, grid: Grid, present: Sequence[str]) -> Sample | None:
        plan = self._plan
        target = returns(
            grid,
            self._closes[test.asset],
            relation=test.relation,
            horizon=test.horizon,
            lag=test.lag,
        )
        scaled = [name for name in present if np.isfinite(grid.values[name]).any()]
        for name in set(present) - set(scaled):
            self.miss(name, test, "the index gives no value of it (no coverage or no scale)")
        if not scaled:
            return None
        covered = complete(*(grid.values[name] for name in scaled))
        priced = np.isfinite(target)
        # Beyond the last price no return can exist yet; that is an end of the sample, not a loss.
        inside = np.zeros_like(priced)
        if priced.any():
            first, last = np.flatnonzero(priced)[[0, -1]]
            inside[first : last + 1] = True
        base = grid.in_base if test.relation == "predictive" else np.zeros_like(grid.in_base)
        rows = covered & priced & ~base
        account = Dropped(
            asset=test.asset,
            relation=test.relation,
            horizon=test.horizon,
            lag=test.lag,
            no_coverage=int(np.count_nonzero(~covered)),
            no_price=int(np.count_nonzero(covered & ~priced)),
            base_window=int(np.count_nonzero(covered & priced & base)),
            used=int(np.count_nonzero(rows)),
        )
        self.dropped.append(account)
        lost = int(np.count_nonzero(covered & inside & ~priced)) / max(
            1, int(np.count_nonzero(covered & inside))
        )
        if lost > plan.greatest_dropped:
            raise StudyError(
                f"{lost:.0%} of the covered periods have no {test.asset} return, more than the"
                f" {plan.greatest_dropped:.0%} that the plan allows",
                remedy="give prices without such gaps, or a slower index",
            )
        if account.used < plan.minimum_periods:
            for name in scaled:
                self.miss(
                    name,
                    test,
                    f"{account.used} usable periods are too few (the plan asks for"
                    f" {plan.minimum_periods})",
                )
            return None
        if not varies(target[rows]):
            for name in scaled:
                self.miss(name, test, "the price does not vary")
            return None
        steady = [name for name in scaled if not varies(grid.values[name][rows])]
        for name in steady:
            self.miss(name, test, "the index does not vary")
        usable = tuple(name for name in scaled if name not in steady)
        return Sample(test, grid, usable, rows, target[rows]) if usable else None

    def miss(self, driver: str, test: Target, reason: str) -> None:
        """Note that a driver is not tested on a target."""
        self.missing.append(
            Missing(driver=driver, asset=test.asset, relation=test.relation, reason=reason)
        )
