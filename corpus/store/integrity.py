"""Whether all in the store fits together."""

from __future__ import annotations

from sqlalchemy import exists, func, select, text

from corpus.identity import article_id, content_hash
from corpus.records import PublishedFlag
from corpus.store.engine import Database
from corpus.store.pieces import pieces
from corpus.store.schema import articles, former_contents, tags


def faults(database: Database) -> tuple[str, ...]:
    """What is wrong, one line each; empty when the store is sound."""
    found: list[str] = []
    with database.read() as connection:
        if database.is_sqlite:
            said = connection.execute(text("PRAGMA integrity_check")).scalars().all()
            found += [f"the file: {' '.join(line.split())}" for line in said if line != "ok"]
            if found:
                return tuple(found)  # what such a file says of its rows is no finding
            broken = connection.execute(text("PRAGMA foreign_key_check")).all()
            found += [f"the file: a row of {row[0]} points to nothing" for row in broken]
        head = articles.alias("head")
        headless = select(articles.c.id).where(
            ~exists().where(head.c.id == articles.c.story_id, head.c.story_id == head.c.id)
        )
        found += [
            f"article {one}: its story has no head"
            for one in connection.execute(headless).scalars()
        ]
        unknown = select(tags.c.article_id, tags.c.model).where(
            ~exists().where(
                articles.c.id == tags.c.article_id, articles.c.content_hash == tags.c.content_hash
            ),
            ~exists().where(
                former_contents.c.article_id == tags.c.article_id,
                former_contents.c.content_hash == tags.c.content_hash,
            ),
        )
        found += [
            f"article {row.article_id}: a tag of {row.model} is of a text that it never had"
            for row in connection.execute(unknown)
        ]
        former = select(former_contents.c.article_id, func.count()).group_by(
            former_contents.c.article_id
        )
        earlier = {row[0]: row[1] for row in connection.execute(former)}
        columns = [
            articles.c[name]
            for name in (
                "id",
                "url",
                "title",
                "text",
                "content_hash",
                "revision",
                "published_at",
                "first_seen_at",
                "published_flag",
            )
        ]
        stream = connection.execution_options(yield_per=500).execute(select(*columns))
        for rows in pieces(stream, 500):
            for row in rows:
                if row.id != article_id(row.url):
                    found.append(f"article {row.id}: its id is not that of its URL")
                if row.content_hash != content_hash(row.title, row.text):
                    found.append(f"article {row.id}: its content hash does not fit its content")
                if row.revision != earlier.get(row.id, 0) + 1:
                    found.append(f"article {row.id}: a former content is missing")
                if row.published_at > row.first_seen_at:
                    found.append(f"article {row.id}: published after it was first seen")
                if row.published_flag not in set(PublishedFlag):
                    found.append(f"article {row.id}: unknown flag {row.published_flag!r}")
    return tuple(found)
