"""Run a study: index against prices, by a plan, with inference over the whole of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from corpus.errors import StudyError
from nlp.study.align import ALIGNMENT, moment, returns
from nlp.study.inference import Family, Permuted, block_orders, permutation_tests
from nlp.study.plan import Plan, load_plan
from nlp.study.prices import Closes, checked_closes
from nlp.study.result import (
    Cell,
    Granger,
    Placebo,
    Regression,
    StudyResult,
)
from nlp.study.samples import Sample, Sampler
from nlp.study.statistics import (
    block_length,
    complete,
    correlation_interval,
    detectable_correlation,
    granger,
    regression,
    trailing_volatility,
    varies,
)
from nlp.study.verdict import verdict

if TYPE_CHECKING:
    import pandas as pd


def run(index: pd.DataFrame, prices: pd.DataFrame, plan: Plan | None = None) -> StudyResult:
    """Study an index (contract of the index file) against prices (contract of the price file).

    Raises :class:`StudyError` when the data cannot bear it: bad prices, no overlap, an index that
    knows the future, more rows lost in alignment than the plan allows, or nothing left to test.
    """
    plan = plan or load_plan()
    closes, price_notes = checked_closes(prices)
    sampler = Sampler(plan, index, closes)
    samples = sampler.samples()
    if not samples:
        reasons = sorted({one.reason for one in sampler.missing})
        raise StudyError(
            f"nothing in the plan can be tested: {'; '.join(reasons)}",
            remedy="give a longer index and prices of the same span",
        )
    study = _Study(plan, closes, sampler)
    cells = study.cells(samples)
    placebos = study.placebos(samples)
    grid = samples[0].grid
    missing = tuple(sampler.missing)
    return StudyResult(
        plan=plan,
        frequency=grid.frequency,
        index_vintage=grid.vintage,
        index_as_of=grid.as_of,
        first_period=moment(int(grid.starts[0])),
        last_period=moment(int(grid.starts[-1])),
        alignment=ALIGNMENT,
        notes=price_notes,
        dropped=tuple(sampler.dropped),
        cells=cells,
        granger=study.granger(),
        placebos=placebos,
        missing=missing,
        verdict=verdict(plan, grid.frequency, cells, placebos, missing),
    )


class _Study:
    """The tests of one run, over the samples that there are."""

    def __init__(self, plan: Plan, closes: Mapping[str, Closes], sampler: Sampler) -> None:
        self._plan = plan
        self._closes = closes
        self._sampler = sampler

    def cells(self, samples: Sequence[Sample]) -> tuple[Cell, ...]:
        """Every test of the plan that can be computed, corrected over all of them."""
        from statsmodels.stats.multitest import multipletests  # noqa: PLC0415 - slow to import

        plan = self._plan
        families = [self._family(sample) for sample in samples]
        permuted = permutation_tests(families, resamples=plan.resamples, seed=plan.seed)
        every = np.concatenate([one.p_value for one in permuted])
        q_values = iter(multipletests(every, method="fdr_bh")[1].tolist())
        found = []
        for sample, tests in zip(samples, permuted, strict=True):
            for place, driver in enumerate(sample.drivers):
                q_value = next(q_values)
                fitted = self._regression(sample, driver)
                if fitted is None:
                    self._sampler.miss(driver, sample.test, "its regression is singular")
                    continue
                found.append(
                    self._cell(
                        sample, driver, tests=tests, place=place, q_value=q_value, fitted=fitted
                    )
                )
        return tuple(found)

    def _family(self, sample: Sample) -> Family:
        series = [sample.index(name) for name in sample.drivers]
        return Family(
            index=np.column_stack(series),
            target=sample.target[:, None],
            pairs=tuple((place, 0) for place in range(len(series))),
            block=block_length(*series),
        )

    def _cell(
        self,
        sample: Sample,
        driver: str,
        *,
        tests: Permuted,
        place: int,
        q_value: float,
        fitted: Regression,
    ) -> Cell:
        plan, test = self._plan, sample.test
        series = sample.index(driver)
        block = max(block_length(series, sample.target), test.horizon)
        lower, upper = correlation_interval(
            series,
            sample.target,
            block=block,
            level=plan.level,
            resamples=plan.resamples,
            seed=plan.seed,
        )
        return Cell(
            driver=driver,
            asset=test.asset,
            relation=test.relation,
            horizon=test.horizon,
            lag=test.lag,
            periods=len(series),
            block=block,
            correlation=float(tests.correlation[place]),
            lower=lower,
            upper=upper,
            p_value=float(tests.p_value[place]),
            p_plan=float(tests.p_plan[place]),
            q_value=float(q_value),
            detectable=detectable_correlation(
                float(tests.null_deviation[place]), plan.significance
            ),
            regression=fitted,
        )

    def _regression(self, sample: Sample, driver: str) -> Regression | None:
        """Return on index beside what price alone would say; for price leads, index on return."""
        test, grid = sample.test, sample.grid
        closes = self._closes[test.asset]
        index = grid.values[driver]
        before = returns(grid, closes, relation="price_leads")
        same = returns(grid, closes, relation="contemporaneous")
        # What is known when the tested return begins: the return just closed, and its recent size.
        known = same if test.relation == "predictive" else before
        controls = {
            "lagged_return": known,
            "volatility": trailing_volatility(known, self._plan.volatility_window),
        }
        target = np.full(len(index), np.nan)
        target[sample.rows] = sample.target
        regressor = index
        if test.relation == "price_leads":
            past = np.r_[np.nan, index[:-1]]
            controls = {"lagged_index": past, "volatility": controls["volatility"]}
            target, regressor = np.where(sample.rows, index, np.nan), before
        rows = complete(target, regressor, *controls.values())
        if np.count_nonzero(rows) < 20 or not varies(regressor[rows]):
            return None
        return regression(
            target[rows],
            regressor[rows],
            {name: series[rows] for name, series in controls.items()},
            horizon=test.horizon,
        )

    def granger(self) -> tuple[Granger, ...]:
        """Both directions for every driver and asset.

        Towards the return, the return of a period is taken over bars that begin at or after the
        period's start, so that no bar overlaps an earlier period of the index; towards the index,
        over bars closed by the period's end.
        """
        found = []
        lags = self._plan.granger_lags
        for asset, grid in self._sampler.grids.items():
            closes = self._closes[asset]
            onward = closes.from_edge(grid.starts + grid.length) - closes.from_edge(grid.starts)
            closed = returns(grid, closes, relation="contemporaneous")
            for driver in self._plan.drivers:
                index = grid.values.get(driver)
                if index is None:
                    continue
                forward = granger(onward, np.where(grid.in_base, np.nan, index), lags=lags)
                backward = granger(index, closed, lags=lags)
                if forward is not None:
                    found.append(
                        Granger(
                            driver=driver,
                            asset=asset,
                            direction="index_to_return",
                            lags=lags,
                            periods=forward.rows,
                            statistic=forward.statistic,
                            p_value=forward.p_value,
                        )
                    )
                if backward is not None:
                    found.append(
                        Granger(
                            driver=driver,
                            asset=asset,
                            direction="return_to_index",
                            lags=lags,
                            periods=backward.rows,
                            statistic=backward.statistic,
                            p_value=backward.p_value,
                        )
                    )
        return tuple(found)

    def placebos(self, samples: Sequence[Sample]) -> tuple[Placebo, ...]:
        """The next-period tests again, with an index that cannot matter."""
        plan = self._plan
        random = np.random.default_rng(plan.seed + 1)
        families: list[Family] = []
        labels: list[tuple[str, Sample]] = []
        for sample in samples:
            if (sample.test.relation, sample.test.horizon, sample.test.lag) != ("predictive", 1, 1):
                continue
            plain = self._family(sample)
            shift = plan.placebo_shift
            if len(plain.index) - shift >= plan.minimum_periods:
                families.append(
                    Family(plain.index[shift:], plain.target[:-shift], plain.pairs, plain.block)
                )
                labels.append(("future_index", sample))
            order = next(block_orders(len(plain.index), plain.block, 1, random))
            families.append(Family(plain.index[order], plain.target, plain.pairs, plain.block))
            labels.append(("shuffled_blocks", sample))
        if not families:
            return ()
        tested = permutation_tests(families, resamples=plan.resamples, seed=plan.seed + 2)
        return tuple(
            Placebo.model_validate(
                {
                    "kind": kind,
                    "driver": driver,
                    "asset": sample.test.asset,
                    "periods": len(family.index),
                    "correlation": float(one.correlation[place]),
                    "p_value": float(one.p_value[place]),
                }
            )
            for (kind, sample), family, one in zip(labels, families, tested, strict=True)
            for place, driver in enumerate(sample.drivers)
        )
