"""A request that is sent and answered at the same time, which HTTP libraries do not do.

They send the whole body before they read; a stream longer than the buffers between client and
server would then stop for ever. One thread suffices: the socket does not block, and what is ready
is done.
"""

from __future__ import annotations

import select
import socket
import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import h11

_READ_BYTES = 64 * 1024
_SEND_BYTES = 64 * 1024


@dataclass(frozen=True)
class Answer:
    """Status and kind of an answer, and a part of its body."""

    status: int
    part: bytes


def post_both_ways(
    url: str, lines: Iterable[bytes], *, headers: Mapping[str, str], timeout: float
) -> Iterator[Answer]:
    """Send ``lines`` as the body and give the parts of the answer as they come.

    ``lines`` are taken only as fast as the server takes them; while the next line is made nothing
    is read. ``timeout`` (seconds) bounds the time
    in which nothing moves. Raises :class:`OSError` for a connection that fails and
    :class:`h11.ProtocolError` for an answer that is no HTTP or ends too soon.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    with socket.create_connection((host, port), timeout=timeout) as plain:
        wire = plain
        if parts.scheme == "https":
            wire = ssl.create_default_context().wrap_socket(plain, server_hostname=host)
        with wire:
            wire.setblocking(False)
            yield from _Exchange(wire, timeout).run(
                h11.Request(
                    method="POST",
                    target=parts.path,
                    headers=[("Host", parts.netloc.rpartition("@")[2]), *headers.items()],
                ),
                iter(lines),
            )


class _Exchange:
    def __init__(self, wire: socket.socket, timeout: float) -> None:
        self._wire = wire
        self._timeout = timeout
        self._state = h11.Connection(h11.CLIENT)
        self._unsent = b""
        self._ended = False

    def run(self, request: h11.Request, lines: Iterator[bytes]) -> Iterator[Answer]:
        self._unsent = self._state.send(request) or b""
        last_move = time.monotonic()
        status = 0
        while True:
            self._fill(lines)
            moved = self._send()
            moved |= self._receive()
            while (event := self._state.next_event()) is not h11.NEED_DATA:
                if isinstance(event, h11.Response):
                    status = event.status_code
                elif isinstance(event, h11.Data):
                    yield Answer(status, bytes(event.data))
                    last_move = time.monotonic()  # the caller may have taken its time
                elif isinstance(event, h11.EndOfMessage):
                    yield Answer(status, b"")
                    return
            if moved:
                last_move = time.monotonic()
                continue
            wait = last_move + self._timeout - time.monotonic()
            if wait <= 0:
                raise TimeoutError(f"nothing moved for {self._timeout:g} seconds")
            select.select([self._wire], [self._wire] if self._unsent else [], [], wait)

    def _fill(self, lines: Iterator[bytes]) -> None:
        """Take a line when there is room for it."""
        if len(self._unsent) < _SEND_BYTES and not self._ended:
            line = next(lines, None)
            if line is None:
                self._ended = True
                self._unsent += self._state.send(h11.EndOfMessage()) or b""
            else:
                self._unsent += self._state.send(h11.Data(data=line)) or b""

    def _send(self) -> bool:
        if not self._unsent:
            return False
        try:
            sent = self._wire.send(self._unsent)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        except OSError:
            # A server that refuses closes its side: what it said before is still to be read.
            self._unsent, self._ended = b"", True
            return True
        self._unsent = self._unsent[sent:]
        return sent > 0

    def _receive(self) -> bool:
        try:
            data = self._wire.recv(_READ_BYTES)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        self._state.receive_data(data)
        return True
