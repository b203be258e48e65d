"""Periods of the index: hours, days and ISO weeks, all in UTC and half open ``[start, end)``."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal, get_args

from corpus.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Frequency = Literal["h", "D", "W"]

LENGTHS: dict[Frequency, timedelta] = {
    "h": timedelta(hours=1),
    "D": timedelta(days=1),
    "W": timedelta(weeks=1),
}
# 1 January 1970 was a Thursday, so the first Monday, where ISO weeks begin, is four days later.
_ORIGIN_SECONDS: dict[Frequency, int] = {"h": 0, "D": 0, "W": 4 * 86_400}
_WEEK = re.compile(r"(\d{4})-W(\d{2})")


def checked_frequency(value: str) -> Frequency:
    """``value`` as a frequency; raises :class:`UsageError` naming those there are."""
    for known in get_args(Frequency):
        if value == known:
            return known  # type: ignore[no-any-return]
    raise UsageError(f"unknown frequency {value!r}", remedy="choose h, D or W")


def period_number(seconds: npt.NDArray[np.int64], frequency: Frequency) -> npt.NDArray[np.int64]:
    """Running number of the period that holds each moment (seconds since 1970, UTC)."""
    length = int(LENGTHS[frequency].total_seconds())
    return (seconds - _ORIGIN_SECONDS[frequency]) // length


def period_seconds(numbers: npt.NDArray[np.int64], frequency: Frequency) -> npt.NDArray[np.int64]:
    """Start of each numbered period, in seconds since 1970 UTC."""
    length = int(LENGTHS[frequency].total_seconds())
    return numbers * length + _ORIGIN_SECONDS[frequency]


def period_start(moment: datetime, frequency: Frequency) -> datetime:
    """Start of the period that holds ``moment`` (aware)."""
    length = int(LENGTHS[frequency].total_seconds())
    origin = _ORIGIN_SECONDS[frequency]
    number = (int(moment.timestamp()) - origin) // length
    return datetime.fromtimestamp(number * length + origin, tz=UTC)


def week_bounds(week: str, *, now: datetime | None = None) -> tuple[datetime, datetime]:
    """Start and end (exclusive), in UTC, of an ISO week such as ``2025-W47``.

    Raises :class:`UsageError` for a badly written week, one that the year does not have, and one
    that has not begun by ``now``.
    """
    match = _WEEK.fullmatch(week)
    if match is None:
        raise UsageError(f"{week!r} is no ISO week", remedy="write it like 2025-W47")
    year, number = int(match[1]), int(match[2])
    try:
        start = datetime.fromisocalendar(year, number, 1).replace(tzinfo=UTC)
    except ValueError:
        raise UsageError(
            f"the year {year} has no ISO week {number}", remedy="write it like 2025-W47"
        ) from None
    if start > (now or datetime.now(tz=UTC)):
        raise UsageError(f"week {week} has not begun yet", remedy="choose a week that has begun")
    return start, start + timedelta(weeks=1)


def week_name(moment: datetime) -> str:
    """ISO week of a moment, like ``2025-W47``."""
    year, number, _ = moment.astimezone(UTC).isocalendar()
    return f"{year}-W{number:02d}"
