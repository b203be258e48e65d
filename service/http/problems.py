"""Every error as a problem document of one shape (RFC 9457), whatever raised it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from corpus.errors import InputError, ModelError, StoreError, StudyError, UndertowError, UsageError
from corpus.records import Record

MEDIA_TYPE = "application/problem+json"
# The first class that an error belongs to decides.
_STATUS: tuple[tuple[type[UndertowError], int], ...] = (
    (UsageError, 422),
    (StudyError, 409),
    (InputError, 409),
    (ModelError, 503),
    (StoreError, 503),
)


class FieldProblem(Record):
    """What is wrong with one field; ``field`` is its place, like ``[2].published_at``."""

    field: str
    problem: str


class Problem(Record):
    """A problem document. ``remedy`` says what to do, where that is known."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    remedy: str | None = None
    errors: tuple[FieldProblem, ...] = ()


class ProblemError(HTTPException):
    """An error of the endpoint itself, with a remedy and the fields concerned."""

    def __init__(
        self,
        status_code: int,
        detail: str,
        *,
        remedy: str | None = None,
        errors: tuple[FieldProblem, ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status_code, detail, dict(headers or {}))
        self.remedy = remedy
        self.errors = errors


def field_problems(errors: Any) -> tuple[FieldProblem, ...]:
    """Pydantic's list of errors, without the values: what was sent is not sent back."""
    return tuple(
        FieldProblem(field=_place(error["loc"]), problem=_words(error)) for error in errors
    )


def _words(error: Any) -> str:
    if error["type"] == "extra_forbidden":
        return "there is no such field"
    return str(error["msg"]).removeprefix("Value error, ")


def _is_page(path: str) -> bool:
    return not path.startswith(("/v1/", "/static/"))


def _place(parts: tuple[str | int, ...]) -> str:
    told = ""
    for part in parts:
        told += f"[{part}]" if isinstance(part, int) else f".{part}" if told else str(part)
    return told


def problem_bytes(problem: Problem) -> bytes:
    """The document as JSON; fields without a value are left out."""
    told = problem.model_dump(exclude_none=True)
    if not problem.errors:
        del told["errors"]
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def make_problem(
    status: int,
    detail: str,
    *,
    path: str,
    request_id: str,
    remedy: str | None = None,
    errors: tuple[FieldProblem, ...] = (),
) -> Problem:
    """A document with the standard title of its status."""
    return Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        instance=path,
        request_id=request_id,
        remedy=remedy or None,
        errors=errors,
    )


def add_problem_handlers(app: FastAPI) -> None:
    """Turn each kind of error that is expected into a problem document.

    What is not expected becomes one in :class:`service.http.guard.Guard`.
    """

    def respond(
        request: Request,
        status: int,
        detail: str,
        *,
        remedy: str | None = None,
        errors: tuple[FieldProblem, ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        problem = make_problem(
            status,
            detail,
            path=request.url.path,
            request_id=str(request.scope.get("request_id", "")),
            remedy=remedy,
            errors=errors,
        )
        # A person at a page gets a page that says the same; programs and /v1 always get JSON.
        if "text/html" in request.headers.get("accept", "") and _is_page(request.url.path):
            page = request.app.state.problem_page(problem)
            return HTMLResponse(page, status, headers=dict(headers or {}))
        return Response(
            problem_bytes(problem), status, media_type=MEDIA_TYPE, headers=dict(headers or {})
        )

    def on_http(request: Request, error: HTTPException) -> Response:
        detail = error.detail
        if error.status_code == HTTPStatus.NOT_FOUND and detail == "Not Found":
            detail = f"there is nothing at {request.url.path}"
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            detail = f"{request.method} is not answered at {request.url.path}"
        return respond(
            request,
            error.status_code,
            detail,
            remedy=getattr(error, "remedy", None),
            errors=getattr(error, "errors", ()),
            headers=error.headers,
        )

    def on_validation(request: Request, error: RequestValidationError) -> Response:
        found = field_problems(error.errors())
        first = found[0]
        return respond(request, 422, f"{first.field}: {first.problem}", errors=found)

    def on_undertow(request: Request, error: UndertowError) -> Response:
        status = next((code for kind, code in _STATUS if isinstance(error, kind)), 500)
        return respond(request, status, error.message, remedy=error.remedy)

    app.add_exception_handler(HTTPException, on_http)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, on_validation)  # type: ignore[arg-type]
    app.add_exception_handler(UndertowError, on_undertow)  # type: ignore[arg-type]
