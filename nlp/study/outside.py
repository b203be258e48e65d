"""Outside validity: does the index follow the actual series that its news speaks of?"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import stats

from nlp.index.stories import Floats
from nlp.study.align import Grid
from nlp.study.inference import Family, permutation_tests
from nlp.study.plan import Outside, Plan
from nlp.study.result import Following, Missing
from nlp.study.series import DatedSeries
from nlp.study.statistics import block_length, correlation_interval, varies


def followings(
    plan: Plan, grids: Mapping[Outside, Grid], series: Mapping[str, DatedSeries]
) -> tuple[tuple[Following, ...], tuple[Missing, ...]]:
    """Rank correlation (Spearman) of index and series of ``lag`` periods before, for all lags.

    ``grids`` holds the index that each declared pair is about. Ranks, since flows and liquidations
    have tails that a single day would decide. Only periods with both values count; all pairs and
    lags are permuted by blocks together. Only daily and weekly indices can be compared.
    """
    found: list[tuple[Outside, int, Floats, Floats, int]] = []
    missing: list[Missing] = []
    for pair, grid in grids.items():
        given = series.get(pair.series)
        if given is None:
            continue
        if grid.frequency == "h":
            missing.append(_missing(pair, "an hourly index is not set against daily series"))
            continue
        index = grid.values.get(pair.driver)
        if index is None:
            missing.append(_missing(pair, "the index lacks this driver"))
            continue
        values = given.by_period(grid, of="mean")
        for lag in plan.outside_lags:
            past = values if lag == 0 else np.r_[np.full(lag, np.nan), values[:-lag]]
            rows = np.isfinite(index) & np.isfinite(past)
            number = int(np.count_nonzero(rows))
            if number < plan.minimum_periods:
                reason = f"{number} periods with both values are too few at lag {lag}"
                missing.append(_missing(pair, reason))
            elif not (varies(index[rows]) and varies(past[rows])):
                missing.append(_missing(pair, "index or series does not vary"))
            else:
                one = stats.rankdata(index[rows]).astype(np.float64)
                other = stats.rankdata(past[rows]).astype(np.float64)
                found.append((pair, lag, one, other, block_length(one, other)))
    if not found:
        return (), tuple(missing)
    families = [
        Family(one[:, None], other[:, None], ((0, 0),), block) for _, _, one, other, block in found
    ]
    permuted = permutation_tests(families, resamples=plan.resamples, seed=plan.seed + 3)
    told = []
    for (pair, lag, one, other, block), tests in zip(found, permuted, strict=True):
        lower, upper = correlation_interval(
            one, other, block=block, level=plan.level, resamples=plan.resamples, seed=plan.seed
        )
        told.append(
            Following(
                series=pair.series,
                driver=pair.driver,
                asset=pair.asset,
                measure=pair.measure,
                lag=lag,
                periods=len(one),
                block=block,
                correlation=float(tests.correlation[0]),
                lower=lower,
                upper=upper,
                p_value=float(tests.p_value[0]),
                p_plan=float(tests.p_plan[0]),
            )
        )
    return tuple(told), tuple(missing)


def _missing(pair: Outside, reason: str) -> Missing:
    return Missing(
        driver=pair.driver,
        asset=pair.asset,
        relation=None,
        reason=f"{pair.series}: {reason}",
        method="outside",
    )
