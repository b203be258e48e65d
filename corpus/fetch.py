"""One address fetched: politely, within limits, with the reasons of failure in plain words."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from urllib.parse import urljoin, urlsplit

import httpx

from corpus.addresses import CheckedBackend, shown_url
from corpus.decoding import decode_body
from corpus.errors import FetchError, TemporaryFetchError
from corpus.politeness import CrawlSettings, Turns
from corpus.records import Record
from corpus.transport import CheckedTransport

PRODUCT = "undertow"  # the product token that robots.txt files name
ACCEPT_FEED = (
    "application/rss+xml, application/atom+xml, application/feed+json, application/xml;q=0.9, "
    "text/xml;q=0.9, application/json;q=0.8, */*;q=0.5"
)
ACCEPT_PAGE = "text/html, application/xhtml+xml;q=0.9, */*;q=0.5"

_OVERLOADED = {408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524}
_REDIRECTS = {301, 302, 303, 307, 308}
_MOVED_FOR_GOOD = {301, 308}
_MEANINGS = {
    401: "it needs a login",
    402: "it needs a payment",
    403: "the server refuses this crawler",
    404: "there is nothing at this address",
    410: "it was removed for good",
    429: "the server says that it is asked too often",
    451: "it is blocked for legal reasons",
    500: "the server failed",
    502: "the server's own source failed",
    503: "the server is overloaded or under maintenance",
    504: "the server's own source did not answer",
}

Permission = Callable[[str], Awaitable[float]]


class Fetched(Record):
    """An answer. ``url`` is where it was found after redirects; ``content`` is decoded.

    ``moved_to`` is the address that the one asked for was moved to for good, by redirects that say
    so (301, 308). ``unchanged`` tells that the server has nothing newer than what the caller holds
    (304).
    """

    url: str
    status: int
    content: bytes
    headers: dict[str, str]
    moved_to: str | None = None
    unchanged: bool = False

    @property
    def content_type(self) -> str:
        """The stated media type with its parameters, or an empty string."""
        return self.headers.get("content-type", "")


def user_agent(contact: str) -> str:
    """The name under which requests are sent, with the contact of who runs the crawl."""
    plain = " ".join(contact.split()).encode("ascii", "ignore").decode()
    about = f"news research crawler; contact: {plain}" if plain else "news research crawler"
    return f"{PRODUCT}/{version('undertow')} ({about})"


class Fetcher:
    """Fetches addresses by the settings. Use as an asynchronous context manager.

    ``transport`` may be any httpx transport; without one, only public addresses are reached
    (and loopback with ``allow_private``). ``room`` is waited for before each request.
    """

    def __init__(
        self,
        settings: CrawlSettings,
        *,
        allow_private: bool = False,
        transport: httpx.AsyncBaseTransport | None = None,
        room: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.settings = settings
        self.turns = Turns(settings, room)
        # The transport alone, without httpx's client: that would keep cookies, and use proxies of
        # the environment, which make connections that nothing checks.
        self._transport = transport or CheckedTransport(
            CheckedBackend(allow_private=allow_private), max_connections=settings.max_connections
        )
        self._headers = {"User-Agent": user_agent(settings.contact), "Connection": "keep-alive"}
        timeout = httpx.Timeout(settings.total_seconds, connect=settings.connect_seconds)
        self._extensions = {"timeout": timeout.as_dict()}

    async def __aenter__(self) -> Fetcher:
        await self._transport.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._transport.aclose()

    async def get(
        self,
        url: str,
        *,
        accept: str = "*/*",
        etag: str | None = None,
        last_modified: str | None = None,
        permission: Permission | None = None,
        max_bytes: int | None = None,
    ) -> Fetched:
        """Fetch ``url``, following redirects and trying again where that may help.

        ``permission`` is asked for every address before it is requested, redirects included; it
        returns the pause in seconds that the host wants, or raises FetchError. With ``max_bytes``
        the body is cut there instead of refused.

        Raises TemporaryFetchError when every attempt failed in a way that may pass,
        ForbiddenAddressError for an address that must not be reached, FetchError otherwise.
        """
        headers = {"Accept": accept, "Accept-Encoding": "gzip, deflate, br, zstd"}
        if max_bytes is not None:
            headers["Accept-Encoding"] = "identity"  # a cut body can only be read as it is
        if etag:
            headers["If-None-Match"] = etag
        if last_modified:
            headers["If-Modified-Since"] = last_modified
        for attempt in range(1, self.settings.attempts + 1):
            try:
                return await self._follow(url, headers, permission, max_bytes)
            except TemporaryFetchError as error:
                last = attempt == self.settings.attempts
                if last or (error.retry_after or 0) > self.settings.longest_wait_seconds:
                    raise
                # Full jitter: many crawlers that failed together do not come back together.
                backoff = self.settings.retry_seconds * 2 ** (attempt - 1)
                await asyncio.sleep(
                    max(error.retry_after or 0, random.uniform(0, backoff))  # noqa: S311 - no secret
                )
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _follow(
        self,
        url: str,
        headers: dict[str, str],
        permission: Permission | None,
        max_bytes: int | None,
    ) -> Fetched:
        current = url
        seen = {url}
        moved_to: str | None = None
        for_good = True
        for _ in range(self.settings.max_redirects + 1):
            _require_web_address(current)
            pause = await permission(current) if permission else 0.0
            async with self.turns.turn(current, pause):
                response, content = await self._request(current, headers, max_bytes)
            if response.status_code not in _REDIRECTS or "location" not in response.headers:
                answer = self._judge(current, response, content)
                return answer.model_copy(update={"moved_to": moved_to})
            try:
                target = urljoin(current, response.headers["location"])
            except ValueError as error:
                raise FetchError(f"{shown_url(url)} redirects to no valid address") from error
            if target in seen:
                raise FetchError(
                    f"{shown_url(url)} redirects in a circle",
                    remedy="look for the outlet's present address",
                )
            seen.add(target)
            current = target
            for_good = for_good and response.status_code in _MOVED_FOR_GOOD
            if for_good:
                moved_to = target
        raise FetchError(
            f"{shown_url(url)} redirects more than {self.settings.max_redirects} times",
            remedy="look for the outlet's present address",
        )

    async def _request(
        self, url: str, headers: dict[str, str], max_bytes: int | None
    ) -> tuple[httpx.Response, bytes]:
        limit = max_bytes or self.settings.max_bytes
        try:
            async with asyncio.timeout(self.settings.total_seconds):
                request = httpx.Request(
                    "GET", url, headers=self._headers | headers, extensions=self._extensions
                )
                response = await self._transport.handle_async_request(request)
                response.request = request
                try:
                    body = bytearray()
                    async for part in response.aiter_raw():
                        body += part
                        if len(body) > limit:
                            break
                finally:
                    await response.aclose()
        except (TimeoutError, httpx.TimeoutException) as error:
            raise TemporaryFetchError(
                f"{shown_url(url)} did not answer in full within {self.settings.total_seconds:g} s",
                remedy="it is tried again later",
            ) from error
        except httpx.TransportError as error:
            raise _transport_failure(url, error) from error
        except (httpx.InvalidURL, UnicodeError) as error:
            raise FetchError(f"{shown_url(url)} is not a valid address") from error
        if len(body) > limit:
            if max_bytes is None:
                raise FetchError(f"{shown_url(url)} answers with more than {limit:,} bytes")
            del body[limit:]
        try:
            encoding = response.headers.get("content-encoding", "")
            return response, decode_body(bytes(body), encoding, self.settings.max_bytes)
        except TemporaryFetchError as error:
            raise TemporaryFetchError(f"{shown_url(url)}: {error.message}") from error
        except FetchError as error:
            raise FetchError(f"{shown_url(url)}: {error.message}") from error

    def _judge(self, url: str, response: httpx.Response, content: bytes) -> Fetched:
        status = response.status_code
        answer = Fetched(
            url=url,
            status=status,
            content=content,
            headers=dict(response.headers),
            unchanged=status == 304,
        )
        if status == 304 or 200 <= status < 300:
            return answer
        meaning = f" ({_MEANINGS[status]})" if status in _MEANINGS else ""
        message = f"{shown_url(url)} answered {status}{meaning}"
        if status not in _OVERLOADED:
            raise FetchError(
                message, remedy="check the address, or remove it from the list", status=status
            )
        wish = retry_after_seconds(response.headers.get("retry-after"), datetime.now(UTC))
        if wish is not None:
            self.turns.hold(url, wish)
        raise TemporaryFetchError(
            message, remedy="it is tried again later", status=status, retry_after=wish
        )


def retry_after_seconds(header: str | None, now: datetime) -> float | None:
    """The wait that a Retry-After header asks for (seconds or an HTTP date), None if unreadable."""
    if header is None:
        return None
    if header.strip().isdecimal() and len(header) < 10:
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())


def _require_web_address(url: str) -> None:
    try:
        parts = urlsplit(url)
        usable = parts.scheme.lower() in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable:
        raise FetchError(f"{shown_url(url)} is not an http or https address")


def _transport_failure(url: str, error: httpx.TransportError) -> FetchError:
    words = str(error)
    shown = shown_url(url)
    if "CERTIFICATE" in words.upper():
        return FetchError(
            f"{shown}: its TLS certificate is not valid", remedy="the outlet must renew it"
        )
    if "does not resolve" in words:
        return TemporaryFetchError(
            f"{shown}: its host name does not resolve",
            remedy="check the address and the network",
        )
    if isinstance(error, httpx.UnsupportedProtocol):
        return FetchError(f"{shown} is not an http or https address")
    if isinstance(error, httpx.ConnectError):
        cause = "a secure connection failed" if "SSL" in words else "no connection could be made"
        return TemporaryFetchError(f"{shown}: {cause}", remedy="it is tried again later")
    return TemporaryFetchError(
        f"{shown}: the connection broke before the answer was complete",
        remedy="it is tried again later",
    )
