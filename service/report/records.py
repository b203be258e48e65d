"""The weekly report as a record. Every rendering is made from it alone and holds its numbers."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from corpus.records import Record, UtcDatetime
from nlp.index import Reading
from nlp.records import Amount
from nlp.study import Cell
from nlp.watch import WatchState


class DecisiveStory(Record):
    """A story that moved a driver's pressure most, with the words and the figure that count.

    ``articles`` counts the story's copies, its first article included. ``share`` is its signed
    part of the absolute contributions of all stories of the week. ``sentence`` is the tagger's
    evidence as the article has it.
    """

    story_id: str
    article_id: str
    title: str
    url: str
    source: str
    published_at: UtcDatetime
    articles: int
    stance_score: float
    share: float
    sentence: str | None
    amount: Amount | None


class DriverWeek(Record):
    """One driver's week; ``stories`` are the (up to three) decisive ones, the largest first."""

    name: str
    title: str
    color: str
    core: bool
    reading: Reading
    stories: tuple[DecisiveStory, ...]


class PriceWeek(Record):
    """Price at the end of the week against that at its start; ``change`` is a fraction."""

    asset: str
    currency: str
    close: float
    closed_at: UtcDatetime
    before: float
    change: float


class OutletCount(Record):
    """What one outlet published in the week."""

    source: str
    articles: int
    stories: int


class FailingSource(Record):
    """A source that the crawler could not read when it last tried."""

    name: str
    problem: str
    last_success_at: UtcDatetime | None


class Coverage(Record):
    """What the week's figures rest on.

    ``copies`` are articles folded into the story of another; ``silent_outlets`` published in the
    four weeks before but not in this one; ``untagged`` articles are in the store without tags.
    """

    articles: int
    stories: int
    copies: int
    off_topic: int
    unread_language: int
    untagged: int
    outlets: tuple[OutletCount, ...]
    days_without_news: tuple[date, ...]
    silent_outlets: tuple[str, ...]
    failing_sources: tuple[FailingSource, ...]


class StudySummary(Record):
    """What the study of index and price says, up to the end of the week, and what it does not.

    ``lead`` is the verdict in a sentence; ``stated`` are the cells that it and the verdict state as
    links, by their place in ``cells``; ``level`` is that of every interval.
    """

    frequency: str
    first_period: UtcDatetime
    last_period: UtcDatetime
    level: float
    lead: str
    stated: tuple[int, ...]
    verdict: tuple[str, ...]
    limits: tuple[str, ...]
    cells: tuple[Cell, ...]


class Method(Record):
    """How the figures came about; the same store, model and code give the same ``vintage``."""

    model: str
    as_of: UtcDatetime
    base_start: UtcDatetime
    base_end: UtcDatetime
    band: float
    vintage: str
    study_vintage: str | None
    version: str


class IndexPoint(Record):
    """Pressure of a driver (or the composite) in one week of the chart."""

    driver: str
    start: UtcDatetime
    end: UtcDatetime
    pressure: float
    lower: float | None
    upper: float | None


class PricePoint(Record):
    """One close of the chart."""

    asset: str
    time: UtcDatetime
    close: float


class WeeklyReport(Record):
    """A week of news pressure on the market, with evidence; times UTC, ``end`` exclusive.

    ``change`` of a reading is against the mean of the (up to) four covered weeks before. ``study``
    is null when it could not be run; ``study_absent`` then says why. ``notes`` are stated
    reductions: whatever makes the week's figures weaker than they look.
    """

    schema_version: Literal[1] = Field(default=1, alias="schema")
    week: str
    start: UtcDatetime
    end: UtcDatetime
    asset: str
    headline: str
    notes: tuple[str, ...]
    composite: Reading
    drivers: tuple[DriverWeek, ...]
    prices: tuple[PriceWeek, ...]
    watch: tuple[WatchState, ...]
    study: StudySummary | None
    study_absent: str | None
    coverage: Coverage
    method: Method
    index_series: tuple[IndexPoint, ...]
    price_series: tuple[PricePoint, ...]
