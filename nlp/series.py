"""Series read from the news: what the stories report for each day, agreed among them.

A fund flow told on Tuesday morning is Monday's; a week or a sum since launch is no day's; the flow
of one fund is no total; ten copies of a story are one report. From the reports of a period that
remain, the series takes the figure that most of them share and keeps what the others say.
``docs/amounts.md`` states the rules.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from math import isclose
from statistics import median
from typing import Any, Literal, get_args

import numpy as np

from corpus.errors import UsageError
from corpus.records import Record
from nlp.agreement import Report, agreed, distinct, once_a_story, stories_behind
from nlp.amounts import is_believable
from nlp.amounts.periods import week_of
from nlp.amounts.trading_days import is_trading_day, last_trading_day
from nlp.flow_sums import DerivedFlow, FlowSum, agreed_values, derived_flows, flow_sums
from nlp.index.headings import Headed, TaggedHeading
from nlp.records import Amount, AmountKind, FlowScope, stored_fields

SeriesFrequency = Literal["D", "W"]
COLUMNS = ("date", "value", "unit", "reports", "low", "high", "stories")

TOLD_WEIGHT = 3.0  # a report that names its day
SAME_DAY_WEIGHT = 1.0  # one that names the day of its own printing, before that day is over
UNTOLD_WEIGHT = 1.0  # one that names no day
WEEKEND_WEIGHT = 0.34  # the same from Saturday to Monday, when the news sums up weeks
UNSURE_FUNDS = 0.5  # share of the weight where all funds are not said
OUTLIER = 8.0  # a flow this many times the usual flow of a named day is a sum of many, or a slip
HOLDING = 0.001  # a deal within this share of a told holding is the holding
RETOLD = 0.002  # a flow within this share of another day's, or of a week's, is the same one
RECALLED_AFTER = timedelta(days=3)  # a holder's deal told again later is looked back on
LONGEST_DEAL = timedelta(days=8)  # purchases are told week by week; longer spans are sums
US_CLOSE_HOUR = 21  # UTC; flows of a US trading day are not known before


class SeriesPoint(Record):
    """One period of a series.

    ``date`` is the day, or the Monday of the ISO week. ``value`` is in ``unit``, signed as the
    amounts are; ``low`` and ``high`` are the least and greatest figure reported; ``reports``
    counts the amounts that speak of the period, ``stories`` the distinct stories behind them.

    A value without reports is derived: the flow that a week's total leaves for the one day that no
    story tells. Its ``low`` and ``high`` are the bounds by rounding, its ``stories`` those behind
    the total.
    """

    date: date
    value: float
    unit: str
    reports: int
    low: float
    high: float
    stories: int


def build_series(
    tagged: Iterable[TaggedHeading],
    kind: AmountKind,
    asset: str = "all",
    frequency: str = "D",
    *,
    unit: str = "USD",
    side: Literal["long", "short", "total"] | None = None,
    holder: str | None = None,
) -> tuple[SeriesPoint, ...]:
    """The series of a kind of amount for an asset (a ticker, or ``all``), from stored tag records.

    ``frequency`` is ``D`` (days) or ``W`` (ISO weeks from Monday). Only realised amounts in
    ``unit`` count. Flows and liquidations give the agreed total of the day; purchases, sales and
    raised money are summed over distinct figures, since two deals of a day are two. Of
    liquidations, ``side`` picks one side, else totals are read. With ``holder`` (a company's id in
    the gazetteer) only its deals count, and the value is the figure that most reports agree on;
    what the news tells as its holdings is no deal. Periods without a report are left out. Raises
    :class:`UsageError` for an unknown frequency.
    """
    if frequency not in get_args(SeriesFrequency):
        raise UsageError(f"unknown frequency {frequency!r}", remedy="choose D or W")
    reports: list[Report] = []
    holdings: list[float] = []
    sums: list[FlowSum] = []
    daily_flows = frequency == "D" and kind == "net_flow"
    for item in tagged:
        fields = stored_fields(item.record)
        if daily_flows and unit == "USD":
            sums += flow_sums(item.article, fields.get("amounts", ()), asset)
        if holder is not None:
            of_holder = [
                one for one in fields.get("amounts", ()) if holder_of(fields, one) == holder
            ]
            holdings += [
                abs(one["value"])
                for one in of_holder
                if one["kind"] == "hold" and one["unit"] == unit
            ]
            fields = {"amounts": of_holder}
        reports += _reports(
            item.article,
            fields,
            kind=kind,
            asset=asset,
            unit=unit,
            side=side,
            frequency=frequency,
        )
    if holder is not None and kind != "hold":
        reports = _without_recalls(_without_holdings(reports, holdings))
    if daily_flows:
        reports = _without_retellings(_without_sums(reports, sums))
    by_day = _by_day(reports)
    summed = kind in ("buy", "sell", "raise") and holder is None
    points = [_point(day, by_day[day], unit, summed=summed) for day in by_day]
    if sums:
        values = {point.date: point.value for point in points}
        behind = {day: stories_behind(values[day], by_day[day]) for day in by_day}
        derived = derived_flows(sums, values, behind)
        points += [_derived_point(day, one, unit) for day, one in derived.items()]
    return tuple(sorted(points, key=lambda point: point.date))


def _reports(
    article: Headed,
    fields: dict[str, Any],
    *,
    kind: AmountKind,
    asset: str,
    unit: str,
    side: str | None,
    frequency: str,
) -> Iterable[Report]:
    for one in fields.get("amounts", ()):
        if one["kind"] != kind or one["unit"] != unit or not one["realised"] or one["teaser"]:
            continue
        amount = Amount.model_validate(one)
        if not _is_of(amount, asset) or (
            kind == "liquidation" and amount.side != (side or "total")
        ):
            continue
        report = (
            _report(article, amount, frequency)
            if amount.scope is None
            else _flow_report(article, amount, amount.scope, frequency)
        )
        if report is not None:
            yield report


def holder_of(fields: dict[str, Any], amount: dict[str, Any]) -> str | None:
    """The company whose deal an amount of a tag record is, by its id in the gazetteer.

    That is the one named last before the amount, else first after it, in the same field if one is
    named there; None where the item names none.
    """
    companies = [one for one in fields.get("entities", ()) if one["type"] == "company"]
    beside = [one for one in companies if one["field"] == amount["field"]] or companies
    before = [
        one for one in beside if one["field"] == amount["field"] and one["start"] < amount["start"]
    ]
    named = before[-1:] or beside[:1]
    return named[0]["id"] if named else None


def _without_holdings(reports: Sequence[Report], holdings: Sequence[float]) -> list[Report]:
    """Drops what is also told as the holder's holdings: "has now bought 580,250 BTC" is no deal."""
    told = np.sort(np.asarray(holdings, dtype=np.float64))

    def is_holding(value: float) -> bool:
        place = np.searchsorted(told, [value * (1 - HOLDING), value * (1 + HOLDING)])
        return bool(place[1] > place[0])

    return [report for report in reports if not is_holding(abs(report.value))]


def _without_recalls(reports: Sequence[Report]) -> list[Report]:
    """Drops deals agreed on for days before: "last week it bought 245 BTC" is no new deal."""
    by_day = _by_day(reports)
    first_told: dict[float, date] = {}
    kept: list[Report] = []
    for day in sorted(by_day):
        new = [
            one for one in by_day[day] if day - first_told.get(one.value, one.day) <= RECALLED_AFTER
        ]
        if new:
            value = agreed(once_a_story(new))
            # One story may have misread or misdated its figure.
            if len({one.story for one in new if one.value == value}) > 1:
                first_told.setdefault(value, day)
        kept += new
    return kept


def _is_of(amount: Amount, asset: str) -> bool:
    if amount.asset == asset:
        return True
    return asset == "all" and amount.asset is None


def _report(article: Headed, amount: Amount, frequency: str) -> Report | None:
    """A deal, a day's liquidations, a level: on the day told, else on the day of printing."""
    published = article.published_at.date()
    day = published
    if amount.period is not None:
        first, _, last = amount.period.partition("/")
        if len(first) < 10:
            return None
        day = date.fromisoformat(last or first)
        if last and frequency == "D" and amount.kind == "liquidation":
            return None
        if last and date.fromisoformat(last) - date.fromisoformat(first) > LONGEST_DEAL:
            return None
    if frequency == "W":
        day = week_of(day)[0]
    told = amount.period is not None
    weight = TOLD_WEIGHT if told else UNTOLD_WEIGHT
    return Report(day, amount.value, weight, told, article.story_id)


def _flow_report(
    article: Headed, amount: Amount, scope: FlowScope, frequency: str
) -> Report | None:
    """A fund flow: of all funds, for the period asked; an untold day is the last trading day."""
    if scope.funds == "one" or not is_believable(amount.value, amount.unit, scope.length):
        return None
    published = article.published_at.date()
    share = 1.0 if scope.funds == "all" else UNSURE_FUNDS
    if frequency == "W":
        if scope.length != "week":
            return None
        told = amount.period is not None
        day = date.fromisoformat(str(amount.period)[:10]) if told else published - timedelta(days=7)
        weight = TOLD_WEIGHT if told else UNTOLD_WEIGHT
        return Report(week_of(day)[0], amount.value, weight * share, told, article.story_id)
    if scope.length == "day" and amount.period is not None:
        day = date.fromisoformat(amount.period)
        early = day == published and article.published_at.hour < US_CLOSE_HOUR
        weight = SAME_DAY_WEIGHT if early else TOLD_WEIGHT
        told = is_trading_day(day)
        # Funds do not trade on weekends and holidays: "on Sunday" is when the figure was printed.
        if not told:
            day, weight = last_trading_day(day), UNTOLD_WEIGHT
        return Report(day, amount.value, weight * share, told, article.story_id)
    if scope.length != "untold":
        return None
    weekend = published.weekday() in (0, 5, 6)
    weight = (WEEKEND_WEIGHT if weekend else UNTOLD_WEIGHT) * share
    return Report(last_trading_day(published), amount.value, weight, False, article.story_id)


def _by_day(reports: Iterable[Report]) -> dict[date, list[Report]]:
    by_day: dict[date, list[Report]] = defaultdict(list)
    for report in reports:
        by_day[report.day].append(report)
    return by_day


def _without_sums(reports: Sequence[Report], sums: Sequence[FlowSum]) -> list[Report]:
    """Drops sums of many days: what others tell as a week's, and what no usual day comes near."""
    weeks = agreed_values(sums)
    named = [
        one
        for one in reports
        if one.told or not any(isclose(one.value, week, rel_tol=RETOLD) for week in weeks)
    ]
    sizes = [abs(report.value) for report in named if report.told]
    most = OUTLIER * median(sizes) if sizes else np.inf
    return [report for report in named if abs(report.value) <= most]


def _without_retellings(reports: Sequence[Report]) -> list[Report]:
    """Drops flows of the trading day before, told a day late: "yesterday" in last night's text."""
    kept: list[Report] = []
    by_day = _by_day(reports)
    agreed_before: dict[date, float] = {}
    for day in sorted(by_day):
        told_before = agreed_before.get(last_trading_day(day))
        new = [
            one
            for one in by_day[day]
            if told_before is None or not isclose(one.value, told_before, rel_tol=RETOLD)
        ]
        kept += new
        if new:
            value = agreed(once_a_story(new))
            # One story may have misread or misdated its figure.
            if stories_behind(value, new) > 1:
                agreed_before[day] = value
    return kept


def _derived_point(day: date, flow: DerivedFlow, unit: str) -> SeriesPoint:
    return SeriesPoint(
        date=day,
        value=round(flow.value),
        unit=unit,
        reports=0,
        low=round(flow.value - flow.rounding),
        high=round(flow.value + flow.rounding),
        stories=flow.stories,
    )


def _point(day: date, reports: Sequence[Report], unit: str, *, summed: bool) -> SeriesPoint:
    once = once_a_story(reports)
    value = sum(distinct([one.value for one in once])) if summed else agreed(once)
    return SeriesPoint(
        date=day,
        value=value,
        unit=unit,
        reports=len(reports),
        low=min(report.value for report in reports),
        high=max(report.value for report in reports),
        stories=len({report.story for report in reports}),
    )
