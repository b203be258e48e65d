"""A driver's news of a week or a day: its stories, the amounts they report, their outlets."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime

from corpus.records import Record, UtcDatetime
from nlp.index.stories import Tagged
from nlp.records import Amount, DriverTag, TagRecord, stored_fields

STORIES_SHOWN = 40
AMOUNTS_SHOWN = 20


class ListedStory(Record):
    """A story on the driver, by its first article; ``articles`` counts its copies with it."""

    article_id: str
    title: str
    source: str
    published_at: UtcDatetime
    articles: int
    probability: float
    stance: str
    stance_score: float
    sentence: str | None


class ReportedAmount(Record):
    """An amount that stories state for the driver; ``reports`` of them state the same."""

    amount: Amount
    reports: int
    article_id: str
    title: str
    source: str
    published_at: UtcDatetime


class OutletShare(Record):
    """What an outlet told first on the driver, and its mean stance in [-1, 1]."""

    source: str
    stories: int
    stance: float


class DriverNews(Record):
    """All of it; ``stories`` are the strongest of ``told``, the first published of equals first."""

    told: int
    stories: tuple[ListedStory, ...]
    amounts: tuple[ReportedAmount, ...]
    outlets: tuple[OutletShare, ...]


def driver_news(items: Iterable[Tagged], driver: str) -> DriverNews:
    """The news on ``driver`` among tagged articles; of a story, the first published speaks."""
    heads: dict[str, Tagged] = {}
    copies: Counter[str] = Counter()
    for item in items:
        story = item.article.story_id
        copies[story] += 1
        known = heads.get(story)
        if (known is None or _place(item) < _place(known)) and '"error":' not in item.record:
            heads[story] = item
    found = [
        (item, record, tag)
        for item in heads.values()
        if driver in item.record  # most of a week's records need not be read
        for record in [TagRecord.model_validate(stored_fields(item.record))]
        for tag in record.drivers
        if tag.driver == driver
    ]
    found.sort(key=lambda one: (-one[2].probability * abs(one[2].stance_score), *_place(one[0])))
    return DriverNews(
        told=len(found),
        stories=tuple(
            _listed(item, tag, copies[item.article.story_id])
            for item, _, tag in found[:STORIES_SHOWN]
        ),
        amounts=_amounts(((item, record) for item, record, _ in found), driver),
        outlets=_outlets((item.article.source, tag) for item, _, tag in found),
    )


def _place(item: Tagged) -> tuple[datetime, str]:
    return item.article.published_at, item.article.id


def _listed(item: Tagged, tag: DriverTag, articles: int) -> ListedStory:
    article = item.article
    body = [span.text for span in tag.evidence if span.field == "text"]
    return ListedStory(
        article_id=article.id,
        title=article.title,
        source=article.source,
        published_at=article.published_at,
        articles=articles,
        probability=tag.probability,
        stance=tag.stance,
        stance_score=tag.stance_score,
        sentence=body[0] if body else None,
    )


def _amounts(found: Iterable[tuple[Tagged, TagRecord]], driver: str) -> tuple[ReportedAmount, ...]:
    """Amounts that are alike in kind, unit, side and two digits are one, told by the first."""
    alike: dict[tuple[str, str, str | None, str], list[tuple[Tagged, Amount]]] = defaultdict(list)
    for item, record in found:
        for one in record.amounts:
            if one.driver == driver:
                alike[one.kind, one.unit, one.side, f"{one.value:.1e}"].append((item, one))
    told = []
    for some in alike.values():
        stories = {item.article.story_id for item, _ in some}
        item, amount = min(some, key=lambda one: _place(one[0]))
        told.append(
            ReportedAmount(
                amount=amount,
                reports=len(stories),
                article_id=item.article.id,
                title=item.article.title,
                source=item.article.source,
                published_at=item.article.published_at,
            )
        )
    told.sort(
        key=lambda one: (
            not one.amount.realised,
            one.amount.unit != "USD",
            -one.reports,
            -abs(one.amount.value),
        )
    )
    return tuple(told[:AMOUNTS_SHOWN])


def _outlets(found: Iterable[tuple[str, DriverTag]]) -> tuple[OutletShare, ...]:
    scores: dict[str, list[float]] = defaultdict(list)
    for source, tag in found:
        scores[source].append(tag.stance_score)
    shares = [
        OutletShare(source=source, stories=len(some), stance=sum(some) / len(some))
        for source, some in scores.items()
    ]
    return tuple(sorted(shares, key=lambda one: (-one.stories, one.source)))
