"""Local projections: how the return answers, over each horizon, to the index of a period.

For each horizon one least-squares regression of the return over it on the index, beside the
index's and the return's own past (Jordà, American Economic Review 95, 2005), with Newey-West
errors. The past makes the slope that of what is new in the index; the return of the index's own
period stands among the controls, so that the slope holds what came after it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import stats

from nlp.index.stories import Floats
from nlp.study.align import returns
from nlp.study.correction import holm
from nlp.study.plan import Plan
from nlp.study.prices import Closes
from nlp.study.result import Projection, Regression
from nlp.study.samples import Sampler
from nlp.study.statistics import complete, hac_freedom, regression, varies


def projection(
    answer: Floats, index: Floats, same: Floats, *, horizon: int, lags: int
) -> tuple[Regression, int] | None:
    """Slope of ``answer`` (over ``horizon`` periods) on ``index``, and the rows that it rests on.

    Series lie on one unbroken time line with NaN for missing. Controls are ``lags`` past values of
    the index, and ``same`` (the return of the index's own period) with as many past values. None
    when too few rows are complete or the design is singular.
    """
    controls = {"return_0": same}
    for back in range(1, lags + 1):
        controls[f"index_{back}"] = _past(index, back)
        controls[f"return_{back}"] = _past(same, back)
    rows = complete(answer, index, *controls.values())
    number = int(np.count_nonzero(rows))
    if number < 20 or not varies(index[rows]) or not varies(answer[rows]):
        return None
    fitted = regression(
        answer[rows],
        index[rows],
        {name: series[rows] for name, series in controls.items()},
        horizon=horizon,
    )
    return None if fitted is None else (fitted, number)


def projections(
    plan: Plan, closes: Mapping[str, Closes], sampler: Sampler
) -> tuple[Projection, ...]:
    """Every driver, asset and horizon; p-values corrected over all of them by the method of Holm.

    Periods of the base window are kept out as in predictive tests.
    """
    found: list[Projection] = []
    for (asset, target), grid in sampler.grids.items():
        if target != "return":
            continue
        same = returns(grid, closes[asset], relation="contemporaneous")
        for driver in plan.drivers:
            if driver not in grid.values:
                continue
            index = np.where(grid.in_base, np.nan, grid.values[driver])
            for horizon in plan.horizons:
                answer = returns(grid, closes[asset], relation="predictive", horizon=horizon)
                fitted = projection(answer, index, same, horizon=horizon, lags=plan.projection_lags)
                if fitted is not None and fitted[1] >= plan.minimum_periods:
                    found.append(
                        _told(
                            plan,
                            driver=driver,
                            asset=asset,
                            horizon=horizon,
                            fitted=fitted[0],
                            rows=fitted[1],
                        )
                    )
    corrected = holm([one.p_value for one in found])
    return tuple(
        one.model_copy(update={"p_holm": value})
        for one, value in zip(found, corrected, strict=True)
    )


def _told(
    plan: Plan, *, driver: str, asset: str, horizon: int, fitted: Regression, rows: int
) -> Projection:
    error, freedom = fitted.error, hac_freedom(rows, len(fitted.controls) + 2, fitted.hac_lag)
    if horizon > 1:
        error, freedom = fitted.cosine_error, float(fitted.cosines)
    reach = float(stats.t.ppf((1 + plan.level) / 2, freedom)) * error
    return Projection(
        driver=driver,
        asset=asset,
        horizon=horizon,
        periods=rows,
        slope=fitted.slope,
        error=fitted.error,
        lower=fitted.slope - reach,
        upper=fitted.slope + reach,
        hac_lag=fitted.hac_lag,
        p_value=fitted.p_value,
        p_holm=1.0,
    )


def _past(series: Floats, back: int) -> Floats:
    moved: Floats = np.r_[np.full(back, np.nan), series[:-back]]
    return moved
