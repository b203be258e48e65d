"""What reports of the same period agree on: the figure with the most weight behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

AGREES = 0.03  # reports within this share of each other tell the same figure


@dataclass(frozen=True)
class Report:
    """One amount as told for the period that begins on ``day``; ``story`` is its story's id.

    ``told`` is whether the period is named; the more surely the amount speaks of it, the greater
    its ``weight``.
    """

    day: date
    value: float
    weight: float
    told: bool
    story: str


def once_a_story(reports: Sequence[Report]) -> list[Report]:
    """One report for each figure that a story tells, the weightiest of its tellings."""
    kept: dict[tuple[str, str], Report] = {}
    for report in reports:
        key = (report.story, f"{report.value:.2e}")
        if key not in kept or report.weight > kept[key].weight:
            kept[key] = report
    return list(kept.values())


def agreed(reports: Sequence[Report]) -> float:
    """The figure that the most weight stands behind; among its tellings the most precise one."""

    def support(value: float) -> float:
        return sum(one.weight for one in reports if is_same(one.value, value))

    best = max(reports, key=lambda one: (support(one.value), one.weight, -abs(one.value)))
    tellings = [one.value for one in reports if is_same(one.value, best.value)]
    return max(sorted(tellings), key=digits)


def stories_behind(value: float, reports: Sequence[Report]) -> int:
    """How many stories tell that figure."""
    return len({one.story for one in reports if is_same(one.value, value)})


def distinct(values: Sequence[float]) -> list[float]:
    """Figures that do not agree with each other, each in its most precise telling."""
    found: list[float] = []
    for value in sorted(values, key=digits, reverse=True):
        if not any(is_same(value, one) for one in found):
            found.append(value)
    return found


def is_same(one: float, other: float) -> bool:
    """Whether two figures tell the same."""
    return abs(one - other) <= AGREES * max(abs(one), abs(other))


def digits(value: float) -> int:
    """Number of digits that a figure was told with: 934.8 million says more than 900 million."""
    return len(f"{abs(value):.0f}".rstrip("0"))


def rounding(value: float) -> float:
    """How far off a figure may be for having been rounded: half of its last digit told."""
    whole = f"{abs(value):.0f}"
    return 0.5 * 10.0 ** (len(whole) - len(whole.rstrip("0")))
