"""Fetching over real sockets, from a server that misbehaves."""

from __future__ import annotations

import asyncio
import gzip
import socket
import threading
import time
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from fault_server import Request, answering, in_turn, reset, start_server

from corpus.errors import FetchError, TemporaryFetchError
from corpus.fetch import Fetched, Fetcher, retry_after_seconds
from corpus.politeness import CrawlSettings


def fetch(settings: CrawlSettings, url: str, **options: str) -> Fetched:
    async def run() -> Fetched:
        async with Fetcher(settings, allow_private=True) as fetcher:
            return await fetcher.get(url, **options)  # type: ignore[arg-type]

    return asyncio.run(run())


def test_answer_comes_with_its_final_address_and_type(server, settings):
    server.serve("/old", "", "301 Moved Permanently", location="/new")
    server.serve("/new", "hello", content_type="text/plain; charset=utf-8")
    answer = fetch(settings, server.url + "/old")
    assert (answer.content, answer.content_type) == (b"hello", "text/plain; charset=utf-8")
    assert answer.url == server.url + "/new"


def test_requests_say_who_asks_and_whom_to_turn_to(server, settings):
    fetch(settings, server.serve("/a", "x"))
    agent = server.requests[0].headers["user-agent"]
    assert agent.startswith("undertow/")
    assert "tests@example.org" in agent


def test_validators_are_sent_and_an_unchanged_answer_is_told(server, settings):
    def answer(request: Request, connection: socket.socket) -> None:
        unchanged = request.headers.get("if-none-match") == '"v1"'
        status = "304 Not Modified" if unchanged else "200 OK"
        answering("" if unchanged else "body", status, etag='"v1"')(request, connection)

    url = server.on("/feed", answer)
    assert fetch(settings, url).headers["etag"] == '"v1"'
    assert fetch(settings, url, etag='"v1"').unchanged


def test_a_host_is_asked_over_one_connection_as_long_as_that_holds(server, settings):
    def last_words(request: Request, connection: socket.socket) -> None:
        answering("last")(request, connection)
        raise ConnectionResetError  # the server closes after its answer, without saying so

    urls = [server.serve(f"/{number}", "x") for number in range(3)]
    urls.insert(2, server.on("/last", last_words))

    async def run() -> None:
        async with Fetcher(settings, allow_private=True) as fetcher:
            for url in urls:
                assert (await fetcher.get(url)).content in {b"x", b"last"}
                while url.endswith("/last") and not server.closed:
                    await asyncio.sleep(0.01)

    asyncio.run(run())
    # Each was asked for once: the closed connection was seen to be closed before it was used.
    assert [request.connection for request in server.requests] == [1, 1, 1, 2]


def test_no_more_idle_connections_are_kept_than_may_be_used_at_once(server, settings):
    with start_server() as other:
        urls = [server.serve("/a", "x"), other.serve("/b", "x"), server.url + "/a"]

        async def run() -> None:
            narrow = settings.model_copy(update={"max_connections": 1})
            async with Fetcher(narrow, allow_private=True) as fetcher:
                for url in urls:
                    await fetcher.get(url)

        asyncio.run(run())
    assert [request.connection for request in server.requests] == [1, 2]


def test_connection_of_an_answer_that_was_not_read_to_its_end_is_not_used_again(server, settings):
    url = server.serve("/long", "x" * 1000)

    async def run() -> list[Fetched]:
        async with Fetcher(settings, allow_private=True) as fetcher:
            return [await fetcher.get(url, max_bytes=10), await fetcher.get(url)]

    assert [len(answer.content) for answer in asyncio.run(run())] == [10, 1000]


def test_broken_connection_is_tried_again(server, settings):
    url = server.on("/a", in_turn(reset, answering("whole")))
    assert fetch(settings, url).content == b"whole"
    assert server.paths() == ["/a", "/a"]


def test_body_shorter_than_announced_is_tried_again(server, settings):
    def cut_short(_: Request, connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart")
        connection.shutdown(socket.SHUT_RDWR)

    url = server.on("/a", in_turn(cut_short, answering("whole")))
    assert fetch(settings, url).content == b"whole"


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_encoded_bodies_are_decoded_and_cut_ones_asked_for_again(server, settings, coding):
    import zlib

    import brotli
    import zstandard

    body = b"the whole story " * 500
    encode = {
        "gzip": gzip.compress,
        "deflate": zlib.compress,
        "br": brotli.compress,
        "zstd": zstandard.ZstdCompressor().compress,
    }[coding]
    encoded = encode(body)
    url = server.on(
        "/a",
        in_turn(
            answering(encoded[:-6], content_encoding=coding),
            answering(encoded, content_encoding=coding),
        ),
    )
    assert fetch(settings, url).content == body
    assert server.paths() == ["/a", "/a"]


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
def test_small_body_that_unfolds_into_a_giant_is_refused(server, settings, coding):
    import brotli
    import zstandard

    giant = bytes(50_000_000)
    encode = {
        "gzip": gzip.compress,
        "br": lambda data: brotli.compress(data, quality=1),
        "zstd": zstandard.ZstdCompressor().compress,
    }[coding]
    url = server.serve("/bomb", encode(giant), content_encoding=coding)
    with pytest.raises(FetchError, match="unfolds to more than"):
        fetch(settings, url)


def test_endless_body_is_cut_off(server, settings):
    def endless(_: Request, connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while not server.stopping.is_set():
            connection.sendall(b"x" * 65536)

    with pytest.raises(FetchError, match="more than 100,000 bytes"):
        fetch(settings.model_copy(update={"max_bytes": 100_000}), server.on("/a", endless))


def test_stalled_and_dripping_answers_end_at_the_time_limit(server, settings):
    release = threading.Event()

    def stall(_: Request, __: socket.socket) -> None:
        release.wait(30)

    def drip(_: Request, connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not release.wait(0.05):
            connection.sendall(b"x")

    quick = settings.model_copy(update={"total_seconds": 0.3, "attempts": 1})
    try:
        for path, answer in (("/stall", stall), ("/drip", drip)):
            with pytest.raises(TemporaryFetchError, match="did not answer in full within"):
                fetch(quick, server.on(path, answer))
    finally:
        release.set()


def test_overloaded_server_is_asked_again_when_it_wishes(server, settings):
    url = server.on(
        "/a",
        in_turn(
            answering("", "429 Too Many Requests", retry_after="0"),
            answering("", "503 Service Unavailable"),
            answering("here"),
        ),
    )
    assert fetch(settings, url).content == b"here"
    assert len(server.paths()) == 3


def test_long_retry_after_ends_the_attempts_at_once_and_holds_the_host(server, settings):
    url = server.serve("/a", "", "503 Service Unavailable", retry_after="3600")
    server.serve("/b", "x")

    async def run() -> None:
        async with Fetcher(settings, allow_private=True) as fetcher:
            with pytest.raises(TemporaryFetchError) as caught:
                await fetcher.get(url)
            assert caught.value.retry_after == 3600
            with pytest.raises(TemporaryFetchError, match="asked to be left alone"):
                await fetcher.get(server.url + "/b")

    asyncio.run(run())
    assert server.paths() == ["/a"]


@pytest.mark.parametrize(
    ("status", "words"),
    [("404 Not Found", "nothing at this address"), ("403 Forbidden", "refuses this crawler")],
)
def test_lasting_refusals_are_not_asked_again(server, settings, status, words):
    with pytest.raises(FetchError, match=words) as caught:
        fetch(settings, server.serve("/a", "", status))
    assert not isinstance(caught.value, TemporaryFetchError)
    assert server.paths() == ["/a"]


def test_redirects_in_a_circle_and_without_end_are_left(server, settings):
    server.serve("/a", "", "302 Found", location="/b")
    server.serve("/b", "", "302 Found", location="/a")
    with pytest.raises(FetchError, match="in a circle"):
        fetch(settings, server.url + "/a")
    for number in range(20):
        server.serve(f"/{number}", "", "302 Found", location=f"/{number + 1}")
    with pytest.raises(FetchError, match="more than 5 times"):
        fetch(settings, server.url + "/0")


@pytest.mark.parametrize("target", ["file:///etc/hostname", "ftp://127.0.0.1/x", "gopher://x/"])
def test_redirects_lead_to_web_addresses_only(server, settings, target):
    url = server.serve("/a", "", "302 Found", location=target)
    with pytest.raises(FetchError, match="not an http or https address"):
        fetch(settings, url)


@pytest.mark.parametrize("target", ["http://[::1", "http://host:port/", "http://", "//"])
def test_redirect_to_no_valid_address_is_told(server, settings, target):
    url = server.serve("/a", "", "302 Found", location=target)
    with pytest.raises(FetchError):
        fetch(settings, url)


def test_one_host_has_one_request_at_a_time_on_one_connection(server, settings):
    urls = [server.serve(f"/{number}", "x" * 1000) for number in range(20)]

    async def run() -> None:
        async with Fetcher(settings, allow_private=True) as fetcher:
            await asyncio.gather(*(fetcher.get(url) for url in urls))

    asyncio.run(run())
    assert len(server.requests) == 20
    assert server.most_busy == 1
    assert {request.connection for request in server.requests} == {1}


def test_pause_is_kept_between_requests_to_a_host(server, settings):
    moments: list[float] = []

    def note(request: Request, connection: socket.socket) -> None:
        moments.append(time.monotonic())
        answering("x")(request, connection)

    server.on("/a", note)

    async def wished(_: str) -> float:
        return 0.1

    async def run() -> None:
        async with Fetcher(settings, allow_private=True) as fetcher:
            for _ in range(3):
                await fetcher.get(server.url + "/a", permission=wished)

    asyncio.run(run())
    assert all(later - sooner >= 0.09 for sooner, later in pairwise(moments))


def test_secrets_in_addresses_are_not_told(server, settings):
    url = server.url.replace("http://", "http://user:password@") + "/a?key=secret"
    with pytest.raises(FetchError) as caught:
        fetch(settings, url)
    assert "password" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_tls_failure_is_told_in_plain_words(settings):
    # A server that does not speak TLS at all.
    listener = socket.create_server(("127.0.0.1", 0))

    def answer_in_the_clear() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    thread = threading.Thread(target=answer_in_the_clear, daemon=True)
    thread.start()
    quick = settings.model_copy(update={"attempts": 1})
    with pytest.raises(FetchError, match="secure connection failed"):
        fetch(quick, f"https://127.0.0.1:{listener.getsockname()[1]}/")
    thread.join()
    listener.close()


def test_retry_after_is_read_as_seconds_or_as_a_date():
    now = datetime(2025, 11, 24, 12, 0, tzinfo=UTC)
    assert retry_after_seconds("120", now) == 120
    assert retry_after_seconds("Mon, 24 Nov 2025 12:05:00 GMT", now) == 300
    assert retry_after_seconds("Mon, 24 Nov 2025 11:00:00 GMT", now) == 0
    assert retry_after_seconds("soon", now) is None
    assert retry_after_seconds(None, now) is None
