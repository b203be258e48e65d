"""Circular block bootstrap (Politis and Romano 1992) by sums of blocks, without a loop over draws.

A resample strings together blocks of neighbouring rows that begin at random places of the series
joined end to start. Statistics that are made of sums need only the sums of the drawn blocks, which
are taken from a table of all blocks.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import stats

from nlp.index.stories import Floats, Integers

# Block starts held at once; a bound on memory, not on the number of resamples.
_HELD = 500_000


def correlation_draws(
    first: Floats, second: Floats, *, block: int, resamples: int, seed: int
) -> Floats:
    """Correlation in each of ``resamples`` resamples of the pairs; 0 where a series is constant."""
    one, other = _standardised(first), _standardised(second)
    products = np.stack([one, other, one * one, other * other, one * other])
    return np.concatenate(
        [_correlations(*means) for means in _means(products, block, resamples, seed)]
    )


def mean_draws(series: Floats, *, block: int, resamples: int, seed: int) -> Floats:
    """Mean of ``series`` in each of ``resamples`` resamples."""
    return np.concatenate([part[0] for part in _means(series[None, :], block, resamples, seed)])


def percentile_interval(
    value: float, draws: Floats, *, level: float, blocks: int
) -> tuple[float, float]:
    """Percentile interval of ``value`` from its ``draws``, widened for the number of blocks.

    A bootstrap of few blocks is too narrow: deviations from ``value`` are multiplied by
    ``sqrt(m / (m - 1))`` and the ratio of Student's t with m - 1 degrees of freedom to the normal
    quantile, m blocks.
    """
    number = max(2, blocks)
    upper = (1 + level) / 2
    student = stats.t.ppf(upper, number - 1) / stats.norm.ppf(upper)
    wider = float(np.sqrt(number / (number - 1)) * student)
    low, high = np.quantile(draws - value, [1 - upper, upper]) * wider
    return value + float(low), value + float(high)


def block_starts(rows: int, block: int, number: int, random: np.random.Generator) -> Integers:
    """Starts of the blocks of ``number`` resamples, enough blocks to cover ``rows`` rows."""
    return random.integers(rows, size=(number, -(-rows // block)))


def _means(columns: Floats, block: int, resamples: int, seed: int) -> Iterator[Floats]:
    """Means of the columns (columns x rows) in each resample, in parts of resamples."""
    rows = columns.shape[1]
    whole, rest = divmod(rows, block)
    long, short = _block_sums(columns, block), _block_sums(columns, rest)
    random = np.random.default_rng(seed)
    at_once = max(1, _HELD // max(1, whole))
    for done in range(0, resamples, at_once):
        starts = block_starts(rows, block, min(at_once, resamples - done), random)
        sums = np.stack([one[starts[:, :whole]].sum(axis=1) for one in long])
        if rest:
            sums += np.stack([one[starts[:, whole]] for one in short])
        yield sums / rows


def _block_sums(columns: Floats, block: int) -> Floats:
    """Sum of the ``block`` values from each row on, the series joined end to start."""
    wrapped = np.concatenate([columns, columns[:, :block]], axis=1)
    total = np.concatenate([np.zeros((len(columns), 1)), np.cumsum(wrapped, axis=1)], axis=1)
    sums: Floats = total[:, block:] - total[:, : total.shape[1] - block]
    return sums[:, : columns.shape[1]]


def _correlations(
    one: Floats, other: Floats, one_square: Floats, other_square: Floats, product: Floats
) -> Floats:
    spread = (one_square - one**2) * (other_square - other**2)
    found: Floats = np.divide(
        product - one * other,
        np.sqrt(np.maximum(spread, 0.0)),
        out=np.zeros(len(product)),
        where=spread > 1e-18,
    )
    return np.clip(found, -1.0, 1.0)


def _standardised(series: Floats) -> Floats:
    whole: Floats = (series - series.mean()) / max(float(series.std()), 1e-300)
    return whole
