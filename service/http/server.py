"""One process of the server: it answers on a listening socket until it is told to stop."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from corpus.store import Store
from nlp.records import Item
from nlp.tagger import Tagger
from service.http.app import create_app
from service.http.listening import left_in_queue, turn_away_newcomers
from service.http.options import ServeOptions
from service.http.rate import TokenBuckets
from service.http.service import Service

# Seconds for which requests still come in after the word to stop, each answered with the word to
# close its connection: so nobody finds a connection closed that was in use a moment ago.
_LAST_CALLS = 0.5
# After so many seconds a thread that tags lets another one go on: the one that answers and the
# other lanes give Python's lock away many times an item, and would wait 5 ms for it each time.
_SWITCH_SECONDS = 1e-4
# What tags reads word lists and grammars when it first needs them: with this one, all of them.
_FIRST_ITEM = Item(
    id="first", title="Bitcoin ETFs lost $9 million on Monday", text="Prices fell. Bitcoin fell 2%."
)


@dataclass(frozen=True)
class Plan:
    """What a process serves: store, model and added drivers, limits."""

    db: str
    model: Path | None
    threads: int | None
    added: tuple[Path, ...]
    options: ServeOptions


def serve_on(
    listener: socket.socket,
    plan: Plan,
    *,
    on_ready: Callable[[], None],
    buckets: TokenBuckets | None = None,
    shared: bool = False,
) -> None:
    """Open store and model, call ``on_ready``, and serve until SIGTERM or Ctrl-C.

    ``shared`` says that other processes listen on the same socket and may go on: whoever started
    them turns newcomers away, not this one. Raises :class:`StoreError` and :class:`ModelError` as
    opening them does.
    """
    with Store.open(plan.db) as store:
        tagger = Tagger.load(plan.model, threads=plan.threads, added=plan.added)
        tagger.tag([_FIRST_ITEM])
        app = create_app(store, tagger, plan.options, buckets=buckets)
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            ws="none",
            lifespan="on",
            timeout_graceful_shutdown=plan.options.drain_seconds,
        )
        sys.setswitchinterval(_SWITCH_SECONDS)
        # What was loaded stays: a sweep over all of it would hold up every request for a moment.
        gc.collect()
        gc.freeze()
        on_ready()
        with _terminated_quietly():
            _Server(config, app, listener, shared=shared).run(sockets=[listener])


class _Server(uvicorn.Server):
    """Closes no connection that has brought a request: see :meth:`shutdown`."""

    def __init__(
        self, config: uvicorn.Config, app: FastAPI, listener: socket.socket, *, shared: bool
    ) -> None:
        super().__init__(config)
        self._service: Service = app.state.service
        self._listener = listener
        self._shared = shared

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer what has come, also what waits to be accepted, then stop."""
        self._service.streams.ending.set()
        if not self._shared:
            turn_away_newcomers(self._listener)
        await asyncio.sleep(_LAST_CALLS)
        waiting = list(left_in_queue(self._listener))
        for server in self.servers:
            server.close()
        self._listener.close()
        loop = asyncio.get_running_loop()
        for connection in waiting:
            await loop.connect_accepted_socket(self._protocol, connection)
        if waiting:
            await asyncio.sleep(_LAST_CALLS)
        await super().shutdown(sockets)

    def _protocol(self) -> asyncio.Protocol:
        made: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made


@contextmanager
def _terminated_quietly() -> Iterator[None]:
    """SIGTERM is the usual way to stop a server: uvicorn drains and sends it on, here to no one."""
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
