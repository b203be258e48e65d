"""Do ETF flows stabilise? The week's reported net flow a trading day against the week before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from statistics import mean, median

from nlp.amounts import is_believable
from nlp.amounts.trading_days import last_trading_day
from nlp.watch.records import Figure, State, WatchState
from nlp.watch.reports import WEEK, Report, daily, evidence, in_week
from nlp.watch.words import day_words, money

SLOWED_TO = 0.5  # a flow at most half as large as the week before has slowed
TRADING_DAYS = 5
LEAST_DAYS = 2  # daily reports that make a week's rate


def etf_flows(reports: Sequence[Report], today: date) -> WatchState:
    """Whether the flow goes on, slows or has turned, in the seven days to ``today``."""
    reports = list(_of_all_funds(reports))
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


def _of_all_funds(reports: Sequence[Report]) -> Iterator[Report]:
    """Dollar flows of a day or a week that are not those of one fund, on the days they speak of.

    Left out are sums over months or since launch and what no day or week is believed to bring
    (:func:`nlp.amounts.is_believable`). A flow without a day is that of the last trading day, a
    weekly one without a week that of the seven days before its printing.
    """
    for one in reports:
        amount, scope = one.amount, one.amount.scope
        if amount.unit != "USD" or not amount.value or scope is None:
            continue
        if scope.funds == "one" or not is_believable(amount.value, amount.unit, scope.length):
            continue
        printed = one.article.published_at.date()
        if scope.length == "week" and one.first == one.last:
            yield replace(one, first=printed - WEEK, last=printed - timedelta(days=1))
        elif scope.length == "untold":
            day = last_trading_day(printed)
            yield replace(one, first=day, last=day)
        elif scope.length in ("day", "week"):
            yield one


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
