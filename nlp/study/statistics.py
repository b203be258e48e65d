"""The statistics of one pair of series, each checked against another implementation in tests."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from nlp.index.stories import Booleans, Floats
from nlp.study.resampling import correlation_draws, percentile_interval
from nlp.study.result import Regression


def correlation(first: Floats, second: Floats) -> float:
    """Pearson correlation; both series must vary."""
    return float(np.corrcoef(first, second)[0, 1])


def varies(series: Floats) -> bool:
    """Whether a series has any variance beyond rounding."""
    return len(series) > 1 and float(np.ptp(series)) > 1e-12


def block_length(*series: Floats) -> int:
    """Length of blocks that keep the dependence of the series.

    The largest automatic choice for the circular block bootstrap (Politis and White, Econometric
    Reviews 23, 2004, corrected by Patton, Politis and White, 2009) over the series, at least one,
    at most a quarter of the sample.
    """
    from arch.bootstrap import optimal_block_length  # noqa: PLC0415 - slow to import

    wanted = max(float(optimal_block_length(one)["circular"].iloc[0]) for one in series)
    if not math.isfinite(wanted):
        wanted = 1.0
    return int(min(max(1, math.ceil(wanted)), max(1, len(series[0]) // 4)))


def correlation_interval(
    first: Floats, second: Floats, *, block: int, level: float, resamples: int, seed: int
) -> tuple[float, float]:
    """Percentile interval of the correlation from the circular block bootstrap of pairs.

    Widened for the number of blocks, see :func:`nlp.study.resampling.percentile_interval`.
    """
    draws = correlation_draws(first, second, block=block, resamples=resamples, seed=seed)
    lower, upper = percentile_interval(
        correlation(first, second), draws, level=level, blocks=len(first) // block
    )
    return max(-1.0, lower), min(1.0, upper)


def hac_lag(number: int, horizon: int) -> int:
    """Newey-West lag: ``floor(4 (n/100)^(2/9))``, and at least twice the overlap ``horizon - 1``.

    Bartlett weights fall to zero at the lag; with the overlap itself they would leave a third of
    its covariance out, and errors would be too small.
    """
    return max(2 * (horizon - 1), int(4 * (number / 100) ** (2 / 9)))


def hac_covariance(design: Floats, residual: Floats, lag: int) -> Floats:
    """Covariance of least-squares slopes: Newey and West, Econometrica 55 (1987), with HC3 scores.

    Residuals are divided by one minus their row's leverage (MacKinnon and White, Journal of
    Econometrics 29, 1985): with fat tails and changing variance in short samples the plain
    residuals of the rows that decide the slopes are too small, and so would be the errors.
    """
    from statsmodels.stats.sandwich_covariance import (  # noqa: PLC0415 - slow to import
        S_hac_simple,
    )

    inverse, scores = _scores(design, residual)
    found: Floats = inverse @ S_hac_simple(scores, nlags=lag) @ inverse
    return found


def hac_freedom(rows: int, columns: int, lag: int) -> float:
    """Degrees of freedom of a t test with Bartlett weights up to ``lag``: ``1.5 n / (lag + 1)``.

    The variance of a long-run variance does not vanish in short samples (fixed-b asymptotics as
    Sun, Journal of Econometrics 178, 2014, approximates them); never more than the rows leave.
    """
    return max(1.0, min(1.5 * rows / (lag + 1), float(rows - columns)))


def cosine_number(rows: int) -> int:
    """Number of cosines for ``rows`` rows: ``0.4 n^(2/3)``, at least four.

    The rule of Lazarus, Lewis, Stock and Watson, Journal of Business & Economic Statistics 36
    (2018).
    """
    return max(4, int(0.4 * rows ** (2 / 3)))


def cosine_covariance(design: Floats, residual: Floats, number: int) -> Floats:
    """Covariance of least-squares slopes by equally weighted cosines, of scores as HC3 has them.

    The long-run variance of the scores is the mean square of their ``number`` lowest cosine
    transforms, so that Student's t with ``number`` degrees of freedom holds (Lazarus, Lewis, Stock
    and Watson, as above). Bartlett weights leave out too much of what overlapping returns share.
    """
    from scipy.fft import dct  # noqa: PLC0415 - slow to import

    inverse, scores = _scores(design, residual)
    transformed: Floats = dct(scores, type=2, norm="ortho", axis=0)[1 : number + 1]
    found: Floats = inverse @ (transformed.T @ transformed * (len(scores) / number)) @ inverse
    return found


def _scores(design: Floats, residual: Floats) -> tuple[Floats, Floats]:
    """Inverse of the design's cross product, and the scores with residuals as HC3 has them."""
    inverse = np.asarray(np.linalg.inv(design.T @ design), dtype=np.float64)
    leverage = np.einsum("ij,jk,ik->i", design, inverse, design)
    scores: Floats = design * (residual / np.maximum(1 - leverage, 1e-8))[:, None]
    return inverse, scores


def regression(
    target: Floats, regressor: Floats, controls: dict[str, Floats], *, horizon: int
) -> Regression | None:
    """Slope of ``target`` on the standardised ``regressor`` beside controls, with HAC errors.

    Rows must be complete. None when the design is singular. ``error`` is Newey and West's
    (:func:`hac_covariance`) and the p-value Student's with :func:`hac_freedom`; where returns
    overlap (``horizon`` above one) the p-value is by ``cosine_error`` (:func:`cosine_covariance`).
    """
    used = {name: series for name, series in controls.items() if varies(series)}
    columns = [(regressor - regressor.mean()) / regressor.std(ddof=1), *used.values()]
    design = np.column_stack([np.ones(len(target)), *columns])
    if np.linalg.matrix_rank(design) < design.shape[1] or len(target) <= design.shape[1] + 2:
        return None
    lag = hac_lag(len(target), horizon)
    slopes = np.linalg.lstsq(design, target)[0]
    residual = target - design @ slopes
    error = math.sqrt(float(hac_covariance(design, residual, lag)[1, 1]))
    cosines = cosine_number(len(target))
    by_cosines = math.sqrt(float(cosine_covariance(design, residual, cosines)[1, 1]))
    tested, freedom = error, hac_freedom(len(design), design.shape[1], lag)
    if horizon > 1:
        tested, freedom = by_cosines, float(cosines)
    return Regression(
        slope=float(slopes[1]),
        error=error,
        p_value=float(2 * stats.t.sf(abs(slopes[1]) / tested, freedom)) if tested > 0 else 1.0,
        hac_lag=lag,
        cosines=cosines,
        cosine_error=by_cosines,
        controls=tuple(used),
    )


@dataclass(frozen=True)
class Wald:
    """An F form of the Wald test."""

    statistic: float
    p_value: float
    rows: int


def granger(target: Floats, source: Floats, *, lags: int, robust: bool = True) -> Wald | None:
    """Whether ``lags`` past values of ``source`` add to those of ``target``.

    Series lie on one unbroken time line with NaN for missing; a row needs all its lags.
    ``robust`` takes HC3 errors (MacKinnon and White, Journal of Econometrics 29, 1985): with its
    own past beside it nothing is left in the target that would need more, and in short samples
    the weights of Newey and West find too much. Without it the test is the classical F test. None
    when too few rows are complete or a series is constant.
    """
    import statsmodels.api as sm  # noqa: PLC0415 - slow to import

    def lagged(series: Floats) -> list[Floats]:
        return [series[lags - back : len(series) - back] for back in range(1, lags + 1)]

    table = np.column_stack([target[lags:], *lagged(target), *lagged(source)])
    table = table[np.isfinite(table).all(axis=1)]
    if len(table) < 10 + 3 * lags or not all(varies(column) for column in table.T):
        return None
    design = sm.add_constant(table[:, 1:], has_constant="add")
    if np.linalg.matrix_rank(design) < design.shape[1]:
        return None
    model = sm.OLS(table[:, 0], design)
    fit = model.fit(cov_type="HC3", use_t=True) if robust else model.fit()
    restriction = np.zeros((lags, design.shape[1]))
    restriction[:, 1 + lags :] = np.eye(lags)
    test = fit.f_test(restriction)
    return Wald(float(np.squeeze(test.fvalue)), float(test.pvalue), len(table))


def trailing_mean(series: Floats, window: int) -> Floats:
    """Mean of the ``window`` values up to and with each; NaN until all are there."""
    found = np.full(len(series), np.nan)
    if len(series) >= window:
        windows = np.lib.stride_tricks.sliding_window_view(series, window)
        found[window - 1 :] = windows.mean(axis=1)
    return found


def complete(*series: Floats) -> Booleans:
    """Rows where all series are finite."""
    return np.asarray(np.isfinite(np.column_stack(series)).all(axis=1), dtype=np.bool_)


def detectable_correlation(null_deviation: float, significance: float) -> float:
    """Correlation found in 80% of samples: ``z(1 - a/2) + z(0.8)`` null deviations, at most one."""
    quantiles = stats.norm.ppf(1 - significance / 2) + stats.norm.ppf(0.8)
    return min(1.0, float(quantiles * null_deviation))
