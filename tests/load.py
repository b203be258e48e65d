"""A cheap load generator, to be run in a process of its own: ``python -m tests.load PLAN``.

PLAN is a JSON object: ``url``, ``path``, ``bodies`` (a file with one body a line), ``seconds``,
and either ``clients`` (each sends when it was answered) or ``rate`` (requests a second at random
times, with ``even`` at even ones, whatever the server does) with ``connections`` at most. Prints
one JSON object: for each request its start, seconds until the whole answer, and status (0: no
answer), and the processor seconds that the generator itself took.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvloop


class Connection(asyncio.Protocol):
    """Sends one request at a time and waits for the whole answer."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._answer = bytearray()
        self._need = 0
        self._began = 0.0
        self.busy = False
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def send(self, request: bytes, began: float) -> None:
        self.busy, self._began, self._need = True, began, 0
        self._answer.clear()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if not self._need:
            end = self._answer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = bytes(self._answer[:end]).lower()
            length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
            self._need = end + 4 + int(length)
        if len(self._answer) >= self._need:
            self.busy = False
            closing = b"connection: close" in bytes(self._answer[:400]).lower()
            if closing:
                self.transport.close()
            self._load.done(self, self._began, int(self._answer[9:12]), closing=closing)

    def connection_lost(self, error: Exception | None) -> None:
        if self.busy:
            self.busy = False
            self._load.done(self, self._began, 0, closing=True)


class Load:
    def __init__(self, plan: dict[str, Any]) -> None:
        self._plan = plan
        place = urlsplit(plan["url"])
        self._host, self._port = place.hostname, place.port
        head = f"POST {plan['path']} HTTP/1.1\r\nHost: {place.netloc}\r\n"
        self._requests = [
            f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
            for body in Path(plan["bodies"]).read_bytes().splitlines()
        ]
        self._next = 0
        self._ended = False
        self._free: deque[Connection] = deque()
        self._opened = 0
        self.unsent = 0
        self.told: list[tuple[float, float, int]] = []

    def request(self) -> bytes:
        self._next += 1
        return self._requests[self._next % len(self._requests)]

    async def connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        _, made = await loop.create_connection(lambda: Connection(self), self._host, self._port)
        return made

    def done(self, connection: Connection, began: float, status: int, *, closing: bool) -> None:
        now = time.monotonic()
        self.told.append((began, now - began, status))
        if closing:
            self._opened -= 1
        elif "clients" in self._plan and not self._ended:
            connection.send(self.request(), now)
        else:
            self._free.append(connection)

    async def run(self) -> None:
        if "clients" in self._plan:
            clients = [await self.connect() for _ in range(self._plan["clients"])]
            for one in clients:
                one.send(self.request(), time.monotonic())
            await asyncio.sleep(self._plan["seconds"])
        else:
            await self._at_rate()
        self._ended = True

    async def _at_rate(self) -> None:
        chance = random.Random(1)
        due = time.monotonic()
        end = due + self._plan["seconds"]
        coming: set[asyncio.Task[None]] = set()
        while due < end:
            rate = self._plan["rate"]
            due += 1 / rate if self._plan.get("even") else chance.expovariate(rate)
            wait = due - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            if self._free:
                self._free.popleft().send(self.request(), due)
            elif self._opened < self._plan["connections"]:
                self._opened += 1
                task = asyncio.create_task(self._open_and_send(due))
                coming.add(task)
                task.add_done_callback(coming.discard)
            else:
                self.unsent += 1

    async def _open_and_send(self, due: float) -> None:
        try:
            (await self.connect()).send(self.request(), due)
        except OSError:
            self.told.append((due, time.monotonic() - due, 0))
            self._opened -= 1


def main(plan: str) -> None:
    load = Load(json.loads(plan))
    uvloop.run(load.run())
    told = {"told": load.told, "unsent": load.unsent, "cpu_seconds": time.process_time()}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1])
