"""Tags in the store: what is untagged, and the tags of the text that was known at a moment.

A tag belongs to an article, a model and the content that the model read, so that a revised article
is untagged again while the tag of its former text stays.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from heapq import merge
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, and_, exists, func, select
from sqlalchemy.dialects import postgresql, sqlite

from corpus.errors import StoreError
from corpus.records import (
    Article,
    Heading,
    PublishedFlag,
    TaggedArticle,
    TaggedHeading,
    TagModel,
)
from corpus.store.engine import Database
from corpus.store.merging import merged_by
from corpus.store.pieces import pieces
from corpus.store.reading import ARTICLE_COLUMNS, PAGE, in_order, published_within, to_article
from corpus.store.schema import articles, former_contents, tags

_BATCH = 500
_HEADINGS = 4_000  # a query: they are short, and a query costs as much as many of them
_HEAD = 100  # characters of a record that hold its id and schema

# The content that an article had before the current one came, in the articles' own column names.
_FORMER_COLUMNS = (
    *(
        column
        for column in ARTICLE_COLUMNS
        if column.name not in {"title", "text", "summary", "content_hash", "updated_at"}
    ),
    former_contents.c.title,
    former_contents.c.text,
    former_contents.c.summary,
    former_contents.c.content_hash,
    former_contents.c.seen_at.label("updated_at"),
)


def untagged(database: Database, model: str, schema: int | None) -> Iterator[Article]:
    """Articles whose current content ``model`` has not tagged, by time of publication."""
    query = select(*ARTICLE_COLUMNS).where(
        ~_has_tag(articles.c.id, articles.c.content_hash, model, schema)
    )
    for row in in_order(database, query):
        yield to_article(row)


def untagged_revisions(database: Database, model: str, schema: int | None) -> Iterator[Article]:
    """Former contents that ``model`` has not tagged, each as the article that it was then."""
    query = (
        select(*_FORMER_COLUMNS, former_contents.c.number)
        .join(articles, articles.c.id == former_contents.c.article_id)
        .where(
            ~_has_tag(former_contents.c.article_id, former_contents.c.content_hash, model, schema)
        )
    )
    with database.read() as connection:
        rows = connection.execute(
            query.order_by(articles.c.published_at, articles.c.id, former_contents.c.number)
        ).mappings()
        found = [to_article(row) for row in rows]
    yield from found


def put_tags(database: Database, model: str, records: Iterable[tuple[str | Article, str]]) -> int:
    """Keep tag records, each given with its article (or that one's id); how many were kept."""
    count = 0
    now = datetime.now(UTC)
    for batch in pieces(records, _BATCH):
        with database.write() as connection:
            ids = {given for given, _ in batch if isinstance(given, str)}
            query = select(articles.c.id, articles.c.content_hash).where(articles.c.id.in_(ids))
            current = {row.id: row.content_hash for row in connection.execute(query)}
            rows: dict[tuple[str, str], dict[str, Any]] = {}
            for given, record in batch:
                if isinstance(given, Article):
                    identity, digest = given.id, given.content_hash
                elif given in current:
                    identity, digest = given, current[given]
                else:
                    raise StoreError(f"{database.name} holds no article {given!r} to tag")
                rows[identity, digest] = {
                    "article_id": identity,
                    "model": model,
                    "content_hash": digest,
                    "record": record,
                    "tagged_at": now,
                }
            dialect = sqlite if database.is_sqlite else postgresql
            statement = dialect.insert(tags)
            statement = statement.on_conflict_do_update(
                index_elements=[tags.c.article_id, tags.c.model, tags.c.content_hash],
                set_={
                    "record": statement.excluded.record,
                    "tagged_at": statement.excluded.tagged_at,
                },
            )
            connection.execute(statement, list(rows.values()))
            count += len(rows)
    return count


def tag_record(database: Database, article_id: str, model: str) -> str | None:
    """The tag record of an article's current content."""
    query = (
        select(tags.c.record)
        .join(articles, _tag_of_current(model))
        .where(articles.c.id == article_id)
    )
    with database.read() as connection:
        record = connection.execute(query).scalar()
    return None if record is None else str(record)


def tag_models(database: Database) -> tuple[TagModel, ...]:
    """The models whose tags the store holds, the one that tagged last first."""
    last = func.max(tags.c.tagged_at)
    query = (
        select(tags.c.model, func.count(tags.c.article_id.distinct()), last)
        .group_by(tags.c.model)
        .order_by(last.desc(), tags.c.model)
    )
    with database.read() as connection:
        return tuple(
            TagModel(identity=model, articles=count, last_tagged_at=moment)
            for model, count, moment in connection.execute(query)
        )


def tagged(
    database: Database,
    *,
    model: str,
    since: datetime | None,
    until: datetime | None,
    as_of: datetime | None,
) -> Iterator[TaggedArticle]:
    """Articles published in [since, until) with their tags by ``model``, by time of publication.

    With ``as_of``, those that the store had seen by then, in the content that it knew then, with
    the tags of that content, and in the story that they were in then.
    """
    rows = _tagged_rows(
        database, Article.model_fields, model=model, since=since, until=until, as_of=as_of
    )
    for row, story_id in rows:
        article = to_article(row)
        if story_id != article.story_id:
            article = article.model_copy(update={"story_id": story_id})
        yield TaggedArticle(article=article, record=row["record"])


def tagged_headings(
    database: Database,
    *,
    model: str,
    since: datetime | None,
    until: datetime | None,
    as_of: datetime | None,
) -> Iterator[TaggedHeading]:
    """What :func:`tagged` gives, of each article its heading alone."""
    rows = _tagged_rows(
        database,
        Heading._fields,
        model=model,
        since=since,
        until=until,
        as_of=as_of,
        page_size=_HEADINGS,
    )
    flags = {flag.value: flag for flag in PublishedFlag}
    for row, story_id in rows:
        heading = Heading(
            id=row["id"],
            title=row["title"],
            source=row["source"],
            published_at=row["published_at"],
            published_flag=flags[row["published_flag"]],
            first_seen_at=row["first_seen_at"],
            content_hash=row["content_hash"],
            story_id=story_id,
        )
        yield TaggedHeading(heading, row["record"])


def _tagged_rows(
    database: Database,
    names: Collection[str],
    *,
    model: str,
    since: datetime | None,
    until: datetime | None,
    as_of: datetime | None,
    page_size: int = PAGE,
) -> Iterator[tuple[RowMapping, str]]:
    """Rows of articles with their records, and the story that each was in; columns by name."""
    columns = [articles.c[name] for name in names]
    current: Select[Any] = select(*columns, articles.c.joined_story_id, tags.c.record).join(
        tags, _tag_of_current(model)
    )
    current = published_within(current, since, until)
    if as_of is None:
        rows = in_order(database, current, page_size=page_size)
        yield from ((row, row["story_id"]) for row in rows)
        return
    merged = merged_by(database, as_of)
    former = [column for column in _FORMER_COLUMNS if column.name in names]
    rows = merge(
        in_order(database, current.where(articles.c.updated_at <= as_of), page_size=page_size),
        in_order(database, _known_then(former, model, since, until, as_of), page_size=page_size),
        key=lambda row: (row["published_at"], row["id"]),
    )
    for row in rows:
        joined = row["joined_story_id"]
        yield row, row["story_id"] if joined is None else merged.get(joined, joined)


def _known_then(
    columns: Sequence[ColumnElement[Any]],
    model: str,
    since: datetime | None,
    until: datetime | None,
    as_of: datetime,
) -> Select[Any]:
    """Articles revised since ``as_of``, in the last content that came before."""
    newest = (
        select(func.max(former_contents.c.number))
        .where(former_contents.c.article_id == articles.c.id, former_contents.c.seen_at <= as_of)
        .correlate(articles)
        .scalar_subquery()
    )
    query = (
        select(*columns, articles.c.joined_story_id, tags.c.record)
        .join(articles, articles.c.id == former_contents.c.article_id)
        .join(
            tags,
            and_(
                tags.c.article_id == former_contents.c.article_id,
                tags.c.content_hash == former_contents.c.content_hash,
                tags.c.model + "" == model,  # as in `_tag_of_current`
            ),
        )
        .where(articles.c.updated_at > as_of, former_contents.c.number == newest)
    )
    return published_within(query, since, until)


def _tag_of_current(model: str) -> Any:
    # Not the bare column: without statistics SQLite would then begin at the tags of the model,
    # all of them for every page, instead of at the articles of the span.
    return and_(
        tags.c.article_id == articles.c.id,
        tags.c.content_hash == articles.c.content_hash,
        tags.c.model + "" == model,
    )


def _has_tag(article_id: Any, content_hash: Any, model: str, schema: int | None) -> Any:
    found = exists().where(
        tags.c.article_id == article_id,
        tags.c.content_hash == content_hash,
        tags.c.model == model,
    )
    if schema is None:
        return found
    # Records begin with their id and schema; the rest of one is not looked through.
    return found.where(func.substr(tags.c.record, 1, _HEAD).like(f'%"schema":{schema},%'))
