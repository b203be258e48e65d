"""What the first page and the drivers' pages show: one frozen record, made of the store at once.

It takes a minute on a large store, so it is made behind the pages (:mod:`service.pages.keeper`).
"""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from corpus.errors import InputError
from corpus.records import Record
from nlp.index import Contribution, IndexResult, build, contributions, week_name
from nlp.taxonomy import core_drivers
from service.pages.drawings import DayPoint, Drawing, days_drawing, overview_drawing
from service.report import WeeklyReport, build_report, charts
from service.report.evidence import decisive_story
from service.report.reader import open_news
from service.report.records import DecisiveStory

if TYPE_CHECKING:
    from corpus.store import Store

DAY = timedelta(days=1)
DAYS_SHOWN = timedelta(weeks=13)
TOP_STORIES = 6


class TopStory(Record):
    """One of the stories that moved the last day most, and the driver on which it did."""

    driver: str
    story: DecisiveStory


class Board(Record):
    """The last week's report (without its study), the last days, the last day's top stories.

    ``drawings`` are by name: ``overview``, ``pressure``, and for each driver ``week.NAME`` and
    ``days.NAME``; one that has nothing to draw is absent.
    """

    report: WeeklyReport
    last_day: date
    days: tuple[DayPoint, ...]
    top: tuple[TopStory, ...]
    drawings: dict[str, Drawing]


def build_board(store: Store) -> Board:
    """The board of the last day with news.

    Raises :class:`InputError` for a store without articles or tags and :class:`StudyError` when
    the news is too short for an index.
    """
    last = store.state().last_published
    if last is None:
        raise InputError("the store holds no articles", remedy="run `undertow crawl` first")
    today = datetime(last.year, last.month, last.day, tzinfo=last.tzinfo)
    report = build_report(store, week=week_name(last), with_study=False)
    news = open_news(store, model=report.method.model, as_of=report.method.as_of)
    base = (report.method.base_start, report.method.base_end)
    index = build(
        news.headings(base[0], report.end),
        frequency="D",
        as_of=news.as_of,
        model=news.model,
        base=base,
    )
    parts = contributions(
        index, list(news.between(today, today + DAY)), period_start=today, top=TOP_STORIES
    )
    days = _days(index, since=report.end - DAYS_SHOWN)
    return Board(
        report=report,
        last_day=today.date(),
        days=days,
        top=_top(parts),
        drawings=_drawings(report, days),
    )


def _days(index: IndexResult, *, since: datetime) -> tuple[DayPoint, ...]:
    frame = index.frame
    shown = frame[(frame["asset"] == "all") & (frame["period_start"] >= since)]
    rows: list[dict[Any, Any]] = shown.to_dict("records")
    return tuple(
        DayPoint(
            driver=row["driver"],
            day=row["period_start"].date(),
            stories=row["stories"],
            tagged=row["tagged"],
            **{
                name: value if math.isfinite(value := row[name]) else None
                for name in ("attention", "stance", "pressure", "lower", "upper")
            },
        )
        for row in rows
    )


def _drawings(report: WeeklyReport, days: tuple[DayPoint, ...]) -> dict[str, Drawing]:
    week = (report.start, report.end)
    core = [row for row in report.drivers if row.core]
    drawn = {"overview": overview_drawing(report)}
    drawn["pressure"] = _still(
        charts.pressure_chart([*(row.reading for row in core), report.composite], width=480)
    )
    for row in core:
        drawn[f"week.{row.name}"] = _still(
            charts.driver_chart(
                report.index_series, row.name, week=week, width=320, height=90, ticks=4
            )
        )
    for row in report.drivers:
        drawn[f"days.{row.name}"] = days_drawing(days, row.name)
    return {name: one for name, one in drawn.items() if one is not None}


def _still(svg: str | None) -> Drawing | None:
    return None if svg is None else Drawing(svg=svg)


def _top(parts: dict[str, tuple[Contribution, ...]]) -> tuple[TopStory, ...]:
    """The largest parts over the core drivers, each story once: those of most copies first."""
    core = {one.name for one in core_drivers()}
    found = [part for driver, some in parts.items() if driver in core for part in some]
    found.sort(key=lambda part: (-part.articles, -abs(part.contribution), part.story_id))
    once = {part.story_id: part for part in reversed(found)}
    chosen = [part for part in found if once[part.story_id] is part][:TOP_STORIES]
    return tuple(TopStory(driver=part.driver, story=decisive_story(part)) for part in chosen)
