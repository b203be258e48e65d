"""Days on which US funds trade: weekdays that are no holiday of the New York exchanges.

Funds have a flow only on such a day, so that news of a Monday holiday or of the weekend speaks of
the Friday before.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

_DAY = timedelta(days=1)
_SATURDAY = 5


def is_trading_day(day: date) -> bool:
    """Whether US funds trade on the day."""
    return day.weekday() < _SATURDAY and day not in _holidays(day.year)


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
    """Weekdays of a year on which the exchanges are closed, days of mourning among them."""
    from holidays import financial_holidays  # noqa: PLC0415 - slow to import, and few texts need it

    return frozenset(financial_holidays("XNYS", years=year))
