"""Typed records of the corpus: what a crawler found and what the store holds.

All times are UTC and aware. The field list is the Article contract of ``docs/contracts.md``.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

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
