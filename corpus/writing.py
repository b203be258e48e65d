"""All that the visits of a crawl write, one thing at a time and brought to its end.

In the store writers would only wait for each other, and less fairly. What visits found meanwhile is
written together: a transaction costs nearly the same for many articles as for a few.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from corpus.errors import StoreError
from corpus.records import AddCounts, Finding, FoundArticle

if TYPE_CHECKING:
    from corpus.store import Store

_AT_ONCE = 48  # articles in one transaction; more would hold up claims and states for long

_Result = TypeVar("_Result")


@dataclass
class _Waiting:
    """What waits to be stored, and what became of it once it was tried."""

    finding: Finding
    outcome: AddCounts | Exception | None = None


class Writing:
    """Writes to ``store`` for the visits of one crawl. To be closed when they are over."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._turn = asyncio.Lock()
        self._waiting: list[_Waiting] = []
        # One thread for all: memory that threads give back is not used by the others.
        self._thread = ThreadPoolExecutor(1, "writing")

    async def do(self, write: Callable[[], _Result]) -> _Result:
        """What ``write`` gives, which writes to the store, in a thread. Everything else goes on."""
        async with self._turn:
            return await self._to_its_end(write)

    async def add(self, articles: Sequence[FoundArticle], names: Mapping[str, str]) -> AddCounts:
        """Store articles and names, together with what others wait to store.

        Who is cancelled leaves them to the others, or to :meth:`close`. Raises StoreError when the
        store fails.
        """
        mine = _Waiting(Finding(articles=tuple(articles), names=names))
        self._waiting.append(mine)
        async with self._turn:
            while mine.outcome is None:
                await self._write_some()
        if isinstance(mine.outcome, Exception):
            raise mine.outcome
        return mine.outcome

    async def close(self) -> None:
        """Store what those left who were cancelled, as far as the store takes it."""
        async with self._turn:
            while self._waiting:
                await self._write_some()
        self._thread.shutdown()

    async def _write_some(self) -> None:
        some: list[_Waiting] = []
        left = _AT_ONCE
        while self._waiting and left > 0:
            some.append(self._waiting.pop(0))
            left -= len(some[-1].finding.articles)
        await self._to_its_end(lambda: self._write(some))

    def _write(self, some: Sequence[_Waiting]) -> None:
        try:
            became = self._store.add_findings([one.finding for one in some])
        except Exception as error:
            if len(some) == 1 or isinstance(error, StoreError):
                for one in some:
                    one.outcome = error
                return
            # What is wrong with one finding must not take the others with it.
            for one in some:
                self._write([one])
            return
        for one, counts in zip(some, became, strict=True):
            one.outcome = counts

    async def _to_its_end(self, write: Callable[[], _Result]) -> _Result:
        writing = asyncio.get_running_loop().run_in_executor(self._thread, write)
        try:
            return await asyncio.shield(writing)
        except asyncio.CancelledError:
            await asyncio.gather(writing, return_exceptions=True)
            raise
