"""Out of sample: does the index forecast the return better than the mean of past returns?

At the end of each period both forecasts are made from the periods whose returns had closed by then:
the mean of those returns, and a least-squares line of them on the index (expanding window). They
are compared by the out-of-sample R² of Campbell and Thompson (Review of Financial Studies 21,
2008), the test of Diebold and Mariano (Journal of Business and Economic Statistics 13, 1995) with
the correction of Harvey, Leybourne and Newbold (International Journal of Forecasting 13, 1997),
and, since the mean is a special case of the line, which tilts that test against the line, by the
adjusted loss of Clark and West (Journal of Econometrics 138, 2007). Over an expanding window the
normal distribution rejects too rarely by that, as they find; so its p-value is by permutation of
the index by blocks, as those of the correlations are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice

import numpy as np
from scipy import stats

from nlp.index.stories import Floats
from nlp.study.align import returns
from nlp.study.correction import holm, surviving_draws
from nlp.study.inference import block_orders
from nlp.study.plan import Plan
from nlp.study.prices import Closes
from nlp.study.result import Forecast, Missing
from nlp.study.samples import Sampler
from nlp.study.statistics import block_length, varies

# Forecasts needed for a comparison.
LEAST_FORECASTS = 20
# Values of permuted indices held at once.
_HELD = 500_000


@dataclass(frozen=True)
class Forecasts:
    """What came, and what the mean and the line had said, in order of time."""

    actual: Floats
    mean: Floats
    line: Floats


def expanding_forecasts(target: Floats, index: Floats, *, horizon: int, first: int) -> Forecasts:
    """Forecasts of ``target[t]``, the return over ``horizon`` periods after period t.

    Series lie on one unbroken time line with NaN for missing. ``target[s]`` is known at the end of
    period t when ``s + horizon <= t``; a forecast needs ``first`` such pairs. ``index`` may be
    several series (draws x periods) that are missing in the same places; so is the line then.
    """
    pair = np.isfinite(target) & np.isfinite(np.atleast_2d(index)[0])
    x, y = np.where(pair, index, 0.0), np.where(pair, target, 0.0)

    def known(values: Floats) -> Floats:
        sums: Floats = np.zeros(values.shape)
        np.cumsum(values[..., : len(target) - horizon], axis=-1, out=sums[..., horizon:])
        return sums

    number = known(pair.astype(np.float64))
    usable = pair & (number >= first)
    count = np.maximum(number, 1.0)
    mean_x, mean_y = known(x) / count, known(y) / count
    spread = known(x * x) / count - mean_x**2
    product = known(x * y) / count - mean_x * mean_y
    slope = np.divide(product, spread, out=np.zeros(x.shape), where=spread > 1e-12)
    line = mean_y + slope * (x - mean_x)
    return Forecasts(actual=target[usable], mean=mean_y[usable], line=line[..., usable])


def out_of_sample_r2(forecasts: Forecasts) -> float:
    """``1 - Σ (r - line)² / Σ (r - mean)²``: above zero where the line was nearer."""
    line = float(np.sum((forecasts.actual - forecasts.line) ** 2))
    return 1.0 - line / float(np.sum((forecasts.actual - forecasts.mean) ** 2))


def diebold_mariano(differences: Floats, *, horizon: int) -> tuple[float, float]:
    """Statistic and two-sided p-value that the mean of ``differences`` in loss is zero.

    The variance takes autocovariances up to ``horizon - 1``, with Bartlett weights only where the
    plain sum is not positive; statistic and Student's t with n - 1 degrees of freedom after
    Harvey, Leybourne and Newbold.
    """
    number = len(differences)
    centred = differences - differences.mean()
    covariances = [
        float(centred[back:] @ centred[: number - back]) / number for back in range(horizon)
    ]
    variance = covariances[0] + 2 * sum(covariances[1:])
    if variance <= 0:
        variance = covariances[0] + 2 * sum(
            (1 - back / horizon) * one for back, one in enumerate(covariances[1:], start=1)
        )
    if variance <= 1e-300:
        return 0.0, 1.0
    correction = (number + 1 - 2 * horizon + horizon * (horizon - 1) / number) / number
    statistic = float(differences.mean()) / np.sqrt(variance / number) * np.sqrt(correction)
    return float(statistic), float(2 * stats.t.sf(abs(statistic), number - 1))


def clark_west(forecasts: Forecasts) -> Floats:
    """Mean of the adjusted loss by which the line is nearer than the mean, in deviations of it.

    The loss is ``(r - mean)² - (r - line)² + (mean - line)²``, which is twice the error of the mean
    times the distance of the line from it. One value a series of the line.
    """
    adjusted = (forecasts.actual - forecasts.mean) * (forecasts.line - forecasts.mean)
    mean: Floats = adjusted.mean(axis=-1)
    spread = adjusted.std(axis=-1)
    told: Floats = np.divide(mean, spread, out=np.zeros_like(mean), where=spread > 1e-300)
    return told


def clark_west_p(
    target: Floats, index: Floats, *, horizon: int, first: int, resamples: int, seed: int
) -> float:
    """One-sided p-value that the line forecasts better than the mean.

    The values of the index that have a return are put in another order by blocks, as in
    :func:`nlp.study.inference.permutation_tests`; returns stay, and with them their tails and
    changing variance. What the index then forecasts of them it does by chance.
    """
    complete = np.flatnonzero(np.isfinite(target) & np.isfinite(index))
    block = max(block_length(index[complete], target[complete]), 2 * horizon - 1)
    observed = clark_west(expanding_forecasts(target, index, horizon=horizon, first=first))
    orders = block_orders(len(complete), block, resamples, np.random.default_rng(seed))
    beyond = 0
    while len(some := np.array(list(islice(orders, max(1, _HELD // len(index)))))):
        shuffled = np.full((len(some), len(index)), np.nan)
        shuffled[:, complete] = index[complete[some]]
        drawn = clark_west(expanding_forecasts(target, shuffled, horizon=horizon, first=first))
        beyond += int(np.count_nonzero(drawn >= observed - 1e-12))
    return (1 + beyond) / (1 + resamples)


def out_of_sample(
    plan: Plan, closes: Mapping[str, Closes], sampler: Sampler, *, step: Callable[[], None]
) -> tuple[tuple[Forecast, ...], tuple[Missing, ...]]:
    """Every driver, asset and horizon, and what had too few forecasts.

    ``p_holm`` corrects the p-values of Clark and West over all of them. ``step`` is called after
    each.
    """
    found: list[Forecast] = []
    missing: list[Missing] = []
    tests = len(plan.drivers) * len(plan.assets) * len(plan.horizons)
    for (asset, target), grid in sampler.grids.items():
        if target != "return":
            continue
        for driver in plan.drivers:
            if driver not in grid.values:
                continue
            index = np.where(grid.in_base, np.nan, grid.values[driver])
            for horizon in plan.horizons:
                after = returns(grid, closes[asset], relation="predictive", horizon=horizon)
                made = expanding_forecasts(
                    after, index, horizon=horizon, first=plan.forecast_first_window
                )
                if len(made.actual) < max(LEAST_FORECASTS, 2 * horizon) or not varies(made.actual):
                    missing.append(
                        Missing(
                            driver=driver,
                            asset=asset,
                            relation=None,
                            reason=f"{len(made.actual)} forecasts at horizon {horizon} are too"
                            f" few (at least {max(LEAST_FORECASTS, 2 * horizon)})",
                            method="out_of_sample",
                        )
                    )
                    continue
                p_value = clark_west_p(
                    after,
                    index,
                    horizon=horizon,
                    first=plan.forecast_first_window,
                    resamples=max(plan.resamples, surviving_draws(tests, plan.significance)),
                    seed=plan.seed,
                )
                found.append(_compared(driver, asset, horizon, made, p_value))
                step()
    corrected = holm([one.clark_west_p for one in found])
    return (
        tuple(
            one.model_copy(update={"p_holm": value})
            for one, value in zip(found, corrected, strict=True)
        ),
        tuple(missing),
    )


def _compared(driver: str, asset: str, horizon: int, made: Forecasts, p_value: float) -> Forecast:
    differences = (made.actual - made.mean) ** 2 - (made.actual - made.line) ** 2
    statistic, two_sided = diebold_mariano(differences, horizon=horizon)
    return Forecast(
        driver=driver,
        asset=asset,
        horizon=horizon,
        forecasts=len(made.actual),
        r2=out_of_sample_r2(made),
        diebold_mariano=statistic,
        diebold_mariano_p=two_sided,
        clark_west_p=p_value,
        p_holm=1.0,
    )
