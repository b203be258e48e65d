"""How the sentences of the watch list write money, days and counts."""

from __future__ import annotations

from datetime import date


def money(value: float) -> str:
    """Dollars without their sign: ``$870 million``."""
    size = abs(value)
    for unit, name in ((1e9, "billion"), (1e6, "million")):
        if size >= unit:
            return f"${size / unit:,.{1 if unit == 1e9 else 0}f} {name}"
    return f"${size:,.0f}"


def day_words(day: date) -> str:
    """``17 November 2025``."""
    return f"{day.day} {day:%B %Y}"


def count(number: int, noun: str, plural: str = "") -> str:
    """``1 sale``, ``2 sales``."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"
