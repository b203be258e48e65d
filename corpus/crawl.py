"""A crawl: every source read, new articles completed from their pages and handed to the store.

Sources are read side by side, each on its own: what one does wrong is written into its state and
costs the others nothing. Articles reach the store as they are completed, so that an interrupted
crawl keeps what it has; a feed's validators (ETag, Last-Modified) are kept only once all its
entries were dealt with, so that a rerun reads an interrupted feed again and goes on.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx

from corpus.completion import Completer
from corpus.errors import FetchError, StoreError
from corpus.feeds import Feed
from corpus.fetch import ACCEPT_FEED, Fetched, Fetcher
from corpus.politeness import CrawlSettings
from corpus.records import AddCounts, FoundArticle, Record, SourceState
from corpus.robots import Robots
from corpus.schedule import due_after_failure, due_after_success, max_age_seconds
from corpus.sources import Source
from corpus.workers import Workers

if TYPE_CHECKING:
    from corpus.store import Store

_log = logging.getLogger(__name__)

_OWED = "{} of its pages could not be fetched for now (they are tried again)"
_PAGES_AT_ONCE = 8  # of one source: while one is fetched, others are being read


class CrawlProgress(Record):
    """How far a crawl is. ``source`` moved last; ``problem`` is set when it just failed."""

    source: str
    finished: int
    sources: int
    new: int
    pages: int
    problem: str | None = None


class CrawlSummary(Record):
    """What a crawl did.

    ``failed`` pairs each source that could not be read with the reason. ``unchanged_sources`` had
    nothing newer (HTTP 304), ``not_due`` were left alone. ``entries`` were listed by the feeds;
    ``entry_problems`` of them could not be used. ``pages`` were fetched; ``page_problems`` counts
    those that held no article, by what they held instead.
    """

    sources: int
    failed: tuple[tuple[str, str], ...]
    unchanged_sources: int
    not_due: int
    entries: int
    entry_problems: int
    new: int
    updated: int
    unchanged: int
    copies: int
    pages: int
    page_problems: dict[str, int]


def crawl(
    store: Store,
    sources: Sequence[Source],
    *,
    allow_private: bool = False,
    settings: CrawlSettings | None = None,
    due_only: bool = False,
    on_progress: Callable[[CrawlProgress], None] | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> CrawlSummary:
    """Read ``sources`` once and put what they have into ``store``.

    ``allow_private`` lets loopback addresses be reached (for tests and the bundled sample);
    ``due_only`` leaves sources alone whose next reading is not due. ``on_progress`` is called when
    a source or a page is done. Runs its own event loop, so it must not be called from inside one.

    Raises KeyboardInterrupt on Ctrl-C and SIGTERM after keeping what was completed, StoreError when
    the store fails. A source that fails raises nothing: it is in the summary and in its state.
    """
    return asyncio.run(
        _run(
            store,
            sources,
            allow_private=allow_private,
            settings=settings or CrawlSettings(),
            due_only=due_only,
            on_progress=on_progress,
            transport=transport,
        )
    )


async def _run(
    store: Store,
    sources: Sequence[Source],
    *,
    allow_private: bool,
    settings: CrawlSettings,
    due_only: bool,
    on_progress: Callable[[CrawlProgress], None] | None,
    transport: httpx.AsyncBaseTransport | None,
) -> CrawlSummary:
    stopped = _cancel_on_sigterm()
    workers = Workers(settings.parse_workers, settings.parse_seconds)
    try:
        async with Fetcher(settings, allow_private=allow_private, transport=transport) as fetcher:
            robots = Robots(fetcher)
            try:
                return await _Crawl(
                    store,
                    sources,
                    fetcher=fetcher,
                    robots=robots,
                    workers=workers,
                    on_progress=on_progress,
                ).run(due_only=due_only)
            finally:
                await robots.close()
    except asyncio.CancelledError:
        if stopped.is_set():
            raise KeyboardInterrupt from None
        raise
    finally:
        await workers.close()


def _cancel_on_sigterm() -> threading.Event:
    """Make SIGTERM cancel the running task, as Ctrl-C does; the event tells that it came."""
    stopped = threading.Event()
    task = asyncio.current_task()

    def stop() -> None:
        stopped.set()
        if task is not None:
            task.cancel()

    if threading.current_thread() is threading.main_thread():
        try:
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
        except NotImplementedError:
            _log.debug("SIGTERM cannot be handled on this system")
    return stopped


class _Crawl:
    def __init__(
        self,
        store: Store,
        sources: Sequence[Source],
        *,
        fetcher: Fetcher,
        robots: Robots,
        workers: Workers,
        on_progress: Callable[[CrawlProgress], None] | None,
    ) -> None:
        self._store = store
        self._sources = sources
        self._fetcher = fetcher
        self._robots = robots
        self._workers = workers
        self._on_progress = on_progress
        self._slots = asyncio.Semaphore(2 * fetcher.settings.max_connections)
        self._failed: dict[str, str] = {}
        self._counts: Counter[str] = Counter()
        self._completer = Completer(store, fetcher=fetcher, robots=robots, workers=workers)

    async def run(self, *, due_only: bool) -> CrawlSummary:
        visits = [
            asyncio.create_task(self._visit(source, due_only=due_only), name=source.name)
            for source in self._sources
        ]
        try:
            if visits:
                done, _ = await asyncio.wait(visits, return_when=asyncio.FIRST_EXCEPTION)
                for visit in done:
                    visit.result()
        finally:
            for visit in visits:
                visit.cancel()
            await asyncio.gather(*visits, return_exceptions=True)
        counts = self._counts
        return CrawlSummary(
            sources=len(self._sources),
            failed=tuple(
                (source.name, self._failed[source.name])
                for source in self._sources
                if source.name in self._failed
            ),
            unchanged_sources=counts["unchanged_sources"],
            not_due=counts["not_due"],
            entries=counts["entries"],
            entry_problems=counts["entry_problems"] + self._completer.unusable,
            new=counts["new"],
            updated=counts["updated"],
            unchanged=counts["unchanged"] + self._completer.unchanged,
            copies=counts["copies"],
            pages=self._completer.pages,
            page_problems=dict(sorted(self._completer.page_problems.items())),
        )

    async def _visit(self, source: Source, *, due_only: bool) -> None:
        async with self._slots:
            state = self._store.source_state(source.name)
            if state is not None and state.url != source.url:
                state = None  # another address: its validators and failures say nothing
            now = datetime.now(UTC)
            if due_only and state and state.next_due_at and state.next_due_at > now:
                self._counts["not_due"] += 1
                self._finish(source, None)
                return
            known = state or SourceState(name=source.name, url=source.url)
            try:
                after = await self._read(source, known, now)
                problem = None
            except StoreError:
                raise
            except FetchError as error:
                problem = str(error)
                after = _after_failure(known, problem, now, getattr(error, "retry_after", None))
            except Exception as error:
                # A fault of this program in one source must not take the others with it.
                _log.exception("reading %s failed unexpectedly", source.name)
                problem = f"unexpected {type(error).__name__} while reading it; see the log"
                after = _after_failure(known, problem, now, None)
            self._store.put_source_state(after)
            self._finish(source, problem)

    async def _read(self, source: Source, state: SourceState, now: datetime) -> SourceState:
        answer = await self._fetcher.get(
            source.url,
            accept=ACCEPT_FEED,
            etag=state.etag,
            last_modified=state.last_modified,
            permission=self._robots.permission,
        )
        if answer.unchanged:
            self._counts["unchanged_sources"] += 1
            return _after_success(state, answer, now, feed=None, new=0, owed=0)
        feed = await self._workers.read_feed(
            source, answer.content, url=answer.url, content_type=answer.content_type
        )
        self._counts["entries"] += feed.listed
        self._counts["entry_problems"] += len(feed.problems)
        for problem in feed.problems:
            _log.info("%s: %s", source.name, problem)
        # A problem without failures in a row: the feed was had, but not all of its pages.
        owed_before = state.problem is not None and state.failures == 0
        new, owed = await self._take(source, feed, owed=owed_before)
        return _after_success(state, answer, now, feed=feed, new=new, owed=owed)

    async def _take(self, source: Source, feed: Feed, *, owed: bool) -> tuple[int, int]:
        """Complete the entries and store them; how many were new, and how many pages are owed."""
        finished: list[FoundArticle] = []
        new = 0
        left = 0
        slots = asyncio.Semaphore(_PAGES_AT_ONCE)

        async def finish(entry: FoundArticle) -> bool:
            async with slots:
                completed = await self._completer.complete(entry, owed=owed)
            if completed.article is not None:
                finished.append(completed.article)
            self._report(source.name, None)
            return completed.whole

        def keep() -> int:
            counts = self._store.add(finished) if finished else AddCounts()
            finished.clear()
            for name in ("new", "updated", "unchanged", "copies"):
                self._counts[name] += getattr(counts, name)
            return counts.new

        tasks = [asyncio.create_task(finish(entry)) for entry in feed.entries]
        try:
            for task in asyncio.as_completed(tasks):
                left += not await task
                if len(finished) >= _PAGES_AT_ONCE:
                    new += keep()
        finally:
            for pending in tasks:
                pending.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            new += keep()
        return new, left

    def _finish(self, source: Source, problem: str | None) -> None:
        self._counts["finished"] += 1
        if problem is not None:
            self._failed[source.name] = problem
            _log.warning("%s: %s", source.name, problem)
        self._report(source.name, problem)

    def _report(self, source: str, problem: str | None) -> None:
        if self._on_progress is not None:
            self._on_progress(
                CrawlProgress(
                    source=source,
                    finished=self._counts["finished"],
                    sources=len(self._sources),
                    new=self._counts["new"],
                    pages=self._completer.pages,
                    problem=problem,
                )
            )


def _after_success(
    state: SourceState,
    answer: Fetched,
    now: datetime,
    *,
    feed: Feed | None,
    new: int,
    owed: int,
) -> SourceState:
    due = due_after_success(
        state,
        now=now,
        new=new,
        ttl_minutes=feed.ttl_minutes if feed else None,
        max_age_seconds=max_age_seconds(answer.headers.get("cache-control", "")),
        skip_hours=feed.skip_hours if feed else frozenset(),
    )
    validators: dict[str, object] = {}
    if owed:
        # Without validators the feed comes in full next time, and with it the pages owed.
        validators = {"etag": None, "last_modified": None}
    elif not answer.unchanged:
        validators = {
            "etag": answer.headers.get("etag"),
            "last_modified": answer.headers.get("last-modified"),
        }
    return state.model_copy(
        update={
            **validators,
            "last_attempt_at": now,
            "last_success_at": now,
            "items": state.items + new,
            "failures": 0,
            "problem": _OWED.format(owed) if owed else None,
            "next_due_at": due,
        }
    )


def _after_failure(
    state: SourceState, problem: str, now: datetime, retry_after: float | None
) -> SourceState:
    failures = state.failures + 1
    return state.model_copy(
        update={
            "last_attempt_at": now,
            "failures": failures,
            "problem": problem,
            "next_due_at": due_after_failure(failures, now=now, retry_after_seconds=retry_after),
        }
    )
