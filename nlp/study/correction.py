"""Correction of a family of p-values."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """Family-wise p-values by Holm, Scandinavian Journal of Statistics 6 (1979), in order."""
    from statsmodels.stats.multitest import multipletests  # noqa: PLC0415 - slow to import

    return multipletests(p_values, method="holm")[1].tolist() if len(p_values) else []
