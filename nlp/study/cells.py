"""The cells of a study: every test of the plan, corrected over all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy import stats

from nlp.index.stories import Floats
from nlp.study.align import returns
from nlp.study.inference import Family, Permuted, permutation_tests
from nlp.study.plan import Plan
from nlp.study.prices import Closes
from nlp.study.result import Cell, Regression, Relation
from nlp.study.samples import Sample, Sampler, Test
from nlp.study.statistics import (
    block_length,
    complete,
    correlation_interval,
    detectable_correlation,
    regression,
    trailing_mean,
    varies,
)
from nlp.study.volatility import volatility_kind


def cells(
    plan: Plan,
    closes: Mapping[str, Closes],
    sampler: Sampler,
    samples: Sequence[Sample],
    *,
    step: Callable[[], None],
) -> tuple[Cell, ...]:
    """Every test of the plan that can be computed; ``step`` is called after each sample, twice.

    Tests whose regression is singular are noted as missing.
    """
    families = [family_of(sample) for sample in samples]
    permuted = permutation_tests(families, resamples=plan.resamples, seed=plan.seed, step=step)
    every = np.concatenate([one.p_value for one in permuted])
    q_values = iter(stats.false_discovery_control(every, method="bh").tolist())
    found = []
    for sample, tests in zip(samples, permuted, strict=True):
        for place, driver in enumerate(sample.drivers):
            q_value = next(q_values)
            fitted = _fitted(plan, closes, sampler, sample, driver)
            if fitted is None:
                sampler.miss(driver, sample.test, "its regression is singular")
                continue
            found.append(
                _cell(
                    plan,
                    closes,
                    sample,
                    driver,
                    tests=tests,
                    place=place,
                    q_value=q_value,
                    fitted=fitted,
                )
            )
        step()
    return tuple(found)


def family_of(sample: Sample) -> Family:
    """The sample as a family of permutation tests, all its drivers against its target.

    Blocks keep the dependence of the index; against volatility, which depends on its past far more
    than returns do, also that of the target.
    """
    series = [sample.index(name) for name in sample.drivers]
    dependent = series if sample.test.target == "return" else [*series, sample.target]
    return Family(
        index=np.column_stack(series),
        target=sample.target[:, None],
        pairs=tuple((place, 0) for place in range(len(series))),
        block=block_length(*dependent),
    )


def _cell(
    plan: Plan,
    closes: Mapping[str, Closes],
    sample: Sample,
    driver: str,
    *,
    tests: Permuted,
    place: int,
    q_value: float,
    fitted: Regression,
) -> Cell:
    test = sample.test
    series = sample.index(driver)
    # Returns over several periods overlap; blocks twice as long lose less of that dependence.
    block = max(block_length(series, sample.target), 2 * test.horizon - 1)
    lower, upper = correlation_interval(
        series,
        sample.target,
        block=block,
        level=plan.level,
        resamples=plan.resamples,
        seed=plan.seed,
    )
    is_return = test.target == "return"
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
        detectable=detectable_correlation(float(tests.null_deviation[place]), plan.significance),
        regression=fitted,
        target=test.target,
        measure=plan.measure if is_return else plan.volatility_measure,
        volatility_kind=None if is_return else volatility_kind(sample.grid, closes[test.asset]),
    )


def _fitted(
    plan: Plan, closes: Mapping[str, Closes], sampler: Sampler, sample: Sample, driver: str
) -> Regression | None:
    """Target on index beside what price alone would say; for price leads, index on target."""
    test, grid = sample.test, sample.grid
    index = grid.values[driver]
    before = sampler.series(Test(test.asset, "price_leads", 1, -1, test.target))
    same = sampler.series(Test(test.asset, "contemporaneous", 1, 0, test.target))
    # What is known when the tested span begins: the last value closed by then, and recent ones.
    known = same if test.relation == "predictive" else before
    if test.target == "return":
        recent = trailing_mean(np.abs(known), plan.volatility_window)
        controls = {"lagged_return": known, "volatility": recent}
    else:
        recent = trailing_mean(known, plan.volatility_window)
        closed: Relation = "contemporaneous" if test.relation == "predictive" else "price_leads"
        moved = returns(grid, closes[test.asset], relation=closed)
        controls = {"lagged_volatility": known, "volatility": recent, "lagged_return": moved}
    target = np.full(len(index), np.nan)
    target[sample.rows] = sample.target
    regressor: Floats = index
    if test.relation == "price_leads":
        controls = {"lagged_index": np.r_[np.nan, index[:-1]], "volatility": recent}
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
