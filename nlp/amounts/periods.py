"""When an amount fell due: the words that tell it, resolved by the day of publication.

A period is an ISO day (``2025-11-13``), a month (``2025-11``) or an interval of days
(``2025-11-10/2025-11-16``, both ends inside). ``docs/amounts.md`` lists the rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from nlp.amounts.quantities import Quantity
from nlp.amounts.trading_days import last_trading_day

_DAY = timedelta(days=1)
CLAUSE = 60  # a clause break weighs as much as this many characters
_OTHER_FIGURE = re.compile(r"[$€£]\s?\d")
RANK_REACH = 40
_RANKS = re.compile(
    r"\b(?:most|highest|largest|biggest|best|lowest|worst|first|record|strongest)\b", re.I
)
_SUMS = re.compile(
    r"\b(?:in|over|during|across|through|for|within) (?:a |an |the |its |their )?$", re.I
)
_UNDOES = re.compile(
    r"\b(?:revers(?:e|es|ed|ing)|eras(?:e|es|ed|ing)|offset|offsets|offsetting|recoup(?:s|ed|ing)?"
    r"|undo|undoes|undid|undoing|(?:recover|rebound|bounc)\w* (?:back )?from) $",
    re.I,
)
_CLAUSE = re.compile(
    r"[;:]|\b(?:while|but|whereas|after|as|which|following|since)\b", re.IGNORECASE
)
_WEEKDAYS = {
    name: number
    for number, names in enumerate(
        (
            "monday mon",
            "tuesday tue tues",
            "wednesday wed",
            "thursday thu thur thurs",
            "friday fri",
            "saturday sat",
            "sunday sun",
        )
    )
    for name in names.split()
}
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan",
            "february feb",
            "march mar",
            "april apr",
            "may",
            "june jun",
            "july jul",
            "august aug",
            "september sep sept",
            "october oct",
            "november nov",
            "december dec",
        ),
        start=1,
    )
    for name in names.split()
}
_COUNTS = {
    word: number
    for number, word in enumerate(
        [
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
        ],
        start=2,
    )
}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_WEEKDAY = "|".join(sorted(_WEEKDAYS, key=len, reverse=True))
_COUNT = rf"(?:\d{{1,3}}|{'|'.join(_COUNTS)})"


@dataclass(frozen=True)
class Period:
    """Characters ``start`` to ``end`` of the text tell the period ``iso``."""

    start: int
    end: int
    iso: str


def find_periods(text: str, start: int, end: int, published: date) -> list[Period]:
    """Every period told between ``start`` and ``end``, resolved against the day ``published``
    (UTC)."""
    found: list[Period] = []
    for match in _ANY.finditer(text, start, end):
        for name, resolve in _RULES:
            part = match.group(name)
            if part is not None and not _is_aside(name, text, *match.span()):
                detail = re.fullmatch(_PATTERNS[name], part, re.IGNORECASE)
                iso = resolve(detail, published) if detail else None
                if iso:
                    found.append(Period(match.start(), match.end(), iso))
            if part is not None:
                break
    return found


def _is_aside(name: str, text: str, start: int, end: int) -> bool:
    """Whether the words only rank a figure ("the most since March"), count on ("a 10-day streak")
    or say what another figure undoes ("reversed Friday's dip").

    A streak is a period where a figure sums it up: "over the five-day streak".
    """
    before = text[max(0, start - RANK_REACH) : start]
    if name == "since_month":
        return bool(_RANKS.search(before))
    if name == "weekday":
        return bool(_UNDOES.search(before)) and text[start:end].endswith(("'s", "’s"))
    return name == "streak" and not _SUMS.search(before)


def nearest_period(periods: Sequence[Period], figure: Quantity, text: str) -> str | None:
    """The period told nearest to the figure in its sentence; one in another clause is farther
    off."""
    best: tuple[float, str] | None = None
    for one in periods:
        between = (
            text[figure.end : one.start]
            if one.start >= figure.end
            else text[one.end : figure.start]
        )
        cost = len(between) + CLAUSE * len(_CLAUSE.findall(between))
        cost += CLAUSE * len(_OTHER_FIGURE.findall(between))
        if best is None or cost < best[0]:
            best = (cost, one.iso)
    return best[1] if best else None


def _span(first: date, last: date) -> str:
    return first.isoformat() if first == last else f"{first.isoformat()}/{last.isoformat()}"


def _count(word: str) -> int:
    return int(word) if word.isdigit() else _COUNTS[word.lower()]


def week_of(day: date) -> tuple[date, date]:
    """Monday and Sunday of the ISO week that holds the day."""
    monday = day - timedelta(days=day.weekday())
    return monday, monday + 6 * _DAY


def _year_for(month: int, day: int, published: date) -> int:
    """The year that puts the date last at or before publication (a few days ahead still count)."""
    later = (month, day) > ((published + 10 * _DAY).month, (published + 10 * _DAY).day)
    wraps = (published + 10 * _DAY).year != published.year
    return (
        (published + 10 * _DAY).year - (1 if later else 0)
        if not wraps or later
        else (published + 10 * _DAY).year
    )


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _full_date(match: re.Match[str], published: date) -> str | None:
    month = _MONTHS[(match["month"] or match["month2"]).lower()]
    number = int(match["day"] or match["day2"])
    stated = match["year"] or match["year2"]
    year = int(stated) if stated else _year_for(month, number, published)
    day = _date(year, month, number)
    return day.isoformat() if day else None


def _iso_date(match: re.Match[str], published: date) -> str | None:
    day = _date(int(match["y"]), int(match["m"]), int(match["d"]))
    return day.isoformat() if day else None


def _week_ended(match: re.Match[str], published: date) -> str | None:
    month, number = _MONTHS[match["we_month"].lower()], int(match["we_day"])
    day = _date(_year_for(month, number, published), month, number)
    return _span(week_of(day)[0], day) if day else None


def _weekday(match: re.Match[str], published: date) -> str | None:
    back = (published.weekday() - _WEEKDAYS[match["weekday"].lower()]) % 7
    ahead = (match["which"] or "").strip().lower() in ("next", "coming")
    return (
        published + (7 - back if back else 7) * _DAY if ahead else published - back * _DAY
    ).isoformat()


def _weekday_range(match: re.Match[str], published: date) -> str | None:
    first, last = (_WEEKDAYS[name.lower()] for name in match.groups())
    end = published - (published.weekday() - last) % 7 * _DAY
    return _span(end - (last - first) % 7 * _DAY, end)


def _week_of_month(match: re.Match[str], published: date) -> str | None:
    month = _MONTHS[match["wm_month"].lower()]
    first = date(published.year - (month > published.month), month, 1)
    if match["wm_which"].lower() != "first":
        first = (first + 31 * _DAY).replace(day=1) - 7 * _DAY
    return _span(first, first + 6 * _DAY)


def _month(match: re.Match[str], published: date) -> str | None:
    month = _MONTHS[match["m_month"].lower()]
    year = int(match["m_year"]) if match["m_year"] else published.year - (month > published.month)
    return f"{year:04d}-{month:02d}"


def _since_month(match: re.Match[str], published: date) -> str | None:
    month = _MONTHS[match["s_month"].lower()]
    day = {"mid": 15, "late": 21}.get((match["s_part"] or "").lower().strip("- "), 1)
    year = (
        int(match["s_year"])
        if match["s_year"]
        else _year_for(month, int(match["s_day"] or day), published)
    )
    first = _date(year, month, int(match["s_day"] or day))
    return _span(first, published) if first and first <= published else None


def _quarter(match: re.Match[str], published: date) -> str | None:
    names = {"first": 1, "second": 2, "third": 3, "fourth": 4}
    quarter = int(match["q"]) if match["q"] else names[match["q_name"].lower()]
    now = (published.month - 1) // 3 + 1
    year = int(match["q_year"]) if match["q_year"] else published.year - (quarter > now)
    last_month = quarter * 3
    after = date(year + (last_month == 12), last_month % 12 + 1, 1)
    return _span(date(year, last_month - 2, 1), after - _DAY)


def _relative_week(match: re.Match[str], published: date) -> str | None:
    monday, sunday = week_of(published)
    which = match["w_which"].lower()
    if which in ("this", "current"):
        return _span(monday, min(published, sunday))
    if which == "past":
        return _span(published - 7 * _DAY, published - _DAY)
    return _span(monday - 7 * _DAY, sunday - 7 * _DAY)


def _weekly(match: re.Match[str], published: date) -> str | None:
    """Weekly figures come on Mondays for the week before, and on Fridays for the running one."""
    monday, sunday = week_of(published)
    if published.weekday() >= 4:
        return _span(monday, min(published, sunday))
    return _span(monday - 7 * _DAY, sunday - 7 * _DAY)


def _relative_month(match: re.Match[str], published: date) -> str | None:
    if match["rm_which"].lower() in ("this", "current"):
        return f"{published:%Y-%m}"
    return f"{published.replace(day=1) - _DAY:%Y-%m}"


def _year_to_date(match: re.Match[str], published: date) -> str | None:
    return _span(date(published.year, 1, 1), published)


def _whole_year(match: re.Match[str], published: date) -> str | None:
    year = int(match["y_year"]) if match["y_year"] else published.year - 1
    last = date(year, 12, 31)
    return _span(date(year, 1, 1), min(last, published) if year == published.year else last)


def _days_back(match: re.Match[str], published: date) -> str | None:
    count = _count(match["db_count"]) * (7 if match["db_unit"].lower().startswith("week") else 1)
    return _span(published - count * _DAY, published - _DAY) if count else None


def _streak(match: re.Match[str], published: date) -> str | None:
    count = _count(match["st_count"])
    unit = match["st_unit"].lower()
    if unit.startswith("week"):
        monday, _ = week_of(published)
        return _span(monday - count * 7 * _DAY, monday - _DAY) if 0 < count < 200 else None
    if not 0 < count < 200:
        return None
    day = last = last_trading_day(published)
    for _ in range(count - 1):
        day = last_trading_day(day)
    return _span(day, last)


def _hours(match: re.Match[str], published: date) -> str | None:
    return published.isoformat()


def _yesterday(match: re.Match[str], published: date) -> str | None:
    return (published - _DAY).isoformat()


def _today(match: re.Match[str], published: date) -> str | None:
    return published.isoformat()


def _date_range(match: re.Match[str], published: date) -> str | None:
    first_month = _MONTHS[match["r_month"].lower()]
    last_month = _MONTHS[(match["r_month2"] or match["r_month"]).lower()]
    first_day, last_day = int(match["r_day"]), int(match["r_day2"])
    year = int(match["r_year"]) if match["r_year"] else _year_for(last_month, last_day, published)
    first = _date(year - (first_month > last_month), first_month, first_day)
    last = _date(year, last_month, last_day)
    return _span(first, last) if first and last and first <= last else None


_ORDINAL = r"(?:st|nd|rd|th)?"
_YEAR = r"20\d\d"
_WEEKDAY_NAME = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_PATTERNS = {
    "iso_date": r"\b(?P<y>20\d\d)-(?P<m>\d\d)-(?P<d>\d\d)\b",
    "date_range": (
        rf"\b(?P<r_month>{_MONTH})\b\.? (?P<r_day>\d{{1,2}}){_ORDINAL}"
        rf"(?: ?[-–—] ?| and | to | through | until )(?:(?P<r_month2>{_MONTH})\b\.? )?"
        rf"(?P<r_day2>\d{{1,2}}){_ORDINAL}\b(?![,.]?\d)(?:,? (?P<r_year>{_YEAR})\b)?"
    ),
    "week_ended": (
        rf"\bweek (?:ended|ending|to|through)(?: on)?(?: (?:{_WEEKDAY})\.?,?)?"
        rf" (?P<we_month>{_MONTH})\.? (?P<we_day>\d{{1,2}}){_ORDINAL}\b"
    ),
    "week_of_month": (rf"\b(?P<wm_which>first|last|final) week of (?P<wm_month>{_MONTH})\b"),
    "since_month": (
        r"\bsince (?:(?P<s_part>mid|late|early|the start of|the beginning of)[- ])?"
        rf"(?P<s_month>{_MONTH})\b\.?(?: (?P<s_day>\d{{1,2}})(?!\d){_ORDINAL})?"
        rf"(?:,? (?P<s_year>{_YEAR}))?"
    ),
    "full_date": (
        rf"\b(?:(?P<month>{_MONTH})\b\.? (?P<day>\d{{1,2}})(?![\d,]*\d|%){_ORDINAL}"
        rf"(?:,? (?P<year>{_YEAR})\b)?"
        rf"|(?P<day2>\d{{1,2}}){_ORDINAL}(?: of)? (?P<month2>{_MONTH})\b"
        rf"(?:,? (?P<year2>{_YEAR})\b)?)"
    ),
    "month": (
        r"\b(?:in|during|for|throughout|of)(?: the month of)? (?:early |mid-?|late |all of )?"
        rf"(?P<m_month>{_MONTH})\b(?:,? (?P<m_year>{_YEAR})\b)?(?! ?\d)"
    ),
    "weekday_range": (
        rf"\b(?P<wr_first>{_WEEKDAY_NAME})(?: to | through | until | ?[-–—] ?)"
        rf"(?P<wr_last>{_WEEKDAY_NAME})\b"
    ),
    "weekdays_between": (
        rf"\bbetween (?P<wb_first>{_WEEKDAY_NAME}) and (?P<wb_last>{_WEEKDAY_NAME})\b"
    ),
    "weekday": (
        r"\b(?:on |last |this |(?P<which>next |coming ))?"
        rf"(?P<weekday>{_WEEKDAY_NAME})(?:['’]s)?\b"
    ),
    "quarter": (
        r"\b(?:Q(?P<q>[1-4])\b(?: of)?"
        r"|(?P<q_name>first|second|third|fourth)[- ]quarter(?: of)?)"
        rf"(?:,? (?P<q_year>{_YEAR})\b)?"
    ),
    "relative_week": (
        r"\b(?P<w_which>last|past|previous|prior|preceding|this|current)"
        r"(?: trading| calendar| reporting)? week\b"
    ),
    "weekly": r"\b(?:weekly|one week|single week)\b",
    "relative_month": r"\b(?P<rm_which>last|past|previous|this|current) month\b",
    "year_to_date": (
        r"\b(?:year[- ]to[- ]date|ytd|(?:so far )?this year"
        r"|since the (?:start|beginning) of the year)\b"
    ),
    "whole_year": rf"\b(?:(?:in|during|for|throughout|of) (?P<y_year>{_YEAR})|last year)\b",
    "streak": (
        rf"\b(?P<st_count>{_COUNT})[- ](?:(?:trading|straight|consecutive)[- ]){{0,2}}"
        r"(?P<st_unit>days?|weeks?)(?:[- ](?:inflow|outflow|winning|losing|positive|buying))?"
        r"[- ](?:streak|run|stretch|spree)\b"
    ),
    "days_back": (
        rf"\b(?:past|last|previous|over) (?P<db_count>{_COUNT})"
        r" (?:trading |consecutive |straight )?(?P<db_unit>days|weeks)\b"
    ),
    "hours": (
        r"\b(?:(?:past|last|previous) (?:day\b|(?:few |several )?hours\b|hour\b)"
        r"|(?:24|twenty-four|12|four|4|one|an|single|\d{1,2})[- ]?(?:h\b|hrs?\b|hours?\b)"
        r"|in (?:a|one) day\b|in hours\b)"
    ),
    "yesterday": r"\byesterday(?:['’]s)?\b",
    "today": r"\b(?:today(?:['’]s)?|tonight|this morning)\b",
}
_RULES: tuple[tuple[str, Callable[[re.Match[str], date], str | None]], ...] = (
    ("iso_date", _iso_date),
    ("date_range", _date_range),
    ("week_ended", _week_ended),
    ("week_of_month", _week_of_month),
    ("since_month", _since_month),
    ("full_date", _full_date),
    ("month", _month),
    ("weekday_range", _weekday_range),
    ("weekdays_between", _weekday_range),
    ("weekday", _weekday),
    ("quarter", _quarter),
    ("relative_week", _relative_week),
    ("weekly", _weekly),
    ("relative_month", _relative_month),
    ("year_to_date", _year_to_date),
    ("whole_year", _whole_year),
    ("streak", _streak),
    ("days_back", _days_back),
    ("hours", _hours),
    ("yesterday", _yesterday),
    ("today", _today),
)
_ANY = re.compile(
    "|".join(
        f"(?P<{name}>{re.sub(r'[(][?]P<[a-z_0-9]+>', '(?:', _PATTERNS[name])})"
        for name, _ in _RULES
    ),
    re.IGNORECASE,
)
