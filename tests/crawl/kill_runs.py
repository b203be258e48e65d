"""Crawls of outlets that fail in every way, each killed (`kill -9`) at a random moment.

``python tests/crawl/kill_runs.py 200`` does 200 such runs and tells what came of them. The test
``test_crawl_killed.py`` does a few. A cycle is some killed runs on one store and then crawls that
are left alone until nothing is owed; after each kill the store must be sound and have lost nothing,
and at the end hold every article once, in full.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import random
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from fault_server import FaultServer, Request, answering, reset, start_server
from news_site import article_page, entry, feed

from corpus.crawl import CrawlSummary, crawl
from corpus.politeness import CrawlSettings
from corpus.sources import Source
from corpus.store import Store

OUTLETS = 5
ENTRIES = 6  # of each outlet; every second has its text in the feed
KILLS_A_CYCLE = 5
SETTINGS = CrawlSettings(
    delay_seconds=0, retry_seconds=0.01, attempts=2, total_seconds=2.5, parse_workers=1
)
LONG = "What the desk of {} found out about the matter, told at length and with reasons. " * 8


def stall(_: Request, __: socket.socket) -> None:
    time.sleep(4)


def truncated(request: Request, connection: socket.socket) -> None:
    whole = gzip.compress(b"<rss>" * 500)
    answering(whole[: len(whole) // 2], content_encoding="gzip")(request, connection)


def shorter_than_told(_: Request, connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n<rss>")
    reset(_, connection)


def circle(request: Request, connection: socket.socket) -> None:
    answering("", "302 Found", location=request.path)(request, connection)


TEMPORARY = (
    reset,
    truncated,
    shorter_than_told,
    answering("", "429 Too Many Requests", retry_after="0"),
    answering("", "503 Service Unavailable"),
)


class BadOutlets:
    """Outlets on a fault server. Each address fails up to twice, in an order given by ``seed``."""

    def __init__(self, server: FaultServer, seed: int) -> None:
        self._moments = random.Random(seed)
        self._lock = threading.Lock()
        self._failures: dict[str, int] = {}
        self.asked = 0
        self.reached = threading.Event()
        self.wait_for = 0
        self.sources = [
            Source(name=f"Outlet {number}", url=f"{server.url}/{seed}/{number}/feed")
            for number in range(OUTLETS)
        ]
        self.titles = set()
        for number in range(OUTLETS):
            base = f"/{seed}/{number}"
            items = []
            for piece in range(ENTRIES):
                title = f"Piece {piece} of outlet {number} in round {seed}"
                self.titles.add(title)
                text = LONG.replace("{}", title) if piece % 2 else ""
                items.append(entry(f"{base}/{piece}", title, text))
                page = answering(article_page(title, f"bank {seed}-{number}-{piece}"))
                self._serve(server, f"{base}/{piece}", page, ())
            self._serve(server, f"{base}/feed", answering(feed(*items)), (circle,))

    def _serve(self, server: FaultServer, path: str, good, more) -> None:  # type: ignore[no-untyped-def]
        def answer(request: Request, connection: socket.socket) -> None:
            with self._lock:
                self.asked += 1
                if self.wait_for and self.asked >= self.wait_for:
                    self.reached.set()
                before = self._failures.get(path, 0)
                fails = before < 2 and self._moments.random() < 0.4
                self._failures[path] = before + fails
                fault = self._moments.choice((*TEMPORARY, *more))
                if fails and self._moments.random() < 0.03:
                    fault = stall
            (fault if fails else good)(request, connection)

        server.on(path, answer)


@contextlib.contextmanager
def tls_nonsense() -> Iterator[str]:
    """An address at which nothing speaks TLS."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        ended = threading.Event()

        def serve() -> None:
            while not ended.is_set():
                with contextlib.suppress(OSError):
                    connection, _ = listener.accept()
                    with connection:
                        connection.sendall(b"HTTP/1.1 400 No TLS here\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}/feed"
        ended.set()
        thread.join()


def crawl_once(url: str, sources: list[Source]) -> CrawlSummary:
    with Store.open(url) as store:
        return crawl(store, sources, allow_private=True, settings=SETTINGS)


def start_child(url: str, sources: list[Source]) -> int:
    """A crawl in a process of its own: forked, which spares the import of everything."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    try:
        os.setpgid(0, 0)
        crawl_once(url, sources)
    finally:
        os._exit(0)


def cycle(url: str, server: FaultServer, seed: int) -> tuple[int, int]:
    """Some killed runs and a completion; how many were killed midway, and how many crawls after."""
    moments = random.Random(seed)
    outlets = BadOutlets(server, seed)
    killed = 0
    kept: set[str] = set()
    with tls_nonsense() as no_tls:
        sources = [*outlets.sources, Source(name="No TLS", url=no_tls)]
        for _ in range(KILLS_A_CYCLE):
            outlets.reached.clear()
            outlets.asked, outlets.wait_for = 0, moments.randint(1, 12)
            child = start_child(url, sources)
            deadline = time.monotonic() + 60
            ended = 0
            while not (outlets.reached.wait(0.05) or ended or time.monotonic() > deadline):
                ended, _ = os.waitpid(child, os.WNOHANG)
            if not ended:
                time.sleep(moments.uniform(0, 0.2))
                os.kill(child, signal.SIGKILL)
                _, status = os.waitpid(child, 0)
                killed += os.WIFSIGNALED(status)
            with Store.open(url) as store:
                assert store.check() == ()
                now = [article.title for article in store.articles()]
            assert len(now) == len(set(now)), "an article is doubled"
            assert kept <= set(now), "an article is lost"
            kept = set(now)
        outlets.wait_for = 0
        crawls, owed = 0, True
        while owed and crawls < 7:
            crawls += 1
            summary = crawl_once(url, sources)
            with Store.open(url) as store:
                states = [store.source_state(source.name) for source in outlets.sources]
            owed = not all(state and state.problem is None for state in states)
    assert [name for name, _ in summary.failed] == ["No TLS"], summary.failed
    assert "secure connection failed" in summary.failed[0][1]
    with Store.open(url) as store:
        assert store.check() == ()
        mine = [one for one in store.articles() if one.title in outlets.titles]
    assert len(mine) == len(outlets.titles), "not every article is there once"
    assert {one.title for one in mine} == outlets.titles
    assert all(one.text for one in mine), "an article has no text"
    return killed, crawls


def main() -> None:
    runs = int(sys.argv[1])
    killed = ended = seed = 0
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, start_server() as server:
        url = f"sqlite:///{Path(folder) / 'crawl.db'}"
        while killed < runs:
            seed += 1
            cut, crawls = cycle(url, server, seed)
            killed += cut
            ended += KILLS_A_CYCLE - cut
            sys.stdout.write(
                f"{killed} killed, {ended} ended before; completed by {crawls} crawls;"
                f" {time.monotonic() - began:.0f} s\n"
            )
            sys.stdout.flush()


if __name__ == "__main__":
    main()
