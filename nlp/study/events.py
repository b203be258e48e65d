"""Event study: what the return does after sharp moves of the index.

An event is a period whose index lies at least ``threshold`` trailing deviations off its trailing
mean. Abnormal is what the return has beyond its own trailing mean (constant mean return model:
Brown and Warner, Journal of Financial Economics 14, 1985; MacKinlay, Journal of Economic Literature
35, 1997). Trailing windows end before the event, and no event falls within the span of another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nlp.index.stories import Booleans, Floats, Integers
from nlp.study.align import Grid, returns
from nlp.study.correction import holm, surviving_draws
from nlp.study.plan import Plan
from nlp.study.prices import Closes
from nlp.study.resampling import mean_draws, percentile_interval
from nlp.study.result import EventReturn, EventStudy, Missing, Move
from nlp.study.samples import Sampler

# Share of a trailing window that must be there.
_WHOLE = 0.8


@dataclass(frozen=True)
class Shocks:
    """Rows of the events of one index, rises and falls, and how many moves were too near others."""

    rises: Integers
    falls: Integers
    overlapping: int


def shocks(index: Floats, usable: Booleans, *, window: int, threshold: float, span: int) -> Shocks:
    """Sharp moves among ``usable`` rows, the first of any that lie within ``span`` rows."""
    mean, deviation = _trailing(index, window)
    told = usable & np.isfinite(index) & (deviation > 1e-12)
    surprise = np.zeros(len(index))
    surprise[told] = (index[told] - mean[told]) / deviation[told]
    sharp = np.flatnonzero(np.abs(surprise) >= threshold)
    kept: list[int] = []
    for row in sharp.tolist():
        if not kept or row - kept[-1] > span:
            kept.append(row)
    rows = np.array(kept, dtype=np.int64)
    return Shocks(
        rises=rows[surprise[rows] > 0],
        falls=rows[surprise[rows] < 0],
        overlapping=len(sharp) - len(rows),
    )


def abnormal_returns(
    grid: Grid, closes: Closes, *, horizons: Sequence[int], window: int
) -> Mapping[int, Floats]:
    """Abnormal return by horizon for every period; 0 is the period itself, others begin after it.

    The trailing mean is that of the ``window`` periods before.
    """
    same = returns(grid, closes, relation="contemporaneous")
    usual, _ = _trailing(same, window)
    found = {0: same - usual}
    for horizon in horizons:
        after = returns(grid, closes, relation="predictive", horizon=horizon)
        found[horizon] = after - horizon * usual
    return found


def event_studies(
    plan: Plan, closes: Mapping[str, Closes], sampler: Sampler
) -> tuple[tuple[EventStudy, ...], tuple[Missing, ...]]:
    """Every driver and asset of the plan, rises and falls, and what had too few events.

    P-values are corrected over all of them by the method of Holm.
    """
    found: list[EventStudy] = []
    missing: list[Missing] = []
    for (asset, target), grid in sampler.grids.items():
        if target != "return":
            continue
        abnormal = abnormal_returns(
            grid, closes[asset], horizons=plan.horizons, window=plan.event_window
        )
        for driver in plan.drivers:
            if driver not in grid.values:
                continue
            for move, rows, overlapping in _moves(plan, grid.values[driver], ~grid.in_base):
                returned = tuple(_returned(plan, abnormal, rows))
                if returned:
                    found.append(
                        EventStudy(
                            driver=driver,
                            asset=asset,
                            move=move,
                            events=len(rows),
                            overlapping=overlapping,
                            returns=returned,
                        )
                    )
                else:
                    missing.append(
                        Missing(
                            driver=driver,
                            asset=asset,
                            relation=None,
                            reason=f"{len(rows)} sharp {move}s are too few for an event study"
                            f" (the plan asks for {plan.event_minimum})",
                            method="event_study",
                        )
                    )
    corrected = iter(holm([one.p_value for study in found for one in study.returns]))
    return (
        tuple(
            study.model_copy(
                update={
                    "returns": tuple(
                        one.model_copy(update={"p_holm": next(corrected)}) for one in study.returns
                    )
                }
            )
            for study in found
        ),
        tuple(missing),
    )


def _moves(plan: Plan, index: Floats, usable: Booleans) -> Iterator[tuple[Move, Integers, int]]:
    events = shocks(
        index,
        usable,
        window=plan.event_window,
        threshold=plan.event_threshold,
        span=max(plan.horizons),
    )
    yield "rise", events.rises, events.overlapping
    yield "fall", events.falls, events.overlapping


def _draws(plan: Plan) -> int:
    """Draws of dates, each of which costs little: five times as many as correction needs."""
    tests = len(plan.drivers) * len(plan.assets) * 2 * (1 + len(plan.horizons))
    return max(plan.resamples, 5 * surviving_draws(tests, plan.significance))


def _returned(plan: Plan, abnormal: Mapping[int, Floats], rows: Integers) -> Iterator[EventReturn]:
    for horizon, series in abnormal.items():
        at_events = series[rows]
        at_events = at_events[np.isfinite(at_events)]
        if len(at_events) < plan.event_minimum:
            continue
        lower, upper = mean_interval(
            at_events, level=plan.level, resamples=plan.resamples, seed=plan.seed
        )
        yield EventReturn(
            horizon=horizon,
            events=len(at_events),
            mean=float(at_events.mean()),
            lower=lower,
            upper=upper,
            p_value=moved_dates(series, rows, resamples=_draws(plan), seed=plan.seed),
            p_holm=1.0,
        )


def mean_interval(
    values: Floats, *, level: float, resamples: int, seed: int
) -> tuple[float, float]:
    """Interval of the mean of values in order of time, from a circular block bootstrap.

    Blocks are ``n^(1/3)`` long; widened for their number.
    """
    block = max(1, round(len(values) ** (1 / 3)))
    draws = mean_draws(values, block=block, resamples=resamples, seed=seed)
    return percentile_interval(
        float(values.mean()), draws, level=level, blocks=len(values) // block
    )


def moved_dates(series: Floats, rows: Integers, *, resamples: int, seed: int) -> float:
    """Two-sided p-value of the mean of ``series`` at ``rows``, by moving the dates.

    Each draw puts the gaps between events in another order and begins at another place of the
    span, its end joined to its start, so that events are as many and as far apart as they were.
    """
    first, last = np.flatnonzero(np.isfinite(series))[[0, -1]]
    span = series[first : last + 1]
    inside = rows[(rows >= first) & (rows <= last)] - first
    centre = float(np.nanmean(span))
    random = np.random.default_rng(seed)
    gaps = np.diff(np.r_[inside, inside[0] + len(span)])
    shuffled = random.permuted(np.tile(gaps, (resamples, 1)), axis=1)
    begin = random.integers(len(span), size=(resamples, 1))
    places = (begin + np.cumsum(shuffled, axis=1)) % len(span)
    drawn = span[places]
    number = np.isfinite(drawn).sum(axis=1)
    total = np.nansum(drawn - centre, axis=1)
    size = np.abs(total / np.maximum(number, 1))
    observed = abs(float(np.nanmean(span[inside])) - centre)
    return float((1 + np.count_nonzero(size >= observed - 1e-15)) / (1 + resamples))


def _trailing(series: Floats, window: int) -> tuple[Floats, Floats]:
    """Mean and deviation of the ``window`` values before each; NaN where too many are missing."""
    mean, deviation = np.full(len(series), np.nan), np.full(len(series), np.nan)
    if len(series) <= window:
        return mean, deviation
    windows = np.lib.stride_tricks.sliding_window_view(series, window)[:-1]
    there = np.isfinite(windows)
    number = there.sum(axis=1)
    enough = number >= _WHOLE * window
    centre = np.where(there, windows, 0.0).sum(axis=1)[enough] / number[enough]
    squares = np.where(there[enough], (windows[enough] - centre[:, None]) ** 2, 0.0).sum(axis=1)
    mean[window:][enough] = centre
    deviation[window:][enough] = np.sqrt(squares / (number[enough] - 1))
    return mean, deviation
