"""Tagging over HTTP: the batch command's records, shared runs, limits, and a clean end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nlp.records import Item

ITEMS = [
    {"id": "a", "title": "Bitcoin funds lose $870 million in a day", "text": None},
    {
        "id": "b",
        "title": "Fed leaves rates unchanged",
        "text": "Officials saw inflation above target on Wednesday. Markets fell.",
        "published_at": "2025-10-30T01:00:00+02:00",
    },
    {"id": "c", "text": "Longs worth $2 billion were liquidated within an hour.\n\nPrices fell."},
    {"id": "d", "title": "Die Zentralbank senkt den Leitzins, die Märkte bleiben gelassen heute"},
    {"id": 'ü"\n', "title": "Strategy buys 8,178 BTC for $835.6 million"},
]


def until(holds):
    """Ask again and again, without taking the server's processor, until it holds."""
    while not holds():
        time.sleep(0.02)


def expected(tagger, items):
    given = [
        Item(
            id=item["id"],
            title=item.get("title"),
            text=item.get("text"),
            published_at=datetime.fromisoformat(item["published_at"]).astimezone(UTC)
            if "published_at" in item
            else None,
        )
        for item in items
    ]
    return [record.to_json() for record in tagger.tag(given)]


def test_one_item_gives_its_record_byte_for_byte(server, tagger):
    for item, record in zip(ITEMS, expected(tagger, ITEMS), strict=True):
        answer = server.post("/v1/tag", json=item)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json"
        assert answer.content == record.encode()


def test_a_list_gives_the_records_in_its_order(server, tagger):
    answer = server.post("/v1/tag", json=ITEMS)
    assert answer.content == f"[{','.join(expected(tagger, ITEMS))}]".encode()


def test_without_an_id_the_place_is_given_from_one(server):
    answer = server.post("/v1/tag", json=[{"title": "Bitcoin falls"}, {"title": "Bitcoin rises"}])
    assert [record["id"] for record in answer.json()] == ["1", "2"]
    assert server.post("/v1/tag", json={"title": "Bitcoin falls"}).json()["id"] == "1"


def test_an_item_without_words_gives_a_failure_in_its_place(server):
    told = server.post("/v1/tag", json=[{"title": " ", "text": ""}, {"title": "Bitcoin falls"}])
    failed, tagged = told.json()
    assert failed["error"] == "no words in title or text"
    assert tagged["relevant"] is True


def test_requests_at_once_get_each_their_own_records(server, tagger):
    headlines = [f"Bitcoin funds take in ${number} million on Monday" for number in range(64)]
    items = [{"id": str(number), "title": title} for number, title in enumerate(headlines)]
    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(lambda item: server.post("/v1/tag", json=item).text, items))
    assert answers == expected(tagger, items)
    text = server.get("/metrics").text
    runs = next(line for line in text.splitlines() if line.startswith("undertow_batch_items_count"))
    tagged = next(line for line in text.splitlines() if line.startswith("undertow_items_tagged_t"))
    assert float(runs.split()[1]) < float(tagged.split()[1]), "no run was shared"


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="there is one lane on one processor")
def test_a_long_article_does_not_hold_up_a_headline(server):
    words = "Spot bitcoin funds lost ${} million on Monday as traders sold their shares. "
    long = {"id": "long", "text": "".join(words.format(number) for number in range(100, 700))}
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(server.post, "/v1/tag", json=long)
        until(lambda: "undertow_items_waiting 1.0" in server.get("/metrics").text or slow.done())
        assert server.post("/v1/tag", json=ITEMS[0]).status_code == 200
        assert not slow.done()
        assert slow.result().status_code == 200


def test_a_list_longer_than_a_run_keeps_its_order(start, tagger):
    items = [{"id": str(n), "title": f"Miner sells {n} BTC"} for n in range(1, 24)]
    with start(batch_items=5) as server:
        assert json.loads(server.post("/v1/tag", json=items).text) == [
            json.loads(record) for record in expected(tagger, items)
        ]


def test_the_batch_command_writes_the_same_bytes(server, tmp_path):
    lines = [{name: value for name, value in item.items() if value is not None} for item in ITEMS]
    source, output = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    undertow = str(Path(sys.executable).with_name("undertow"))
    subprocess.run([undertow, "tag", str(source), "-o", str(output)], check=True)
    for item, line in zip(ITEMS, output.read_bytes().splitlines(), strict=True):
        record = server.post("/v1/tag", json=item).content
        # The batch command carries other columns of a row through, behind the record.
        carried = json.dumps({"published_at": item["published_at"]}) if len(item) > 3 else "{}"
        beside = carried.replace(": ", ":")[1:-1]
        assert line == record[:-1] + f"{',' if beside else ''}{beside}}}".encode()


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b'{"title', 400, "Invalid JSON"),
        (b'{"title": "\xff"}', 400, "Invalid JSON"),
        (b"", 400, "Invalid JSON"),
        (b'"just words"', 422, "Input should be an object"),
        (b"[]", 422, "the list is empty"),
        (b'{"titel": "a"}', 422, "titel: there is no such field"),
        (b'{"title": 5}', 422, "title: Input should be a valid string"),
        (b'[{"title": "a"}, {"title": 5}]', 422, "[1].title: Input should be a valid string"),
        (b'{"title": "a", "published_at": "2025-11-17T10:00:00"}', 422, "published_at: "),
        (b'{"title": "a", "id": ""}', 422, "id: "),
        (b'{"title": "' + b"a" * 2001 + b'"}', 422, "title: "),
    ],
)
def test_wrong_items_are_refused_by_field(server, body, status, words):
    answer = server.post("/v1/tag", content=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert words in problem["detail"]
    assert problem["remedy"] == problem["errors"][0]["remedy"]


def test_limits_of_items_and_bytes(start):
    with start(request_items=2, body_bytes=2000) as server:
        three = server.post("/v1/tag", json=[{"title": "a"}] * 3)
        assert three.status_code == 413
        assert "at most 2 are taken" in three.json()["detail"]
        large = server.post("/v1/tag", content=b"x" * 2001)
        assert large.status_code == 413
        chunks = server.post("/v1/tag", content=iter([b"x" * 1500, b"x" * 1500]))
        assert chunks.status_code == 413
        assert "2,000 bytes" in chunks.json()["detail"]
        assert server.post("/v1/tag", json={"title": "still here"}).status_code == 200


def test_a_full_queue_refuses_at_once_and_says_when_to_come_again(start):
    with start(queue_items=4) as server:
        never = server.post("/v1/tag", json=[{"title": "Bitcoin falls"}] * 5)
        assert never.status_code == 413
        assert "at most 4 can wait" in never.json()["detail"]
        with ThreadPoolExecutor(12) as pool:
            answers = list(
                pool.map(
                    lambda _: server.post("/v1/tag", json=[{"text": "Bitcoin falls. " * 99}] * 3),
                    range(12),
                )
            )
        assert {one.status_code for one in answers} == {200, 503}
        refused = next(one for one in answers if one.status_code == 503)
        assert int(refused.headers["retry-after"]) >= 1
        assert refused.json()["remedy"]
        assert server.post("/v1/tag", json=[{"title": "Bitcoin falls"}] * 4).status_code == 200
        number = 5.0 + 3 * sum(one.status_code == 503 for one in answers)
        assert f"undertow_items_refused_total {number}" in server.get("/metrics").text


def test_a_full_queue_refuses_before_the_body_has_come(start):
    """Else a crowd would be read in full only to be refused, and refusals would come late."""
    with start(queue_items=4) as server, ThreadPoolExecutor(4) as pool:
        host, _, port = server.url.removeprefix("http://").partition(":")
        long = [{"text": "Bitcoin funds lost $9 million. " * 99}] * 4
        begun = b"POST /v1/tag HTTP/1.1\r\nHost: here\r\nContent-Length: 9999\r\n\r\n"
        working = [pool.submit(server.post, "/v1/tag", json=long) for _ in range(40)]
        told = b""
        while not all(one.done() for one in working) and b" 503 " not in told:
            with socket.create_connection((host, int(port)), timeout=0.1) as connection:
                connection.sendall(begun)
                with suppress(TimeoutError):
                    told = connection.recv(4096)
    assert b" 503 " in told
    assert b"retry-after" in told


def test_a_deadline_that_passes_frees_the_queue(start):
    # The body has to keep the deadline too: so it is no short one, and the work is many times it.
    items = [{"text": "Bitcoin funds lost money again. " * 600}] * 256
    with start(queue_items=256, batch_items=1, deadline_seconds=3) as server:
        answer = server.post("/v1/tag", json=items)
        assert answer.status_code == 503
        assert "within 3 seconds" in answer.json()["detail"]
        assert "retry-after" in answer.headers
        until(lambda: "undertow_items_waiting 0.0" in server.get("/metrics").text)
        assert server.get("/healthz").status_code == 200


def test_told_to_stop_it_answers_what_it_took_and_ends(start):
    items = [
        {"id": str(n), "text": f"{n}. Bitcoin funds lost money again on Monday. " * 3}
        for n in range(16)
    ]
    with (
        start(batch_items=4, deadline_seconds=300, drain_seconds=300) as server,
        ThreadPoolExecutor(3) as pool,
    ):
        asked = [pool.submit(server.post, "/v1/tag", json=items) for _ in range(3)]
        until(lambda: "undertow_items_waiting 0.0" not in server.get("/metrics").text)
        server.process.send_signal(signal.SIGTERM)
        for one in asked:
            answer = one.result()
            assert answer.status_code == 200
            assert [record["id"] for record in answer.json()] == [item["id"] for item in items]
        assert server.process.wait(timeout=60) == 0
        assert "Traceback" not in server.log()
