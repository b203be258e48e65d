"""Around every request: its id, key and size, the headers of its answer, its log line and count."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import MutableMapping
from typing import Any
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.http.keys import allowed, key_of
from service.http.metrics import Metrics
from service.http.options import ServeOptions
from service.http.problems import MEDIA_TYPE, ProblemError, make_problem, problem_bytes

logger = logging.getLogger("service.http")

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
# Asked for by what watches over the server, which has no key.
_OPEN = ("/healthz", "/readyz")
# The pages need their own styles and nothing else; scripts run nowhere.
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_FAILED = ProblemError(
    500,
    "the request failed inside the server",
    remedy="the server's log tells more under this request_id",
)


class Guard:
    """The outermost layer of the application."""

    def __init__(self, app: ASGIApp, *, options: ServeOptions, metrics: Metrics) -> None:
        self._app = app
        self._options = options
        self._metrics = metrics

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
                _set_headers(message, request_id)
            await send(message)

        try:
            refusal = self._refusal(scope, headers)
            if refusal is not None:
                await self._refuse(refusal, scope, answer)
            else:
                await self._app(scope, self._bounded(receive), answer)
        except Exception:
            logger.exception("request failed", extra={"request_id": request_id})
            if status is not None:
                raise  # half an answer is out: the server closes the connection
            await self._refuse(_FAILED, scope, answer)
        finally:
            self._tell(scope, status or 500, time.monotonic() - began, request_id)

    def _refusal(self, scope: Scope, headers: Headers) -> ProblemError | None:
        hashes = self._options.key_hashes
        if hashes and scope["path"] not in _OPEN:
            key = key_of(headers.get("authorization"))
            if not allowed(key, hashes):
                return ProblemError(
                    401,
                    "this server asks for a key" if key is None else "the key is not known here",
                    remedy="send `Authorization: Bearer KEY`",
                    headers={"WWW-Authenticate": 'Bearer, Basic realm="Undertow"'},
                )
        length = headers.get("content-length", "")
        if length.isdigit() and int(length) > self._options.body_bytes:
            return self._too_large()
        return None

    def _too_large(self) -> ProblemError:
        return ProblemError(
            413,
            f"the body is larger than {self._options.body_bytes:,} bytes",
            remedy="send it in several requests",
            headers={"Connection": "close"},
        )

    def _bounded(self, receive: Receive) -> Receive:
        """``receive`` that stops a body sent without its length when it grows too large."""
        seen = 0

        async def bounded() -> Message:
            nonlocal seen
            message = await receive()
            if message["type"] == "http.request":
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


def _set_headers(message: MutableMapping[str, Any], request_id: str) -> None:
    headers = MutableHeaders(raw=message["headers"])
    for name, value in _HEADERS.items():
        headers.setdefault(name, value)
    headers["X-Request-ID"] = request_id
    if headers.get("content-type", "").startswith(("application/", "text/csv")):
        headers.setdefault("Cache-Control", "no-store")
    message["headers"] = headers.raw
