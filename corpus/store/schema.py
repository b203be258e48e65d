"""The tables of the store. ``corpus/migrations`` builds them; a test holds the two together.

Times are whole microseconds since 1970 UTC, so that both engines order and return them alike.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)

VERSION_TABLE = "undertow_schema"
HEAD = "0005"  # the newest migration; a store that says more is newer than this program

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(moment: datetime) -> int:
    """Whole microseconds from 1970 UTC to ``moment``."""
    return (moment - _EPOCH) // _MICROSECOND


def moment_of(us: int) -> datetime:
    """The time that is so many microseconds after 1970 UTC."""
    return _EPOCH + us * _MICROSECOND


class Moment(TypeDecorator[datetime]):
    """An aware UTC time, kept as microseconds since 1970."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """The number that stands for a time."""
        return None if value is None else microseconds(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """The time that a number stands for."""
        return None if value is None else moment_of(value)


metadata = MetaData()

# ``number`` counts articles in the order in which they came; ``revision`` is that of the content
# held here, earlier contents are in ``former_contents``. ``matched_id``, ``matched_score`` and
# ``matched_reason`` say why the article belongs to its story (null for the story's head).
# ``joined_story_id`` is the story that the article was in when it came, where a merge has since
# moved it; null where ``story_id`` is still that one.
articles = Table(
    "articles",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("id", String(20), nullable=False, unique=True),
    Column("url", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("text", Text),
    Column("summary", Text),
    Column("source", Text, nullable=False),
    Column("author", Text),
    Column("language", Text),
    Column("published_at", Moment, nullable=False),
    Column("published_claimed", Moment),
    Column("published_flag", String(10), nullable=False),
    Column("first_seen_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("content_hash", String(64), nullable=False),
    Column("story_id", String(20), nullable=False),
    Column("external_id", Text),
    Column("revision", Integer, nullable=False),
    Column("matched_id", String(20)),
    Column("matched_score", Double),
    Column("matched_reason", Text),
    Column("joined_story_id", String(20)),
    Index("articles_by_time", "published_at", "id"),
    Index("articles_by_source", "source", "published_at", "id"),
    Index("articles_by_story", "story_id"),
)

former_contents = Table(
    "former_contents",
    metadata,
    Column("article_id", String(20), ForeignKey("articles.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("title", Text, nullable=False),
    Column("text", Text),
    Column("summary", Text),
    Column("content_hash", String(64), nullable=False),
    Column("seen_at", Moment, nullable=False),
)

# Stories that proved to be one: ``from_id`` is ``into_id`` since ``merged_at``, when
# ``article_id`` came, whose likeness to both showed it.
story_merges = Table(
    "story_merges",
    metadata,
    Column("from_id", String(20), primary_key=True),
    Column("into_id", String(20), nullable=False),
    Column("merged_at", Moment, nullable=False),
    Column("article_id", String(20), nullable=False),
    Column("score", Double, nullable=False),
    Column("reason", Text, nullable=False),
    Index("story_merges_by_into", "into_id"),
)

# Keys of corpus.stories.keys for each article, ordered so that one key and a span of time is one
# stretch of the table. ``published_us`` is the time as a plain number: rows are many and small.
story_bands = Table(
    "story_bands",
    metadata,
    Column("band", BigInteger, primary_key=True, autoincrement=False),
    Column("published_us", BigInteger, primary_key=True, autoincrement=False),
    Column("article", BigInteger, ForeignKey("articles.number"), primary_key=True),
    sqlite_with_rowid=False,
)

# Articles that came with their story and whose keys are made when news near in time comes.
articles_lacking_keys = Table(
    "articles_lacking_keys",
    metadata,
    Column("published_us", BigInteger, primary_key=True, autoincrement=False),
    Column("article", BigInteger, ForeignKey("articles.number"), primary_key=True),
    sqlite_with_rowid=False,
)

tags = Table(
    "tags",
    metadata,
    Column("article_id", String(20), ForeignKey("articles.id"), primary_key=True),
    Column("model", Text, primary_key=True),
    Column("content_hash", String(64), primary_key=True),
    Column("record", Text, nullable=False),
    Column("tagged_at", Moment, nullable=False),
    Index("tags_by_model", "model", "tagged_at"),
)

prices = Table(
    "prices",
    metadata,
    Column("asset", Text, primary_key=True),
    Column("time", Moment, primary_key=True),
    Column("close", Double, nullable=False),
    Column("currency", Text, nullable=False),
)

source_states = Table(
    "source_states",
    metadata,
    Column("name", Text, primary_key=True),
    Column("url", Text, nullable=False),
    Column("etag", Text),
    Column("last_modified", Text),
    Column("last_attempt_at", Moment),
    Column("last_success_at", Moment),
    Column("items", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("problem", Text),
    Column("next_due_at", Moment),
)

# Which crawler reads a source, until when (see corpus.store.leases).
source_leases = Table(
    "source_leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("until", Moment, nullable=False),
)

# Other addresses and feed identifiers of an article, as 20 hexadecimal digits (see
# corpus.store.names).
article_names = Table(
    "article_names",
    metadata,
    Column("name", String(20), primary_key=True),
    Column("article_id", String(20), ForeignKey("articles.id"), nullable=False),
)

# Results made of the store that take long, each with the state of the store that it was made of.
kept_results = Table(
    "kept_results",
    metadata,
    Column("name", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("body", Text, nullable=False),
)
