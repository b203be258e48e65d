"""Every error as a problem document of one shape (RFC 9457), whatever raised it."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic_core import to_json
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
_VALUE_CHARACTERS = 80
# What to do about an error of Pydantic, by its type.
_REMEDIES = {
    "missing": "add it",
    "extra_forbidden": "leave it out; /openapi.json lists what there is",
    "json_invalid": "send JSON in UTF-8",
    "string_too_long": "shorten it",
    "literal_error": "choose one of these",
}
_USUAL_REMEDY = "correct it; /openapi.json describes it"


class FieldProblem(Record):
    """What is wrong with one field; ``field`` is its place, like ``[2].published_at``.

    ``value`` is the beginning of what stood there, as JSON; null where nothing did.
    """

    field: str
    value: str | None = None
    problem: str
    remedy: str = _USUAL_REMEDY


class Problem(Record):
    """A problem document. ``remedy`` says what to do."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    remedy: str
    errors: tuple[FieldProblem, ...] = ()


class ProblemError(HTTPException):
    """An error of the endpoint itself, with a remedy and the fields concerned."""

    def __init__(
        self,
        status_code: int,
        detail: str,
        *,
        remedy: str = "",
        errors: tuple[FieldProblem, ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status_code, detail, dict(headers or {}))
        self.remedy = remedy
        self.errors = errors


def wrong_field(status: int, field: str, value: object, problem: str, remedy: str) -> ProblemError:
    """A problem with one field or parameter; ``problem`` says what is wrong in a sentence."""
    found = FieldProblem(field=field, value=shown(value), problem=problem, remedy=remedy)
    return ProblemError(status, field_sentence(found), remedy=remedy, errors=(found,))


def overloaded(detail: str, *, remedy: str, seconds: int) -> ProblemError:
    """503, with the time after which it is worth another try."""
    return ProblemError(503, detail, remedy=remedy, headers={"Retry-After": str(seconds)})


def shown(value: object) -> str:
    """The beginning of a value as JSON."""
    text = to_json(value, fallback=str, inf_nan_mode="strings").decode("utf-8", "replace")
    return text if len(text) <= _VALUE_CHARACTERS else f"{text[: _VALUE_CHARACTERS - 1]}…"


def field_problems(errors: Any) -> tuple[FieldProblem, ...]:
    """Pydantic's list of errors in our words."""
    return tuple(
        FieldProblem(
            field=_place(error["loc"]),
            value=_given(error),
            problem=_words(error),
            remedy=_REMEDIES.get(error["type"], _USUAL_REMEDY),
        )
        for error in errors
    )


def field_sentence(found: FieldProblem) -> str:
    """The problem of a field on one line, with its value."""
    where = f"{found.field}: " if found.field else ""
    value = f" (given: {found.value})" if found.value is not None else ""
    return f"{where}{found.problem}{value}"


def _given(error: Any) -> str | None:
    if error["type"] in {"missing", "json_invalid"}:
        return None
    value = error.get("input")
    return shown(value.decode("utf-8", "replace") if isinstance(value, bytes) else value)


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
    """The document as JSON; ``errors`` is left out when no field is concerned."""
    told = problem.model_dump()
    if not problem.errors:
        del told["errors"]
    return to_json(told)


def make_problem(
    status: int,
    detail: str,
    *,
    path: str,
    request_id: str,
    remedy: str = "",
    errors: tuple[FieldProblem, ...] = (),
) -> Problem:
    """A document with the standard title of its status."""
    return Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        instance=path,
        request_id=request_id,
        remedy=remedy or _remedy_of(status),
        errors=errors,
    )


def _remedy_of(status: int) -> str:
    if status in {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}:
        return "see /openapi.json for what there is"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return "the server's log tells more under this request_id"
    return "correct the request; /openapi.json describes it"


def add_problem_handlers(app: FastAPI) -> None:
    """Turn each kind of error that is expected into a problem document.

    What is not expected becomes one in :class:`service.http.guard.Guard`.
    """

    def respond(
        request: Request,
        status: int,
        detail: str,
        *,
        remedy: str = "",
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
        detail, remedy = error.detail, getattr(error, "remedy", "")
        if error.status_code == HTTPStatus.NOT_FOUND and detail == "Not Found":
            detail = f"there is nothing at {request.url.path}"
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            detail = f"{request.method} is not answered at {request.url.path}"
            ways = (error.headers or {}).get("Allow", "")
            remedy = f"use {ways.replace(', ', ' or ')}" if ways else ""
        return respond(
            request,
            error.status_code,
            detail,
            remedy=remedy,
            errors=getattr(error, "errors", ()),
            headers=error.headers,
        )

    def on_validation(request: Request, error: RequestValidationError) -> Response:
        found = field_problems(error.errors())
        return respond(request, 422, field_sentence(found[0]), remedy=found[0].remedy, errors=found)

    def on_undertow(request: Request, error: UndertowError) -> Response:
        status = next((code for kind, code in _STATUS if isinstance(error, kind)), 500)
        return respond(request, status, error.message, remedy=error.remedy)

    app.add_exception_handler(HTTPException, on_http)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, on_validation)  # type: ignore[arg-type]
    app.add_exception_handler(UndertowError, on_undertow)  # type: ignore[arg-type]
