"""A crawl: every source of a list visited once, side by side (see ``corpus.visits``)."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import httpx

from corpus.completion import Tally
from corpus.loop import run_loop
from corpus.politeness import CrawlSettings
from corpus.records import Record
from corpus.sources import Source
from corpus.visits import Outcome, Visit, visiting

if TYPE_CHECKING:
    from corpus.store import Store

_log = logging.getLogger(__name__)

_SUMMED = ("entries", "entry_problems", "new", "updated", "unchanged", "copies", "pages")


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
    nothing newer (HTTP 304), ``not_due`` were left alone, ``held`` were being read by another
    crawler. ``entries`` were listed by the feeds; ``entry_problems`` of them could not be used.
    ``pages`` were fetched; ``page_problems`` counts those that held no article, by what they held
    instead.
    """

    sources: int
    failed: tuple[tuple[str, str], ...]
    unchanged_sources: int
    not_due: int
    held: int
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
    since: datetime | None = None,
    on_progress: Callable[[CrawlProgress], None] | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> CrawlSummary:
    """Read ``sources`` once and put what they have into ``store``.

    ``allow_private`` lets loopback addresses be reached (for tests and the bundled sample);
    ``due_only`` leaves sources alone whose next reading is not due. Entries stated to be older
    than ``since`` are passed over. ``on_progress`` is called when a source or a page is done. Runs
    its own event loop, so it must not be called from inside one.

    Raises KeyboardInterrupt on Ctrl-C and SIGTERM after keeping what was completed, StoreError when
    the store fails. A source that fails raises nothing: it is in the summary and in its state.
    """
    return run_loop(
        _run(
            store,
            sources,
            allow_private=allow_private,
            settings=settings or CrawlSettings(),
            due_only=due_only,
            since=since,
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
    since: datetime | None,
    on_progress: Callable[[CrawlProgress], None] | None,
    transport: httpx.AsyncBaseTransport | None,
) -> CrawlSummary:
    stopped = _cancel_on_sigterm()
    meter = _Meter(len(sources), on_progress)
    try:
        async with visiting(
            store,
            settings,
            allow_private=allow_private,
            transport=transport,
            since=since,
            on_step=meter.step,
        ) as visitor:
            slots = asyncio.Semaphore(2 * settings.max_connections)

            async def visit(source: Source) -> Visit:
                async with slots:
                    done = await visitor.visit(source, due_only=due_only)
                meter.finish(done)
                return done

            return _summed(await _all([visit(source) for source in sources]))
    except asyncio.CancelledError:
        if stopped.is_set():
            raise KeyboardInterrupt from None
        raise


async def _all(visits: Sequence[Coroutine[Any, Any, Visit]]) -> list[Visit]:
    """The results of all visits; when one raises, the others are cancelled."""
    tasks = [asyncio.create_task(visit) for visit in visits]
    try:
        if tasks:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return [task.result() for task in tasks]


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


class _Meter:
    """Adds up the visits under way into progress."""

    def __init__(self, sources: int, report: Callable[[CrawlProgress], None] | None) -> None:
        self._sources = sources
        self._report = report
        self._finished = 0
        self._ended: Counter[str] = Counter()  # new articles and pages of visits that ended
        self._latest: dict[str, tuple[int, int]] = {}  # the same of each visit under way

    def step(self, source: str, tally: Tally) -> None:
        self._latest[source] = (tally["new"], tally["pages"])
        self._tell(source, None)

    def finish(self, visit: Visit) -> None:
        self._finished += 1
        self._latest.pop(visit.source, None)
        self._ended.update(new=visit.new, pages=visit.pages)
        self._tell(visit.source, visit.problem)

    def _tell(self, source: str, problem: str | None) -> None:
        if self._report is not None:
            self._report(
                CrawlProgress(
                    source=source,
                    finished=self._finished,
                    sources=self._sources,
                    new=self._ended["new"] + sum(new for new, _ in self._latest.values()),
                    pages=self._ended["pages"] + sum(pages for _, pages in self._latest.values()),
                    problem=problem,
                )
            )


def _summed(visits: Sequence[Visit]) -> CrawlSummary:
    outcomes = Counter(visit.outcome for visit in visits)
    pages: Counter[str] = Counter()
    for visit in visits:
        pages.update(visit.page_problems)
    return CrawlSummary(
        sources=len(visits),
        failed=tuple((visit.source, visit.problem) for visit in visits if visit.problem),
        unchanged_sources=outcomes[Outcome.UNCHANGED],
        not_due=outcomes[Outcome.NOT_DUE],
        held=outcomes[Outcome.HELD],
        page_problems=dict(sorted(pages.items())),
        **{name: sum(getattr(visit, name) for visit in visits) for name in _SUMMED},
    )
