"""Run the endpoint until it is told to stop."""

from __future__ import annotations

import logging
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from ipaddress import ip_address
from pathlib import Path

from corpus.errors import UsageError
from service.http.app import create_app
from service.http.options import ServeOptions

logger = logging.getLogger("service.http")


def serve(
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    db: str = "sqlite:///undertow.db",
    model: Path | None = None,
    threads: int | None = None,
    added: Sequence[Path] = (),
    options: ServeOptions | None = None,
    on_listening: Callable[[str], None] | None = None,
) -> None:
    """Serve the endpoint and the dashboard; returns after SIGTERM, once requests are answered.

    Store and model are opened before the socket, so that a server that listens can serve. ``added``
    are added drivers (:meth:`nlp.tagger.Tagger.load`); ``port`` 0 takes a free one;
    ``on_listening`` is told the address. Raises :class:`UsageError` when the address cannot be
    listened on, :class:`StoreError` and :class:`ModelError` as opening them does.
    """
    import uvicorn  # noqa: PLC0415 - keeps the command line quick to start

    from corpus.store import Store  # noqa: PLC0415 - keeps the command line quick to start
    from nlp.tagger import Tagger  # noqa: PLC0415 - keeps the command line quick to start

    options = options or ServeOptions()
    with Store.open(db) as store:
        tagger = Tagger.load(model, threads=threads, added=added)
        with closing(_listening(host, port)) as listener:
            if not options.key_hashes and not _is_loopback(host):
                logger.warning("listening on %s without keys: whoever reaches it is served", host)
            config = uvicorn.Config(
                create_app(store, tagger, options),
                log_config=None,
                access_log=False,
                server_header=False,
                lifespan="on",
                timeout_graceful_shutdown=options.drain_seconds,
            )
            if on_listening is not None:
                on_listening(_address(listener, host))
            with _terminated_quietly():
                uvicorn.Server(config).run(sockets=[listener])


def _listening(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=2048)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(
            f"cannot listen on {host} port {port}: {reason.lower()}",
            remedy="choose another host or port",
        ) from error


def _address(listener: socket.socket, host: str) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listener.getsockname()[1]}"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@contextmanager
def _terminated_quietly() -> Iterator[None]:
    """SIGTERM is the usual way to stop a server: uvicorn drains and sends it on, here to no one."""
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
