"""Worker processes in which feeds and pages are read, each job within limits.

A parser can be made to run for hours or to eat all memory by a page written for it. In a process of
its own it is stopped after a while, and the operating system refuses it more memory than allowed;
the crawl goes on with a fresh worker. Several workers also use several cores.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from typing import Any

from corpus.errors import FetchError
from corpus.feeds import Feed
from corpus.pages import Page
from corpus.reading_worker import LENGTH_BYTES
from corpus.sources import Source

_JOBS_BEFORE_RENEWAL = 2000  # libraries keep caches; a fresh process keeps memory flat
_MOST_WAITING = 16  # documents; each is held in memory until a worker takes it
_LONGEST_ANSWER = 256 * 1024 * 1024


class _Worker:
    def __init__(self) -> None:
        self.process: Process | None = None
        self.jobs = 0

    async def start(self) -> Process:
        if self.process is None:
            # A command of its own rather than a fork: this process has threads and connections.
            # -P: modules are looked for where this process does, not in the working folder.
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",
                "-m",
                "corpus.reading_worker",
                stdin=PIPE,
                stdout=PIPE,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(path or "." for path in sys.path)},
                start_new_session=True,  # Ctrl-C is for the crawl, which then stops its workers
            )
            self.jobs = 0
        return self.process

    async def stop(self) -> None:
        process, self.process = self.process, None
        if process is None:
            return
        if process.returncode is None:
            process.kill()
        # Also closes the pipes; wait() alone could hang on one that is full.
        await process.communicate()


class Workers:
    """``count`` worker processes that stop any job after ``seconds``.

    To be closed when done. Workers start with their first job, which counts their start too.
    """

    def __init__(self, count: int, seconds: float) -> None:
        self.seconds = seconds
        self._all = [_Worker() for _ in range(count)]
        # Last in, first out: a worker that runs already is asked before another is started.
        self._idle: asyncio.Queue[_Worker] = asyncio.LifoQueue()
        for worker in self._all:
            self._idle.put_nowait(worker)
        self._waiting = 0
        self._has_room = asyncio.Event()
        self._has_room.set()

    async def read_feed(self, source: Source, data: bytes, *, url: str, content_type: str) -> Feed:
        """What ``corpus.feeds`` or ``corpus.sitemaps`` makes of ``data``, by the source's kind.

        Raises FetchError as they do, and when the job takes too long or too much memory.
        """
        given = {
            "url": url,
            "source": source.outlet or source.name,
            "content_type": content_type,
            "language": source.language,
        }
        return Feed.model_validate(await self._run(source.kind.value, data, given))

    async def read_page(self, data: bytes, *, url: str, content_type: str) -> Page:
        """What ``corpus.pages`` makes of ``data``.

        Raises FetchError when the job takes too long or too much memory.
        """
        given = {"url": url, "content_type": content_type}
        return Page.model_validate(await self._run("page", data, given))

    async def room(self) -> None:
        """Wait while so many documents wait to be read that no more should be fetched."""
        await self._has_room.wait()

    async def close(self) -> None:
        """Stop all workers, whatever they are doing."""
        await asyncio.gather(*(worker.stop() for worker in self._all))

    async def _run(self, kind: str, data: bytes, given: dict[str, Any]) -> Any:
        worker = await self._free()
        healthy = False
        try:
            async with asyncio.timeout(self.seconds):
                reply = await _ask(await worker.start(), kind, data, given)
            worker.jobs += 1
            healthy = not reply.get("worn") and worker.jobs < _JOBS_BEFORE_RENEWAL
        except TimeoutError as error:
            raise FetchError(f"reading it takes more than {self.seconds:g} s") from error
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise FetchError("reading it made the reading process fail") from error
        finally:
            if not healthy:
                await worker.stop()
            self._idle.put_nowait(worker)
        if "problem" in reply:
            raise FetchError(reply["problem"], remedy=reply.get("remedy", ""))
        return reply["result"]

    async def _free(self) -> _Worker:
        self._waiting += 1
        if self._waiting >= _MOST_WAITING:
            self._has_room.clear()
        try:
            return await self._idle.get()
        finally:
            self._waiting -= 1
            if self._waiting < _MOST_WAITING:
                self._has_room.set()


async def _ask(process: Process, kind: str, data: bytes, given: dict[str, Any]) -> dict[str, Any]:
    if process.stdin is None or process.stdout is None:
        raise ConnectionError("the worker has no pipes")
    job = json.dumps({"kind": kind, "given": given, "size": len(data)}).encode()
    process.stdin.write(len(job).to_bytes(LENGTH_BYTES) + job + data)
    await process.stdin.drain()
    size = int.from_bytes(await process.stdout.readexactly(LENGTH_BYTES))
    if size > _LONGEST_ANSWER:
        raise ConnectionError("the answer is too long to be one")
    reply: dict[str, Any] = json.loads(await process.stdout.readexactly(size))
    return reply
