"""Articles out of the store."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import FromClause, RowMapping, Select, bindparam, func, literal, select, tuple_

from corpus.records import Article, Revision, StoreCounts, StoryMatch
from corpus.store.engine import Database
from corpus.store.merging import current_story
from corpus.store.schema import Moment, articles, former_contents

PAGE = 500  # rows a query; a long reading keeps no transaction open between two pages

ARTICLE_COLUMNS = tuple(articles.c[name] for name in Article.model_fields)
_ONE_ARTICLE = select(*ARTICLE_COLUMNS).where(articles.c.id == bindparam("wanted"))
_REVISION_COLUMNS = tuple(name for name in Revision.model_fields if name != "article_id")


def to_article(row: RowMapping) -> Article:
    """The article in a row that has at least the columns of :data:`ARTICLE_COLUMNS`."""
    return Article.model_validate({name: row[name] for name in Article.model_fields})


def in_order(
    database: Database, query: Select[Any], limit: int | None = None, *, page_size: int = PAGE
) -> Iterator[RowMapping]:
    """The rows of a query over articles by time of publication, then id; a page a query.

    The query must select ``published_at`` and ``id`` of the articles.
    """
    last: RowMapping | None = None
    left = limit
    while left is None or left > 0:
        size = page_size if left is None else min(page_size, left)
        page = query.order_by(articles.c.published_at, articles.c.id).limit(size)
        if last is not None:
            page = page.where(_comes_after(last["published_at"], last["id"]))
        with database.read() as connection:
            rows = connection.execute(page).mappings().all()
        yield from rows
        if len(rows) < size:
            return
        last = rows[-1]
        left = None if left is None else left - size


def one_article(database: Database, article_id: str) -> Article | None:
    """The article of that id."""
    with database.read() as connection:
        row = connection.execute(_ONE_ARTICLE, {"wanted": article_id}).mappings().first()
    return None if row is None else to_article(row)


def some_articles(
    database: Database,
    *,
    since: datetime | None,
    until: datetime | None,
    source: str | None,
    after: str | None,
    limit: int | None,
) -> Iterator[Article]:
    """Articles published in [since, until), of one source, behind the article ``after``."""
    query = published_within(select(*ARTICLE_COLUMNS), since, until)
    if source is not None:
        query = query.where(articles.c.source == source)
    if after is not None:
        last = one_article(database, after)
        if last is None:
            return
        query = query.where(_comes_after(last.published_at, last.id))
    for row in in_order(database, query, limit):
        yield to_article(row)


def published_within(
    query: Select[Any], since: datetime | None, until: datetime | None
) -> Select[Any]:
    """The query, kept to articles published in [since, until)."""
    if since is not None:
        query = query.where(articles.c.published_at >= since)
    if until is not None:
        query = query.where(articles.c.published_at < until)
    return query


def all_revisions(database: Database, article_id: str) -> tuple[Revision, ...]:
    """Every content of an article, the first one first."""
    former = select(*(former_contents.c[name] for name in _REVISION_COLUMNS)).where(
        former_contents.c.article_id == article_id
    )
    with database.read() as connection:
        rows = [dict(row) for row in connection.execute(former).mappings()]
        current = (
            connection.execute(select(articles).where(articles.c.id == article_id))
            .mappings()
            .first()
        )
    if current is None:
        return ()
    same = {name: current[name] for name in ("title", "text", "summary", "content_hash")}
    rows.append({**same, "number": current["revision"], "seen_at": current["updated_at"]})
    rows.sort(key=lambda row: int(row["number"]))
    return tuple(Revision(article_id=article_id, **row) for row in rows)


def story_members(database: Database, story_id: str) -> tuple[Article, ...]:
    """The articles of a story, in the order in which they came; also by the id of a merged one."""
    with database.read() as connection:
        story_id = current_story(connection, story_id)
    query = (
        select(*ARTICLE_COLUMNS)
        .where(articles.c.story_id == story_id)
        .order_by(articles.c.first_seen_at, articles.c.number)
    )
    with database.read() as connection:
        return tuple(to_article(row) for row in connection.execute(query).mappings())


def story_matches(database: Database, story_id: str) -> tuple[StoryMatch, ...]:
    """Why each member belongs to a story, in the order of :func:`story_members`."""
    with database.read() as connection:
        story_id = current_story(connection, story_id)
    query = (
        select(
            articles.c.id,
            articles.c.matched_id,
            articles.c.matched_score.label("score"),
            articles.c.matched_reason,
        )
        .where(articles.c.story_id == story_id)
        .order_by(articles.c.first_seen_at, articles.c.number)
    )
    with database.read() as connection:
        return tuple(
            StoryMatch(
                article_id=row.id,
                matched_id=row.matched_id,
                score=row.score,
                reason=row.matched_reason,
            )
            for row in connection.execute(query)
        )


def count_all(database: Database) -> StoreCounts:
    """How much the store holds."""
    # One question each, so that each is answered from an index alone.
    stories = select(articles.c.story_id).distinct().subquery()
    sources = select(articles.c.source).distinct().subquery()
    with database.read() as connection:

        def count(what: FromClause) -> int:
            return connection.execute(select(func.count()).select_from(what)).scalar_one()

        def extreme(function: Any) -> datetime | None:
            return connection.execute(select(function(articles.c.published_at))).scalar()

        return StoreCounts(
            articles=count(articles),
            stories=count(stories),
            sources=count(sources),
            first_published=extreme(func.min),
            last_published=extreme(func.max),
        )


def _comes_after(published_at: datetime, article_id: str) -> Any:
    # As a row, which an index answers at once; spelt out with OR it is looked for row by row.
    return tuple_(articles.c.published_at, articles.c.id) > tuple_(
        literal(published_at, Moment), literal(article_id)
    )
