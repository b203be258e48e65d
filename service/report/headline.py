"""The headline: one sentence made from the week's readings by fixed rules.

A driver is named only when its 90% band leaves out zero, that is the mean of the base window, and
the words compare with that window (what is usual) and nothing else; the strongest comes first. When
no driver can be named the composite may be, by the same rule. What price did is told beside, never
as a consequence. A week with little or no news, or inside the base window, says that instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from nlp.index import Reading
from service.report.records import PriceWeek
from service.report.words import days, driver_words, listed, percent, week_words

# Fewer stories than this in the whole week bear no sentence on direction.
LITTLE_NEWS = 20


def headline(
    week: str,
    core: Sequence[Reading],
    composite: Reading,
    prices: Sequence[PriceWeek],
    *,
    base: tuple[datetime, datetime],
) -> str:
    """One sentence on the week.

    ``core`` are the readings of the drivers that make the ``composite``; ``base`` is the base
    window (end exclusive).
    """
    told = week_words(week)
    stories = composite.stories
    if stories == 0:
        return f"No news reached the store in {told}, so nothing is said of it."
    if stories < LITTLE_NEWS:
        noun = "story" if stories == 1 else "stories"
        return f"Only {stories} {noun} reached the store in {told}, too few to tell a direction."
    if composite.in_base:
        return (
            f"{told[:1].upper()}{told[1:]} lies in the base window ({days(*base)}), the measure of"
            " what is usual, so its pressure is not compared with it."
        )
    usual = f"(usual: {days(*base)})"
    clear = sorted((one for one in core if _clear(one)), key=lambda one: -abs(one.pressure or 0.0))
    if not clear and _clear(composite):
        sentence = (
            f"In {told} the news of the core drivers together was {_compared(composite)} than usual"
            f" {usual}, though none of them alone differed by more than its uncertainty"
        )
    elif not clear:
        sentence = (
            f"In {told} no driver's news pressure differed from what is usual {usual} by more than"
            " its uncertainty"
        )
    else:
        groups: dict[str, list[str]] = {}
        for reading in clear:
            groups.setdefault(_compared(reading), []).append(f"on {driver_words(reading.driver)}")
        parts = [f"{compared} than usual {listed(names)}" for compared, names in groups.items()]
        sentence = f"In {told} the news was {_parted(parts)} {usual}"
    moves = [f"{one.asset} {_moved(one.change)}" for one in prices]
    return f"{sentence}; over the week {listed(moves)}." if moves else f"{sentence}."


def _parted(parts: Sequence[str]) -> str:
    """The parts as a list; a comma before the last `and`, since each part holds some of its own."""
    return ", and ".join(parts) if len(parts) < 3 else f"{', '.join(parts[:-1])}, and {parts[-1]}"


def _clear(reading: Reading) -> bool:
    if reading.pressure is None or reading.lower is None or reading.upper is None:
        return False
    return reading.lower > 0 or reading.upper < 0


def _compared(reading: Reading) -> str:
    raw = reading.pressure_raw or 0.0
    if (reading.pressure or 0.0) < 0:
        return "more bearish" if raw < 0 else "less bullish"
    return "more bullish" if raw > 0 else "less bearish"


def _moved(change: float) -> str:
    size = percent(abs(change)).lstrip("+")
    if size == "0.0%":
        return "ended where it began"
    return f"rose {size}" if change > 0 else f"fell {size}"
