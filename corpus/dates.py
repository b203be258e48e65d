"""Publication times as outlets write them, read by stated rules.

1. A stated offset or zone counts as stated, even where it contradicts the season (EDT in winter).
   An offset that no place on earth has is still subtracted: the instant is what the sender meant.
2. A clock time without a zone is UTC. A named zone (``Europe/Brussels``) is looked up.
3. A day without a clock time is held at 00:00 UTC of it and marked day-only; so is a month, at its
   first day.
4. In all-number dates dots mean day first and slashes month first; a stated weekday, or a number
   above 12, overrules that.
5. Month and day names are read in the larger European languages; anything else is left to the
   dateparser library in its strict mode (day, month and year must all be stated).
6. Ten digits are seconds since 1970, thirteen are milliseconds.
7. A time before 1990 is a program's zero, not a publication: it counts as not stated.

Times in the future are returned as stated; the store holds such an article at the time at which it
was first seen, and flags it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from corpus.records import Record, UtcDatetime

_LONGEST = 120  # characters; no real date is longer, and a hostile one costs nothing
_EARLIEST_YEAR = 1990

_MONTH_NAMES = (
    "jan januar january janvier janv enero ene gennaio gen janeiro januari jän jänner stycznia",
    "feb februar february février fevrier févr fevr fév febrero febbraio fevereiro fev februari"
    " lutego",
    "mar mär mrz märz march mars marzo março marco maart mrt marca",
    "apr april avril avr abril abr aprile kwietnia",
    "may mai mayo maggio mag maio mei maj maja",
    "jun june juni juin junio giugno giu junho czerwca",
    "jul july juli juillet juil julio luglio lug julho lipca",
    "aug august août aout aoû agosto ago augustus augusti sierpnia",
    "sep sept september septembre septiembre settembre set setembro września",
    "oct october okt oktober octobre octubre ottobre ott outubro out października",
    "nov november novembre noviembre novembro listopada",
    "dec december dez dezember décembre decembre déc diciembre dic dicembre dezembro grudnia",
)
_MONTHS = {name: number for number, line in enumerate(_MONTH_NAMES, 1) for name in line.split()}
_WEEKDAY_NAMES = (
    "mon monday mo montag lun lundi lunes lunedì seg segunda maandag",
    "tue tues tuesday di dienstag mardi martes mar martedì ter terça dinsdag",
    "wed weds wednesday mi mittwoch mer mercredi miércoles mié mercoledì qua quarta woensdag",
    "thu thur thurs thursday do donnerstag jeu jeudi jueves jue giovedì gio qui quinta donderdag",
    "fri friday fr freitag ven vendredi viernes vie venerdì sex sexta vrijdag",
    "sat saturday sa samstag sonnabend sam samedi sábado sáb sabato sab zaterdag",
    "sun sunday so sonntag dim dimanche domingo dom domenica zondag",
)
_WEEKDAYS = {name: number for number, line in enumerate(_WEEKDAY_NAMES) for name in line.split()}

# Hours east of Greenwich. Abbreviations that several countries use follow RFC 5322 and feed usage.
_ZONES = {
    **dict.fromkeys(("z", "ut", "utc", "gmt", "wet"), 0.0),
    **dict.fromkeys(("est", "cdt"), -5.0),
    **dict.fromkeys(("cst", "mdt"), -6.0),
    **dict.fromkeys(("mst", "pdt"), -7.0),
    **dict.fromkeys(("pst", "akdt"), -8.0),
    **dict.fromkeys(("edt", "ast"), -4.0),
    "adt": -3.0,
    "brt": -3.0,
    "akst": -9.0,
    "hst": -10.0,
    **dict.fromkeys(("bst", "cet", "west", "mez"), 1.0),
    **dict.fromkeys(("cest", "eet", "mesz", "sast"), 2.0),
    **dict.fromkeys(("eest", "msk"), 3.0),
    "gst": 4.0,
    "ist": 5.5,
    "wib": 7.0,
    **dict.fromkeys(("hkt", "sgt", "awst"), 8.0),
    **dict.fromkeys(("jst", "kst"), 9.0),
    "aest": 10.0,
    "aedt": 11.0,
    "nzst": 12.0,
    "nzdt": 13.0,
}

# What newsrooms of North America write without saying which half of the year they mean.
_SEASONAL_ZONES = {
    "et": ZoneInfo("America/New_York"),
    "ct": ZoneInfo("America/Chicago"),
    "mt": ZoneInfo("America/Denver"),
    "pt": ZoneInfo("America/Los_Angeles"),
}

_CLOCK = re.compile(
    r"(?<!\d)(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s*(?:([ap])\.?\s?m\b\.?)?", re.IGNORECASE
)
_OFFSET = re.compile(r"(?:\b(?:gmt|utc)\s?)?([+\-−])(\d{1,2}):?(\d{2})?(?!\d)\s*z?", re.IGNORECASE)
_ISO_DAY = re.compile(r"^(\d{4})-(\d{1,2})(?:-(\d{1,2}))?(?=$|[T\s,Z])", re.IGNORECASE)
_COMPACT_DAY = re.compile(r"^(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2})(\d{2}))?", re.IGNORECASE)
_NAMED_ZONE = re.compile(r"\b([A-Z][A-Za-z]+/[A-Z][A-Za-z_]+(?:/[A-Z][A-Za-z_]+)?)\b")
_NUMBER_DAY = re.compile(r"(?<!\d)(\d{1,4})([./\-\s])(\d{1,2})\2(\d{4}|\d{2})(?!\d)")
_WORD = re.compile(r"[^\W\d_]+")


class ParsedDate(Record):
    """A publication time in UTC; ``day_only`` when no clock time was stated."""

    time: UtcDatetime
    day_only: bool


def parse_date(stated: str) -> ParsedDate | None:
    """The time that ``stated`` means by the module's rules, or None when it states none."""
    text = " ".join(stated.split())
    if not text or len(text) > _LONGEST:
        return None
    try:
        parsed = _from_number(text) or _from_parts(text) or _from_other_language(text)
    except (ValueError, OverflowError):  # a thirteenth month, a 31st of April, the year 0
        return None
    if parsed is None or parsed.time.year < _EARLIEST_YEAR:
        return None
    return parsed


def _from_number(text: str) -> ParsedDate | None:
    if not re.fullmatch(r"\d{9,10}|\d{13}", text):
        return None
    seconds = int(text) / (1000 if len(text) == 13 else 1)
    return ParsedDate(time=datetime.fromtimestamp(seconds, UTC), day_only=False)


def _from_parts(text: str) -> ParsedDate | None:
    day, rest = _take_day(text)
    if day is None:
        return None
    clock = _CLOCK.search(rest)
    if clock is None:
        return ParsedDate(time=day.replace(tzinfo=UTC), day_only=True)
    hour, minute, second = (int(part or 0) for part in clock.group(1, 2, 3))
    if half := clock.group(4):
        hour = hour % 12 + (12 if half.lower() == "p" else 0)
    # 24:00 is the end of the day; a leap second is the next second.
    moment = day + timedelta(hours=hour, minutes=minute, seconds=second)
    if hour > 24 or minute > 59 or second > 60:
        return None
    return ParsedDate(time=_in_utc(moment, rest[clock.end() :], text), day_only=False)


def _take_day(text: str) -> tuple[datetime | None, str]:
    """The calendar day of ``text`` (naive, at midnight) and what is left around it."""
    if match := _ISO_DAY.match(text):
        year, month, day = match.groups()
        return datetime(int(year), int(month), int(day or 1)), text[match.end() :]  # noqa: DTZ001 - the zone is read later
    if match := _COMPACT_DAY.match(text):
        year, month, day, *clock = match.groups()
        rest = (":".join(clock) if clock[0] else "") + text[match.end() :]
        return datetime(int(year), int(month), int(day)), rest  # noqa: DTZ001 - the zone is read later
    without_clock = _CLOCK.sub(" ", text)
    named = _named_month_day(without_clock)
    if named is not None:
        return named, text
    if match := _NUMBER_DAY.search(without_clock):
        return _number_day(match, without_clock), text
    return None, text


def _named_month_day(text: str) -> datetime | None:
    months = [
        (match, _MONTHS[match.group().casefold()])
        for match in _WORD.finditer(text)
        if match.group().casefold() in _MONTHS
    ]
    if not months:
        return None
    # "mar., 01 déc. 2020": a word that is also a weekday's name is the month only if no other is.
    certain = [pair for pair in months if pair[0].group().casefold() not in _WEEKDAYS]
    match, month = (certain or months)[0]
    before = re.search(
        r"(?<!\d)(\d{1,2})(?:st|nd|rd|th|er|º|ª)?[\s.,\-]*(?:de\s+)?$", text[: match.start()]
    )
    after = re.match(r"[\s.,\-]*(\d{1,2})(?:st|nd|rd|th)?(?!\d)", text[match.end() :])
    year = re.search(r"(?<!\d)(\d{4})(?!\d)", _OFFSET.sub(" ", text[match.end() :])) or re.search(
        r"(?<![\d+\-])(\d{4})(?!\d)", text
    )
    if year is not None:
        day = int((before or after or ["", "1"])[1])
        return datetime(int(year.group(1)), month, day)  # noqa: DTZ001 - the zone is read later
    short = re.match(r"[\s.,\-]*(\d{2})(?!\d)", text[match.end() :])
    if before and short:
        return datetime(_full_year(short.group(1)), month, int(before.group(1)))  # noqa: DTZ001 - see above
    return None


def _number_day(match: re.Match[str], text: str) -> datetime:
    first, separator, second, year = match.groups()
    one, two = int(first), int(second)
    if one > 31:  # 2023/05/29 and the like
        return datetime(one, two, int(year))  # noqa: DTZ001 - the zone is read later
    orders = [(two, one), (one, two)]  # (month, day): day first
    if separator == "/":
        orders.reverse()
    possible = []
    for month, day in orders:
        if month <= 12 and day <= 31:
            possible.append(datetime(_full_year(year), month, day))  # noqa: DTZ001 - as above
    weekdays = {
        _WEEKDAYS[word.casefold()] for word in _WORD.findall(text) if word.casefold() in _WEEKDAYS
    }
    agreeing = [day for day in possible if day.weekday() in weekdays]
    if not possible:
        raise ValueError("no month has this number")
    return (agreeing or possible)[0]


def _full_year(digits: str) -> int:
    year = int(digits)
    return year if len(digits) == 4 else year + (2000 if year < 70 else 1900)


def _in_utc(moment: datetime, after_clock: str, text: str) -> datetime:
    if match := _OFFSET.search(after_clock):
        sign, hours, minutes = match.groups()
        offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
        return (moment - (-offset if sign != "+" else offset)).replace(tzinfo=UTC)
    if match := _NAMED_ZONE.search(text):
        try:
            return moment.replace(tzinfo=ZoneInfo(match.group(1))).astimezone(UTC)
        except (ZoneInfoNotFoundError, ValueError):
            pass  # a word with a slash that is no zone: by rule 2 the clock is UTC
    for word in _WORD.findall(after_clock):
        if seasonal := _SEASONAL_ZONES.get(word.casefold()):
            return moment.replace(tzinfo=seasonal).astimezone(UTC)
        hours_east = _ZONES.get(word.casefold())
        if hours_east is not None:
            return moment.replace(tzinfo=timezone(timedelta(hours=hours_east))).astimezone(UTC)
    return moment.replace(tzinfo=UTC)


def _from_other_language(text: str) -> ParsedDate | None:
    if not re.search(r"\d", text):
        return None
    import dateparser  # noqa: PLC0415 - slow to load, and rarely needed

    moment = dateparser.parse(
        text,
        settings={
            "STRICT_PARSING": True,
            "PARSERS": ["absolute-time"],  # "3 hours ago" tells nothing once it was cached
            "TIMEZONE": "UTC",
            "RETURN_AS_TIMEZONE_AWARE": True,
        },
    )
    if moment is None:
        return None
    return ParsedDate(time=moment.astimezone(UTC), day_only=_CLOCK.search(text) is None)
