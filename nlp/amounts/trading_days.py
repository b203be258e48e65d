"""Days on which US funds trade: weekdays that are no holiday of the New York exchanges.

Funds have a flow only on such a day, so that news of a Monday holiday or of the weekend speaks of
the Friday before.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

_DAY = timedelta(days=1)
_SATURDAY, _SUNDAY = 5, 6
# Closed out of turn, since the first spot funds of January 2024: mourning for a president.
_ONCE = frozenset({date(2025, 1, 9)})


def is_trading_day(day: date) -> bool:
    """Whether US funds trade on the day."""
    return day.weekday() < _SATURDAY and day not in _holidays(day.year) and day not in _ONCE


def last_trading_day(day: date) -> date:
    """The last trading day before the day: a fund's flow is published after its trading day."""
    day -= _DAY
    while not is_trading_day(day):
        day -= _DAY
    return day


def trading_days(first: date, last: date) -> tuple[date, ...]:
    """The trading days from ``first`` to ``last``, both included."""
    days = (first + number * _DAY for number in range((last - first).days + 1))
    return tuple(day for day in days if is_trading_day(day))


@cache
def _holidays(year: int) -> frozenset[date]:
    """Holidays of the exchanges in a year (rule 7.2 of the New York Stock Exchange)."""
    fixed = [date(year, 1, 1), date(year, 6, 19), date(year, 7, 4), date(year, 12, 25)]
    moved = [_observed(day) for day in fixed]
    return frozenset(
        [
            *(day for day in moved if day is not None),
            _nth(year, 1, 3),
            _nth(year, 2, 3),
            _easter(year) - 2 * _DAY,
            _nth(year, 6, 1) - 7 * _DAY,  # the last Monday of May
            _nth(year, 9, 1),
            _nth(year, 11, 4, weekday=3),
        ]
    )


def _observed(day: date) -> date | None:
    """The day on which a fixed holiday closes the exchanges: Friday for a Saturday, else Monday.

    A New Year's Day on a Saturday closes none, since the Friday ends a year.
    """
    if day.weekday() == _SATURDAY:
        return None if (day.month, day.day) == (1, 1) else day - _DAY
    return day + _DAY if day.weekday() == _SUNDAY else day


def _nth(year: int, month: int, number: int, *, weekday: int = 0) -> date:
    """The first, second, ... Monday (or other weekday) of a month."""
    first = date(year, month, 1)
    return first + ((weekday - first.weekday()) % 7 + 7 * (number - 1)) * _DAY


def _easter(year: int) -> date:
    """Easter Sunday, by the anonymous Gregorian algorithm (Meeus, Astronomical Algorithms, 8)."""
    a, (b, c) = year % 19, divmod(year, 100)
    (d, e), f = divmod(b, 4), (b + 8) // 25
    g = (b - f + 1) // 3
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    el = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * el) // 451
    month, day = divmod(h + el - 7 * m + 114, 31)
    return date(year, month, day + 1)
