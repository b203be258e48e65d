"""Build the weekly report from the store: index, decisive stories, watch list, study, coverage."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from corpus.errors import UsageError
from nlp.index import (
    ASSETS,
    COMPOSITE,
    IndexResult,
    Reading,
    build,
    contributions,
    period_start,
    readings,
    week_bounds,
    week_name,
)
from nlp.index.aggregate import BAND_LEVEL
from nlp.index.build import DEFAULT_BASE
from nlp.study import Plan
from nlp.taxonomy import drivers
from nlp.watch import LOOKBACK as WATCH_LOOKBACK
from nlp.watch import assess
from service.report.coverage import PRECEDING, coverage
from service.report.evidence import CANDIDATES, decisive_stories
from service.report.headline import LITTLE_NEWS, headline
from service.report.prices import price_points, price_weeks
from service.report.reader import NewsReader, open_news
from service.report.records import (
    Coverage,
    DriverWeek,
    IndexPoint,
    Method,
    StudySummary,
    WeeklyReport,
)
from service.report.study import study_summary
from service.report.words import count, days, driver_words

if TYPE_CHECKING:
    import pandas as pd

    from corpus.store import Store

# The news that a report looks back on, and the part of it that its charts show.
LOOKBACK = timedelta(weeks=52)
CHART = timedelta(weeks=26)


def build_report(
    store: Store,
    *,
    week: str,
    model: str | None = None,
    as_of: datetime | None = None,
    asset: str = "all",
    base: tuple[datetime, datetime] | None = None,
    plan: Plan | None = None,
    with_study: bool = True,
) -> WeeklyReport:
    """The report of an ISO week such as ``2025-W47``.

    ``model`` defaults to the one that tagged last, ``as_of`` (aware UTC) to the moment when it
    did, so that the same store gives the same report. News of the 52 weeks up to the end of the
    week is read; ``base`` (start, end exclusive) is by default its first four weeks. Nothing later
    than the week is used, except to the end of the base window by a week inside it. ``plan`` is
    that of the study, by default the one that comes with Undertow; ``with_study`` false leaves the
    study, which takes longest, out.

    Raises :class:`UsageError` for a badly written, future or uncovered week, an unknown model or
    asset and a time without a zone, :class:`InputError` for a store without tags, and
    :class:`StudyError` when the news before the week is too short for a base window. Missing
    prices, a study that cannot be run and days without news are stated in the report.
    """
    if asset not in ASSETS:
        raise UsageError(f"unknown asset {asset!r}", remedy=f"choose one of {', '.join(ASSETS)}")
    start, end = week_bounds(week, now=as_of and as_of.astimezone(UTC))
    reader = open_news(store, model=model, as_of=as_of)
    since = min(end - LOOKBACK, base[0]) if base else end - LOOKBACK
    index = _weekly_index(reader, week, since=since, end=end, asset=asset, base=base)
    found = {one.driver: one for one in _readings(index, start, asset)}
    week_items = list(reader.between(start, end))
    parts = contributions(index, week_items, period_start=start, asset=asset, top=CANDIDATES)
    rows = tuple(
        DriverWeek(
            name=driver.name,
            title=driver.title,
            color=driver.color,
            core=driver.core,
            reading=found[driver.name],
            stories=decisive_stories(parts[driver.name]),
        )
        for driver in drivers()
    )
    seen = coverage(
        store,
        week_items,
        reader.between(start - PRECEDING, start),
        start=start,
        end=end,
        as_of=reader.as_of,
    )
    prices = store.prices(assets=None)
    known_until = min(end, reader.as_of)
    prices = prices[prices["time"] <= known_until]
    moved = price_weeks(prices, start=start, end=known_until)
    study: StudySummary | None = None
    study_absent: str | None = "No study was asked for."
    study_vintage: str | None = None
    if with_study:
        study, study_absent, study_vintage = study_summary(
            reader.headings(since, end),
            prices,
            as_of=reader.as_of,
            model=reader.model,
            base=index.base,
            plan=plan,
        )
    core = [row.reading for row in rows if row.core]
    composite = found[COMPOSITE]
    return WeeklyReport(
        schema=1,
        week=week,
        start=start,
        end=end,
        asset=asset,
        headline=headline(week, core, composite, moved, base=index.base),
        notes=tuple(_notes(index, rows, seen, reader.as_of, end=end, prices=prices)),
        composite=composite,
        drivers=rows,
        prices=moved,
        watch=assess(reader.between(end - WATCH_LOOKBACK, end), until=end, as_of=reader.as_of),
        study=study,
        study_absent=study_absent,
        coverage=seen,
        method=Method(
            model=reader.model,
            as_of=reader.as_of,
            base_start=index.base[0],
            base_end=index.base[1],
            band=BAND_LEVEL,
            vintage=index.vintage,
            study_vintage=study_vintage,
            version=version("undertow"),
        ),
        index_series=_points(index, asset, since=end - CHART, until=end),
        price_series=price_points(prices, since=end - CHART),
    )


def _weekly_index(
    reader: NewsReader,
    week: str,
    *,
    since: datetime,
    end: datetime,
    asset: str,
    base: tuple[datetime, datetime] | None,
) -> IndexResult:
    index = build(
        reader.headings(since, max(end, _base_end(reader, since, end, base))),
        frequency="W",
        as_of=reader.as_of,
        model=reader.model,
        asset=asset,
        base=base,
    )
    starts = index.frame["period_start"]
    first, last = starts.min().to_pydatetime(), starts.max().to_pydatetime()
    newest = reader.store.state().last_published
    # A week without news between weeks with news is reported as such; one after all news is not.
    if last < end - timedelta(weeks=1) and (newest is None or newest < end):
        raise UsageError(
            f"the store has no tagged news of week {week}; the news runs from {week_name(first)} to"
            f" {week_name(last)}",
            remedy="choose a week inside the news, or crawl and tag first",
        )
    return index


def _readings(index: IndexResult, start: datetime, asset: str) -> tuple[Reading, ...]:
    """The readings of the week; those of a week after the last story before its end are absent."""
    if start <= index.frame["period_start"].max():
        return readings(index, start, asset=asset)
    absent = Reading(
        driver=COMPOSITE,
        stories=0,
        tagged=0,
        attention=None,
        stance=None,
        pressure=None,
        lower=None,
        upper=None,
        pressure_raw=None,
        change=None,
        preceding=0,
        direction="no coverage",
        in_base=False,
    )
    names = (*index.drivers, COMPOSITE)
    return tuple(absent.model_copy(update={"driver": name}) for name in names)


def _base_end(
    reader: NewsReader, since: datetime, end: datetime, base: tuple[datetime, datetime] | None
) -> datetime:
    """End of the base window: a week inside it is measured against the whole of it."""
    if base is not None:
        return base[1]
    first = next(reader.between(since, end), None)
    return end if first is None else period_start(first.article.published_at, "W") + DEFAULT_BASE


def _notes(
    index: IndexResult,
    rows: tuple[DriverWeek, ...],
    seen: Coverage,
    as_of: datetime,
    *,
    end: datetime,
    prices: pd.DataFrame,
) -> Iterator[str]:
    """Whatever makes the week's figures weaker than they look, in plain sentences."""
    stories = rows[0].reading.stories
    if stories == 0:
        yield "No story of this week is in the store; every figure of the week is absent."
    elif stories < LITTLE_NEWS:
        yield (
            f"Only {count(stories, 'story', 'stories')} of this week bear on crypto: bands are"
            " wide and one story can turn a sign."
        )
    if rows[0].reading.in_base:
        yield (
            f"This week lies in the base window ({days(*index.base)}): pressure is measured against"
            " a mean that includes the week itself, which makes it look more usual than it was."
        )
    if as_of < end:
        yield f"The week was not over when the store was last tagged ({as_of:%Y-%m-%d %H:%M} UTC)."
    bare = [driver_words(row.name) for row in rows if row.core and _unbanded(row)]
    if bare and stories:
        yield (
            f"No band can be given for {', '.join(bare)}: it needs two outlets or stories at least."
        )
    if prices.empty:
        yield "The store holds no prices up to this week, so price is neither shown nor studied."
    if seen.untagged:
        yield f"{count(seen.untagged, 'article')} of this week could not be tagged or is not yet."
    yield from index.notes


def _unbanded(row: DriverWeek) -> bool:
    return row.reading.pressure is not None and row.reading.lower is None


def _points(
    index: IndexResult, asset: str, *, since: datetime, until: datetime
) -> tuple[IndexPoint, ...]:
    frame = index.frame
    frame = frame[(frame["asset"] == asset) & frame["pressure"].notna()]
    frame = frame[(frame["period_start"] >= since) & (frame["period_start"] < until)]
    rows: list[dict[Any, Any]] = frame.to_dict("records")
    return tuple(
        IndexPoint(
            driver=row["driver"],
            start=row["period_start"].to_pydatetime(),
            end=row["period_start"].to_pydatetime() + timedelta(weeks=1),
            pressure=row["pressure"],
            lower=_number(row["lower"]),
            upper=_number(row["upper"]),
        )
        for row in rows
    )


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
