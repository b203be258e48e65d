"""Typed records of the corpus: what a crawler found and what the store holds.

All times are UTC and aware. The field list is the Article contract of ``docs/contracts.md``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict


def _require_utc(value: datetime) -> datetime:
    offset = value.utcoffset()
    if offset is None or offset.total_seconds() != 0:
        raise ValueError("time must be aware and in UTC")
    return value


UtcDatetime = Annotated[datetime, AfterValidator(_require_utc)]


class PublishedFlag(StrEnum):
    """How far the publication time can be trusted."""

    EXACT = "exact"  # a clock time was stated
    DAY_ONLY = "day_only"  # only a day was stated; held at 00:00 UTC of it
    MISSING = "missing"  # none was stated; held at first_seen_at
    FUTURE = "future"  # later than first_seen_at; held at first_seen_at


class Record(BaseModel):
    """Base of all frozen records."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class FoundArticle(Record):
    """An article as a feed, page or file gave it, before the store has seen it."""

    url: str
    title: str
    text: str | None = None
    summary: str | None = None
    source: str
    author: str | None = None
    language: str | None = None
    published_at: UtcDatetime | None = None
    day_only: bool = False
    external_id: str | None = None
    first_seen_at: UtcDatetime | None = None  # null: the moment at which the store is told


class Article(Record):
    """An article as stored.

    ``published_claimed`` is what the source said; ``published_at`` is the time that Undertow holds
    true (never later than ``first_seen_at``), with ``published_flag`` telling how it came about.
    """

    id: str
    url: str
    title: str
    text: str | None
    summary: str | None
    source: str
    author: str | None
    language: str | None
    published_at: UtcDatetime
    published_claimed: UtcDatetime | None
    published_flag: PublishedFlag
    first_seen_at: UtcDatetime
    updated_at: UtcDatetime
    content_hash: str
    story_id: str
    external_id: str | None = None

    @property
    def readable_text(self) -> str | None:
        """What is read as the article's text: its text, else its summary."""
        return self.text or self.summary


class Revision(Record):
    """One content of an article, numbered from 1 for the first; ``seen_at`` is when it came."""

    article_id: str
    number: int
    title: str
    text: str | None
    summary: str | None
    content_hash: str
    seen_at: UtcDatetime


class SourceState(Record):
    """How the crawl of one source stands; ``problem`` is null, or plain words on the last failure.

    ``items`` counts the entries seen since the source was added, ``failures`` the failed attempts
    in a row.
    """

    name: str
    url: str
    etag: str | None = None
    last_modified: str | None = None
    last_attempt_at: UtcDatetime | None = None
    last_success_at: UtcDatetime | None = None
    items: int = 0
    failures: int = 0
    problem: str | None = None
    next_due_at: UtcDatetime | None = None


class Price(Record):
    """The price of one unit of ``asset`` in ``currency`` at ``time``, when its bar closed."""

    time: UtcDatetime
    asset: str
    close: float
    currency: str


class AddCounts(Record):
    """What became of articles given to the store; ``copies`` are the new ones of a known story."""

    new: int = 0
    updated: int = 0
    unchanged: int = 0
    copies: int = 0


def summed(counts: Iterable[AddCounts]) -> AddCounts:
    """All of ``counts`` together."""
    total = dict.fromkeys(AddCounts.model_fields, 0)
    for one in counts:
        for name in total:
            total[name] += getattr(one, name)
    return AddCounts(**total)


class Finding(Record):
    """Articles that a visit found, and other names of articles with the ids of those.

    The ids are those of articles found here or held by the store.
    """

    articles: tuple[FoundArticle, ...]
    names: Mapping[str, str]


class StoreCounts(Record):
    """How much a store holds; the times are null while it is empty."""

    articles: int
    stories: int
    sources: int
    first_published: UtcDatetime | None
    last_published: UtcDatetime | None


class TagModel(Record):
    """A model whose tags the store holds, for how many articles, and when it tagged last."""

    identity: str
    articles: int
    last_tagged_at: UtcDatetime


class StoreState(Record):
    """The newest of what a store holds: equal states mean that nothing came in between.

    ``models`` are those that tagged, with the time of their last tag, the latest first;
    ``articles`` numbers the article that came last, ``prices`` counts the prices.
    """

    models: tuple[tuple[str, UtcDatetime], ...]
    articles: int
    last_published: UtcDatetime | None
    prices: int


class TaggedArticle(Record):
    """An article with its tag record, one line of JSON."""

    article: Article
    record: str


class Heading(NamedTuple):
    """What figures made of many articles need of each, as :class:`Article` has it: no words but
    the title. Nothing is checked again, which takes longer than reading it.
    """

    id: str
    title: str
    source: str
    published_at: datetime
    published_flag: PublishedFlag
    first_seen_at: datetime
    content_hash: str
    story_id: str


class TaggedHeading(NamedTuple):
    """The heading of an article with its tag record, one line of JSON."""

    article: Heading
    record: str


class StoryMatch(Record):
    """Why an article belongs to its story: the member that it matched and how alike they are.

    The head of the story matched none, so that these are null there; ``score`` is in (0, 1], and
    ``reason`` says in words what the two have in common.
    """

    article_id: str
    matched_id: str | None
    score: float | None
    reason: str | None = None


class StoryMerge(Record):
    """Two stories that proved to be one when ``article_id`` came, which is like both.

    The story ``from_id`` is ``into_id`` since ``merged_at``; ``score`` and ``reason`` tell how the
    article is like the story that it had not joined.
    """

    from_id: str
    into_id: str
    merged_at: UtcDatetime
    article_id: str
    score: float
    reason: str
