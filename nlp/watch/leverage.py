"""Has leverage cleared? The largest day of liquidations against the usual day before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from statistics import median

from nlp.watch.records import Figure, State, WatchState
from nlp.watch.reports import WEEK, Report, daily, evidence, in_week
from nlp.watch.words import day_words, money

BEFORE = timedelta(days=28)
SURGE = 2.0  # a day of liquidations this many times the usual day is a clearing
FLUSHED_TO = 1 / 3  # after a surge, days at most this share of it are quiet
LEAST_DAYS = 3  # reported days that make a usual day


def leverage(liquidations: Sequence[Report], interest: Sequence[Report], today: date) -> WatchState:
    """Whether positions are being cleared, were, or build up, in the seven days to ``today``."""
    days = daily([one for one in liquidations if one.amount.unit == "USD"], _liquidated)
    now = {day: size for day, size in days.items() if today - WEEK < day <= today}
    before = {
        day: size for day, size in days.items() if today - WEEK - BEFORE < day <= today - WEEK
    }
    changes = [one.amount.value for one in interest if in_week(one, today) and one.amount.value < 0]
    rises = [one for one in interest if in_week(one, today) and one.amount.value > 0]
    most = max(now.values(), default=0.0)
    usual = median(before.values()) if len(before) >= LEAST_DAYS else None
    peak_day = max(before, key=lambda day: before[day]) if before else None
    state: State = "unclear"
    since: date | None = None
    told = "too few reports to tell"
    if usual is not None and now and most >= SURGE * usual:
        state, told = "clearing", "positions are being cleared"
        since = min(day for day, size in now.items() if size >= SURGE * usual)
    elif (
        usual is not None
        and peak_day is not None
        and before[peak_day] >= SURGE * usual
        and most <= FLUSHED_TO * before[peak_day]
    ):
        state, since = "flushed", peak_day
        told = f"quiet since {money(before[peak_day])} went on {day_words(peak_day)}"
    elif len(rises) > len(changes) and rises:
        state, told = (
            "building",
            "open interest is told to rise or stand high while liquidations are not",
        )
        since = min(one.article.published_at.date() for one in rises)
    elif now:
        told = "neither a surge nor a quiet after one"
    sentence = (
        f"The largest day of liquidations told in the week to {day_words(today)} is {money(most)}"
        if now
        else f"No liquidations were told in the week to {day_words(today)}"
    )
    if usual is not None:
        sentence += f", against a usual {money(usual)} on days told of in the four weeks before"
    figures = [Figure(name="largest day of liquidations, this week", value=most, unit="USD")]
    if usual is not None:
        figures.append(Figure(name="usual day of liquidations before", value=usual, unit="USD"))
    recent = [one for one in (*liquidations, *interest) if in_week(one, today)]
    if state == "flushed":
        recent += [one for one in liquidations if one.first == peak_day]
    return WatchState(
        variable="leverage",
        title="Leverage clearing",
        state=state,
        since=since,
        sentence=f"{sentence}: {told}.",
        figures=tuple(figures),
        evidence=evidence(recent),
    )


def _liquidated(told: Sequence[Report]) -> float:
    """One story's day: its total, else its sides together, whichever is larger."""
    total = max((one.size for one in told if one.amount.side in ("total", None)), default=0.0)
    sides = sum(
        max((one.size for one in told if one.amount.side == side), default=0.0)
        for side in ("long", "short")
    )
    return max(total, sides)
