"""Figures and names as the verdict's sentences spell them."""

from __future__ import annotations

from collections.abc import Iterable

from nlp.study.plan import Measure
from nlp.taxonomy import drivers

PERIOD = {"h": "hour", "D": "day", "W": "week"}
MEASURE: dict[Measure, str] = {
    "pressure": "pressure of news on",
    "stance": "stance of news on",
    "attention": "attention to",
}


def about(measure: Measure, driver: str) -> str:
    """A column of a driver's index, as the start of a sentence."""
    told = f"{MEASURE[measure]} {name(driver)}"
    return f"{told[:1].upper()}{told[1:]}"


def subject(driver: str, *, lower: bool = False) -> str:
    """A driver as the subject of a sentence, or inside one."""
    if driver == "composite":
        return "the composite of the core drivers" if lower else "The composite of the core drivers"
    return f"{'news' if lower else 'News'} on {name(driver)}"


def name(driver: str) -> str:
    """A driver's title inside a sentence; a part of a driver is named in brackets."""
    if driver == "composite":
        return "the four core drivers"
    whole, _, part = driver.partition(".")
    title = next((one.title for one in drivers() if one.name == whole), whole)
    told = f"{title[:1].lower()}{title[1:]}"
    return f"{told} ({part})" if part else told


def figures(level: float, value: float, lower: float, upper: float) -> str:
    """A correlation with its interval."""
    return f"{signed(value)}, {level:.0%} {signed(lower)} to {signed(upper)}"


def percents(level: float, value: float, lower: float, upper: float) -> str:
    """A log return in percent with its interval."""
    return f"{signed(100 * value)}%, {level:.0%} {signed(100 * lower)}% to {signed(100 * upper)}%"


def signed(value: float) -> str:
    """Two decimals, with a minus sign that is one."""
    return f"{value:.2f}".replace("-", "\N{MINUS SIGN}")


def periods(number: int, period: str) -> str:
    """A number of periods in words."""
    return f"{number} {period}" if number == 1 else f"{number} {period}s"


def span(values: Iterable[float]) -> str:
    """The least and greatest of some figures, or the one that they all are."""
    told = sorted(values)
    first, last = signed(told[0]), signed(told[-1])
    return first if first == last else f"{first} to {last}"
