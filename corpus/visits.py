"""A visit: one source read, its new articles completed from their pages and handed to the store.

Visits go on side by side, each on its own: what one source does wrong is written into its state and
costs the others nothing. Articles reach the store as they are completed, so that an interrupted
visit keeps what it has; a feed's validators (ETag, Last-Modified) are kept only once all its
entries were dealt with, so that the next visit reads an interrupted feed again and goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

import httpx
from pydantic import Field

from corpus.completion import Completed, Completer, Listed, Tally
from corpus.errors import FetchError, StoreError
from corpus.feeds import Entry, Feed, Member
from corpus.fetch import ACCEPT_FEED, Fetched, Fetcher
from corpus.politeness import CrawlSettings
from corpus.records import Record, SourceState
from corpus.robots import Robots
from corpus.schedule import due_after_failure, due_after_success, max_age_seconds
from corpus.sources import Source
from corpus.workers import Workers
from corpus.writing import Writing

if TYPE_CHECKING:
    from corpus.store import Store
    from corpus.store.leases import Leases

_log = logging.getLogger(__name__)

# Ends the problem of a source as long as pages are owed, whatever else is wrong: what the next
# visit asks for depends on it.
_OWED = "of its pages could not be fetched for now (they are tried again)"
_PAGES_AT_ONCE = 8  # of one source: while one is fetched, others are being read
_MOST_SITEMAPS = 50  # followed from one index in one visit
_DEEPEST_INDEX = 2  # an index of indexes is followed, no deeper one
_ADDED = ("new", "updated", "unchanged", "copies")


class Outcome(StrEnum):
    """How a visit ended."""

    READ = "read"
    UNCHANGED = "unchanged"  # the server has nothing newer (HTTP 304)
    FAILED = "failed"
    NOT_DUE = "not_due"
    HELD = "held"  # another crawler reads it at the moment


class Visit(Record):
    """What a visit did. ``state`` is how the source stands after it, ``problem`` why it failed.

    ``entries`` were listed, ``entry_problems`` of them could not be used; ``pages`` were fetched,
    of which ``page_problems`` counts those that held no article, by what they held instead.
    """

    source: str
    outcome: Outcome
    seconds: float = 0.0
    problem: str | None = None
    state: SourceState | None = None
    entries: int = 0
    entry_problems: int = 0
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    copies: int = 0
    pages: int = 0
    page_problems: dict[str, int] = Field(default_factory=dict)


class Visitor:
    """Visits sources for one crawler; made by :func:`visiting`.

    Holds a claim on each source that it visits, which it renews, so that no other crawler of the
    same store reads it meanwhile.
    """

    def __init__(
        self,
        store: Store,
        *,
        fetcher: Fetcher,
        robots: Robots,
        workers: Workers,
        leases: Leases,
        writing: Writing,
        since: datetime | None,
        on_step: Callable[[str, Tally], None] | None,
    ) -> None:
        self._store = store
        self._fetcher = fetcher
        self._robots = robots
        self._workers = workers
        self._leases = leases
        self._since = since
        self._on_step = on_step
        self._completer = Completer(store, fetcher=fetcher, robots=robots, workers=workers)
        self._writing = writing
        self._held: set[str] = set()
        self._lost: set[str] = set()

    async def visit(self, source: Source, *, due_only: bool) -> Visit:
        """Read ``source`` if no other crawler does, with ``due_only`` only when it is due.

        A source that fails raises nothing; raises StoreError when the store fails.
        """
        claimed = True  # as long as nothing says that it is not: who breaks off may have claimed it
        try:
            claimed = bool(
                await self._writing.do(lambda: self._leases.claim([source.name], limit=1))
            )
            if not claimed:
                return Visit(source=source.name, outcome=Outcome.HELD)
            self._held.add(source.name)
            return await self._visit(source, due_only=due_only)
        finally:
            self._held.discard(source.name)
            self._lost.discard(source.name)
            if claimed:
                # Where the store fails, the claim runs out by itself.
                with contextlib.suppress(StoreError):
                    await self._writing.do(lambda: self._leases.release([source.name]))

    async def renew_claims(self) -> None:
        """Renew the claims for ever; a claim that another crawler took over is marked as lost."""
        while True:
            await asyncio.sleep(self._fetcher.settings.lease_seconds / 4)
            held = frozenset(self._held)
            try:
                kept = await asyncio.to_thread(self._leases.renew, held)
            except StoreError as error:
                _log.warning("claims could not be renewed: %s", error)
                continue
            self._lost |= (held - kept) & self._held

    async def _visit(self, source: Source, *, due_only: bool) -> Visit:
        started = asyncio.get_running_loop().time()
        state = self._store.source_state(source.name)
        if state is not None and state.url != source.url:
            state = None  # another address: its validators and failures say nothing
        now = datetime.now(UTC)
        if due_only and state and state.next_due_at and state.next_due_at > now:
            return Visit(source=source.name, outcome=Outcome.NOT_DUE, state=state)
        known = state or SourceState(name=source.name, url=source.url)
        tally = Tally()
        problem = None
        try:
            outcome, after = await self._read(source, known, now, tally)
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
        if source.name in self._lost:
            _log.warning("%s was taken over by another crawler, which keeps its state", source.name)
        else:
            await self._writing.do(lambda: self._store.put_source_state(after))
        return Visit(
            source=source.name,
            outcome=Outcome.FAILED if problem else outcome,
            seconds=round(asyncio.get_running_loop().time() - started, 3),
            problem=problem,
            state=after,
            page_problems=dict(sorted(tally.page_problems.items())),
            **{name: tally[name] for name in ("entries", "entry_problems", "pages", *_ADDED)},
        )

    async def _read(
        self, source: Source, state: SourceState, now: datetime, tally: Tally
    ) -> tuple[Outcome, SourceState]:
        answer = await self._fetcher.get(
            source.url,
            accept=ACCEPT_FEED,
            etag=state.etag,
            last_modified=state.last_modified,
            permission=self._robots.permission,
        )
        if answer.unchanged:
            return Outcome.UNCHANGED, _after_success(state, answer, now, feed=None, new=0, owed=0)
        feed = await self._parsed(source, answer, tally)
        debt = _Debt(self._store, state, now)
        owed = await self._take(source, feed, debt, tally)
        if feed.members:
            owed += await self._follow(source, feed.members, debt, tally)
        return Outcome.READ, _after_success(
            state, answer, now, feed=feed, new=tally["new"], owed=owed
        )

    async def _parsed(self, source: Source, answer: Fetched, tally: Tally) -> Feed:
        feed = await self._workers.read_feed(
            source, answer.content, url=answer.url, content_type=answer.content_type
        )
        tally["entries"] += feed.listed
        tally["entry_problems"] += len(feed.problems)
        for problem in feed.problems:
            _log.info("%s: %s", source.name, problem)
        return feed

    async def _follow(
        self, source: Source, members: tuple[Member, ...], debt: _Debt, tally: Tally
    ) -> int:
        """Read the sitemaps of an index, newest first; how many pages or sitemaps are owed."""
        waiting = [(member, 1) for member in members]
        seen = {source.url}
        left = 0
        while waiting and len(seen) <= _MOST_SITEMAPS:
            member, depth = waiting.pop(0)
            too_old = self._since and member.changed_at and member.changed_at < self._since
            if member.url in seen or too_old:
                continue
            seen.add(member.url)
            try:
                answer = await self._fetcher.get(
                    member.url, accept=ACCEPT_FEED, permission=self._robots.permission
                )
                feed = await self._parsed(source, answer, tally)
            except FetchError as error:
                # One bad sitemap of many never costs the others.
                _log.warning("%s: %s", source.name, error)
                left += 1
                continue
            left += await self._take(source, feed, debt, tally)
            if depth < _DEEPEST_INDEX:
                waiting += [(inner, depth + 1) for inner in feed.members]
        return left

    async def _take(self, source: Source, feed: Feed, debt: _Debt, tally: Tally) -> int:
        """Complete the entries and store them; how many pages are owed."""
        entries = [entry for entry in feed.entries if not self._is_too_old(entry)]
        with self._completer.listed(entries) as listed:
            return await self._complete(source, entries, listed, debt, tally)

    async def _complete(
        self,
        source: Source,
        entries: Sequence[Entry],
        listed: Listed,
        debt: _Debt,
        tally: Tally,
    ) -> int:
        waiting = iter(entries)
        finished: list[Completed] = []
        left = 0
        keeping = asyncio.Lock()

        async def complete() -> None:
            nonlocal left
            for entry in waiting:
                async with keeping:
                    pass  # no more is fetched while the store is behind
                completed = await self._completer.complete(
                    entry, owed=debt.of_before, listed=listed, tally=tally
                )
                if not completed.whole:
                    await self._writing.do(debt.note)
                    left += 1
                finished.append(completed)
                if sum(one.article is not None for one in finished) >= _PAGES_AT_ONCE:
                    async with keeping:
                        await self._keep(finished, tally)
                if self._on_step is not None:
                    self._on_step(source.name, tally)

        tasks = [asyncio.create_task(complete()) for _ in range(min(_PAGES_AT_ONCE, len(entries)))]
        try:
            for task in asyncio.as_completed(tasks):
                await task
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._keep(finished, tally)
        return left

    def _is_too_old(self, entry: Entry) -> bool:
        dated = entry.published_at or entry.changed_at
        return self._since is not None and dated is not None and dated < self._since

    async def _keep(self, finished: list[Completed], tally: Tally) -> None:
        """Store what is ``finished``, and empty it."""
        some, finished[:] = list(finished), []
        articles = [one.article for one in some if one.article is not None]
        names = {name: one.identity for one in some for name in one.names if one.identity}
        try:
            if articles or names:
                counts = await self._writing.add(articles, names)
                for name in _ADDED:
                    tally[name] += getattr(counts, name)
        finally:
            self._completer.release(some)


class _Debt:
    """Whether pages of a source are owed, kept in its state before what lacks them is stored.

    An article that was stored without its text is asked for again only where the state says that
    pages are owed; so the state must say it even if the visit never comes to its end.
    """

    def __init__(self, store: Store, state: SourceState, now: datetime) -> None:
        self._store = store
        self._state = state
        self._now = now
        self.of_before = _owes(state)
        self._noted = self.of_before

    def note(self) -> None:
        """Keep that a page is owed."""
        if not self._noted:
            after = {
                "problem": f"some {_OWED}",
                "failures": 0,
                "etag": None,
                "last_modified": None,
                "last_attempt_at": self._now,
                "next_due_at": self._now,
            }
            self._store.put_source_state(self._state.model_copy(update=after))
            self._noted = True


@contextlib.asynccontextmanager
async def visiting(
    store: Store,
    settings: CrawlSettings,
    *,
    allow_private: bool = False,
    transport: httpx.AsyncBaseTransport | None = None,
    since: datetime | None = None,
    on_step: Callable[[str, Tally], None] | None = None,
) -> AsyncIterator[Visitor]:
    """A visitor with all that it needs: connections, rules of sites, workers, claims.

    Entries stated to be older than ``since`` are passed over. ``on_step`` is told the source and
    its tally so far whenever an entry is done.
    """
    workers = Workers(settings.parse_workers, settings.parse_seconds)
    try:
        async with Fetcher(
            settings, allow_private=allow_private, transport=transport, room=workers.room
        ) as fetcher:
            robots = Robots(fetcher)
            writing = Writing(store)
            visitor = Visitor(
                store,
                fetcher=fetcher,
                robots=robots,
                workers=workers,
                leases=store.leases(settings.lease_seconds),
                writing=writing,
                since=since,
                on_step=on_step,
            )
            renewing = asyncio.create_task(visitor.renew_claims())
            try:
                yield visitor
            finally:
                renewing.cancel()
                await asyncio.gather(renewing, return_exceptions=True)
                await writing.close()
                await robots.close()
    finally:
        await workers.close()


def _owes(state: SourceState) -> bool:
    return state.problem is not None and state.problem.endswith(_OWED)


def _after_success(
    state: SourceState, answer: Fetched, now: datetime, *, feed: Feed | None, new: int, owed: int
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
    if owed or (feed is not None and feed.members):
        # Without validators the feed comes in full next time, and with it the pages owed; that an
        # index of sitemaps is unchanged does not mean that its sitemaps are.
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
            "problem": f"{owed} {_OWED}" if owed else None,
            "next_due_at": due,
        }
    )


def _after_failure(
    state: SourceState, problem: str, now: datetime, retry_after: float | None
) -> SourceState:
    failures = state.failures + 1
    if _owes(state):
        problem = f"{problem}; some {_OWED}"
    return state.model_copy(
        update={
            "last_attempt_at": now,
            "failures": failures,
            "problem": problem,
            "next_due_at": due_after_failure(failures, now=now, retry_after_seconds=retry_after),
        }
    )
