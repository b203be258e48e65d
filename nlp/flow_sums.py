"""Days that only sums tell: a week's net flow less that of its other days is the day's.

News that names no total for Wednesday may tell Monday's, Tuesday's, Thursday's, Friday's and the
week's. Only weeks, whole or running, are taken: they begin on a known day, where "the past days"
and sums since launch do not. ``docs/method.md`` gives the rule and its reason.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from nlp.agreement import Report, agreed, once_a_story, rounding, stories_behind
from nlp.amounts import is_believable
from nlp.amounts.trading_days import last_trading_day, trading_days
from nlp.index.headings import Headed

LEAST_STORIES = 2  # behind each figure: one story alone may have misread or misdated it
# A sum less other figures carries the rounding of all of them; beyond this share of what is left
# they tell nothing of it.
MOST_ROUNDING = 0.05
_WEEK = timedelta(days=7)


@dataclass(frozen=True)
class FlowSum:
    """A net flow told for two or more trading days from the start of a week on.

    ``products`` is whether its story tells of all crypto investment products, not of US funds.
    """

    days: tuple[date, ...]
    value: float
    story: str
    products: bool


@dataclass(frozen=True)
class DerivedFlow:
    """A day's flow as the sums leave it, known to within ``rounding``."""

    value: float
    rounding: float
    stories: int


def flow_sums(article: Headed, amounts: Iterable[Mapping[str, Any]], asset: str) -> list[FlowSum]:
    """The net flows of whole or running weeks, in dollars, that an article reports of an asset."""
    found = []
    for one in amounts:
        if one["kind"] != "net_flow" or one["unit"] != "USD" or not one["realised"]:
            continue
        days = _days_of(one["period"] or "", article.published_at.date())
        if one["asset"] != asset or len(days) < 2:
            continue
        scope = one["scope"]
        if scope["funds"] != "one" and is_believable(one["value"], one["unit"], "week"):
            found.append(FlowSum(days, one["value"], article.story_id, scope["products"]))
    return found


def _days_of(period: str, printed: date) -> tuple[date, ...]:
    """The trading days of a week, or of its part that was known when printed; else none."""
    first_told, _, last_told = period.partition("/")
    if len(first_told) < 10 or len(last_told) < 10:
        return ()
    first, last = date.fromisoformat(first_told), date.fromisoformat(last_told)
    if first.weekday() != 0 or last - first >= _WEEK:
        return ()
    return trading_days(first, min(last, last_trading_day(printed)))


def derived_flows(
    sums: Sequence[FlowSum], known: Mapping[date, float], stories: Mapping[date, int]
) -> dict[date, DerivedFlow]:
    """Flows of days that are not ``known``, each the only one missing of a sum.

    ``stories`` counts those behind each known day's flow: what is left of a sum inherits every
    error of the other days, so that each must be as well agreed on as the sum.

    A sum may also be what one sum leaves of another. Where several ways lead to a day, the one with
    the least rounding counts. Sums of all investment products count other funds and derive none.
    """
    agreed_sums = _agreed_sums([one for one in sums if not one.products])
    parts = [*agreed_sums, *_differences(agreed_sums)]
    found: dict[date, DerivedFlow] = {}
    for days, whole in parts:
        missing = [day for day in days if day not in known]
        if len(missing) != 1:
            continue
        rest = [day for day in days if day in known]
        if any(stories[day] < LEAST_STORIES for day in rest):
            continue
        others = [known[day] for day in rest]
        left = DerivedFlow(
            value=whole.value - sum(others),
            rounding=whole.rounding + sum(rounding(one) for one in others),
            stories=whole.stories,
        )
        if left.rounding > MOST_ROUNDING * abs(left.value):
            continue
        if missing[0] not in found or left.rounding < found[missing[0]].rounding:
            found[missing[0]] = left
    return found


def agreed_values(sums: Sequence[FlowSum]) -> list[float]:
    """The sums of weeks that several stories agree on, of US funds and of all products."""
    return [
        whole.value
        for of_products in (False, True)
        for _, whole in _agreed_sums([one for one in sums if one.products == of_products])
    ]


def _agreed_sums(sums: Sequence[FlowSum]) -> list[tuple[tuple[date, ...], DerivedFlow]]:
    by_days: dict[tuple[date, ...], list[Report]] = defaultdict(list)
    for one in sums:
        by_days[one.days].append(Report(one.days[0], one.value, 1.0, True, one.story))
    found = []
    for days, reports in sorted(by_days.items()):
        value = agreed(once_a_story(reports))
        stories = stories_behind(value, reports)
        if stories >= LEAST_STORIES:
            found.append((days, DerivedFlow(value, rounding(value), stories)))
    return found


def _differences(
    sums: Sequence[tuple[tuple[date, ...], DerivedFlow]],
) -> list[tuple[tuple[date, ...], DerivedFlow]]:
    """What sums of the first days of a week leave of sums of more of its days."""
    return [
        (
            days[len(fewer) :],
            DerivedFlow(
                whole.value - part.value,
                whole.rounding + part.rounding,
                min(whole.stories, part.stories),
            ),
        )
        for days, whole in sums
        for fewer, part in sums
        if len(fewer) < len(days) and days[: len(fewer)] == fewer
    ]
