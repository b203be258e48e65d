"""New articles into the tables, each with its story.

PostgreSQL takes them by ``COPY``. The writers' lock is held, and what is known has been looked up
under it, so that no row can be there already.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, delete, func, select, update

from corpus.store.grouping import OPENING, Grouping, Merge, Prepared, window_of
from corpus.store.pieces import pieces
from corpus.store.schema import (
    articles,
    articles_lacking_keys,
    microseconds,
    story_merges,
)
from corpus.store.sketches import Sketches
from corpus.stories import keys, sketch

_AS_ONE_PIECE = 500  # articles whose keys are made at a time
_UNMATCHED = {
    "revision": 1,
    "matched_id": None,
    "matched_score": None,
    "matched_reason": None,
    "joined_story_id": None,
}


def insert_as_they_were(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Insert articles of an export, which the store does not hold, in their stories.

    Their keys are made when news near in time comes (:func:`_make_lacking_keys`).
    """
    if not rows:
        return
    last = _last_number(connection)
    numbered = [
        {**_UNMATCHED, **row, "number": number} for number, row in enumerate(rows, last + 1)
    ]
    _insert(connection, articles, numbered)
    lacking = [
        {"published_us": microseconds(row["published_at"]), "article": row["number"]}
        for row in numbered
    ]
    _insert(connection, articles_lacking_keys, lacking)


def insert_with_stories(
    connection: Connection, items: Sequence[Prepared], sketches: Sketches
) -> set[str]:
    """Insert articles that the store does not hold; the ids of those that joined a known story."""
    if not items:
        return set()
    items = sorted(items, key=lambda item: (item.row["first_seen_at"], item.row["published_at"]))
    _make_lacking_keys(connection, items)
    grouping = Grouping(connection, items, sketches)
    rows: list[dict[str, Any]] = []
    for number, item in enumerate(items, _last_number(connection) + 1):
        story_id, match = grouping.place(number, item)
        row = {**_UNMATCHED, **item.row, "number": number, "story_id": story_id}
        if match is not None:
            row["matched_id"], row["matched_score"] = match.member_id, match.score
            row["matched_reason"] = match.reason
        rows.append(row)
    for row in rows:
        current = grouping.current(row["story_id"])
        if current != row["story_id"]:
            row["joined_story_id"], row["story_id"] = row["story_id"], current
    joined = {row["id"] for row in rows if row["story_id"] != row["id"]}
    _insert(connection, articles, rows)
    for merge in grouping.merges:
        _keep_merge(connection, merge)
    keep_keys(
        connection,
        (
            (row["number"], row["published_at"], item.keys)
            for row, item in zip(rows, items, strict=True)
        ),
    )
    sketches.end_batch()
    return joined


def _last_number(connection: Connection) -> int:
    return connection.execute(select(func.max(articles.c.number))).scalar() or 0


def _insert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    if connection.dialect.name == "sqlite":
        connection.execute(table.insert(), rows)
        return
    names = [column.name for column in table.columns]
    raw: Any = connection.connection.driver_connection
    command = f"COPY {table.name} ({', '.join(names)}) FROM STDIN"
    with raw.cursor() as cursor, cursor.copy(command) as copy:
        for row in rows:
            copy.write_row([_plain(row[name]) for name in names])


def _plain(value: Any) -> Any:
    return microseconds(value) if isinstance(value, datetime) else value


def _make_lacking_keys(connection: Connection, items: Sequence[Prepared]) -> None:
    """Make the keys of articles near in time to new ones that do not have them yet."""
    near = articles_lacking_keys.c.published_us.between(*window_of(items))
    found = connection.execute(select(articles_lacking_keys.c.article).where(near)).scalars().all()
    for some in pieces(found, _AS_ONE_PIECE):
        query = select(
            articles.c.number,
            articles.c.published_at,
            articles.c.title,
            OPENING,
        ).where(articles.c.number.in_(some))
        keep_keys(
            connection,
            [
                (row.number, row.published_at, keys(sketch(row.title, row.opening)))
                for row in connection.execute(query)
            ],
        )
    if found:
        connection.execute(delete(articles_lacking_keys).where(near))


def _keep_merge(connection: Connection, merge: Merge) -> None:
    connection.execute(story_merges.insert(), asdict(merge))
    connection.execute(
        update(articles)
        .where(articles.c.story_id == merge.from_id)
        .values(
            story_id=merge.into_id,
            joined_story_id=func.coalesce(articles.c.joined_story_id, merge.from_id),
        )
    )


def keep_keys(
    connection: Connection, entries: Iterable[tuple[int, datetime, Iterable[int]]]
) -> None:
    """Keep the keys of articles, given as number, time of publication and keys."""
    # Sorted as the table is, which an engine writes fastest.
    rows = sorted(
        (key, microseconds(published_at), number)
        for number, published_at, of_article in entries
        for key in set(of_article)
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
