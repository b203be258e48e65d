"""The endless crawl: every source visited when it is due, until it is told to stop.

Each source has its own rhythm (``corpus.schedule``), kept in the store, so that a restart goes on
where the last crawl stopped. Several watching crawlers may share one store: each claims a source
before it reads it. A store that fails is tried again for as long as it takes.
"""

from __future__ import annotations

import asyncio
import logging
import random
import signal
import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import httpx

from corpus.errors import StoreError
from corpus.loop import run_loop
from corpus.politeness import CrawlSettings
from corpus.records import SourceState
from corpus.sources import Source
from corpus.visits import Outcome, Visit, Visitor, visiting

if TYPE_CHECKING:
    from corpus.store import Store

_log = logging.getLogger(__name__)

GRACE_SECONDS = 20.0  # for visits under way when the crawl is told to stop
_LOOK_SECONDS = 30.0  # how often the states of the store are read: other crawlers write them too
_HELD_SECONDS = 10.0  # before a source is asked for again that another crawler had
_FIRST_STORE_PAUSE = 5.0
_LONGEST_STORE_PAUSE = 300.0


def watch(
    store: Store,
    sources: Sequence[Source],
    *,
    allow_private: bool = False,
    settings: CrawlSettings | None = None,
    on_visit: Callable[[Visit], None] | None = None,
    on_states: Callable[[Sequence[SourceState]], None] | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> None:
    """Read each of ``sources`` whenever it is due, until SIGTERM or Ctrl-C.

    On the first signal no visit is begun any more and those under way get 20 seconds; what is not
    finished then, or at a second signal, is broken off: its finished articles are kept, its claim
    is given back and it stays due. ``on_visit`` is told each visit, ``on_states`` the states of
    the sources when they were read anew, half a minute apart or less.

    Runs its own event loop, and in the main thread, where signals arrive.
    """
    run_loop(
        _run(
            store,
            sources,
            allow_private=allow_private,
            settings=settings or CrawlSettings(),
            on_visit=on_visit,
            on_states=on_states,
            transport=transport,
        )
    )


async def _run(
    store: Store,
    sources: Sequence[Source],
    *,
    allow_private: bool,
    settings: CrawlSettings,
    on_visit: Callable[[Visit], None] | None,
    on_states: Callable[[Sequence[SourceState]], None] | None,
    transport: httpx.AsyncBaseTransport | None,
) -> None:
    stop = _Stop()
    async with visiting(
        store, settings, allow_private=allow_private, transport=transport
    ) as visitor:
        crawl = _Watch(
            store,
            sources,
            visitor=visitor,
            slots=2 * settings.max_connections,
            on_visit=on_visit,
            on_states=on_states,
        )
        _log.info("watching %d sources", len(sources), extra={"sources": len(sources)})
        try:
            await crawl.run(stop.first)
            _log.info("stopping: %d visits under way", crawl.under_way)
            await crawl.finish(stop.second)
        finally:
            await crawl.break_off()
    _log.info("stopped")


class _Stop:
    """Told by SIGTERM and Ctrl-C: the first asks to stop, the second to stop at once."""

    def __init__(self) -> None:
        self.first = asyncio.Event()
        self.second = asyncio.Event()
        if threading.current_thread() is threading.main_thread():
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                try:
                    loop.add_signal_handler(number, self._come)
                except NotImplementedError:
                    _log.debug("signals cannot be handled on this system")

    def _come(self) -> None:
        (self.second if self.first.is_set() else self.first).set()


class _Watch:
    def __init__(
        self,
        store: Store,
        sources: Sequence[Source],
        *,
        visitor: Visitor,
        slots: int,
        on_visit: Callable[[Visit], None] | None,
        on_states: Callable[[Sequence[SourceState]], None] | None,
    ) -> None:
        self._store = store
        self._sources = {source.name: source for source in sources}
        self._visitor = visitor
        self._slots = slots
        self._on_visit = on_visit
        self._on_states = on_states
        self._due: dict[str, datetime] = {}
        self._looked_at = float("-inf")
        self._store_failures = 0
        self._running: dict[asyncio.Task[Visit], str] = {}

    @property
    def under_way(self) -> int:
        """How many visits are under way."""
        return len(self._running)

    async def run(self, stop: asyncio.Event) -> None:
        """Begin visits as they come due, until ``stop``."""
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                try:
                    await self._look()
                    pause = self._begin()
                except StoreError as error:
                    pause = self._pause_for_the_store(error)
                await asyncio.wait(
                    [stopping, *self._running], timeout=pause, return_when=asyncio.FIRST_COMPLETED
                )
                store_pause = self._end()
                if store_pause and not stop.is_set():
                    await asyncio.wait({stopping}, timeout=store_pause)
        finally:
            stopping.cancel()

    async def finish(self, at_once: asyncio.Event) -> None:
        """Let the visits under way come to their end for a while."""
        hurrying = asyncio.create_task(at_once.wait())
        everything = asyncio.create_task(_settled(self._running))
        await asyncio.wait(
            [hurrying, everything], timeout=GRACE_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        hurrying.cancel()
        everything.cancel()
        self._end()
        if self._running:
            _log.warning("%d visits are broken off; what they finished is kept", self.under_way)

    async def break_off(self) -> None:
        """Cancel what is still under way; what it finished is kept."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _look(self) -> None:
        """Read from the store when each source is due, if that is not fresh."""
        now = asyncio.get_running_loop().time()
        if now - self._looked_at < _LOOK_SECONDS:
            return
        states = await asyncio.to_thread(self._store.source_states)
        self._looked_at = now
        self._store_failures = 0
        mine = []
        for state in states:
            source = self._sources.get(state.name)
            if source is not None and source.url == state.url:
                mine.append(state)
                if state.next_due_at is not None:
                    self._due[state.name] = state.next_due_at
        if self._on_states is not None:
            self._on_states(mine)

    def _begin(self) -> float:
        """Begin the visits that are due, as far as slots are free; seconds until more are."""
        now = datetime.now(UTC)
        busy = set(self._running.values())
        waiting = [name for name in self._sources if name not in busy]
        due = [name for name in waiting if self._due.get(name, now) <= now]
        random.shuffle(due)  # crawlers that share a store do not all ask for the same source first
        for name in due[: self._slots - len(busy)]:
            visit = self._visitor.visit(self._sources[name], due_only=True)
            self._running[asyncio.create_task(visit, name=name)] = name
        later = [self._due[name] for name in waiting if self._due.get(name, now) > now]
        if not later:
            return _LOOK_SECONDS
        return min(max((min(later) - now).total_seconds(), 0.0), _LOOK_SECONDS)

    def _end(self) -> float:
        """Note the visits that ended; how many seconds to leave a failing store alone."""
        pause = 0.0
        for task in [task for task in self._running if task.done()]:
            name = self._running.pop(task)
            now = datetime.now(UTC)
            try:
                visit = task.result()
            except StoreError as error:
                self._due[name] = now
                pause = pause or self._pause_for_the_store(error)
                continue
            if visit.outcome is Outcome.HELD:
                self._due[name] = now + timedelta(seconds=_HELD_SECONDS)
            elif visit.state is not None and visit.state.next_due_at is not None:
                self._due[name] = visit.state.next_due_at
            if self._on_visit is not None:
                self._on_visit(visit)
            _tell(visit)
        return pause

    def _pause_for_the_store(self, error: StoreError) -> float:
        self._looked_at = float("-inf")
        self._store_failures += 1
        doublings: int = 2 ** min(self._store_failures - 1, 10)
        pause = min(_FIRST_STORE_PAUSE * doublings, _LONGEST_STORE_PAUSE)
        _log.error("%s; the crawl goes on in %.0f s", error, pause, extra={"pause": pause})
        return pause


async def _settled(tasks: Iterable[asyncio.Task[Visit]]) -> None:
    await asyncio.gather(*(asyncio.shield(task) for task in tasks), return_exceptions=True)


def _tell(visit: Visit) -> None:
    """A log line of the visit, with its figures as fields."""
    fields = visit.model_dump(mode="json", exclude={"state"})
    if visit.problem is not None:
        _log.warning("%s: %s", visit.source, visit.problem, extra=fields)
    else:
        _log.info(
            "%s: %s, %d new, %d updated",
            visit.source,
            visit.outcome.value,
            visit.new,
            visit.updated,
            extra=fields,
        )
