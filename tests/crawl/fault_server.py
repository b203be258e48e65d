"""A server on loopback that can misbehave in every way that servers do."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field


@dataclass
class Request:
    """One request as it came in; header names are in lower case."""

    path: str
    headers: dict[str, str]
    connection: int


@dataclass
class FaultServer:
    """Answers each path with the function registered for it; unknown paths get 404.

    ``busy`` and ``most_busy`` count requests at the same time, ``closed`` connections that ended.
    """

    listener: socket.socket
    routes: dict[str, Callable[[Request, socket.socket], None]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    busy: int = 0
    most_busy: int = 0
    closed: int = 0
    stopping: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def paths(self) -> list[str]:
        return [request.path for request in self.requests if request.path != "/robots.txt"]

    def on(self, path: str, answer: Callable[[Request, socket.socket], None]) -> str:
        self.routes[path] = answer
        return self.url + path

    def serve(self, path: str, body: bytes | str, status: str = "200 OK", **headers: str) -> str:
        return self.on(path, answering(body, status, **headers))

    def run(self) -> None:
        number = 0
        while not self.stopping.is_set():
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            number += 1
            threading.Thread(target=self._talk, args=(connection, number), daemon=True).start()

    def _talk(self, connection: socket.socket, number: int) -> None:
        self._answer(connection, number)
        with self.lock:
            self.closed += 1

    def _answer(self, connection: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as reader:
            while line := reader.readline():
                path = line.decode("latin-1").split(" ")[1]
                headers = {}
                while (header := reader.readline().decode("latin-1").strip()) != "":
                    name, _, value = header.partition(":")
                    headers[name.lower()] = value.strip()
                request = Request(path, headers, number)
                with self.lock:
                    self.requests.append(request)
                    self.busy += 1
                    self.most_busy = max(self.most_busy, self.busy)
                try:
                    self.routes.get(path, answering("", "404 Not Found"))(request, connection)
                finally:
                    with self.lock:
                        self.busy -= 1


def answering(
    body: bytes | str, status: str = "200 OK", **headers: str
) -> Callable[[Request, socket.socket], None]:
    """An ordinary answer; keyword names become header names (``retry_after`` -> Retry-After)."""
    data = body.encode() if isinstance(body, str) else body
    head = {"Content-Length": str(len(data))}
    head |= {name.replace("_", "-").title(): value for name, value in headers.items()}
    text = "".join(f"{name}: {value}\r\n" for name, value in head.items())

    def answer(_: Request, connection: socket.socket) -> None:
        connection.sendall(f"HTTP/1.1 {status}\r\n{text}\r\n".encode() + data)

    return answer


def in_turn(
    *answers: Callable[[Request, socket.socket], None],
) -> Callable[[Request, socket.socket], None]:
    """The first answer to the first request, and so on; the last one from then on."""
    left = list(answers)

    def answer(request: Request, connection: socket.socket) -> None:
        (left.pop(0) if len(left) > 1 else left[0])(request, connection)

    return answer


def reset(_: Request, connection: socket.socket) -> None:
    """Break the connection off with a TCP reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise ConnectionResetError  # leaves the server's loop, which closes the socket


@contextlib.contextmanager
def start_server() -> Iterator[FaultServer]:
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    running = FaultServer(listener)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    try:
        yield running
    finally:
        running.stopping.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
