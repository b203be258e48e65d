"""Amounts as stories report them, and the consensus over stories by day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median

from corpus.records import Article
from nlp.index.stories import Tagged
from nlp.records import Amount, stored_fields
from nlp.watch.records import Evidence

WEEK = timedelta(days=7)
LOOKBACK = timedelta(days=56)


@dataclass(frozen=True)
class Report:
    """One amount as told by one story; ``first`` to ``last`` are the days that it speaks of."""

    article: Article
    amount: Amount
    first: date
    last: date

    @property
    def size(self) -> float:
        """The amount without its sign."""
        return abs(self.amount.value)


def collect(
    tagged: Iterable[Tagged], *, until: datetime, as_of: datetime
) -> dict[str, list[Report]]:
    """Realised amounts by kind; of the copies of a story, the first published speaks."""
    heads: dict[str, tuple[Article, list[Amount]]] = {}
    for item in tagged:
        article = item.article
        if not until - LOOKBACK <= article.published_at < until or article.first_seen_at > as_of:
            continue
        record = stored_fields(item.record)
        amounts = [Amount.model_validate(one) for one in record.get("amounts", ())]
        told = heads.get(article.story_id)
        if told is None or _order(article) < _order(told[0]):
            heads[article.story_id] = (article, amounts)
    found: dict[str, list[Report]] = defaultdict(list)
    for article, amounts in sorted(heads.values(), key=lambda one: _order(one[0])):
        for amount in amounts:
            if amount.realised:
                first, last = _days(amount.period, article.published_at.date())
                found[amount.kind].append(Report(article, amount, first, last))
    return found


def _order(article: Article) -> tuple[datetime, str]:
    return article.published_at, article.id


def _days(period: str | None, published: date) -> tuple[date, date]:
    """First and last day of a period; an amount without one speaks of the day it was told."""
    if period is None:
        return published, published
    first, _, last = period.partition("/")
    begin, end = _day_or_month(first)
    if last:
        end = _day_or_month(last)[1]
    return begin, max(begin, end)


def _day_or_month(period: str) -> tuple[date, date]:
    if len(period) > len("2025-11"):
        day = date.fromisoformat(period)
        return day, day
    begin = date.fromisoformat(f"{period}-01")
    return begin, (begin + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def daily(
    reports: Sequence[Report], figure: Callable[[Sequence[Report]], float]
) -> dict[date, float]:
    """Consensus by day: the median over stories of each story's ``figure`` for the day."""
    by_story: dict[tuple[date, str], list[Report]] = defaultdict(list)
    for one in reports:
        if one.first == one.last:
            by_story[one.first, one.article.story_id].append(one)
    by_day: dict[date, list[float]] = defaultdict(list)
    for (day, _), told in by_story.items():
        by_day[day].append(figure(told))
    return {day: median(values) for day, values in by_day.items()}


def in_week(one: Report, today: date) -> bool:
    """Whether the report was published in the seven days to ``today``."""
    return today - WEEK < one.article.published_at.date() <= today


def evidence(reports: Sequence[Report], most: int = 3) -> tuple[Evidence, ...]:
    """The largest reports, one an article."""
    ranked = sorted(reports, key=lambda one: (one.amount.unit != "USD", -one.size, one.article.id))
    chosen: dict[str, Report] = {}
    for one in ranked:
        chosen.setdefault(one.article.id, one)
    return tuple(
        Evidence(
            article_id=one.article.id,
            title=one.article.title,
            url=one.article.url,
            source=one.article.source,
            published_at=one.article.published_at,
            amount=one.amount,
        )
        for one in list(chosen.values())[:most]
    )
