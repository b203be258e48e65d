"""Does an asset move with other markets, and has that changed?"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from nlp.index.stories import Floats
from nlp.study.correction import holm
from nlp.study.plan import Market, Plan
from nlp.study.prices import Closes
from nlp.study.resampling import correlation_draws, percentile_interval
from nlp.study.result import MarketLink, Missing, RollingPoint
from nlp.study.series import DatedSeries, day_of
from nlp.study.statistics import block_length, correlation, correlation_interval, varies

_DAY = 86_400


def market_links(
    plan: Plan, closes: Mapping[str, Closes], series: Mapping[str, DatedSeries]
) -> tuple[tuple[MarketLink, ...], tuple[Missing, ...]]:
    """Correlation of the plan's market asset with each declared market: rolling, early and late.

    P-values of the change are corrected over all markets by the method of Holm.
    """
    found: list[MarketLink] = []
    missing: list[Missing] = []
    for market in plan.markets:
        given = series.get(market.series)
        if given is None:
            continue
        if plan.market_asset not in closes:
            missing.append(_missing(plan, market, "the price file does not hold the asset"))
            continue
        if market.change == "log" and (given.values <= 0).any():
            missing.append(_missing(plan, market, "it has values that are not positive"))
            continue
        days, own, other = paired_changes(closes[plan.market_asset], given, market)
        if len(days) < 2 * plan.market_window:
            reason = f"{len(days)} common changes are too few for two windows"
            missing.append(_missing(plan, market, reason))
        elif not all(varies(half) for one in (own, other) for half in np.array_split(one, 2)):
            missing.append(_missing(plan, market, "price or series does not vary"))
        else:
            found.append(_link(plan, market, days, own, other))
    corrected = holm([one.p_value for one in found])
    return (
        tuple(
            one.model_copy(update={"p_holm": value})
            for one, value in zip(found, corrected, strict=True)
        ),
        tuple(missing),
    )


def paired_changes(
    closes: Closes, given: DatedSeries, market: Market
) -> tuple[Floats, Floats, Floats]:
    """Days, the asset's log returns and the market's changes between days of the market.

    Over a weekend both span Friday to Monday. The asset's close is the last known at the end of the
    day (UTC); a US market has closed three or four hours before.
    """
    levels = np.log(given.values) if market.change == "log" else given.values
    known = closes.known_at((given.days + 1) * _DAY)
    own, other = np.diff(known), np.diff(levels)
    there = np.isfinite(own)
    return given.days[1:][there].astype(np.float64), own[there], other[there]


def change_of_correlation(
    first: Floats, second: Floats, *, block: int, resamples: int, seed: int
) -> tuple[float, float, Floats]:
    """Correlation in the early and the late half, and bootstrap draws of late minus early."""
    half = len(first) // 2
    early = correlation_draws(
        first[:half], second[:half], block=min(block, half), resamples=resamples, seed=seed
    )
    late = correlation_draws(
        first[half:], second[half:], block=min(block, half), resamples=resamples, seed=seed + 1
    )
    return (
        correlation(first[:half], second[:half]),
        correlation(first[half:], second[half:]),
        late - early,
    )


def _link(plan: Plan, market: Market, days: Floats, own: Floats, other: Floats) -> MarketLink:
    block = block_length(own, other)
    lower, upper = correlation_interval(
        own, other, block=block, level=plan.level, resamples=plan.resamples, seed=plan.seed
    )
    early, late, draws = change_of_correlation(
        own, other, block=block, resamples=plan.resamples, seed=plan.seed
    )
    low, high = percentile_interval(
        late - early, draws, level=plan.level, blocks=len(days) // 2 // block
    )
    beyond = min(np.count_nonzero(draws <= 0), np.count_nonzero(draws >= 0))
    window = plan.market_window
    return MarketLink(
        series=market.series,
        asset=plan.market_asset,
        changes=len(days),
        correlation=correlation(own, other),
        lower=lower,
        upper=upper,
        split=day_of(int(days[len(days) // 2])),
        early=early,
        late=late,
        difference=late - early,
        difference_lower=low,
        difference_upper=high,
        p_value=min(1.0, 2 * (1 + int(beyond)) / (1 + len(draws))),
        p_holm=1.0,
        rolling=tuple(
            RollingPoint(date=day_of(int(day)), correlation=value)
            for day, value in zip(days[window - 1 :], _rolling(own, other, window), strict=True)
            if np.isfinite(value)
        ),
    )


def _rolling(first: Floats, second: Floats, window: int) -> Floats:
    one = np.lib.stride_tricks.sliding_window_view(first, window)
    other = np.lib.stride_tricks.sliding_window_view(second, window)
    one = one - one.mean(axis=1, keepdims=True)
    other = other - other.mean(axis=1, keepdims=True)
    size = np.sqrt((one**2).sum(axis=1) * (other**2).sum(axis=1))
    found: Floats = np.divide(
        (one * other).sum(axis=1), size, out=np.full(len(size), np.nan), where=size > 1e-300
    )
    return np.clip(found, -1.0, 1.0)


def _missing(plan: Plan, market: Market, reason: str) -> Missing:
    return Missing(
        driver=market.series,
        asset=plan.market_asset,
        relation=None,
        reason=f"{market.series}: {reason}",
        method="markets",
    )
