"""New articles into the tables, each with its story."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, update

from corpus.store.grouping import Grouping, Merge, Prepared, Sketches
from corpus.store.schema import articles, microseconds, story_merges


def insert_with_stories(
    connection: Connection, items: Sequence[Prepared], sketches: Sketches
) -> int:
    """Insert articles that the store does not hold; how many joined a known story."""
    if not items:
        return 0
    items = sorted(items, key=lambda item: (item.row["first_seen_at"], item.row["published_at"]))
    last = connection.execute(select(func.max(articles.c.number))).scalar() or 0
    grouping = Grouping(connection, items, sketches)
    rows: list[dict[str, Any]] = []
    for number, item in enumerate(items, last + 1):
        story_id, match = grouping.place(number, item)
        rows.append(
            {
                **item.row,
                "number": number,
                "revision": 1,
                "story_id": story_id,
                "matched_id": match.member_id if match else None,
                "matched_score": match.score if match else None,
                "matched_reason": match.reason if match else None,
                "joined_story_id": None,
            }
        )
    for row in rows:
        current = grouping.current(row["story_id"])
        if current != row["story_id"]:
            row["joined_story_id"], row["story_id"] = row["story_id"], current
    copies: int = sum(row["story_id"] != row["id"] for row in rows)
    connection.execute(articles.insert(), rows)
    for merge in grouping.merges:
        _keep_merge(connection, merge)
    keep_keys(
        connection,
        (
            (row["number"], row["published_at"], item.keys)
            for row, item in zip(rows, items, strict=True)
        ),
    )
    sketches.forget_oldest()
    return copies


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
        for number, published_at, keys in entries
        for key in set(keys)
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
