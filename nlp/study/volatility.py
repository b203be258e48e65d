"""Volatility of each period from closes: the second target, without looking ahead.

Where a period holds at least :data:`LEAST_BARS` price bars, it is the logarithm of realised
volatility, ``½ log Σ r²`` over the log returns of the bars that lie inside the period (Andersen,
Bollerslev, Diebold and Labys, Econometrica 71, 2003); else the mean absolute log return of the
periods spanned.
"""

from __future__ import annotations

import numpy as np

from nlp.index.stories import Floats, Integers
from nlp.study.align import Grid, returns
from nlp.study.prices import Closes
from nlp.study.result import Relation, VolatilityKind

LEAST_BARS = 6
# A span may lack this share of its bars, one at least: closes need not lie on its edges.
_LACKING = 0.05


def volatility_kind(grid: Grid, closes: Closes) -> VolatilityKind:
    """How volatility is measured with these prices."""
    enough = grid.length // closes.bar_seconds >= LEAST_BARS
    return "log_realised" if enough else "absolute_return"


def volatility(
    grid: Grid, closes: Closes, *, relation: Relation, horizon: int = 1, lag: int = 1
) -> Floats:
    """Volatility that belongs to each period of the grid, NaN where closes are missing.

    Spans are those of :func:`nlp.study.align.returns`. Raises :class:`StudyError` when the price
    bars are longer than the periods.
    """
    if volatility_kind(grid, closes) == "absolute_return":
        if relation != "predictive":
            return np.abs(returns(grid, closes, relation=relation))
        steps = [
            np.abs(returns(grid, closes, relation=relation, lag=lag + step))
            for step in range(horizon)
        ]
        mean: Floats = np.mean(steps, axis=0)
        return mean
    begin = (
        grid.starts
        + {"contemporaneous": 0, "price_leads": -1, "predictive": lag}[relation] * grid.length
    )
    return _log_realised(closes, begin, begin + horizon * grid.length)


def _log_realised(closes: Closes, begin: Integers, end: Integers) -> Floats:
    step = np.diff(closes.seconds)
    whole = step == closes.bar_seconds
    squares = np.where(whole, np.diff(closes.log_close) ** 2, 0.0)
    # Bar k runs from close k to close k + 1.
    total = np.r_[0.0, np.cumsum(squares)]
    number = np.r_[0, np.cumsum(whole)]
    first = np.searchsorted(closes.seconds, begin, side="left")
    last = np.maximum(np.searchsorted(closes.seconds, end, side="right") - 1, first)
    first = np.minimum(first, len(total) - 1)
    last = np.minimum(last, len(total) - 1)
    expected = (end - begin) // closes.bar_seconds
    enough = number[last] - number[first] >= expected - np.maximum(1, expected * _LACKING)
    sums = total[last] - total[first]
    found = np.full(len(begin), np.nan)
    usable = enough & (sums > 1e-18)
    found[usable] = 0.5 * np.log(sums[usable])
    return found
