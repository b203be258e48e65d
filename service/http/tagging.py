"""``POST /v1/tag``: the tag records of one item or of a list, as the batch command writes them."""

from __future__ import annotations

from datetime import UTC
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import AwareDatetime, Field, StringConstraints, TypeAdapter, ValidationError
from pydantic.json_schema import models_json_schema

from corpus.records import Record
from nlp.records import Item, TagFailure, TagRecord
from service.http.problems import FieldProblem, ProblemError, field_problems
from service.http.service import TheService

router = APIRouter(tags=["tagging"])

TITLE_CHARACTERS = 2_000
TEXT_CHARACTERS = 200_000


class TagItem(Record):
    """One piece of news. ``title`` or ``text`` must hold something.

    ``id`` comes back in the record; without it the place in the list is given, counted from 1.
    ``published_at`` (with its zone) resolves words like "on Thursday" in amounts.
    """

    id: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    title: Annotated[str, StringConstraints(max_length=TITLE_CHARACTERS)] | None = None
    text: Annotated[str, StringConstraints(max_length=TEXT_CHARACTERS)] | None = None
    published_at: AwareDatetime | None = Field(default=None)


_ONE: TypeAdapter[TagItem] = TypeAdapter(TagItem)
_MANY: TypeAdapter[list[TagItem]] = TypeAdapter(list[TagItem])
_EXAMPLE = {
    "id": "a-1",
    "title": "Bitcoin funds lose $870 million in a day",
    "text": "Investors pulled $870 million from US spot bitcoin funds on Thursday.",
    "published_at": "2025-11-14T08:00:00Z",
}


def tag_schemas() -> dict[str, Any]:
    """The schemas of item, record and failure, for the API description."""
    _, defined = models_json_schema(
        [(TagItem, "validation"), (TagRecord, "serialization"), (TagFailure, "serialization")],
        ref_template="#/components/schemas/{model}",
    )
    schemas: dict[str, Any] = defined["$defs"]
    return schemas


def _reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


_RECORD = {"oneOf": [_reference("TagRecord"), _reference("TagFailure")]}


@router.post(
    "/v1/tag",
    summary="Tag one item or a list",
    description=(
        "An item gives its record, a list the list of records in its order. Each record is the same"
        " text, byte for byte, that `undertow tag` writes for the item. What cannot be tagged gives"
        " a record with `error` in its place."
    ),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {
                        "oneOf": [
                            _reference("TagItem"),
                            {"type": "array", "items": _reference("TagItem"), "minItems": 1},
                        ]
                    },
                    "examples": {
                        "one": {"value": _EXAMPLE},
                        "many": {"value": [_EXAMPLE, {"title": "Fed holds rates"}]},
                    },
                }
            },
        }
    },
    responses={
        200: {
            "description": "The record, or the list of records",
            "content": {
                "application/json": {
                    "schema": {"oneOf": [_RECORD, {"type": "array", "items": _RECORD}]}
                }
            },
        }
    },
)
async def tag(request: Request, service: TheService) -> Response:
    """Tag one item or a list."""
    body = await request.body()
    single = body.lstrip()[:1] != b"["
    items = _parsed(body, single)
    if len(items) > service.options.request_items:
        raise ProblemError(
            413,
            f"the list holds {len(items)} items; at most {service.options.request_items} are taken",
            remedy="send the list in parts, or use `undertow tag` for files",
        )
    records = await service.batcher.tag(items, deadline_seconds=service.options.deadline_seconds)
    text = records[0] if single else f"[{','.join(records)}]"
    return Response(text, media_type="application/json")


def _parsed(body: bytes, single: bool) -> list[Item]:
    try:
        given = [_ONE.validate_json(body)] if single else _MANY.validate_json(body)
    except ValidationError as error:
        found = field_problems(error.errors(include_url=False, include_context=False))
        first = found[0]
        where = f"{first.field}: " if first.field else ""
        status = 400 if error.errors()[0]["type"] == "json_invalid" else 422
        raise ProblemError(status, f"{where}{first.problem}", errors=found) from None
    if not given:
        raise ProblemError(422, "the list is empty", remedy="send at least one item")
    empty = [
        FieldProblem(field="title" if single else f"[{place}].title", problem=_EMPTY)
        for place, item in enumerate(given)
        if not (item.title or "").strip() and not (item.text or "").strip()
    ]
    if empty:
        raise ProblemError(422, f"{empty[0].field}: {_EMPTY}", errors=tuple(empty))
    return [
        Item(
            id=item.id if item.id is not None else str(place),
            title=item.title,
            text=item.text,
            published_at=item.published_at.astimezone(UTC) if item.published_at else None,
        )
        for place, item in enumerate(given, start=1)
    ]


_EMPTY = "title or text must hold something"
