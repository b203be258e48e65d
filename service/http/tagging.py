"""``POST /v1/tag``: the tag records of one item or of a list, as the batch command writes them."""

from __future__ import annotations

from datetime import UTC
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import (
    AwareDatetime,
    BeforeValidator,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)
from pydantic.json_schema import models_json_schema

from corpus.records import Record
from nlp.records import Item, TagFailure, TagRecord
from service.http import examples
from service.http.guard import TAG_PATH
from service.http.problems import (
    ProblemError,
    field_problems,
    field_sentence,
    wrong_field,
)
from service.http.service import TheService, charge

router = APIRouter(tags=["tagging"])

ID_CHARACTERS = 200
TITLE_CHARACTERS = 2_000
TEXT_CHARACTERS = 200_000


def _written(value: object) -> object:
    """Refuse numbers, which would be taken for seconds since 1970."""
    if isinstance(value, str) and not value.replace(".", "", 1).lstrip("+-").isdigit():
        return value
    raise ValueError("write a time with its zone, like 2025-11-17T14:00:00Z")


class TagItem(Record):
    """One piece of news. One without words in ``title`` and ``text`` gives a failure, no record.

    ``id`` comes back in the record; without it the place in the list is given, counted from 1.
    ``published_at`` (with its zone) resolves words like "on Thursday" in amounts.
    """

    id: Annotated[str, StringConstraints(min_length=1, max_length=ID_CHARACTERS)] | None = None
    title: Annotated[str, StringConstraints(max_length=TITLE_CHARACTERS)] | None = None
    text: Annotated[str, StringConstraints(max_length=TEXT_CHARACTERS)] | None = None
    published_at: Annotated[AwareDatetime, BeforeValidator(_written)] | None = None


ONE: TypeAdapter[TagItem] = TypeAdapter(TagItem)
_MANY: TypeAdapter[list[TagItem]] = TypeAdapter(list[TagItem])


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
    TAG_PATH,
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
                        "one": {"value": examples.ITEM},
                        "many": {"value": [examples.ITEM, {"title": "Fed holds rates"}]},
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
                    "schema": {"oneOf": [_RECORD, {"type": "array", "items": _RECORD}]},
                    "examples": {
                        "one": {"value": examples.RECORD},
                        "many": {"value": [examples.RECORD, examples.FAILURE]},
                    },
                }
            },
        }
    },
)
async def tag(request: Request, service: TheService) -> Response:
    """Tag one item or a list."""
    require_kind(request, ("application/json",))
    body = await request.body()
    single = body.lstrip()[:1] != b"["
    items = _parsed(body, single)
    if len(items) > service.options.request_items:
        raise ProblemError(
            413,
            f"the list holds {len(items)} items; at most {service.options.request_items} are taken",
            remedy="send the list in parts, or line by line to /v1/tag/stream",
        )
    charge(request, len(items) - 1)
    records = await service.batcher.tag(items, deadline_seconds=service.options.deadline_seconds)
    text = records[0] if single else f"[{','.join(records)}]"
    return Response(text, media_type="application/json")


def require_kind(request: Request, kinds: tuple[str, ...]) -> None:
    """Raise a problem 415 when the body is said to be of another kind; unsaid it is taken as ours.

    A form of a foreign page cannot send these kinds, so it cannot tag in a visitor's name.
    """
    given = request.headers.get("content-type")
    if given is not None and given.partition(";")[0].strip().lower() not in kinds:
        raise wrong_field(
            415,
            "header.content-type",
            given,
            "this kind of body is not read here",
            f"send it as {kinds[0]}",
        )


def item_of(given: TagItem, place: int) -> Item:
    """The item that the tagger reads; without an id the place is one, as in the batch command."""
    return Item(
        id=given.id if given.id is not None else str(place),
        title=given.title,
        text=given.text,
        published_at=given.published_at.astimezone(UTC) if given.published_at else None,
    )


def _parsed(body: bytes, single: bool) -> list[Item]:
    try:
        given = [ONE.validate_json(body)] if single else _MANY.validate_json(body)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False)
        found = field_problems(details)
        status = 400 if details[0]["type"] == "json_invalid" else 422
        raise ProblemError(
            status, field_sentence(found[0]), remedy=found[0].remedy, errors=found
        ) from None
    if not given:
        raise wrong_field(422, "body", [], "the list is empty", "send at least one item")
    return [item_of(item, place) for place, item in enumerate(given, start=1)]
