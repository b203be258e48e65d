"""Several processes that serve on one socket: started, watched, and stopped together."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any

from corpus.errors import UndertowError
from service.http.listening import turn_away_newcomers
from service.http.metrics import SHARED_FOLDER
from service.http.rate import TokenBuckets
from service.http.server import Plan, serve_on
from service.light_start import leave_torch_out_of_spacy
from service.logs import configure_logs, configured

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

logger = logging.getLogger("service.http")

# Started afresh: the threads of the model's runtime do not survive a fork.
_PROCESSES = multiprocessing.get_context("spawn")
# A worker that dies sooner than this after its start is not replaced at once.
_SHORTEST_LIFE = 5.0
# Beyond the time in which requests end: to close the store and leave.
_GRACE = 15.0


@dataclass
class _Worker:
    process: SpawnProcess
    news: Connection  # says that it is ready, or why it cannot be
    started: float


def serve_by_workers(
    number: int, listener: socket.socket, plan: Plan, *, on_ready: Callable[[], None]
) -> None:
    """Serve by ``number`` processes until SIGTERM or Ctrl-C; ``on_ready`` when all can serve.

    A worker that dies is replaced. Raises what kept a worker from starting.
    """
    options = plan.options
    buckets = None
    if options.rate_limit is not None:
        buckets = TokenBuckets(len(options.key_hashes), options.rate_limit, context=_PROCESSES)

    def start() -> _Worker:
        here, there = _PROCESSES.Pipe()
        process = _PROCESSES.Process(
            target=_work, args=(listener, plan, buckets, there, configured()), name="serve"
        )
        process.start()
        there.close()
        return _Worker(process, here, time.monotonic())

    workers: list[_Worker] = []
    with _shared_counters(), _told_to_stop() as stopped:
        try:
            workers += [start() for _ in range(number)]
            if _all_ready(workers, stopped):
                on_ready()
                _watch(workers, start, stopped)
        finally:
            turn_away_newcomers(listener)
            # Before the workers let go of it, so that the last of them empties its queue.
            listener.close()
            _stop(workers, options.drain_seconds + _GRACE)


def _work(
    listener: socket.socket,
    plan: Plan,
    buckets: TokenBuckets | None,
    news: Connection,
    logs: dict[str, bool],
) -> None:
    """What a worker does."""
    configure_logs(**logs)
    leave_torch_out_of_spacy()
    # Ctrl-C reaches the whole group; the parent passes it on in its own way.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        serve_on(listener, plan, on_ready=lambda: news.send(None), buckets=buckets, shared=True)
    except UndertowError as error:
        news.send((type(error), error.message, error.remedy))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)


def _all_ready(workers: list[_Worker], stopped: Connection) -> bool:
    """Wait until every worker can serve; False when the server is stopped before."""
    for worker in workers:
        if stopped in wait([worker.news, worker.process.sentinel, stopped]):
            return False
        if not _is_ready(worker):
            raise UndertowError(
                f"a worker ended while starting, with exit code {worker.process.exitcode}",
                remedy="run `undertow serve` with --workers 1 to see why",
            )
    return True


def _is_ready(worker: _Worker) -> bool:
    try:
        told: tuple[type[UndertowError], str, str] | None = worker.news.recv()
    except EOFError:
        worker.process.join()
        return False
    if told is not None:
        kind, message, remedy = told
        raise kind(message, remedy=remedy)
    return True


def _watch(workers: list[_Worker], start: Callable[[], _Worker], stopped: Connection) -> None:
    """Replace workers that die, until the server is told to stop."""
    while stopped not in wait([stopped, *(worker.process.sentinel for worker in workers)]):
        for place, worker in enumerate(workers):
            if worker.process.is_alive():
                continue
            worker.process.join()
            _forget_counters(worker)
            logger.error(
                "worker %s ended with exit code %s; another takes its place",
                worker.process.pid,
                worker.process.exitcode,
            )
            if time.monotonic() - worker.started < _SHORTEST_LIFE and stopped.poll(_SHORTEST_LIFE):
                return
            workers[place] = start()


def _stop(workers: list[_Worker], seconds: float) -> None:
    """Tell all to stop and wait for them; end those that do not."""
    for worker in workers:
        worker.process.terminate()
    last = time.monotonic() + seconds
    for worker in workers:
        worker.process.join(max(0.0, last - time.monotonic()))
        if worker.process.is_alive():
            logger.error("worker %s did not end and is killed", worker.process.pid)
            worker.process.kill()
            worker.process.join()


@contextmanager
def _shared_counters() -> Iterator[None]:
    """A folder in which the workers count; theirs by the environment, as the library wants it."""
    before = os.environ.get(SHARED_FOLDER)
    with tempfile.TemporaryDirectory(prefix="undertow-counters-") as folder:
        os.environ[SHARED_FOLDER] = folder
        try:
            yield
        finally:
            if before is None:
                del os.environ[SHARED_FOLDER]
            else:
                os.environ[SHARED_FOLDER] = before


def _forget_counters(worker: _Worker) -> None:
    from prometheus_client.multiprocess import (  # noqa: PLC0415 - reads the environment
        mark_process_dead,
    )

    mark_process_dead(worker.process.pid)  # type: ignore[no-untyped-call]


@contextmanager
def _told_to_stop() -> Iterator[Connection]:
    """A connection that can be read from once SIGTERM or Ctrl-C has come."""
    here, there = _PROCESSES.Pipe(duplex=False)

    def tell(*_: Any) -> None:
        there.send(None)

    before = {number: signal.signal(number, tell) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield here
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        here.close()
        there.close()
