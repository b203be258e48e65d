"""The store: articles with their revisions and stories, tags, prices and the state of sources."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from corpus.errors import InputError
from corpus.files.writers import open_writer
from corpus.records import (
    AddCounts,
    Article,
    Finding,
    FoundArticle,
    Price,
    Revision,
    SourceState,
    StoreCounts,
    StoreState,
    StoryMatch,
    StoryMerge,
    TaggedArticle,
    TaggedHeading,
    TagModel,
    summed,
)
from corpus.store import adding, integrity, keeping, merging, reading, series, tagging
from corpus.store import names as article_names
from corpus.store.engine import Database
from corpus.store.leases import Leases
from corpus.store.pieces import pieces
from corpus.store.schema import HEAD
from corpus.store.sketches import Sketches

if TYPE_CHECKING:
    import pandas as pd

DEFAULT_URL = "sqlite:///undertow.db"
_BATCH = 500  # articles written in one transaction


class Store:
    """An open store; see the methods. Every method raises :class:`StoreError` when it fails.

    May be shared by threads. Several processes may use one store at a time.
    """

    schema_version = HEAD

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sketches = Sketches()

    @classmethod
    def open(cls, url: str = DEFAULT_URL, *, create: bool = True) -> Self:
        """Open the store at an SQLAlchemy URL, which is built when new and migrated when older.

        Without ``create`` there must be a store already. Raises :class:`StoreVersionError` when a
        newer Undertow wrote it, and :class:`StoreError` when it cannot be opened.
        """
        return cls(Database(url, create=create))

    @property
    def name(self) -> str:
        """The store's URL without its password."""
        return self._database.name

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def add(
        self, found: Iterable[FoundArticle | Article], *, seen_at: datetime | None = None
    ) -> AddCounts:
        """Take in articles; see :mod:`corpus.store.adding` for the rules.

        They are written in batches, each whole or not at all, so that after an interruption the
        same input can be given again. ``seen_at`` is when they were seen (now, unless given).
        Articles of an export are taken in as they were, story and times included. Raises
        :class:`InputError` for a URL that is none; batches before it are kept.
        """
        total = AddCounts()
        for batch in pieces(found, _BATCH):
            now = seen_at or datetime.now(UTC)
            prepared = [adding.prepare(one, now) for one in batch]
            with self._database.write() as connection:
                became = adding.add_batch(connection, prepared, self._sketches)
            total = summed((total, *became))
        return total

    def add_findings(self, findings: Sequence[Finding]) -> tuple[AddCounts, ...]:
        """Take in the articles of several visits and their names at once; the counts of each.

        All of it in one transaction, seen now. Raises as :meth:`add` does, and keeps nothing then.
        """
        now = datetime.now(UTC)
        prepared = [[adding.prepare(one, now) for one in finding.articles] for finding in findings]
        with self._database.write() as connection:
            batch = list(itertools.chain.from_iterable(prepared))
            became = iter(adding.add_batch(connection, batch, self._sketches))
            for finding in findings:
                article_names.keep(connection, finding.names)
        return tuple(summed(itertools.islice(became, len(some))) for some in prepared)

    def article(self, article_id: str) -> Article | None:
        """The article of that id, in its current content."""
        return reading.one_article(self._database, article_id)

    def articles(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        source: str | None = None,
        after: str | None = None,
        limit: int | None = None,
    ) -> Iterator[Article]:
        """Articles published in [since, until), by time of publication, then id; streamed.

        ``after`` is the id of the article to go on behind; none follow an unknown one.
        """
        return reading.some_articles(
            self._database, since=since, until=until, source=source, after=after, limit=limit
        )

    def revisions(self, article_id: str) -> tuple[Revision, ...]:
        """Every content that an article has had, the first one first; empty when unknown."""
        return reading.all_revisions(self._database, article_id)

    def story(self, story_id: str) -> tuple[Article, ...]:
        """The articles of a story, its head first; empty when unknown.

        The id of a story that was merged into another stands for that one.
        """
        return reading.story_members(self._database, story_id)

    def story_matches(self, story_id: str) -> tuple[StoryMatch, ...]:
        """Why each article belongs to a story, in the order of :meth:`story`."""
        return reading.story_matches(self._database, story_id)

    def story_merges(self, story_id: str) -> tuple[StoryMerge, ...]:
        """The merges that made a story of several, in the order in which they happened."""
        return merging.merges_into(self._database, story_id)

    def counts(self) -> StoreCounts:
        """How much the store holds."""
        return reading.count_all(self._database)

    def state(self) -> StoreState:
        """The newest of what the store holds; quick, however much that is."""
        return keeping.state(self._database)

    def keep(self, name: str, state: str, body: str) -> None:
        """Keep a result made of the store under a name, with the state that it was made of."""
        keeping.keep(self._database, name, state, body)

    def kept(self, name: str) -> tuple[str, str] | None:
        """The state and the body of the result kept under a name."""
        return keeping.kept(self._database, name)

    def untagged(self, model: str, *, schema: int | None = None) -> Iterator[Article]:
        """Articles whose current content ``model`` has not tagged; streamed.

        With ``schema``, records of another one count for none. Tags may be put while the stream
        goes on.
        """
        return tagging.untagged(self._database, model, schema)

    def untagged_revisions(self, model: str, *, schema: int | None = None) -> Iterator[Article]:
        """Former contents that ``model`` has not tagged, each as the article that it was then.

        With ``schema``, records of another one count for none. Put their tags with the article
        itself, not with its id.
        """
        return tagging.untagged_revisions(self._database, model, schema)

    def put_tags(self, model: str, records: Iterable[tuple[str | Article, str]]) -> int:
        """Keep tag records (JSON), in place of those by the same model; how many were kept.

        Each comes with the article that was tagged, or with its id, which stands for the content
        that is current now. Raises :class:`StoreError` for an unknown id; batches of 500 before
        it are kept.
        """
        return tagging.put_tags(self._database, model, records)

    def tag_record(self, article_id: str, model: str) -> str | None:
        """The tag record (JSON) of an article's current content."""
        return tagging.tag_record(self._database, article_id, model)

    def tag_models(self) -> tuple[TagModel, ...]:
        """The models whose tags the store holds, the one that tagged last first."""
        return tagging.tag_models(self._database)

    def tagged(
        self,
        *,
        model: str,
        since: datetime | None = None,
        until: datetime | None = None,
        as_of: datetime | None = None,
    ) -> Iterator[TaggedArticle]:
        """Articles published in [since, until) with their tags by ``model``; streamed.

        With ``as_of``, what the store knew at that moment: articles seen by then, in the content
        of then, where that content is tagged (see :meth:`untagged_revisions`).
        """
        return tagging.tagged(self._database, model=model, since=since, until=until, as_of=as_of)

    def tagged_headings(
        self,
        *,
        model: str,
        since: datetime | None = None,
        until: datetime | None = None,
        as_of: datetime | None = None,
    ) -> Iterator[TaggedHeading]:
        """What :meth:`tagged` gives, of each article its heading alone, in far less time."""
        return tagging.tagged_headings(
            self._database, model=model, since=since, until=until, as_of=as_of
        )

    def put_prices(self, prices: Iterable[Price]) -> int:
        """Keep prices; one of the same asset and time is replaced. How many were kept.

        Raises :class:`InputError` when an asset comes in another currency than before.
        """
        return series.put_prices(self._database, prices)

    def prices(self, *, assets: Sequence[str] | None = None) -> pd.DataFrame:
        """Columns ``time`` (UTC), ``asset``, ``close``, ``currency``, by asset and time."""
        return series.read_prices(self._database, assets)

    def source_states(self) -> tuple[SourceState, ...]:
        """How the crawl of every known source stands, by name."""
        return series.read_source_states(self._database)

    def source_state(self, name: str) -> SourceState | None:
        """How the crawl of one source stands."""
        return next(iter(series.read_source_states(self._database, name)), None)

    def put_source_state(self, state: SourceState) -> None:
        """Keep the state of a source, in place of the one before."""
        series.put_source_state(self._database, state)

    def leases(self, seconds: float) -> Leases:
        """The claims of a crawler of its own, each good for ``seconds`` unless it is renewed."""
        return Leases(self._database, seconds)

    def named_articles(self, names: Iterable[str]) -> dict[str, str]:
        """The ids of the articles known by ``names`` (see :mod:`corpus.store.names`)."""
        return article_names.find(self._database, names)

    def stored_among(self, article_ids: Iterable[str]) -> frozenset[str]:
        """Those of ``article_ids`` that the store holds."""
        return article_names.stored(self._database, article_ids)

    def name_articles(self, articles_by_name: Mapping[str, str]) -> None:
        """Let articles be known by other names, whose former meaning is replaced."""
        with self._database.write() as connection:
            article_names.keep(connection, articles_by_name)

    def export(self, path: Path | str) -> int:
        """Write all articles to a JSONL, CSV or Parquet file by its suffix; how many.

        :func:`corpus.files.read_articles` and :meth:`add` bring JSONL and Parquet back bit-equal.
        Raises :class:`UsageError` or :class:`InputError` when the file cannot be written.
        """
        with open_writer(path) as writer:
            for article in self.articles():
                writer.write(article.model_dump())
            if writer.count == 0:
                raise InputError(f"{self.name} holds no article to export")
            return writer.count

    def check(self) -> tuple[str, ...]:
        """What is wrong in the store, one line each; empty when it is sound."""
        return integrity.faults(self._database)
