"""The httpx transport that the crawler uses: httpcore's pool over the checked network backend.

httpx's own transport takes no network backend, so this is the same few lines with one. It raises
httpx's exceptions, so that any other httpx transport can stand in its place.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterator
from contextlib import contextmanager

import httpcore
import httpx

from corpus.addresses import CheckedBackend


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
    """Sends requests to checked addresses only (see ``corpus.addresses``)."""

    def __init__(self, backend: CheckedBackend, *, max_connections: int) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=False),
            max_connections=max_connections,
            max_keepalive_connections=max_connections,
            keepalive_expiry=15.0,
            network_backend=backend,
        )

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
            answer = await self._pool.handle_async_request(outgoing)
        if not isinstance(answer.stream, AsyncIterable):
            raise TypeError("httpcore's asynchronous pool gave a synchronous answer")
        return httpx.Response(
            status_code=answer.status,
            headers=answer.headers,
            stream=_Body(answer),
            extensions=answer.extensions,
        )

    async def aclose(self) -> None:
        """Close all connections."""
        await self._pool.aclose()


class _Body(httpx.AsyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_httpx():
            async for part in self._answer.aiter_stream():
                yield part

    async def aclose(self) -> None:
        await self._answer.aclose()
