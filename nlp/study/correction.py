"""Correction of a family of p-values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def holm(p_values: Sequence[float]) -> list[float]:
    """Family-wise p-values by Holm, Scandinavian Journal of Statistics 6 (1979), in order.

    By hand, since that of statsmodels collects garbage in the whole program at each call, which
    takes longer than all else in a small study.
    """
    given = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(given, kind="stable")
    steps = np.maximum.accumulate(given[order] * np.arange(len(given), 0, -1))
    found = np.empty(len(given))
    found[order] = np.minimum(steps, 1.0)
    told: list[float] = found.tolist()
    return told


def surviving_draws(tests: int, significance: float) -> int:
    """Draws after which the least possible p-value survives correction over ``tests``, twice over.

    A permutation p-value is never below one in the number of draws.
    """
    return int(2 * tests / significance)
