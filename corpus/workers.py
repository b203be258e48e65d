"""Worker processes in which bytes from strangers are read, each job within limits.

A parser can be made to run for hours or to eat all memory by a page written for it. In a process of
its own it is stopped after a while, and the operating system refuses it more memory than allowed;
the crawl goes on with a fresh worker. Several workers also use several cores.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
from collections.abc import Callable
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any, ParamSpec, TypeVar

from pebble import ProcessExpired, ProcessPool

from corpus.errors import FetchError

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")

_MEMORY_BYTES = 2 * 1024**3
_JOBS_BEFORE_RENEWAL = 2000  # libraries keep caches; a fresh process keeps memory flat


class Workers:
    """A pool of ``count`` worker processes that stop any job after ``seconds``."""

    def __init__(self, count: int, seconds: float) -> None:
        self._seconds = seconds
        # Spawned, not forked: the crawl's own process has threads and open connections.
        self._pool: Any = ProcessPool(
            max_workers=count,
            max_tasks=_JOBS_BEFORE_RENEWAL,
            initializer=_prepare,
            context=multiprocessing.get_context("spawn"),
        )

    async def run(
        self, function: Callable[_Given, _Result], *args: _Given.args, **kwargs: _Given.kwargs
    ) -> _Result:
        """``function(*args, **kwargs)`` in a worker; all of it must be picklable.

        Raises FetchError when the job takes too long or too much memory; what ``function`` raises
        is raised here too.
        """
        job: Any = self._pool.schedule(
            function, args=list(args), kwargs=kwargs, timeout=self._seconds
        )
        try:
            result: _Result = await asyncio.wrap_future(job)
        except (FutureTimeoutError, TimeoutError) as error:
            raise FetchError(f"reading it took more than {self._seconds:g} s") from error
        except (ProcessExpired, MemoryError) as error:
            raise FetchError("reading it took more memory than is allowed") from error
        except RecursionError as error:
            raise FetchError("it is nested too deeply to be read") from error
        return result

    def close(self) -> None:
        """Stop all workers, whatever they are doing."""
        self._pool.stop()
        self._pool.join()


def _prepare() -> None:
    # Ctrl-C reaches the whole process group; the crawl decides what happens to its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        import resource  # noqa: PLC0415 - not on every system
    except ImportError:
        return  # Windows has no such limit; the time limit still holds
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = _MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(hard, _MEMORY_BYTES)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
