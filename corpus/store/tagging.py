"""Tags in the store: what is untagged, and the tags of the text that was known at a moment.

A tag belongs to an article, a model and the content that the model read, so that a revised article
is untagged again while the tag of its former text stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from heapq import merge
from typing import Any

from sqlalchemy import Select, and_, exists, func, select
from sqlalchemy.dialects import postgresql, sqlite

from corpus.errors import StoreError
from corpus.records import Article, TaggedArticle, TagModel
from corpus.store.engine import Database
from corpus.store.merging import merged_by
from corpus.store.pieces import pieces
from corpus.store.reading import ARTICLE_COLUMNS, in_order, published_within, to_article
from corpus.store.schema import articles, former_contents, tags

_BATCH = 500

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


def untagged(database: Database, model: str) -> Iterator[Article]:
    """Articles whose current content ``model`` has not tagged, by time of publication."""
    query = select(*ARTICLE_COLUMNS).where(~_has_tag(articles.c.id, articles.c.content_hash, model))
    for row in in_order(database, query):
        yield to_article(row)


def untagged_revisions(database: Database, model: str) -> Iterator[Article]:
    """Former contents that ``model`` has not tagged, each as the article that it was then."""
    query = (
        select(*_FORMER_COLUMNS, former_contents.c.number)
        .join(articles, articles.c.id == former_contents.c.article_id)
        .where(~_has_tag(former_contents.c.article_id, former_contents.c.content_hash, model))
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
    current: Select[Any] = select(*ARTICLE_COLUMNS, articles.c.joined_story_id, tags.c.record).join(
        tags, _tag_of_current(model)
    )
    current = published_within(current, since, until)
    if as_of is None:
        yield from _tagged_rows(database, current)
        return
    merged = merged_by(database, as_of)
    yield from merge(
        _tagged_rows(database, current.where(articles.c.updated_at <= as_of), merged),
        _tagged_rows(database, _known_then(model, since, until, as_of), merged),
        key=lambda item: (item.article.published_at, item.article.id),
    )


def _known_then(
    model: str, since: datetime | None, until: datetime | None, as_of: datetime
) -> Select[Any]:
    """Articles revised since ``as_of``, in the last content that came before."""
    newest = (
        select(func.max(former_contents.c.number))
        .where(former_contents.c.article_id == articles.c.id, former_contents.c.seen_at <= as_of)
        .correlate(articles)
        .scalar_subquery()
    )
    query = (
        select(*_FORMER_COLUMNS, articles.c.joined_story_id, tags.c.record)
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


def _tagged_rows(
    database: Database, query: Select[Any], merged: Mapping[str, str] | None = None
) -> Iterator[TaggedArticle]:
    """Tagged articles of a query; with ``merged``, in their stories after these merges only."""
    for row in in_order(database, query):
        article = to_article(row)
        if merged is not None and row["joined_story_id"] is not None:
            joined = row["joined_story_id"]
            article = article.model_copy(update={"story_id": merged.get(joined, joined)})
        yield TaggedArticle(article=article, record=row["record"])


def _tag_of_current(model: str) -> Any:
    # Not the bare column: without statistics SQLite would then begin at the tags of the model,
    # all of them for every page, instead of at the articles of the span.
    return and_(
        tags.c.article_id == articles.c.id,
        tags.c.content_hash == articles.c.content_hash,
        tags.c.model + "" == model,
    )


def _has_tag(article_id: Any, content_hash: Any, model: str) -> Any:
    return exists().where(
        tags.c.article_id == article_id,
        tags.c.content_hash == content_hash,
        tags.c.model == model,
    )
