"""What the week's figures rest on: outlets, stories, copies, and what is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from nlp.index.stories import Tagged
from service.report.records import Coverage, FailingSource, OutletCount

if TYPE_CHECKING:
    from corpus.store import Store

PRECEDING = timedelta(weeks=4)


@dataclass
class _Tally:
    articles: int = 0
    off_topic: int = 0
    unread_language: int = 0
    failed: int = 0


def coverage(
    store: Store,
    week_items: Sequence[Tagged],
    before: Iterable[Tagged],
    *,
    start: datetime,
    end: datetime,
    as_of: datetime,
) -> Coverage:
    """Counts of the week from its tagged articles, those of the four weeks before, and the store.

    Stories are counted over all languages and topics; a story counts for the outlet that told it
    first. Days after ``as_of`` are not called empty.
    """
    tally = _Tally()
    articles: Counter[str] = Counter()
    heads: dict[str, tuple[datetime, str, str]] = {}
    told_days: set[date] = set()
    for item in week_items:
        article = item.article
        record: dict[str, Any] = from_json(item.record)
        tally.articles += 1
        if "error" in record:
            tally.failed += 1
            continue
        tally.off_topic += record["relevant"] is False
        tally.unread_language += record["relevant"] is None
        articles[article.source] += 1
        told_days.add(article.published_at.date())
        told = (article.published_at, article.id, article.source)
        heads[article.story_id] = min(told, heads.get(article.story_id, told))
    stories = Counter(source for _, _, source in heads.values())
    earlier = {item.article.source for item in before}
    stored = sum(1 for _ in store.articles(since=start, until=end))
    return Coverage(
        articles=tally.articles,
        stories=len(heads),
        copies=tally.articles - tally.failed - len(heads),
        off_topic=tally.off_topic,
        unread_language=tally.unread_language,
        untagged=tally.failed + max(0, stored - tally.articles),
        outlets=tuple(
            OutletCount(source=source, articles=number, stories=stories[source])
            for source, number in sorted(articles.items(), key=lambda one: (-one[1], one[0]))
        ),
        days_without_news=tuple(
            one for one in _days(start, min(end, as_of)) if one not in told_days
        ),
        silent_outlets=tuple(sorted(earlier - articles.keys())),
        failing_sources=tuple(
            FailingSource(
                name=state.name, problem=state.problem, last_success_at=state.last_success_at
            )
            for state in store.source_states()
            if state.problem
        ),
    )


def _days(start: datetime, end: datetime) -> Iterable[date]:
    moment = start
    while moment < end:
        yield moment.date()
        moment += timedelta(days=1)
