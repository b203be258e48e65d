"""Numbers, times and amounts as the report and the pages write them."""

from __future__ import annotations

import unicodedata
from datetime import date, datetime, timedelta

from nlp.index import Reading
from nlp.records import Amount
from nlp.taxonomy import drivers

MINUS = "\N{MINUS SIGN}"
NOT_KNOWN = "\N{EM DASH}"
_SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "KRW": "₩"}
# Kinds of amount as (negative, positive); see the amount kinds in docs/contracts.md.
_KINDS = {
    "net_flow": ("net outflow of", "net inflow of"),
    "buy": ("purchase of", "purchase of"),
    "sell": ("sale of", "sale of"),
    "hold": ("holding of", "holding of"),
    "raise": ("funding of", "funding of"),
    "liquidation": ("liquidations of", "liquidations of"),
    "open_interest": ("open interest down by", "open interest of"),
    "rate": ("rate cut of", "rate rise of"),
}


def signed(value: float | None, digits: int = 1) -> str:
    """A number with its sign, ``+0.4`` or ``−1.2``; a dash when it is not known."""
    if value is None:
        return NOT_KNOWN
    text = f"{value:+.{digits}f}"
    # A rounded zero has no side.
    if float(text) == 0:
        text = text[1:]
    return text.replace("-", MINUS)


def percent(value: float, digits: int = 1) -> str:
    """A fraction as signed percent."""
    return f"{signed(value * 100, digits)}%"


def band(lower: float | None, upper: float | None) -> str:
    """An interval, ``−2.1 to −0.4``."""
    if lower is None or upper is None:
        return "no band"
    return f"{signed(lower)} to {signed(upper)}"


def price(value: float, currency: str) -> str:
    """A price with its currency, to the cent below 100 and to the unit above."""
    number = f"{value:,.0f}" if value >= 100 else f"{value:,.2f}"
    sign = _SIGNS.get(currency)
    return f"{sign}{number}" if sign else f"{number} {currency}"


def quantity(value: float, unit: str) -> str:
    """A size without its sign: ``$870 million``, ``8,178 BTC``, ``25 bp``."""
    size = abs(value)
    sign = _SIGNS.get(unit)
    if sign is None:
        text = f"{size:,.2f}".rstrip("0").rstrip(".")
        return f"{text}%" if unit == "%" else f"{text} {unit}"
    for scale, word in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if size >= scale:
            return f"{sign}{f'{size / scale:,.2f}'.rstrip('0').rstrip('.')} {word}"
    return f"{sign}{size:,.0f}"


def amount_words(amount: Amount) -> str:
    """An amount in words, with the period that it speaks of where the article tells it."""
    kind = _KINDS[amount.kind][amount.value >= 0]
    if amount.kind == "liquidation" and amount.side in ("long", "short"):
        kind = f"{amount.side} {kind}"
    if amount.kind == "rate" and amount.unit == "%" and amount.value >= 0:
        kind = "rate of"
    told = f"{kind} {quantity(amount.value, amount.unit)}"
    if amount.period:
        told += f" ({amount.period.replace('/', ' to ')})"
    return told if amount.realised else f"{told}, not realised"


def day(value: date | datetime) -> str:
    """``17 November 2025``."""
    return f"{value.day} {value:%B %Y}"


def moment(value: datetime) -> str:
    """``17 November 2025, 14:05 UTC``."""
    return f"{day(value)}, {value:%H:%M} UTC"


def days(start: datetime, end: datetime) -> str:
    """A span whose end is exclusive: ``17 to 23 November 2025``."""
    last = end - timedelta(microseconds=1)
    if (start.year, start.month) == (last.year, last.month):
        return f"{start.day} to {day(last)}"
    if start.year == last.year:
        return f"{start.day} {start:%B} to {day(last)}"
    return f"{day(start)} to {day(last)}"


def week_words(week: str) -> str:
    """``2025-W47`` as ``week 47 of 2025``."""
    year, _, number = week.partition("-W")
    return f"week {int(number)} of {year}"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """``1 story``, ``2 stories``."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def listed(names: list[str] | tuple[str, ...]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def driver_title(name: str) -> str:
    """Title of a driver, or of the composite."""
    return next((one.title for one in drivers() if one.name == name), name.capitalize())


def driver_words(name: str) -> str:
    """A driver inside a sentence: ``spot-ETF flows``."""
    title = driver_title(name)
    return title[:1].lower() + title[1:]


def side(reading: Reading) -> str:
    """The side that a period's stories took, and how that compares with what is usual.

    ``bearish, more than usual``, ``bullish, but less than usual`` (there its pressure is negative),
    ``bearish, about as usual`` where the band holds zero. Usual is the base window.
    """
    if reading.direction not in ("bullish", "bearish"):
        return "no side taken" if reading.direction == "mixed" else reading.direction
    if reading.pressure is None or reading.in_base:
        return reading.direction
    if reading.lower is None or reading.upper is None or reading.lower <= 0 <= reading.upper:
        return f"{reading.direction}, about as usual"
    same = (reading.pressure > 0) == (reading.direction == "bullish")
    return f"{reading.direction}, {'more' if same else 'but less'} than usual"


def pull(share: float, stories: int) -> str:
    """The side that a story stood on and its part, of all ``stories`` on the driver."""
    stance = "bearish" if share < 0 else "bullish"
    if abs(share) >= 0.01:
        return f"{stance}, {abs(share):.0%} of the week's pull"
    return f"{stance}, one of {stories:,} stories"


def plain(text: str) -> str:
    """Outside text on one line, without control characters or changes of writing direction."""
    kept = (one if unicodedata.category(one) not in {"Cc", "Cf"} else " " for one in text)
    return " ".join("".join(kept).split())
