"""The httpx transport that the crawler uses: httpcore's connections over the checked backend.

httpx's own transport takes no network backend, so this is one with it. It raises httpx's
exceptions, so that any other httpx transport can stand in its place. A crawl asks many hosts, each
for one thing at a time; so idle connections are found by their host, where httpcore's own pool
looks through all of them at every request.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager

import httpcore
import httpx

from corpus.addresses import CheckedBackend

_KEPT_SECONDS = 15.0  # that an idle connection is kept


@contextmanager
def _as_httpx() -> Iterator[None]:
    """Turn httpcore's exceptions into httpx's, which bear the same names."""
    try:
        yield
    except Exception as error:
        equivalent = getattr(httpx, type(error).__name__, None)
        if type(error).__module__.partition(".")[0] != "httpcore" or equivalent is None:
            raise
        raise equivalent(str(error)) from error


class CheckedTransport(httpx.AsyncBaseTransport):
    """Sends requests to checked addresses only (see ``corpus.addresses``).

    Keeps up to ``max_connections`` idle connections; how many are in use is for the caller to
    limit.
    """

    def __init__(self, backend: CheckedBackend, *, max_connections: int) -> None:
        self._backend = backend
        self._most_idle = max_connections
        self._ssl_context = httpx.create_ssl_context(trust_env=False)
        self._idle: dict[str, httpcore.AsyncHTTPConnection] = {}  # by origin, last used last

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; the body of the answer is read by the caller as it comes."""
        if not isinstance(request.stream, httpx.AsyncByteStream):
            raise TypeError("the crawler sends asynchronous requests only")
        outgoing = httpcore.Request(
            method=request.method,
            url=httpcore.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        with _as_httpx():
            if outgoing.url.scheme not in {b"http", b"https"}:
                raise httpcore.UnsupportedProtocol("only http and https are spoken")
            connection = await self._connection(outgoing.url.origin)
            try:
                answer = await connection.handle_async_request(outgoing)
            except BaseException:
                await connection.aclose()
                raise
        if not isinstance(answer.stream, AsyncIterable):
            raise TypeError("httpcore's asynchronous connection gave a synchronous answer")

        async def give_back() -> None:
            await answer.aclose()
            await self._keep(outgoing.url.origin, connection)

        return httpx.Response(
            status_code=answer.status,
            headers=answer.headers,
            stream=_Body(answer, give_back),
            extensions=answer.extensions,
        )

    async def aclose(self) -> None:
        """Close the idle connections."""
        while self._idle:
            _, connection = self._idle.popitem()
            await connection.aclose()

    async def _connection(self, origin: httpcore.Origin) -> httpcore.AsyncHTTPConnection:
        kept = self._idle.pop(str(origin), None)
        if kept is not None:
            if not kept.has_expired():
                return kept
            await kept.aclose()
        return httpcore.AsyncHTTPConnection(
            origin,
            ssl_context=self._ssl_context,
            keepalive_expiry=_KEPT_SECONDS,
            network_backend=self._backend,
        )

    async def _keep(
        self, origin: httpcore.Origin, connection: httpcore.AsyncHTTPConnection
    ) -> None:
        """Keep a connection for the next request to its host, if its answer came to its end."""
        if not connection.is_idle():
            await connection.aclose()
            return
        surplus = [self._idle.pop(str(origin), None)]
        self._idle[str(origin)] = connection
        if len(self._idle) > self._most_idle:
            surplus.append(self._idle.pop(next(iter(self._idle))))
        for one in surplus:
            if one is not None:
                await one.aclose()


class _Body(httpx.AsyncByteStream):
    def __init__(self, answer: httpcore.Response, give_back: Callable[[], Awaitable[None]]) -> None:
        self._answer = answer
        self._give_back = give_back

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_httpx():
            async for part in self._answer.aiter_stream():
                yield part

    async def aclose(self) -> None:
        await self._give_back()
