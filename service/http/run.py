"""Run the endpoint until it is told to stop."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Sequence
from contextlib import closing
from ipaddress import ip_address
from pathlib import Path

from corpus.errors import UsageError
from service.http.options import ServeOptions

logger = logging.getLogger("service.http")

_BACKLOG = 2048


def serve(
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    db: str = "sqlite:///undertow.db",
    model: Path | None = None,
    threads: int | None = None,
    added: Sequence[Path] = (),
    options: ServeOptions | None = None,
    workers: int = 1,
    on_listening: Callable[[str], None] | None = None,
) -> None:
    """Serve the endpoint and the dashboard; returns after SIGTERM, once requests are answered.

    Store and model are opened before anyone is let in, so that a server that listens can serve.
    ``added`` are added drivers (:meth:`nlp.tagger.Tagger.load`); ``port`` 0 takes a free one;
    ``workers`` is the number of processes that share the socket, and ``threads`` the processor
    threads of the tagger in each (by default they share those there are); ``on_listening`` is told
    the address once all can serve. Raises :class:`UsageError` when the address cannot be listened
    on or a rate is asked for without keys, :class:`StoreError` and :class:`ModelError` as opening
    them does.
    """
    from nlp.backends import processors  # noqa: PLC0415 - slow to import
    from service.http.server import Plan, serve_on  # noqa: PLC0415 - slow to import
    from service.http.workers import serve_by_workers  # noqa: PLC0415 - slow to import

    options = options or ServeOptions()
    if options.rate_limit is not None and not options.key_hashes:
        raise UsageError(
            "a rate limit holds per key, and this server has no keys",
            remedy="set UNDERTOW_KEY_HASHES, or leave --rate-limit out",
        )
    with closing(_bound(host, port)) as listener:
        if not options.key_hashes and not _is_loopback(host):
            logger.warning("listening on %s without keys: whoever reaches it is served", host)

        def ready() -> None:
            listener.listen(_BACKLOG)
            if on_listening is not None:
                on_listening(_address(listener, host))

        if workers > 1 and threads is None:
            threads = max(1, processors() // workers)
        plan = Plan(db, model, threads, tuple(added), options)
        if workers == 1:
            serve_on(listener, plan, on_ready=ready)
        else:
            serve_by_workers(workers, listener, plan, on_ready=ready)


def _bound(host: str, port: int) -> socket.socket:
    """A socket that holds the address and lets nobody in yet."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        holder = socket.socket(family, socket.SOCK_STREAM)
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            holder.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        holder.bind(address)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(
            f"cannot listen on {host} port {port}: {reason.lower()}",
            remedy="choose another host or port",
        ) from error
    return holder


def _address(listener: socket.socket, host: str) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listener.getsockname()[1]}"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
