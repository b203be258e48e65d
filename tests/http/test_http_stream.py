"""Streams of items: order, errors in their place, bounded memory, and the client that iterates."""

from __future__ import annotations

import json
import signal
import socket
import threading
from itertools import count, islice

import pytest

from corpus.errors import FetchError
from nlp.records import Item, TagFailure, TagRecord
from service.client import Client
from service.http import hash_key

STREAM = "/v1/tag/stream"
TITLES = ["Bitcoin funds lose $870 million", "Fed leaves rates unchanged", "Miner sells 400 BTC"]


def lines_of(items):
    return b"".join(json.dumps(item).encode() + b"\n" for item in items)


def test_a_stream_gives_the_records_of_the_batch_command_in_order(server, tagger):
    items = [{"id": f"n{n}", "title": TITLES[n % 3]} for n in range(150)]
    answer = server.post(STREAM, content=lines_of(items))
    assert answer.headers["content-type"] == "application/x-ndjson"
    expected = [record.to_json() for record in tagger.tag([Item(**item) for item in items])]
    assert answer.text.splitlines() == expected


def test_a_wrong_line_gives_an_error_in_its_place_and_the_rest_goes_on(start, tagger):
    lines = [
        b'{"title": "Bitcoin falls"}',
        b"",
        b'{"title": ',
        b'{"id": "x", "titel": "Bitcoin falls"}',
        b'{"title": "\xff"}',
        b'{"title": "' + b"a" * 2000 + b'"}',
        b'{"id": "y", "title": " "}',
        b"[]",
        b'{"title": "Bitcoin rises"}',
    ]
    with start(line_bytes=1024) as server:
        answer = server.post(STREAM, content=b"\r\n".join(lines))
    told = [json.loads(line) for line in answer.text.splitlines()]
    assert [row["id"] for row in told] == ["1", "2", "x", "4", "5", "y", "7", "8"]
    assert "error" not in told[0]
    assert "Invalid JSON" in told[1]["error"]
    assert told[2]["error"].startswith("titel: there is no such field")
    assert "Invalid JSON" in told[3]["error"]
    assert told[4]["error"] == "the line is longer than 1,024 bytes"
    assert told[5] == json.loads(tagger.tag([Item(id="y", title=" ")])[0].to_json())
    assert "should be an object" in told[6]["error"]
    assert "error" not in told[7]


def test_records_come_while_the_stream_is_still_open(server):
    with Client(server.url) as client:
        taken = []

        def endless():
            for number in count(1):
                taken.append(number)
                yield {"id": str(number), "title": TITLES[number % 3]}

        records = list(islice(client.tag_stream(endless()), 100))
    assert [record.id for record in records] == [str(number) for number in range(1, 101)]
    assert all(isinstance(record, TagRecord) for record in records)


def test_who_does_not_read_is_not_read_from(start):
    """What the server takes in is bounded by what its reader takes out."""
    line = lines_of([{"title": "Bitcoin falls", "text": "x" * 1000}])
    with start() as server:
        host, _, port = server.url.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port))) as wire:
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            head = f"POST {STREAM} HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n"
            wire.sendall(head.encode())
            part = b"%x\r\n%b\r\n" % (len(line) * 60, line * 60)
            wire.settimeout(5)
            sent = 0
            with pytest.raises(TimeoutError):
                while sent < 500:
                    wire.sendall(part)
                    sent += 1
        assert server.get("/healthz").status_code == 200
        assert server.post("/v1/tag", json={"title": "Bitcoin falls"}).status_code == 200


def test_an_empty_stream_gives_nothing(server):
    answer = server.post(STREAM, content=b"\n\n")
    assert (answer.status_code, answer.content) == (200, b"")


def test_a_wrong_kind_of_body_and_too_many_streams_are_problems(start):
    with start(streams=1) as server:
        wrong = server.post(STREAM, content=b"{}", headers={"Content-Type": "text/plain"})
        assert wrong.status_code == 415
        assert wrong.json()["errors"][0]["field"] == "header.content-type"
        line = lines_of([{"title": "Bitcoin falls"}])
        host, _, port = server.url.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), timeout=60) as wire:
            head = f"POST {STREAM} HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n"
            wire.sendall(head.encode() + b"%x\r\n%b\r\n" % (len(line), line))
            told = b""
            # Its record tells that it is open. Asked before, the second might be, and this one
            # refused, for as long as the other asks again.
            while b'"id":"1"' not in told:
                told += (part := wire.recv(4096))
                assert part, told
            second = server.post(STREAM, content=b"")
            wire.sendall(b"0\r\n\r\n")
            while not told.endswith(b"0\r\n\r\n"):
                told += (part := wire.recv(4096))
                assert part, told
        assert told.startswith(b"HTTP/1.1 200 ")
        assert second.status_code == 503
        assert int(second.headers["retry-after"]) >= 1


def test_a_stream_that_stops_sending_is_told_so(start):
    told = threading.Event()

    def items():
        yield {"title": "Bitcoin falls"}
        told.wait(300)
        yield {"title": "late"}

    # No less than seconds: the first item must come within it too.
    with start(deadline_seconds=5) as server:
        with Client(server.url) as client:
            records = client.tag_stream(items())
            assert next(records).id == "1"
            with pytest.raises(FetchError, match="nothing came") as error:
                next(records)
            told.set()
        assert error.value.remedy == "send the items after number 1 again"


def test_told_to_stop_a_stream_ends_with_what_it_took_and_where_to_go_on(start):
    given = []

    def items():
        for number in count(1):
            given.append(number)
            yield {"id": str(number), "title": TITLES[number % 3]}

    with start() as server, Client(server.url) as client:
        records = client.tag_stream(items())
        got = [next(records)]
        server.process.send_signal(signal.SIGTERM)
        with pytest.raises(FetchError, match="the server is stopping") as error:
            got.extend(records)
        assert [record.id for record in got] == [str(n) for n in range(1, len(got) + 1)]
        assert error.value.remedy == f"send the items after number {len(got)} again"
        assert server.process.wait(timeout=60) == 0


def test_the_client_gives_failures_too_and_raises_what_refuses_it(start):
    with start(key_hashes=[hash_key("k")]) as server:
        with Client(server.url, key="k") as client:
            first, second = client.tag_stream([{"title": " "}, Item(id="b", title="Bitcoin falls")])
            assert isinstance(first, TagFailure)
            assert second.id == "b"
        with (
            Client(server.url, key="wrong") as client,
            pytest.raises(FetchError, match="not known"),
        ):
            list(client.tag_stream([{"title": "Bitcoin falls"}]))
    with Client("http://127.0.0.1:9", timeout=2) as client, pytest.raises(FetchError):
        list(client.tag_stream([{"title": "Bitcoin falls"}]))
