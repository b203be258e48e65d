"""Figures in a sentence (numbers, months, days of the week), to tell two days' reports apart."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from functools import lru_cache

_MAGNITUDES = {
    "k": 3,
    "thousand": 3,
    "m": 6,
    "mn": 6,
    "mln": 6,
    "million": 6,
    "b": 9,
    "bn": 9,
    "bln": 9,
    "billion": 9,
    "t": 12,
    "tn": 12,
    "trillion": 12,
}
_FIGURE = re.compile(
    r"(?<![\w.])(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    r"(?:[\s-]?(thousand|million|billion|trillion|mln|bln|mn|bn|tn|[kmbt])(?![^\W_]))?"
)
# Capitals matter: "May" the month, "may" the verb.
_CALENDAR = re.compile(
    r"\b(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec|Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
    r"(?:uary|ruary|ch|il|e|y|ust|t|tember|ober|ember|day|s|sday|nesday|rs|rsday|urday)?\b"
)
_MOST_DIGITS = 25  # a longer run of digits is an identifier
_LEAST_RATIO = 0.9  # of a figure to its rounded form
_MOST_STEPS = 10**12  # far apart; also keeps the division within Decimal's precision


def figures_in(text: str) -> tuple[str, ...]:
    """The figures of a text, each once: numbers written out, calendar words by three letters."""
    found = {match[1].lower(): None for match in _CALENDAR.finditer(text)}
    for match in _FIGURE.finditer(text.lower()):
        digits = match[1].replace(",", "")
        if len(digits) <= _MOST_DIGITS:
            number = Decimal(digits).scaleb(_MAGNITUDES.get(match[2] or "", 0)).normalize()
            found[str(number)] = None
    return tuple(found)


def figures_conflict(a: Sequence[str], b: Sequence[str]) -> bool:
    """Whether each side states a figure that the other does not."""
    return bool(unmatched_figures(a, b)) and bool(unmatched_figures(b, a))


def unmatched_figures(some: Sequence[str], others: Sequence[str]) -> list[str]:
    """Those of ``some`` that ``others`` do not state, in the precision of the rounder one."""
    return [
        one for one in some if one not in others and not any(_alike(one, other) for other in others)
    ]


def _alike(one: str, other: str) -> bool:
    if one[0].isalpha() or other[0].isalpha():
        return False
    # Rounding to two digits moves a figure by less than a tenth; nearly all pairs end here.
    ratio = float(one) / (float(other) or math.inf)
    return _LEAST_RATIO < ratio < 1 / _LEAST_RATIO and _same(one, other)


@lru_cache(maxsize=4_096)  # an article's figures are compared with those of all near it
def _same(one: str, other: str) -> bool:
    a, b = Decimal(one), Decimal(other)
    return _rounds_to(a, b) or _rounds_to(b, a)


def _rounds_to(precise: Decimal, round_one: Decimal) -> bool:
    """Whether ``round_one``, of two digits before its zeros, is ``precise`` rounded or cut."""
    step = round_one.as_tuple()
    if len(step.digits) < 2 or not isinstance(step.exponent, int):
        return False
    unit = Decimal(1).scaleb(step.exponent)
    steps = precise / unit
    if steps > _MOST_STEPS:
        return False
    return any(
        steps.quantize(Decimal(1), rounding=how) * unit == round_one
        for how in (ROUND_HALF_UP, ROUND_DOWN)
    )
