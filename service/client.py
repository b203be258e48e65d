"""A thin client of the endpoint, with the same records as the rest of Undertow.

::

    with Client("http://127.0.0.1:8000") as client:
        record = client.tag([{"title": "Bitcoin funds lose $870 million in a day"}])[0]
        for record in client.tag_stream(items):  # any number of them, from any iterable
            ...
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json, to_json

from corpus.errors import FetchError, UsageError
from corpus.records import Article
from nlp.records import Item, TagFailure, TagRecord
from nlp.taxonomy import Driver
from nlp.watch import WatchState

if TYPE_CHECKING:
    pass

_RECORDS: TypeAdapter[list[TagRecord | TagFailure]] = TypeAdapter(list[TagRecord | TagFailure])
_RECORD: TypeAdapter[TagRecord | TagFailure] = TypeAdapter(TagRecord | TagFailure)
_STATES: TypeAdapter[tuple[WatchState, ...]] = TypeAdapter(tuple[WatchState, ...])
_DRIVERS: TypeAdapter[tuple[Driver, ...]] = TypeAdapter(tuple[Driver, ...])
_OK = 200
_OUR_FAULT = frozenset({400, 404, 413, 415, 422})


class Client:
    """Talks to one server. Every method raises :class:`FetchError` when it is not reached, is
    overloaded or fails, and :class:`UsageError` when it refuses the request as wrong.
    """

    def __init__(
        self,
        base_url: str = "http://127.0.0.1:8000",
        *,
        key: str | None = None,
        timeout: float = 60,
    ) -> None:
        import httpx  # noqa: PLC0415 - keeps the module quick to import

        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._headers = headers
        self._timeout = timeout
        self._http = httpx.Client(base_url=base_url, headers=headers, timeout=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def tag(self, items: Sequence[Item | Mapping[str, Any]]) -> list[TagRecord | TagFailure]:
        """The records of ``items`` (records or plain mappings), in order.

        At most as many items as the server takes in one request (256 unless it was told
        otherwise).
        """
        body = to_json([_plain(one) for one in items])
        return _RECORDS.validate_json(
            self._ask("POST", "/v1/tag", body=body, kind="application/json")
        )

    def tag_stream(
        self, items: Iterable[Item | Mapping[str, Any]]
    ) -> Iterator[TagRecord | TagFailure]:
        """The records of any number of items, in order, as they come.

        ``items`` are taken only as fast as the server tags them, and memory does not grow. When the
        server cannot go on the error says after which item to begin again.
        """
        import h11  # noqa: PLC0415 - keeps the module quick to import

        from service.client_stream import post_both_ways  # noqa: PLC0415 - as h11

        headers = {
            **self._headers,
            "Content-Type": "application/x-ndjson",
            "Transfer-Encoding": "chunked",
            "Connection": "close",
        }
        url = str(self._http.base_url.join("/v1/tag/stream"))
        lines = (to_json(_plain(one)) + b"\n" for one in items)
        rest = b""
        try:
            for answer in post_both_ways(url, lines, headers=headers, timeout=self._timeout):
                *whole, rest = (rest + answer.part).split(b"\n")
                if answer.status != _OK:
                    if not answer.part:
                        raise _refusal(answer.status, rest)
                    continue
                for line in whole:
                    yield _record_of(line)
        except (OSError, h11.ProtocolError) as error:
            raise self._unreachable(error) from error

    def articles(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        source: str | None = None,
        page: int = 100,
    ) -> Iterator[Article]:
        """Articles published from ``since`` to ``until`` (exclusive), fetched page by page."""
        cursor = None
        while True:
            answer = from_json(
                self._ask(
                    "GET",
                    "/v1/articles",
                    since=since,
                    until=until,
                    source=source,
                    limit=page,
                    cursor=cursor,
                )
            )
            for one in answer["articles"]:
                yield Article.model_validate_json(to_json(one))
            cursor = answer["next"]
            if cursor is None:
                return

    def article(self, article_id: str) -> tuple[Article, TagRecord | None]:
        """An article and its tags."""
        answer = from_json(self._ask("GET", f"/v1/articles/{article_id}"))
        tags = answer["tags"]
        return (
            Article.model_validate_json(to_json(answer["article"])),
            None if tags is None else TagRecord.model_validate_json(to_json(tags)),
        )

    def story(self, story_id: str) -> tuple[Article, ...]:
        """The articles of a story, the first seen in front."""
        answer = from_json(self._ask("GET", f"/v1/stories/{story_id}"))
        return tuple(Article.model_validate_json(to_json(one)) for one in answer["articles"])

    def index(self, **query: Any) -> list[dict[str, Any]]:
        """Rows of the index; the query is that of ``GET /v1/index``."""
        rows: list[dict[str, Any]] = from_json(self._ask("GET", "/v1/index", **query))["rows"]
        return rows

    def watch(
        self, *, until: datetime | None = None, as_of: datetime | None = None
    ) -> tuple[WatchState, ...]:
        """The three states of the watch list."""
        return _STATES.validate_json(self._ask("GET", "/v1/watch", until=until, as_of=as_of))

    def taxonomy(self) -> tuple[Driver, ...]:
        """The drivers that the server knows."""
        return _DRIVERS.validate_json(self._ask("GET", "/v1/taxonomy"))

    def models(self) -> dict[str, Any]:
        """The serving model, and the models whose tags the store holds."""
        told: dict[str, Any] = from_json(self._ask("GET", "/v1/models"))
        return told

    def _ask(
        self, method: str, path: str, *, body: bytes | None = None, kind: str = "", **query: Any
    ) -> bytes:
        import httpx  # noqa: PLC0415 - loaded already

        told = {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in query.items()
            if value is not None
        }
        try:
            answer = self._http.request(
                method,
                path,
                params=told,
                content=body,
                headers={"Content-Type": kind} if kind else {},
            )
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        if answer.is_success:
            return answer.content
        raise _refusal(answer.status_code, answer.content)

    def _unreachable(self, error: Exception) -> FetchError:
        return FetchError(
            f"{self._http.base_url} cannot be reached: {error}",
            remedy="start it with `undertow serve`, or correct the address",
        )


def _plain(item: Item | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(item, Item):
        return item.model_dump(mode="json", exclude_none=True)
    return dict(item)


def _record_of(line: bytes) -> TagRecord | TagFailure:
    """A line of a stream; raises when it is the problem that ended it."""
    try:
        return _RECORD.validate_json(line)
    except ValidationError:
        raise _refusal(_status_of(line), line) from None


def _status_of(line: bytes) -> int:
    try:
        return int(from_json(line)["status"])
    except (ValueError, KeyError, TypeError):
        return _OK


def _refusal(status: int, content: bytes) -> FetchError | UsageError:
    """The server's problem document as an error."""
    try:
        told = from_json(content)
        message, remedy = str(told["detail"]), str(told.get("remedy", ""))
    except (ValueError, KeyError, TypeError):
        message, remedy = f"the server answered {status}", ""
    if status in _OUR_FAULT:
        return UsageError(message, remedy=remedy)
    return FetchError(message, remedy=remedy)
