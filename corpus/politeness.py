"""How hard a crawl may lean on a host: one connection at a time, a pause between requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from pydantic import Field

from corpus.addresses import shown_url
from corpus.errors import TemporaryFetchError
from corpus.records import Record

_MOST_HOSTS = 2_000  # remembered; beyond, those that nobody waits for are forgotten


class CrawlSettings(Record):
    """What a crawl allows itself. Times are in seconds, sizes in bytes.

    ``contact`` is an address or page that the operator of a site can turn to; it is sent with every
    request. The limits hold for each answer, redirects and body included, waiting for one's turn
    excluded. ``lease_seconds`` is how long the store holds a source for a crawler that went silent.
    """

    contact: str = ""
    delay_seconds: float = Field(default=1.0, ge=0)
    max_connections: int = Field(default=16, ge=1)
    connect_seconds: float = Field(default=10.0, gt=0)
    total_seconds: float = Field(default=30.0, gt=0)
    max_bytes: int = Field(default=10 * 1024 * 1024, ge=1)
    max_redirects: int = Field(default=5, ge=0)
    attempts: int = Field(default=3, ge=1)
    retry_seconds: float = Field(default=1.0, ge=0)
    longest_wait_seconds: float = Field(default=60.0, ge=0)
    parse_seconds: float = Field(default=30.0, gt=0)
    parse_workers: int = Field(default=2, ge=1)
    lease_seconds: float = Field(default=120.0, gt=0)


def authority(url: str) -> str:
    """``scheme://host:port`` of ``url``, in lower case: what one robots.txt covers."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2].lower()
    default = {"http": ":80", "https": ":443"}.get(parts.scheme.lower(), "")
    return f"{parts.scheme.lower()}://{host.removesuffix(default)}"


def _server(url: str) -> str:
    """What one turn covers: a host, http and https alike; another port is another server."""
    return authority(url).partition("://")[2]


class _Host:
    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.users = 0  # that hold the turn or wait for it
        self.free_at = 0.0  # loop time before which no request may start


class Turns:
    """Gives out turns: one at a time for a host, with its pause, and a limited number in all.

    ``room`` is waited for before each, by who holds what was fetched in memory.
    """

    def __init__(
        self, settings: CrawlSettings, room: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        self._settings = settings
        self._room = room
        self._all = asyncio.Semaphore(settings.max_connections)
        self._hosts: dict[str, _Host] = {}

    @asynccontextmanager
    async def turn(self, url: str, pause_seconds: float = 0.0) -> AsyncIterator[None]:
        """Wait for the host's turn and hold it.

        ``pause_seconds`` is the host's own wish (crawl-delay); the longer of it and the configured
        delay is kept after the request. Raises TemporaryFetchError at once when the host asked to
        be left alone for longer than a crawl waits.
        """
        host = self._host(url)
        host.users += 1
        try:
            async with self._held(host, url, pause_seconds):
                yield
        finally:
            host.users -= 1

    @asynccontextmanager
    async def _held(self, host: _Host, url: str, pause_seconds: float) -> AsyncIterator[None]:
        async with host.lock:
            clock = asyncio.get_running_loop().time
            wait = host.free_at - clock()
            if wait > self._settings.longest_wait_seconds:
                raise TemporaryFetchError(
                    f"{shown_url(authority(url))} asked to be left alone for {wait:.0f} s",
                    remedy="it is asked again after that",
                    retry_after=wait,
                )
            if wait > 0:
                await asyncio.sleep(wait)
            if self._room is not None:
                await self._room()
            try:
                async with self._all:
                    yield
            finally:
                pause = max(pause_seconds, self._settings.delay_seconds)
                host.free_at = max(host.free_at, clock() + pause)

    def hold(self, url: str, seconds: float) -> None:
        """Let no request to the host of ``url`` start for ``seconds``."""
        host = self._host(url)
        host.free_at = max(host.free_at, asyncio.get_running_loop().time() + seconds)

    def _host(self, url: str) -> _Host:
        if len(self._hosts) >= _MOST_HOSTS:
            now = asyncio.get_running_loop().time()
            self._hosts = {
                server: host
                for server, host in self._hosts.items()
                if host.users or host.free_at > now
            }
        return self._hosts.setdefault(_server(url), _Host())
