"""The rows of one asset's index: levels on the scale of the base window, bands and ranges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nlp.index.aggregate import BAND_LEVEL, Aggregation, Levels, Singles
from nlp.index.mix import SourceMix
from nlp.index.result import Scale
from nlp.index.stories import Booleans, Floats, Integers
from nlp.taxonomy import core_drivers

if TYPE_CHECKING:
    import pandas as pd

COMPOSITE = "composite"
LEAST_BASE_PERIODS = 3


@dataclass(frozen=True)
class Span:
    """Periods from number ``first`` on, and which of them lie in the base window."""

    first: int
    starts: Integers
    in_base: Booleans


def tabulate(
    universe: Aggregation,
    span: Span,
    names: Sequence[str],
    mix: SourceMix,
    *,
    replicates: int,
    random: np.random.Generator,
) -> tuple[pd.DataFrame, dict[str, Scale]]:
    """Rows of one asset for every name and the composite, and the scale of each name.

    ``names`` are those of the universe's columns, in their order.
    """
    import pandas as pd  # noqa: PLC0415 - keeps the command line quick to start

    levels = universe.levels
    covered = levels.stories > 0
    scales = {
        name: _scale(levels, number, span.in_base & covered) for number, name in enumerate(names)
    }
    drawn = universe.replicates(replicates, random)
    means = np.array([scales[name].pressure_mean for name in names])
    deviations = np.array(
        [scales[name].pressure_deviation if scales[name].usable else np.nan for name in names]
    )
    pressure = (levels.pressure - means) / deviations
    drawn = ((drawn - means) / deviations).astype(np.float32)
    period, without = universe.without_one_outlet()
    without = (without - means) / deviations
    attention = levels.attention / np.array([scales[n].attention_mean for n in names]) * 100
    attention[~np.isfinite(attention)] = np.nan

    def rows(**values: Any) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "period_start": pd.to_datetime(span.starts, unit="s", utc=True),
                "stories": levels.stories,
                "in_base": span.in_base,
                "mix_distance": mix.distance,
                "mix_changed": mix.changed,
                **values,
            }
        )

    parts = []
    for number, name in enumerate(names):
        told = levels.tagged[:, number] > 0
        lower, upper = _band(drawn[:, :, number])
        # Nothing said of a driver is no reading without error.
        lower[~told], upper[~told] = np.nan, np.nan
        low, high = _range(period, without[:, number], len(span.starts))
        parts.append(
            rows(
                driver=name,
                tagged=levels.tagged[:, number],
                attention=attention[:, number],
                stance=levels.stance[:, number],
                pressure=pressure[:, number],
                lower=lower,
                upper=upper,
                outlet_low=low,
                outlet_high=high,
                attention_raw=levels.attention[:, number],
                pressure_raw=levels.pressure[:, number],
                coverage=_coverage(covered, told, scales[name].usable),
            )
        )
    core = [names.index(driver.name) for driver in core_drivers() if scales[driver.name].usable]
    weight = np.where(np.isnan(levels.stance[:, core]), 0.0, levels.attention[:, core])
    lower, upper = _band(drawn[:, :, core].mean(axis=2)) if core else _band(drawn[:, :, 0])
    low, high = _range(period, _mean(without[:, core]), len(span.starts))
    composite = rows(
        driver=COMPOSITE,
        tagged=universe.tagged_with_any(core),
        attention=_mean(attention[:, core]),
        stance=_weighted(levels.stance[:, core], weight),
        pressure=_mean(pressure[:, core]),
        lower=lower,
        upper=upper,
        outlet_low=low,
        outlet_high=high,
        attention_raw=_mean(levels.attention[:, core]),
        pressure_raw=_mean(levels.pressure[:, core]),
        coverage=_coverage(covered, covered, bool(core)),
    )
    return pd.concat([*parts, composite], ignore_index=True), scales


def _range(period: Integers, values: Floats, periods: int) -> tuple[Floats, Floats]:
    """Least and greatest value of each period; NaN where it has none."""
    low, high = np.full(periods, np.inf), np.full(periods, -np.inf)
    known = np.isfinite(values)
    np.minimum.at(low, period[known], values[known])
    np.maximum.at(high, period[known], values[known])
    none = ~np.isfinite(low)
    low[none], high[none] = np.nan, np.nan
    return low, high


def _scale(levels: Levels, driver: int, base: Booleans) -> Scale:
    attention = levels.attention[base, driver]
    pressure = levels.pressure[base, driver]
    if len(pressure) < LEAST_BASE_PERIODS:
        return Scale(attention_mean=np.nan, pressure_mean=np.nan, pressure_deviation=np.nan)
    mean = float(attention.mean())
    deviation = float(pressure.std(ddof=1))
    return Scale(
        attention_mean=mean if mean > 0 else np.nan,
        pressure_mean=float(pressure.mean()),
        pressure_deviation=deviation if deviation > 1e-12 else np.nan,
    )


def _coverage(covered: Booleans, told: Booleans, scaled: bool) -> list[str]:
    usual = "ok" if scaled else "unscaled"
    found = np.where(told, usual, "untold" if scaled else usual)
    told_each: list[str] = np.where(covered, found, "none").tolist()
    return told_each


def _band(drawn: Singles) -> tuple[Floats, Floats]:
    """Quantiles over replicates, one pair a period; NaN where a period has no replicates."""
    whole = np.isfinite(drawn).all(axis=0)
    lower, upper = np.full(drawn.shape[1], np.nan), np.full(drawn.shape[1], np.nan)
    if whole.any():
        tail = (1 - BAND_LEVEL) / 2
        low, high = np.quantile(drawn[:, whole].astype(np.float64), [tail, 1 - tail], axis=0)
        lower[whole], upper[whole] = low, high
    return lower, upper


def _mean(values: Floats) -> Floats:
    if values.shape[1] == 0:
        return np.full(len(values), np.nan)
    mean: Floats = values.mean(axis=1)
    return mean


def _weighted(values: Floats, weights: Floats) -> Floats:
    total = weights.sum(axis=1)
    above = (np.nan_to_num(values) * weights).sum(axis=1)
    mean: Floats = np.divide(above, total, out=np.full(len(total), np.nan), where=total > 1e-12)
    return mean
