"""``POST /v1/tag/stream``: one item a line in, one record a line out, in order and of any length.

What is read waits for the model and for the reader of the answer: lines are taken from the
connection no faster than their records leave, so memory does not grow with the stream.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError
from pydantic_core import from_json
from starlette.types import Message, Receive, Scope, Send

from nlp.records import Item, TagFailure
from service.http.problems import (
    ProblemError,
    field_problems,
    field_sentence,
    make_problem,
    overloaded,
    problem_bytes,
)
from service.http.service import Service, TheService
from service.http.tagging import ID_CHARACTERS, ONE, item_of, require_kind

router = APIRouter(tags=["tagging"])

KIND = "application/x-ndjson"
_KINDS = (KIND, "application/ndjson", "application/jsonl", "application/x-jsonlines")
# Groups of a stream whose records wait for the reader of the answer.
_GROUPS_AHEAD = 2

_LINGERING_SECONDS = 2.0
# Bytes of lines that are tagged at once: whole articles, too, must not fill the memory.
_GROUP_BYTES = 256 * 1024

Line = Item | TagFailure
Group = list[Line] | Exception | None


@router.post(
    "/v1/tag/stream",
    summary="Tag a stream of items, line by line",
    description=(
        "One item a line (NDJSON); one record a line comes back, in order, while the rest is still"
        " being sent: read and send at the same time. A line that cannot be read or tagged gives a"
        " record with `error` in its place. When the server cannot go on, the last line is a"
        " problem document, which says from which line on to send again."
    ),
    openapi_extra={
        "requestBody": {
            "required": False,
            "content": {
                KIND: {
                    "schema": {"description": "Lines, each a `TagItem`"},
                    "examples": {
                        "two": {
                            "value": '{"title": "Bitcoin funds lose $870 million in a day"}\n'
                            '{"id": "b", "title": "Fed holds rates"}\n'
                        }
                    },
                }
            },
        }
    },
    responses={
        200: {
            "description": "Lines of `TagRecord` and `TagFailure`, in order",
            "content": {
                KIND: {
                    "schema": {"type": "string"},
                    "example": '{"id":"1","schema":2,"model":"undertow-drivers@1.3.0",'
                    '"error":"no words in title or text"}\n',
                }
            },
        }
    },
    response_class=Response,
)
async def tag_stream(request: Request, service: TheService) -> Response:
    """Tag a stream of items, line by line."""
    require_kind(request, _KINDS)
    if service.streams.open >= service.options.streams:
        raise overloaded(
            f"{service.options.streams} streams are open",
            remedy="send the stream again after the seconds in Retry-After",
            seconds=5,
        )
    return _Answer(request, service)


class _DisconnectedError(Exception):
    """Nobody reads the answer any more."""


class _Answer(Response):
    """Reads and writes at once, which Starlette's streaming response does not: it reads the body
    itself to learn of a disconnect.
    """

    media_type = KIND

    def __init__(self, request: Request, service: Service) -> None:
        super().__init__()
        del self.headers["content-length"]
        self._request = request
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the stream."""
        start: Message = {
            "type": "http.response.start",
            "status": self.status_code,
            "headers": self.raw_headers,
        }
        started = False
        streams = self._service.streams
        streams.open += 1
        try:
            # The first records come before the status: until then a problem can have its own.
            async for text in self._answered(receive):
                if not started:
                    await send(start)
                    started = True
                await send({"type": "http.response.body", "body": text, "more_body": True})
            if not started:
                await send(start)
            await send({"type": "http.response.body", "body": b""})
        except _DisconnectedError:
            return
        finally:
            streams.open -= 1

    async def _answered(self, receive: Receive) -> AsyncIterator[bytes]:
        groups: asyncio.Queue[Group] = asyncio.Queue(_GROUPS_AHEAD)
        reader = asyncio.create_task(self._read(receive, groups))
        done = 0
        try:
            while (group := await groups.get()) is not None:
                if isinstance(group, Exception):
                    if not done or not isinstance(group, ProblemError):
                        raise group
                    yield self._problem_line(group, done)
                    await _discard(receive)
                    return
                yield await self._tagged(group)
                done += len(group)
        finally:
            reader.cancel()

    async def _read(self, receive: Receive, groups: asyncio.Queue[Group]) -> None:
        """Put the lines of the body into ``groups``, and at last None or what went wrong."""
        options = self._service.options
        lines = _Lines(options.line_bytes)
        place = 0
        try:
            more = True
            while more:
                message = await self._next(receive)
                more = message.get("more_body", False)
                group: list[Line] = []
                size = 0
                for line in lines.fed(message.get("body", b""), last=not more):
                    if line is not None and not line.strip():
                        continue
                    place += 1
                    group.append(self._parsed(line, place))
                    size += len(line or b"")
                    if len(group) == options.batch_items or size > _GROUP_BYTES:
                        await groups.put(group)
                        group, size = [], 0
                if group:
                    await groups.put(group)
        except Exception as error:
            await groups.put(error)
        else:
            await groups.put(None)

    async def _next(self, receive: Receive) -> Message:
        """The next part of the body."""
        seconds = self._service.options.deadline_seconds
        coming = asyncio.ensure_future(receive())
        ending = asyncio.ensure_future(self._service.streams.ending.wait())
        try:
            await asyncio.wait({ending, coming}, timeout=seconds, return_when="FIRST_COMPLETED")
            # First, since a fast sender always has more.
            if self._service.streams.ending.is_set():
                raise overloaded(
                    "the server is stopping", remedy="send the stream again", seconds=5
                )
            if coming.done():
                message = coming.result()
                if message["type"] == "http.disconnect":
                    raise _DisconnectedError
                return message
            raise ProblemError(
                408, f"nothing came for {seconds:g} seconds", remedy="send the stream again"
            )
        finally:
            coming.cancel()
            ending.cancel()

    def _parsed(self, line: bytes | None, place: int) -> Line:
        identity = str(place)
        if line is None:
            told = f"the line is longer than {self._service.options.line_bytes:,} bytes"
        else:
            try:
                return item_of(ONE.validate_json(line), place)
            except ValidationError as error:
                details = error.errors(include_url=False, include_context=False)
                found = field_problems(details)[0]
                told = f"{field_sentence(found)}: {found.remedy}"
                identity = _given_id(line) or identity
        return TagFailure(id=identity, model=self._service.tagger.identity, error=told)

    async def _tagged(self, group: list[Line]) -> bytes:
        items = [one for one in group if isinstance(one, Item)]
        records: Iterator[str] = iter(())
        if items:
            await self._pace(len(items))
            records = iter(await self._service.batcher.tag_in_turn(items))
        told = [one.to_json() if isinstance(one, TagFailure) else next(records) for one in group]
        return "".join(f"{record}\n" for record in told).encode()

    async def _pace(self, items: int) -> None:
        """Hold the stream to the rate of its key."""
        buckets = self._service.buckets
        if buckets is None:
            return
        key: int = self._request.scope["key_place"]
        while wait := buckets.take(key):
            await asyncio.sleep(wait)
        buckets.charge(key, items - 1)

    def _problem_line(self, problem: ProblemError, done: int) -> bytes:
        told = make_problem(
            problem.status_code,
            f"{problem.detail}; {done} records were given",
            path=self._request.url.path,
            request_id=str(self._request.scope["request_id"]),
            remedy=f"send the items after number {done} again",
        )
        return problem_bytes(told) + b"\n"


async def _discard(receive: Receive) -> None:
    """Take what still comes for a while: closing on it could lose the client the last line."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_LINGERING_SECONDS):
            while (await receive()).get("more_body"):
                pass


def _given_id(line: bytes) -> str | None:
    """The id that a line which is wrong otherwise gives."""
    try:
        given = from_json(line)["id"]
    except (ValueError, KeyError, TypeError):
        return None
    return given if isinstance(given, str) and 0 < len(given) <= ID_CHARACTERS else None


class _Lines:
    """Cuts parts of a body into lines; one longer than ``most`` bytes is given as None."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._rest = bytearray()
        self._too_long = False

    def fed(self, data: bytes, *, last: bool) -> Iterator[bytes | None]:
        """The lines that end in ``data``; with ``last`` also one without its line break."""
        *ended, rest = data.split(b"\n")
        for part in ended:
            yield self._line(part)
        self._keep(rest)
        if last and (self._rest or self._too_long):
            yield self._line(b"")

    def _line(self, part: bytes) -> bytes | None:
        self._keep(part)
        line = None if self._too_long else bytes(self._rest)
        self._rest.clear()
        self._too_long = False
        return line

    def _keep(self, part: bytes) -> None:
        self._too_long |= len(self._rest) + len(part) > self._most
        if self._too_long:
            self._rest.clear()
        else:
            self._rest += part
