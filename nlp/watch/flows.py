"""Do ETF flows stabilise? The week's reported net flow a trading day against the week before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from statistics import mean, median

from nlp.watch.records import Figure, State, WatchState
from nlp.watch.reports import WEEK, Report, daily, evidence, in_week
from nlp.watch.words import day_words, money

SLOWED_TO = 0.5  # a flow at most half as large as the week before has slowed
TRADING_DAYS = 5
LEAST_DAYS = 2  # daily reports that make a week's rate


def etf_flows(reports: Sequence[Report], today: date) -> WatchState:
    """Whether the flow goes on, slows or has turned, in the seven days to ``today``."""
    reports = [one for one in reports if one.amount.unit == "USD" and one.amount.value]
    days = daily(reports, lambda told: max((one.amount.value for one in told), key=abs))
    now = _flow_rate(reports, days, today)
    before = _flow_rate(reports, days, today - WEEK)
    state = _flow_state(now, before)
    sentence = "No net flow of crypto funds was reported often enough this week to tell."
    figures: list[Figure] = []
    if now is not None:
        word = "outflow" if now < 0 else "inflow"
        sentence = (
            f"Reports of the week to {day_words(today)} put the net {word} of crypto funds at about"
            f" {money(now)} a trading day"
        )
        figures.append(Figure(name="net flow a trading day, this week", value=now, unit="USD"))
        if before is None:
            sentence += "; the week before has too few reports to compare."
        else:
            against = "in" if before > 0 else "out"
            sentence += f", after {money(before)} {against} the week before: {_FLOW_WORDS[state]}."
            figures.append(
                Figure(name="net flow a trading day, week before", value=before, unit="USD")
            )
    recent = [one for one in reports if in_week(one, today)]
    return WatchState(
        variable="etf_flows",
        title="ETF flows stabilising",
        state=state,
        since=None if state == "unclear" else _since(days, now or 0.0, today),
        sentence=sentence,
        figures=tuple(figures),
        evidence=evidence(recent),
    )


_FLOW_WORDS: dict[State, str] = {
    "outflow_persisting": "the outflow goes on",
    "outflow_slowing": "the outflow is slowing",
    "turned_to_inflow": "the flow has turned to inflow",
    "inflow_persisting": "the inflow goes on",
    "inflow_slowing": "the inflow is slowing",
    "turned_to_outflow": "the flow has turned to outflow",
    "unclear": "the direction is unclear",
}


def _flow_rate(reports: Sequence[Report], days: dict[date, float], last: date) -> float | None:
    """Net flow a trading day over the seven days to ``last``: mean of days, else a told week."""
    inside = [value for day, value in days.items() if last - WEEK < day <= last]
    if len(inside) >= LEAST_DAYS:
        return mean(inside)
    weeks = [
        one.amount.value / TRADING_DAYS
        for one in reports
        if timedelta(days=3) <= one.last - one.first <= WEEK and last - WEEK < one.last <= last
    ]
    return median(weeks) if weeks else None


def _flow_state(now: float | None, before: float | None) -> State:
    if now is None or before is None or now == 0:
        return "unclear"
    if (now < 0) != (before < 0):
        return "turned_to_outflow" if now < 0 else "turned_to_inflow"
    slowed = abs(now) <= SLOWED_TO * abs(before)
    if now < 0:
        return "outflow_slowing" if slowed else "outflow_persisting"
    return "inflow_slowing" if slowed else "inflow_persisting"


def _since(days: dict[date, float], now: float, today: date) -> date | None:
    """First day of the unbroken run of reported days on the present side."""
    run: date | None = None
    for day in sorted((day for day in days if day <= today), reverse=True):
        if (days[day] < 0) != (now < 0):
            # A last day on the other side does not end a week's direction before it has begun.
            if run is None:
                continue
            break
        run = day
    return run
