"""Around every request: its id, key and size, the headers of its answer, its log line and count."""

from __future__ import annotations

import asyncio
import logging
import math
import re
import time
from collections.abc import Callable, MutableMapping
from typing import Any
from uuid import uuid4

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.http.keys import key_of, place_of
from service.http.metrics import Metrics
from service.http.options import ServeOptions
from service.http.problems import (
    MEDIA_TYPE,
    FieldProblem,
    ProblemError,
    make_problem,
    overloaded,
    problem_bytes,
)
from service.http.rate import TokenBuckets

logger = logging.getLogger("service.http")

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
# Asked for by what watches over the server, which has no key.
_OPEN = ("/healthz", "/readyz")
TAG_PATH = "/v1/tag"
# Bounded by the line, not by the whole.
STREAM_PATH = "/v1/tag/stream"
# The pages need their own styles and nothing else; scripts run nowhere.
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    b"content-security-policy": POLICY.encode(),
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"camera=(), geolocation=(), microphone=()",
}
# Not sent to anyone; what logs and counters say of a client that left, as nginx does.
_CLIENT_GONE = 499
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_FAILED = ProblemError(
    500,
    "the request failed inside the server",
    remedy="the server's log tells more under this request_id",
)


class Guard:
    """The outermost layer of the application.

    ``full`` says whether items to tag would be refused now: then they are before they are read, for
    refusals must stay cheap when there are many.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        options: ServeOptions,
        metrics: Metrics,
        full: Callable[[], ProblemError | None],
        buckets: TokenBuckets | None = None,
        ending: asyncio.Event | None = None,
    ) -> None:
        self._app = app
        self._options = options
        self._metrics = metrics
        self._full = full
        self._buckets = buckets
        self._ending = ending or asyncio.Event()
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid4().hex
        scope["request_id"] = request_id
        began = time.monotonic()
        status: int | None = None

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                _set_headers(message, request_id, last=self._ending.is_set())
            await send(message)

        self._running += 1
        try:
            refusal = self._refusal(scope, headers)
            if refusal is not None:
                await self._refuse(refusal, scope, answer)
            elif scope["path"] == STREAM_PATH:
                await self._app(scope, receive, answer)
            else:
                await self._app(scope, self._bounded(receive), answer)
        except ClientDisconnect:
            status = status or _CLIENT_GONE
        except Exception:
            logger.exception("request failed", extra={"request_id": request_id})
            if status is not None:
                raise  # half an answer is out: the server closes the connection
            await self._refuse(_FAILED, scope, answer)
        finally:
            self._running -= 1
            self._tell(scope, status or 500, time.monotonic() - began, request_id)

    def _refusal(self, scope: Scope, headers: Headers) -> ProblemError | None:
        if scope["path"] in _OPEN:
            return None
        if self._running > self._options.requests:
            return overloaded(
                f"{self._options.requests} requests are being answered",
                remedy="send the request again after the seconds in Retry-After",
                seconds=1,
            )
        refusal = self._refusal_of_key(scope, headers)
        if refusal is not None:
            return refusal
        length = headers.get("content-length", "")
        if (
            length.isdecimal()
            and scope["path"] != STREAM_PATH
            and int(length[:20]) > self._options.body_bytes
        ):
            return self._too_large()
        if scope["path"] == TAG_PATH and scope["method"] == "POST":
            return self._full()
        return None

    def _refusal_of_key(self, scope: Scope, headers: Headers) -> ProblemError | None:
        hashes = self._options.key_hashes
        if not hashes:
            return None
        key = key_of(headers.get("authorization"))
        place = place_of(key, hashes)
        if place is None:
            return _unknown_key(given=key is not None)
        scope["key_place"] = place
        wait = self._buckets.take(place) if self._buckets else 0.0
        if wait <= 0:
            return None
        return ProblemError(
            429,
            f"this key may ask for {self._options.rate_limit:g} items or other requests a"
            " second, and has used them up",
            remedy="send the request again after the seconds in Retry-After",
            headers={"Retry-After": str(math.ceil(wait))},
        )

    def _too_large(self) -> ProblemError:
        return ProblemError(
            413,
            f"the body is larger than {self._options.body_bytes:,} bytes",
            remedy=f"send it in several requests, or line by line to {STREAM_PATH}",
            headers={"Connection": "close"},
        )

    def _bounded(self, receive: Receive) -> Receive:
        """``receive`` that stops a body that grows too large or takes too long to arrive."""
        seen = 0
        whole = False
        last = asyncio.get_running_loop().time() + self._options.deadline_seconds

        async def bounded() -> Message:
            nonlocal seen, whole
            if whole:
                return await receive()
            try:
                async with asyncio.timeout_at(last):
                    message = await receive()
            except TimeoutError:
                raise ProblemError(
                    408,
                    f"the body did not arrive within {self._options.deadline_seconds:g} seconds",
                    remedy="send it faster, or in several requests",
                    headers={"Connection": "close"},
                ) from None
            if message["type"] == "http.request":
                whole = not message.get("more_body", False)
                seen += len(message.get("body", b""))
                if seen > self._options.body_bytes:
                    raise self._too_large()
            return message

        return bounded

    @staticmethod
    async def _refuse(error: ProblemError, scope: Scope, send: Send) -> None:
        body = problem_bytes(
            make_problem(
                error.status_code,
                error.detail,
                path=scope["path"],
                request_id=scope["request_id"],
                remedy=error.remedy,
                errors=error.errors,
            )
        )
        headers = {
            "content-type": MEDIA_TYPE,
            "content-length": str(len(body)),
            **(error.headers or {}),
        }
        await send(
            {
                "type": "http.response.start",
                "status": error.status_code,
                "headers": [
                    (name.lower().encode(), value.encode()) for name, value in headers.items()
                ],
            }
        )
        await send({"type": "http.response.body", "body": body})

    def _tell(self, scope: Scope, status: int, seconds: float, request_id: str) -> None:
        # The route, not the path: what a client can choose freely would make counters without end.
        route = str(getattr(scope.get("route"), "path", "none"))
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._metrics.requests.labels(method, route, str(status)).inc()
        self._metrics.seconds.labels(route).observe(seconds)
        logger.info(
            "request",
            extra={
                "request_id": request_id,
                "method": method,
                "route": route,
                "status": status,
                "seconds": round(seconds, 4),
            },
        )


def _unknown_key(*, given: bool) -> ProblemError:
    detail = "the key is not known here" if given else "this server asks for a key"
    remedy = "send `Authorization: Bearer KEY` with a key that was given to you"
    return ProblemError(
        401,
        detail,
        remedy=remedy,
        # The value is a secret, so it is not told.
        errors=(FieldProblem(field="header.authorization", problem=detail, remedy=remedy),),
        headers={"WWW-Authenticate": 'Bearer, Basic realm="Undertow"'},
    )


def _set_headers(message: MutableMapping[str, Any], request_id: str, *, last: bool) -> None:
    given: list[tuple[bytes, bytes]] = list(message.get("headers", ()))
    told = dict(given)
    given += [(name, value) for name, value in _HEADERS.items() if name not in told]
    given.append((b"x-request-id", request_id.encode()))
    if last and b"connection" not in told:
        given.append((b"connection", b"close"))
    kind = told.get(b"content-type", b"")
    if kind.startswith((b"application/", b"text/csv")) and b"cache-control" not in told:
        given.append((b"cache-control", b"no-store"))
    message["headers"] = given
