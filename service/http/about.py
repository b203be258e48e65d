"""What the server is: taxonomy, models, whether it is well, and what it counts."""

from __future__ import annotations

from fastapi import APIRouter, Response

from corpus.errors import StoreError
from corpus.records import Record, TagModel
from nlp.taxonomy import Driver, drivers
from service.http import examples
from service.http.problems import ProblemError
from service.http.service import TheService

router = APIRouter()


class Models(Record):
    """The model that answers ``/v1/tag``, and those whose tags the store holds, newest first."""

    serving: str
    stored: tuple[TagModel, ...]


class Health(Record):
    """Said by a server that is well."""

    status: str


@router.get(
    "/v1/taxonomy",
    summary="The drivers",
    tags=["about"],
    responses=examples.answer([drivers()[0].model_dump(mode="json")]),
)
def taxonomy() -> tuple[Driver, ...]:
    """All drivers with what they mean."""
    return drivers()


@router.get(
    "/v1/models",
    summary="The models",
    tags=["about"],
    responses=examples.answer(examples.MODELS),
)
def models(service: TheService) -> Models:
    """The serving model and those of the store."""
    return Models(serving=service.tagger.identity, stored=service.store.tag_models())


@router.get(
    "/healthz",
    summary="Is the process alive",
    tags=["operation"],
    responses=examples.answer({"status": "alive"}),
)
async def healthz() -> Health:
    """Answers as long as the process does."""
    return Health(status="alive")


@router.get(
    "/readyz",
    summary="Can it serve",
    tags=["operation"],
    responses=examples.answer({"status": "ready"}),
)
def readyz(service: TheService) -> Health:
    """Answers when the store can be read and the server was not told to stop.

    The model was loaded before the server listened.
    """
    if service.streams.ending.is_set():
        raise ProblemError(503, "the server is stopping", remedy="ask another server")
    try:
        service.store.article("0" * 20)
    except StoreError as error:
        raise ProblemError(503, error.message, remedy=error.remedy) from error
    return Health(status="ready")


@router.get(
    "/metrics",
    summary="Counters for Prometheus",
    tags=["operation"],
    responses={
        200: {
            "content": {
                "text/plain": {
                    "schema": {"type": "string"},
                    "example": "undertow_items_tagged_total 1200.0\n",
                }
            }
        }
    },
    response_class=Response,
)
async def metrics(service: TheService) -> Response:
    """Counters in Prometheus' text format."""
    return Response(service.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")
