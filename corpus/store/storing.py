"""New articles into the tables, each with its story.

The keys of :func:`corpus.stories.bands` are kept in the store, so that finding copies needs no
window of articles in memory: the copies of an article are those that share a key with it and were
published within 72 hours, in whatever order they come.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select

from corpus.records import PublishedFlag
from corpus.store.pieces import pieces
from corpus.store.schema import articles, microseconds, story_bands
from corpus.stories import OPENING_CHARACTERS, WINDOW, Sketch, copy_score, sketch

_VALUES_A_QUERY = 5_000  # SQLite takes 32,766 values a query, PostgreSQL 65,535
_WINDOW_US = int(WINDOW.total_seconds()) * 1_000_000
_A_DAY = timedelta(days=1)
_COMPARED = 100  # candidates for one article, those that share most keys; beyond is boilerplate


@dataclass(slots=True)
class Prepared:
    """An article on its way in: its row, and what tells its story."""

    row: dict[str, Any]
    sketch: Sketch
    bands: tuple[int, ...]


@dataclass(slots=True)
class _Member:
    """A stored article that a new one is compared with."""

    id: str
    story_id: str
    published_at: datetime
    day_only: bool
    head_published_at: datetime
    sketch: Sketch


def insert_with_stories(connection: Connection, items: Sequence[Prepared]) -> int:
    """Insert articles that the store does not hold; how many joined a known story.

    An item whose row has a story id already (it comes from an export) keeps it.
    """
    if not items:
        return 0
    items = sorted(items, key=lambda item: (item.row["first_seen_at"], item.row["published_at"]))
    last = connection.execute(select(func.max(articles.c.number))).scalar() or 0
    sharing = _stored_with_bands(connection, items)
    members = _members(connection, _near(items, sharing))
    copies = 0
    rows: list[dict[str, Any]] = []
    for number, item in enumerate(items, last + 1):
        row = {
            "revision": 1,
            "matched_id": None,
            "matched_score": None,
            **item.row,
            "number": number,
        }
        published_at = row["published_at"]
        head_published_at = published_at
        if "story_id" in row:
            copies += row["story_id"] != row["id"]
        else:
            match = _best_match(item, sharing, members)
            if match is None:
                row["story_id"] = row["id"]
            else:
                member, row["matched_score"] = match
                row["matched_id"], row["story_id"] = member.id, member.story_id
                head_published_at = member.head_published_at
                copies += 1
        rows.append(row)
        members[number] = _Member(
            row["id"],
            row["story_id"],
            published_at,
            _is_day_only(row["published_flag"]),
            head_published_at,
            item.sketch,
        )
        for band in item.bands:
            sharing[band].append((number, microseconds(published_at)))
    connection.execute(articles.insert(), rows)
    keep_bands(
        connection,
        (
            (row["number"], row["published_at"], item.bands)
            for row, item in zip(rows, items, strict=True)
        ),
    )
    return copies


def keep_bands(
    connection: Connection, entries: Iterable[tuple[int, datetime, Sequence[int]]]
) -> None:
    """Keep the keys of articles, given as number, time of publication and keys."""
    # Sorted as the table is, which an engine writes fastest.
    rows = sorted(
        (band, microseconds(published_at), number)
        for number, published_at, keys in entries
        for band in set(keys)
    )
    if not rows:
        return
    # Past SQLAlchemy's own insert, which takes several times as long for so many small rows.
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("INSERT OR IGNORE INTO story_bands VALUES (?, ?, ?)", rows)
    else:
        columns = tuple(list(column) for column in zip(*rows, strict=True))
        connection.exec_driver_sql(
            "INSERT INTO story_bands SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[])"
            " ON CONFLICT DO NOTHING",
            columns,
        )


Sharing = defaultdict[int, list[tuple[int, int]]]


def _stored_with_bands(connection: Connection, items: Sequence[Prepared]) -> Sharing:
    """For each key of the items, the stored articles near in time that have it."""
    sharing: Sharing = defaultdict(list)
    times = [microseconds(item.row["published_at"]) for item in items]
    keys = sorted({band for item in items for band in item.bands})
    for some in pieces(keys, _VALUES_A_QUERY):
        query = select(story_bands.c.band, story_bands.c.article, story_bands.c.published_us).where(
            story_bands.c.band.in_(some),
            story_bands.c.published_us.between(min(times) - _WINDOW_US, max(times) + _WINDOW_US),
        )
        for band, number, published_us in connection.execute(query):
            sharing[band].append((number, published_us))
    return sharing


def _near(items: Sequence[Prepared], sharing: Sharing) -> set[int]:
    near: set[int] = set()
    for item in items:
        near.update(_candidates(item, sharing))
    return near


def _candidates(item: Prepared, sharing: Sharing) -> list[int]:
    """Articles within the window that share a key with ``item``, most shared keys first."""
    published_us = microseconds(item.row["published_at"])
    shared: Counter[int] = Counter()
    for band in item.bands:
        for number, other in sharing.get(band, ()):
            if abs(other - published_us) <= _WINDOW_US:
                shared[number] += 1
    return sorted(shared, key=lambda number: (-shared[number], number))[:_COMPARED]


def _members(connection: Connection, numbers: set[int]) -> dict[int, _Member]:
    found: dict[int, _Member] = {}
    head = articles.alias("head")
    for some in pieces(sorted(numbers), _VALUES_A_QUERY):
        query = (
            select(
                articles.c.number,
                articles.c.id,
                articles.c.story_id,
                articles.c.published_at,
                articles.c.published_flag,
                articles.c.title,
                func.substr(articles.c.text, 1, OPENING_CHARACTERS).label("opening"),
                func.coalesce(head.c.published_at, articles.c.published_at).label("head"),
            )
            .join_from(articles, head, head.c.id == articles.c.story_id, isouter=True)
            .where(articles.c.number.in_(some))
        )
        for row in connection.execute(query):
            found[row.number] = _Member(
                row.id,
                row.story_id,
                row.published_at,
                _is_day_only(row.published_flag),
                row.head,
                sketch(row.title, row.opening),
            )
    return found


def _is_day_only(flag: str) -> bool:
    return flag == PublishedFlag.DAY_ONLY.value


def _best_match(
    item: Prepared, sharing: Sharing, members: dict[int, _Member]
) -> tuple[_Member, float] | None:
    published_at = item.row["published_at"]
    day_only = _is_day_only(item.row["published_flag"])
    best: tuple[float, float, str] | None = None
    chosen: _Member | None = None
    for number in _candidates(item, sharing):
        member = members[number]
        if abs(member.head_published_at - published_at) > WINDOW:
            continue  # or a story of daily columns would go on for ever
        gap = abs(member.published_at - published_at)
        if day_only or member.day_only:
            gap += _A_DAY  # what lies between the two may be as much longer
        score = copy_score(item.sketch, member.sketch, gap)
        if score is None:
            continue
        # Among equals the earliest, then the smallest id, so that a rerun chooses alike.
        rank = (-score, member.published_at.timestamp(), member.id)
        if best is None or rank < best:
            best, chosen = rank, member
    return None if best is None or chosen is None else (chosen, -best[0])
