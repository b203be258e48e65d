"""Put the application together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Depends, FastAPI

from service.http import about, articles, examples, market, streaming, tagging
from service.http.batching import ItemTagger, MicroBatcher
from service.http.guard import Guard
from service.http.metrics import Metrics
from service.http.options import ServeOptions
from service.http.parameters import refuse_unknown_parameters
from service.http.problems import MEDIA_TYPE, Problem, add_problem_handlers
from service.http.rate import TokenBuckets
from service.http.service import Service

if TYPE_CHECKING:
    from corpus.store import Store

_DESCRIPTION = """Which forces move the crypto market, from the news, with evidence.

Times are UTC. Errors are problem documents (RFC 9457). Limits and examples: docs/http.md."""
_PROBLEM = {
    "description": "What is wrong and what to do",
    "content": {
        MEDIA_TYPE: {
            "schema": {"$ref": "#/components/schemas/Problem"},
            "example": examples.PROBLEM,
        }
    },
}


def create_app(
    store: Store,
    tagger: ItemTagger,
    options: ServeOptions | None = None,
    *,
    buckets: TokenBuckets | None = None,
) -> FastAPI:
    """The application over an open store and a loaded tagger; neither is closed by it.

    ``buckets`` hold the keys of ``options`` to their rate; without them they are made here when
    ``options`` has a rate.
    """
    from service.pages import add_pages  # noqa: PLC0415 - the pages use the handlers' helpers

    options = options or ServeOptions()
    if buckets is None and options.rate_limit is not None:
        buckets = TokenBuckets(len(options.key_hashes), options.rate_limit)
    metrics = Metrics()
    batcher = MicroBatcher(
        tagger, metrics, batch_items=options.batch_items, queue_items=options.queue_items
    )

    @asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        batcher.start()
        yield
        await batcher.close()
        service.close()

    service = Service(store, tagger, batcher, metrics, options, buckets)
    app = FastAPI(
        title="Undertow",
        version=version("undertow"),
        description=_DESCRIPTION,
        lifespan=running,
        # Their pages load scripts from elsewhere; /openapi.json is enough for any client.
        docs_url=None,
        redoc_url=None,
    )
    app.state.service = service
    app.add_middleware(
        Guard,
        options=options,
        metrics=metrics,
        full=batcher.refusal,
        buckets=buckets,
        ending=service.streams.ending,
    )
    add_problem_handlers(app)
    api = APIRouter(
        responses={"4XX": _PROBLEM, "5XX": _PROBLEM},
        dependencies=[Depends(refuse_unknown_parameters)],
    )
    for room in (tagging, streaming, articles, market, about):
        api.include_router(room.router)
    app.include_router(api)
    add_pages(app)
    _describe(app)
    return app


def _describe(app: FastAPI) -> None:
    """Add the schemas that no handler's signature names."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = plain()
            known = schema.setdefault("components", {}).setdefault("schemas", {})
            problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            known |= problem.pop("$defs") | {"Problem": problem} | tagging.tag_schemas()
        schema = app.openapi_schema or schema
        return schema

    app.openapi = described  # type: ignore[method-assign]
