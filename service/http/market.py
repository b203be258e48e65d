"""Index, study and watch list over HTTP."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import WithJsonSchema
from pydantic_core import to_json

from corpus.errors import InputError, UsageError
from nlp.index import COLUMNS, COMPOSITE
from nlp.taxonomy import driver_named, drivers
from nlp.watch import LOOKBACK, WatchState, assess
from service.http import examples
from service.http.articles import NO_NUL
from service.http.problems import wrong_field
from service.http.service import Service, TheService
from service.http.times import Moment, check_span
from service.report.reader import NewsReader

router = APIRouter(tags=["market"])

Asset = Literal["all", "BTC", "ETH"]
TagsOf = Annotated[
    str,
    Query(
        max_length=200,
        pattern=NO_NUL,
        description="`name@version` of the model whose tags count; default the last",
        examples=["undertow-drivers@1.3.0"],
    ),
]
DriverName = Annotated[
    str, WithJsonSchema({"type": "string", "enum": [*(one.name for one in drivers()), COMPOSITE]})
]
_TIMES = ("period_start", "as_of")


@router.get(
    "/v1/index",
    summary="The narrative index",
    description=(
        "Rows of the index file (docs/contracts.md), as JSON or CSV. `as_of` is by default the"
        " moment when the store was last tagged."
    ),
    responses={
        200: {
            "content": {
                "application/json": {
                    "example": examples.INDEX,
                    "schema": {
                        "type": "object",
                        "properties": {
                            "columns": {"type": "array", "items": {"type": "string"}},
                            "rows": {"type": "array", "items": {"type": "object"}},
                        },
                        "required": ["columns", "rows"],
                    },
                },
                "text/csv": {
                    "schema": {"type": "string"},
                    "example": "period_start,frequency,asset,driver,stories\n"
                    "2025-11-10T00:00:00Z,W,all,etf_flows,120\n",
                },
            }
        }
    },
)
def index(
    *,
    service: TheService,
    driver: Annotated[
        list[DriverName] | None,
        Query(description="One or more drivers, or `composite`; default all"),
    ] = None,
    frequency: Literal["h", "D", "W"] = "D",
    asset: Asset = "all",
    since: Moment | None = None,
    until: Moment | None = None,
    as_of: Moment | None = None,
    model: TagsOf | None = None,
    format: Literal["json", "csv"] = "json",
) -> Response:
    """The index by driver and period."""
    check_span(since, until)
    for name in driver or ():
        if name != COMPOSITE:
            try:
                driver_named(name)
            except UsageError as error:
                raise wrong_field(422, "query.driver", name, error.message, error.remedy) from error
    news = _news(service, model, as_of)
    frame = service.index(news, frequency=frequency, asset=asset).frame
    if driver:
        frame = frame[frame["driver"].isin(driver)]
    if since is not None:
        frame = frame[frame["period_start"] >= since]
    if until is not None:
        frame = frame[frame["period_start"] < until]
    told = frame.copy()
    for column in _TIMES:
        told[column] = told[column].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    if format == "csv":
        text = told.to_csv(index=False, lineterminator="\n")
        return Response(text, media_type="text/csv; charset=utf-8")
    rows: list[dict[Any, Any]] = told.to_dict("records")
    body = to_json({"columns": COLUMNS, "rows": [_finite(row) for row in rows]})
    return Response(body, media_type="application/json")


def _finite(row: dict[Any, Any]) -> dict[Any, Any]:
    """The row with null where a number is not defined."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in row.items()
    }


@router.get(
    "/v1/study",
    summary="What the statistics say of index and price",
    description="Plan, tests with intervals, placebos and the verdict; over all news and prices.",
    responses=examples.answer(
        examples.STUDY, schema={"type": "object", "required": ["cells", "verdict"]}
    ),
)
def study(
    service: TheService,
    frequency: Literal["D", "W"] = "D",
    as_of: Moment | None = None,
    model: TagsOf | None = None,
) -> Response:
    """The study of the index against the prices of the store."""
    news = _news(service, model, as_of)
    result = service.study(news, frequency=frequency)
    return Response(result.to_json(), media_type="application/json")


@router.get("/v1/watch", summary="What to watch", responses=examples.answer(examples.WATCH))
def watch(
    service: TheService,
    until: Moment | None = None,
    as_of: Moment | None = None,
    model: TagsOf | None = None,
) -> tuple[WatchState, ...]:
    """The three states at ``until`` (exclusive; by default the end of the last day with news)."""
    news = _news(service, model, as_of)
    end = until or last_day_end(service)
    if end < datetime(1971, 1, 1, tzinfo=UTC):
        raise wrong_field(
            409, "query.until", end, "there is no news before this", "choose a later day"
        )
    return assess(news.between(end - LOOKBACK, end), until=end, as_of=news.as_of)


def last_day_end(service: TheService) -> datetime:
    """End of the last UTC day on which an article of the store was published."""
    last = service.store.counts().last_published
    if last is None:
        raise InputError("the store holds no articles", remedy="run `undertow crawl` first")
    return datetime(last.year, last.month, last.day, tzinfo=UTC) + timedelta(days=1)


def _news(service: Service, model: str | None, as_of: datetime | None) -> NewsReader:
    try:
        return service.news(model=model, as_of=as_of)
    except UsageError as error:
        raise wrong_field(404, "query.model", model, error.message, error.remedy) from error
