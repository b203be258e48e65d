"""Stories that proved to be one: where an id has gone, and where it stood at a past moment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, select

from corpus.records import StoryMerge
from corpus.store.engine import Database
from corpus.store.schema import story_merges

_COLUMNS = tuple(story_merges.c[name] for name in StoryMerge.model_fields)


def current_story(connection: Connection, story_id: str) -> str:
    """The story that an id stands for now: itself, or the one that it was merged into."""
    query = select(story_merges.c.into_id)
    while into := connection.execute(query.where(story_merges.c.from_id == story_id)).scalar():
        story_id = into
    return story_id


def merges_into(database: Database, story_id: str) -> tuple[StoryMerge, ...]:
    """The merges that made a story, also those of stories that went into it on the way."""
    found: list[StoryMerge] = []
    with database.read() as connection:
        waiting = [current_story(connection, story_id)]
        while waiting:
            query = select(*_COLUMNS).where(story_merges.c.into_id.in_(waiting))
            rows = connection.execute(query).mappings().all()
            found += [StoryMerge.model_validate(dict(row)) for row in rows]
            waiting = [row["from_id"] for row in rows]
    return tuple(sorted(found, key=lambda one: (one.merged_at, one.from_id)))


def merged_by(database: Database, as_of: datetime) -> Mapping[str, str]:
    """For each story that had been merged by ``as_of``, the one that it was part of then."""
    query = select(story_merges.c.from_id, story_merges.c.into_id).where(
        story_merges.c.merged_at <= as_of
    )
    with database.read() as connection:
        into: dict[str, str] = {row.from_id: row.into_id for row in connection.execute(query)}
    for story_id, now in into.items():
        while now in into:
            now = into[now]  # noqa: PLW2901 - follows the chain of merges to its end
        into[story_id] = now
    return into
