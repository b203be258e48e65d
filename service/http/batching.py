"""Micro-batching: items of all requests share runs of the model, off the event loop.

The model has lanes, one a processor, and each runs a batch of its own. A lane that is free takes
its part of what waits: a lone request at once, without waiting for company, and of a crowd as many
as the other lanes take. So requests that come while all lanes are busy gather, many requests are
tagged as fast as one list, and a long article holds up one lane only.
"""

from __future__ import annotations

import asyncio
import math
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from nlp.records import Item, TagFailure, TagRecord
from service.http.metrics import Metrics
from service.http.problems import ProblemError, overloaded

# Share of the past that is forgotten with each run.
_SMOOTHING = 0.2
# Parts of streams that wait or are tagged, beside one for each lane: one to follow at once. What a
# request finds before it in the queue so stays short, however many streams are open.
_STREAM_PARTS_WAITING = 1
# What may stand before a request: the work of so many seconds, or of one run where that is more.
_LONGEST_WAIT_SECONDS = 1.25
# Of the threads that tag.
_NICENESS = 10


def _stand_back() -> None:
    """Let the thread that answers go before this one: refusals must not wait for tags."""
    if sys.platform == "linux":  # where each thread has a priority of its own
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)


class ItemTagger(Protocol):
    """What tags: :class:`nlp.tagger.Tagger`."""

    @property
    def identity(self) -> str:
        """``name@version`` of the model."""
        ...

    @property
    def lanes(self) -> int:
        """How many threads may be in :meth:`tag_in_lane` at a time."""
        ...

    def tag_in_lane(self, items: Sequence[Item]) -> list[TagRecord | TagFailure]:
        """One record or failure an item, in order."""
        ...


@dataclass(frozen=True)
class _Waiting:
    items: Sequence[Item]
    streamed: bool
    done: asyncio.Future[list[str]]


@dataclass
class _Pace:
    """Items and the seconds that all lanes take for them: sums over the last runs, fading."""

    items: float = 0.0
    seconds: float = 0.0

    def add(self, items: int, seconds: float) -> None:
        """Take note of a run."""
        self.items = (1 - _SMOOTHING) * self.items + items
        self.seconds = (1 - _SMOOTHING) * self.seconds + seconds

    @property
    def rate(self) -> float:
        """Items a second; zero until the first run."""
        return self.items / max(self.seconds, 1e-6)


class MicroBatcher:
    """Tags items of many requests in shared runs.

    At most ``queue_items`` wait at any time, and fewer where that would be too long a wait.
    """

    def __init__(
        self, tagger: ItemTagger, metrics: Metrics, *, batch_items: int, queue_items: int
    ) -> None:
        self._tagger = tagger
        self._metrics = metrics
        self._batch_items = batch_items
        self._queue_items = queue_items
        self._queue: deque[_Waiting] = deque()
        self._lanes = tagger.lanes
        self._stream_parts = asyncio.Semaphore(self._lanes + _STREAM_PARTS_WAITING)
        self._waiting = {False: 0, True: 0}  # items of requests, and of streams
        self._pace = _Pace()
        self._wake = asyncio.Event()
        self._closing = False
        self._threads = ThreadPoolExecutor(
            self._lanes, thread_name_prefix="tagger", initializer=_stand_back
        )
        self._runners: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to take items; to be called on the event loop."""
        self._runners = [asyncio.create_task(self._run()) for _ in range(self._lanes)]

    async def close(self) -> None:
        """Tag what waits, then stop."""
        self._closing = True
        self._wake.set()
        await asyncio.gather(*self._runners)
        self._threads.shutdown()

    async def tag(self, items: Sequence[Item], *, deadline_seconds: float) -> list[str]:
        """The records of ``items`` as JSON, in order.

        Raises :class:`ProblemError` 503 with ``Retry-After`` when the queue has no room or the
        deadline passes.
        """
        if len(items) > self._queue_items:
            self._metrics.refused.inc(len(items))
            raise ProblemError(
                413,
                f"the list holds {len(items)} items; at most {self._queue_items} can wait here",
                remedy="send the list in parts, or use /v1/tag/stream",
            )
        refusal = self.refusal(len(items))
        if refusal is not None:
            raise refusal
        # A long list takes its turn part by part, so that it does not hold up the short ones.
        parts = [
            self._enqueued(items[start : start + self._batch_items], streamed=False)
            for start in range(0, len(items), self._batch_items)
        ]
        try:
            async with asyncio.timeout(deadline_seconds):
                return [record for part in parts for record in await part.done]
        except TimeoutError:
            raise overloaded(
                f"the tags were not ready within {deadline_seconds:g} seconds",
                remedy="send fewer items at once, or again after the seconds in Retry-After",
                seconds=self._seconds_to_wait(),
            ) from None
        finally:
            for part in parts:
                part.done.cancel()

    async def tag_in_turn(self, items: Sequence[Item]) -> list[str]:
        """The records of at most ``batch_items`` items of a stream, which wait for their turn.

        Streams are not refused: they are read no faster than this returns.
        """
        async with self._stream_parts:
            part = self._enqueued(items, streamed=True)
            try:
                return await part.done
            finally:
                part.done.cancel()

    def refusal(self, items: int = 1) -> ProblemError | None:
        """The problem 503 with ``Retry-After`` when so many items find no room in the queue.

        It is counted, so ask only of a request that is then refused.
        """
        if not self._closing and not self._is_full(items):
            return None
        self._metrics.refused.inc(items)
        return overloaded(
            "too many items are waiting to be tagged",
            remedy="send the request again after the seconds in Retry-After",
            seconds=self._seconds_to_wait(),
        )

    def _is_full(self, items: int) -> bool:
        before = self._waiting[False]
        if before + items > self._queue_items:
            return True
        rate = self._pace.rate
        return rate > 0 and before > max(self._batch_items, rate * _LONGEST_WAIT_SECONDS)

    def _enqueued(self, items: Sequence[Item], *, streamed: bool) -> _Waiting:
        part = _Waiting(items, streamed, asyncio.get_running_loop().create_future())
        self._queue.append(part)
        self._moved(part, len(items))
        self._wake.set()
        return part

    def _seconds_to_wait(self) -> int:
        rate = self._pace.rate
        return max(1, math.ceil(self._waiting[False] / rate)) if rate else 1

    def _moved(self, part: _Waiting, number: int) -> None:
        self._waiting[part.streamed] += number
        self._metrics.waiting.set(sum(self._waiting.values()))

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            batch = self._next_batch()
            if not batch:
                if self._closing:
                    return
                self._wake.clear()
                await self._wake.wait()
                continue
            items = [item for one in batch for item in one.items]
            began = time.monotonic()
            try:
                records = await loop.run_in_executor(self._threads, self._tag, items)
            except Exception as error:
                for one in batch:
                    if not one.done.done():
                        one.done.set_exception(error)
            else:
                self._told(len(items), time.monotonic() - began)
                start = 0
                for one in batch:
                    if not one.done.done():
                        one.done.set_result(records[start : start + len(one.items)])
                    start += len(one.items)
            for one in batch:
                self._moved(one, -len(one.items))

    def _next_batch(self) -> list[_Waiting]:
        """A lane's part of what waits, up to ``batch_items``.

        Requests that were given up are passed over.
        """
        most = math.ceil(sum(len(one.items) for one in self._queue) / self._lanes)
        most = min(most, self._batch_items)
        batch: list[_Waiting] = []
        size = 0
        while self._queue and size + len(self._queue[0].items) <= self._batch_items:
            one = self._queue[0]
            if one.done.done():
                self._moved(one, -len(one.items))
            elif batch and size + len(one.items) > most:
                break
            else:
                batch.append(one)
                size += len(one.items)
            self._queue.popleft()
        return batch

    def _tag(self, items: list[Item]) -> list[str]:
        return [record.to_json() for record in self._tagger.tag_in_lane(items)]

    def _told(self, items: int, seconds: float) -> None:
        self._pace.add(items, seconds / self._lanes)
        self._metrics.items.inc(items)
        self._metrics.batch.observe(items)
