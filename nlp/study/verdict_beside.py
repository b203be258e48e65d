"""Sentences on what is tested beside the plan's headline tests, by rules as strict.

Each method is a family of its own: a finding is stated when its p-value, corrected over the whole
family, is below the plan's significance, its interval leaves out zero, and no placebo of the study
on returns has fired too often. All else is counted, so that the number of tries can be seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nlp.study.plan import Plan
from nlp.study.result import (
    EventReturn,
    EventStudy,
    Following,
    Forecast,
    MarketLink,
    Placebo,
    Projection,
)
from nlp.study.verdict import placebos_fired
from nlp.study.words import PERIOD, about, figures, name, percents, periods, signed, span


def beside(
    plan: Plan,
    frequency: str,
    placebos: Sequence[Placebo],
    *,
    events: Sequence[EventStudy],
    projections: Sequence[Projection],
    forecasts: Sequence[Forecast],
    outside: Sequence[Following],
    markets: Sequence[MarketLink],
) -> tuple[str, ...]:
    """Unrelated topic, events, local projections, forecasts, given series, other markets."""
    trusted = not placebos_fired(plan, [one for one in placebos if one.target == "return"])
    period = PERIOD[frequency]
    return (
        *_unrelated(plan, period, placebos),
        *_events(plan, period, events, trusted=trusted),
        *_projections(plan, period, projections, trusted=trusted),
        *_forecasts(plan, period, forecasts, trusted=trusted),
        *_outside(plan, period, outside),
        *(_market(plan, one) for one in markets),
    )


def _unrelated(plan: Plan, period: str, placebos: Sequence[Placebo]) -> Iterator[str]:
    chosen = [one for one in placebos if one.kind == "unrelated_topic"]
    found = [one for one in chosen if one.p_value < plan.significance]
    for one in found:
        when = f"the same {period}" if one.relation == "contemporaneous" else f"the next {period}"
        doubt = (
            "links of that kind above may in part be the mood that all news of a day shares"
            if one.relation == "contemporaneous"
            else "leads above are in doubt"
        )
        yield (
            f"A topic taken as unrelated, {name(one.driver)}, goes with {one.asset}'s return of"
            f" {when} ({signed(one.correlation)}, p {one.p_value:.3f} in one of {len(chosen)} such"
            f" tests): {doubt}."
        )
    if chosen and not found:
        topics = ", ".join(dict.fromkeys(name(one.driver) for one in chosen))
        yield (
            f"Topics taken as unrelated ({topics}) show no link with returns in {len(chosen)} tests"
            f" (correlations {span(one.correlation for one in chosen)})."
        )


def _events(
    plan: Plan, period: str, studies: Sequence[EventStudy], *, trusted: bool
) -> Iterator[str]:
    every = [(study, one) for study in studies for one in study.returns]
    found = [
        (study, one)
        for study, one in every
        if trusted and one.p_holm < plan.significance and (one.lower > 0 or one.upper < 0)
    ]
    for study, one in found:
        yield (
            f"{_when(study, one, period)} {name(study.driver)}, {study.asset}'s return was off its"
            f" usual by {percents(plan.level, one.mean, one.lower, one.upper)}."
        )
    if len(every) > len(found):
        yield (
            f"Event study: {len(every) - len(found)} of {len(every)} tests of returns around sharp"
            " moves of the index show nothing abnormal."
        )


def _when(study: EventStudy, one: EventReturn, period: str) -> str:
    moves = f"{one.events} sharp {study.move}s of the index of"
    if one.horizon == 0:
        return f"In the {period}s of {moves}"
    return f"Over {periods(one.horizon, period)} after {moves}"


def _projections(
    plan: Plan, period: str, projections: Sequence[Projection], *, trusted: bool
) -> Iterator[str]:
    found = [
        one
        for one in projections
        if trusted and one.p_holm < plan.significance and (one.lower > 0 or one.upper < 0)
    ]
    for one in found:
        yield (
            f"Local projection: beside its own past and that of the return, one deviation of"
            f" {name(one.driver)} is followed over {periods(one.horizon, period)} by a {one.asset}"
            f" return of {percents(plan.level, one.slope, one.lower, one.upper)}."
        )
    if len(projections) > len(found):
        yield (
            f"Local projections: {len(projections) - len(found)} of {len(projections)} show no"
            " answer of later returns."
        )


def _forecasts(
    plan: Plan, period: str, forecasts: Sequence[Forecast], *, trusted: bool
) -> Iterator[str]:
    found = [one for one in forecasts if trusted and one.p_holm < plan.significance and one.r2 > 0]
    for one in found:
        yield (
            f"Out of sample, {name(one.driver)} forecast {one.asset}'s return over"
            f" {periods(one.horizon, period)} better than the mean of past returns (R²"
            f" {signed(100 * one.r2)}% over {one.forecasts} forecasts)."
        )
    if len(forecasts) > len(found):
        rest = [one for one in forecasts if one not in found]
        yield (
            f"Out of sample: in {len(rest)} of {len(forecasts)} comparisons the index is not shown"
            " to forecast returns better than the mean of past ones (R²"
            f" {span(100 * one.r2 for one in rest)}%)."
        )


def _outside(plan: Plan, period: str, followings: Sequence[Following]) -> Iterator[str]:
    pairs = dict.fromkeys((one.series, one.driver) for one in followings)
    for series, driver in pairs:
        lags = [one for one in followings if (one.series, one.driver) == (series, driver)]
        found = [
            one
            for one in lags
            if one.p_plan < plan.significance and (one.lower > 0 or one.upper < 0)
        ]
        largest = max(found or lags, key=lambda one: abs(one.correlation))
        when = (
            f"the same {period}" if largest.lag == 0 else f"{periods(largest.lag, period)} before"
        )
        told = figures(plan.level, largest.correlation, largest.lower, largest.upper)
        start = about(largest.measure, driver)
        if found:
            way = "goes with" if largest.correlation > 0 else "goes against"
            yield (
                f"{start} {way} the given {series} of {when} (rank correlation {told}; the largest"
                f" of {len(lags)} lags)."
            )
        else:
            yield (
                f"{start} is not shown to follow the given {series} at any of {len(lags)} lags"
                f" (largest rank correlation {told}, with that of {when})."
            )


def _market(plan: Plan, one: MarketLink) -> str:
    whole = figures(plan.level, one.correlation, one.lower, one.upper)
    change = figures(plan.level, one.difference, one.difference_lower, one.difference_upper)
    halves = f"{signed(one.early)} before {one.split:%Y-%m-%d} and {signed(one.late)} from then on"
    shown = one.p_holm < plan.significance and (
        one.difference_lower > 0 or one.difference_upper < 0
    )
    if shown:
        word = "risen" if one.difference > 0 else "fallen"
        return (
            f"{one.asset}'s correlation with {one.series} ({whole}) has {word}: {halves} (change"
            f" {change})."
        )
    return (
        f"{one.asset}'s correlation with {one.series} is {whole}; that it has changed is not shown:"
        f" {halves} (change {change})."
    )
