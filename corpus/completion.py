"""Entries of feeds completed into articles: from the feed, or from the page where it lacks text."""

from __future__ import annotations

import logging
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from corpus.errors import FetchError, InputError, TemporaryFetchError
from corpus.fetch import ACCEPT_PAGE, Fetcher
from corpus.identity import article_id, canonical_url
from corpus.pages import Page
from corpus.records import Article, FoundArticle, Record
from corpus.robots import Robots
from corpus.workers import Workers

if TYPE_CHECKING:
    from corpus.store import Store

_log = logging.getLogger(__name__)

_OWED_FOR = timedelta(days=3)  # how long a page that failed for now is asked for again


class Completed(Record):
    """What to store of an entry, if anything.

    ``whole`` is false when its page could not be had for now, so that a later crawl should try.
    """

    article: FoundArticle | None
    whole: bool = True


class Completer:
    """Completes entries for one crawl and counts what it met.

    ``pages`` were fetched; ``page_problems`` counts, by reason, those without an article;
    ``unchanged`` entries were known already, ``unusable`` ones have no address to store them by.
    """

    def __init__(self, store: Store, *, fetcher: Fetcher, robots: Robots, workers: Workers) -> None:
        self._store = store
        self._fetcher = fetcher
        self._robots = robots
        self._workers = workers
        self._on_the_way: set[str] = set()
        self.pages = 0
        self.unchanged = 0
        self.unusable = 0
        self.page_problems: Counter[str] = Counter()

    async def complete(self, entry: FoundArticle, *, owed: bool) -> Completed:
        """The article of ``entry``, with its page fetched if that is needed and worth while.

        ``owed`` tells that the last crawl of the source left pages that failed for the time being;
        those that failed for good are not asked for again.
        """
        try:
            identity = article_id(canonical_url(entry.url))
        except InputError as error:
            _log.warning("%s: %s", entry.source, error)
            self.unusable += 1
            return Completed(article=None)
        if entry.text is not None:
            return Completed(article=entry)
        known = self._store.article(identity)
        if identity in self._on_the_way or (
            known is not None and not _worth_asking(known, entry, owed)
        ):
            # Another feed lists it and its page is on the way, or the store has what there is.
            self.unchanged += 1
            return Completed(article=None)
        self._on_the_way.add(identity)
        return await self._from_page(entry, known)

    async def _from_page(self, entry: FoundArticle, known: Article | None) -> Completed:
        # A text that the store holds is worth more than a new title without one.
        without_text = entry if known is None or known.text is None else None
        try:
            page = await self._page(entry.url)
        except FetchError as error:
            _log.info("%s: %s", entry.source, error.message)
            self.page_problems["could not be fetched"] += 1
            later = isinstance(error, TemporaryFetchError)
            return Completed(article=without_text, whole=not later)
        if page.problem is None:
            return Completed(article=_merged(entry, page))
        self.page_problems[page.problem.value] += 1
        return Completed(article=None if without_text is None else _merged(entry, page))

    async def _page(self, url: str) -> Page:
        answer = await self._fetcher.get(
            url, accept=ACCEPT_PAGE, permission=self._robots.permission
        )
        self.pages += 1
        return await self._workers.read_page(
            answer.content, url=answer.url, content_type=answer.content_type
        )


def _worth_asking(known: Article, entry: FoundArticle, owed: bool) -> bool:
    if known.title != entry.title:
        return True  # a new headline announces a new text
    recent = datetime.now(UTC) - known.first_seen_at < _OWED_FOR
    return known.text is None and owed and recent


def _merged(entry: FoundArticle, page: Page) -> FoundArticle:
    """The entry with what its page adds; what the feed states comes first."""
    changes: dict[str, object] = {
        "text": page.text,
        "author": entry.author or page.author,
        "language": entry.language or page.language,
    }
    stated = entry.published_at
    if page.published_at is not None and page.problem is None:
        more_precise = (
            stated is not None
            and entry.day_only
            and not page.day_only
            and abs(page.published_at - stated) <= timedelta(days=2)
        )
        if stated is None or more_precise:
            changes |= {"published_at": page.published_at, "day_only": page.day_only}
    return entry.model_copy(update=changes)
