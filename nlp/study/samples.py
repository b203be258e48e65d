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
from nlp.study.result import Dropped, Missing, Relation, Target
from nlp.study.statistics import complete, varies
from nlp.study.volatility import volatility

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Test:
    """One test of the plan, before its drivers."""

    asset: str
    relation: Relation
    horizon: int
    lag: int
    target: Target = "return"


@dataclass(frozen=True)
class Sample:
    """The rows of one test: which drivers can be tested on it, and on which rows."""

    test: Test
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
        self.grids: dict[tuple[str, Target], Grid] = {}
        for asset in plan.assets:
            if asset not in closes:
                self._leave_out(asset, "the price file does not hold it")
                continue
            name = "all" if plan.index_asset == "all" else asset
            grid = index_grid(index, asset=name, measure=plan.measure)
            loud = index_grid(index, asset=name, measure=plan.volatility_measure)
            overlap = (closes[asset].seconds > grid.starts[0]) & (
                closes[asset].seconds <= grid.starts[-1] + grid.length
            )
            if not overlap.any():
                raise StudyError(
                    f"the index and the {asset} prices have no time in common",
                    remedy="give prices of the span of the index",
                )
            self.grids[asset, "return"] = grid
            self.grids[asset, "volatility"] = loud

    def _leave_out(self, asset: str, reason: str) -> None:
        for driver in self._plan.drivers:
            self.missing.append(Missing(driver=driver, asset=asset, relation=None, reason=reason))

    def _tests(self, asset: str, target: Target) -> list[Test]:
        tests = [Test(asset, "contemporaneous", 1, 0, target)]
        tests += [
            Test(asset, "predictive", horizon, lag, target)
            for lag in self._plan.lags
            for horizon in self._plan.horizons
        ]
        return [*tests, Test(asset, "price_leads", 1, -1, target)]

    def samples(self) -> list[Sample]:
        """One sample a test; raises :class:`StudyError` when too many rows are lost."""
        found = []
        for (asset, target), grid in self.grids.items():
            present = [name for name in self._plan.drivers if name in grid.values]
            for absent in [name for name in self._plan.drivers if name not in grid.values]:
                self.missing.append(
                    Missing(
                        driver=absent,
                        asset=asset,
                        relation=None,
                        reason="the index lacks this driver",
                        target=target,
                    )
                )
            for test in self._tests(asset, target):
                sample = self._sample(test, grid, present)
                if sample is not None:
                    found.append(sample)
        return found

    def series(self, test: Test) -> Floats:
        """What a test sets the index against, on the grid: returns or volatility of its asset."""
        measured = returns if test.target == "return" else volatility
        return measured(
            self.grids[test.asset, test.target],
            self._closes[test.asset],
            relation=test.relation,
            horizon=test.horizon,
            lag=test.lag,
        )

    def _sample(self, test: Test, grid: Grid, present: Sequence[str]) -> Sample | None:
        plan = self._plan
        target = self.series(test)
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
            target=test.target,
        )
        self.dropped.append(account)
        lost = int(np.count_nonzero(covered & inside & ~priced)) / max(
            1, int(np.count_nonzero(covered & inside))
        )
        if lost > plan.greatest_dropped:
            raise StudyError(
                f"{lost:.0%} of the covered periods have no {test.asset} {test.target}, more than"
                f" the {plan.greatest_dropped:.0%} that the plan allows",
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

    def miss(self, driver: str, test: Test, reason: str) -> None:
        """Note that a driver does not enter a test."""
        self.missing.append(
            Missing(
                driver=driver,
                asset=test.asset,
                relation=test.relation,
                reason=reason,
                target=test.target,
            )
        )
