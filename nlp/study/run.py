"""Run a study: index against prices, by a plan, with inference over the whole of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from corpus.errors import StudyError
from nlp.study.align import ALIGNMENT, moment
from nlp.study.cells import cells
from nlp.study.events import event_studies
from nlp.study.forecasts import out_of_sample
from nlp.study.given import given_series
from nlp.study.placebos import is_next_period, placebos, unrelated_topics
from nlp.study.plan import Plan, load_plan
from nlp.study.precedence import granger_tests
from nlp.study.prices import checked_closes
from nlp.study.projections import projections
from nlp.study.result import StudyResult
from nlp.study.samples import Sampler
from nlp.study.stamps import check_stamps
from nlp.study.verdict import verdict
from nlp.study.verdict_beside import beside

if TYPE_CHECKING:
    import pandas as pd

Progress = Callable[[int, int], None]


def run(
    index: pd.DataFrame,
    prices: pd.DataFrame,
    plan: Plan | None = None,
    *,
    series: pd.DataFrame | None = None,
    on_progress: Progress | None = None,
) -> StudyResult:
    """Study an index (contract of the index file) against prices (contract of the price file).

    ``series`` holds further daily series (contract of the series file); those that the plan names
    are set against index and price. ``on_progress`` is told the steps done and the steps in all.
    Raises :class:`StudyError` when the data cannot bear it: bad prices, prices that are known to
    have been a bar before or after their time, no overlap, an index that knows the future, more
    rows lost in alignment than the plan allows, nothing left to test, or a series that is bad or
    not in the plan.
    """
    plan = plan or load_plan()
    closes, price_notes = checked_closes(prices)
    stamp_notes = check_stamps([closes[asset] for asset in plan.assets if asset in closes])
    sampler = Sampler(plan, index, closes)
    samples = sampler.samples()
    if not samples:
        reasons = sorted({one.reason for one in sampler.missing})
        raise StudyError(
            f"nothing in the plan can be tested: {'; '.join(reasons)}",
            remedy="give a longer index and prices of the same span",
        )
    # Each sample is permuted and then bootstrapped; each next-period test has two placebos; and
    # each comparison of forecasts is permuted.
    compared = len(plan.drivers) * len(plan.assets) * len(plan.horizons)
    steps = _Steps(2 * len(samples) + 2 * sum(map(is_next_period, samples)) + compared, on_progress)
    tested = cells(plan, closes, sampler, samples, step=steps)
    false = placebos(plan, samples, step=steps)
    topics, no_topics = unrelated_topics(plan, index, closes)
    events, few_events = event_studies(plan, closes, sampler)
    answers = projections(plan, closes, sampler)
    forecasts, few_forecasts = out_of_sample(plan, closes, sampler, step=steps)
    given = given_series(plan, index, closes, series)
    steps.finish()
    grid = samples[0].grid
    every_placebo = (*false, *topics)
    return StudyResult(
        plan=plan,
        frequency=grid.frequency,
        index_vintage=grid.vintage,
        index_as_of=grid.as_of,
        first_period=moment(int(grid.starts[0])),
        last_period=moment(int(grid.starts[-1])),
        alignment=ALIGNMENT,
        notes=(*price_notes, *stamp_notes, *given.notes),
        dropped=tuple(sampler.dropped),
        cells=tested,
        granger=granger_tests(plan, closes, sampler),
        placebos=every_placebo,
        missing=(*sampler.missing, *no_topics, *few_events, *few_forecasts, *given.missing),
        verdict=(
            *verdict(plan, grid.frequency, tested, every_placebo, sampler.missing),
            *beside(
                plan,
                grid.frequency,
                every_placebo,
                events=events,
                projections=answers,
                forecasts=forecasts,
                outside=given.followings,
                markets=given.markets,
            ),
        ),
        events=events,
        projections=answers,
        forecasts=forecasts,
        outside=given.followings,
        markets=given.markets,
    )


class _Steps:
    """Counts steps and tells them on; short samples can leave some out."""

    def __init__(self, total: int, on_progress: Progress | None) -> None:
        self._done, self._total, self._tell = 0, total, on_progress

    def __call__(self) -> None:
        self._done += 1
        if self._tell is not None:
            self._tell(min(self._done, self._total), self._total)

    def finish(self) -> None:
        if self._tell is not None and self._done < self._total:
            self._tell(self._total, self._total)
