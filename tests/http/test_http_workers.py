"""Several processes on one socket, the rate of a key over all of them, and the end under load."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest
from serving import running

from service.http import hash_key
from service.http.rate import SAVED_SECONDS, TokenBuckets

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.kill_under_load import killed_under_load

KEY = {"Authorization": "Bearer k"}


def counted(server, name: str) -> float:
    found = re.search(rf"^{name} (\S+)$", server.get("/metrics").text, re.MULTILINE)
    return float(found.group(1)) if found else 0.0


def children(pid: int) -> set[int]:
    return {int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def serving_children(pid: int) -> set[int]:
    """The workers: the library's own tracker of shared memory is a child as well."""
    return {
        one
        for one in children(pid)
        if b"resource_tracker" not in Path(f"/proc/{one}/cmdline").read_bytes()
    }


def test_workers_serve_together_count_together_and_are_replaced(start):
    with start(workers=2) as server:
        first = serving_children(server.process.pid)
        assert len(first) == 2
        for one in first:  # what the first request needs is loaded before it comes, and no more
            loaded = Path(f"/proc/{one}/maps").read_text()
            assert "/spacy/" in loaded
            assert "/torch/" not in loaded
        for number in range(20):
            answer = server.post("/v1/tag", json={"title": f"Miner sells {number} BTC"})
            assert answer.status_code == 200
        assert counted(server, "undertow_items_tagged_total") == 20
        lost = min(first)
        os.kill(lost, signal.SIGKILL)
        while len(now := serving_children(server.process.pid) - {lost}) < 2:
            time.sleep(0.05)
        assert len(now - first) == 1
        assert server.post("/v1/tag", json={"title": "Bitcoin falls"}).status_code == 200
        server.process.terminate()
        assert server.process.wait(timeout=60) == 0
        assert "another takes its place" in server.log()
        assert "Traceback" not in server.log()


def test_what_keeps_a_worker_from_starting_is_one_line(tmp_path):
    with (
        pytest.raises(AssertionError, match="StoreError"),
        running("sqlite:////no/such/folder/news.db", tmp_path / "log", workers=2),
    ):
        pass


def test_a_bucket_fills_at_its_rate_and_a_list_is_charged_whole():
    now = 100.0
    buckets = TokenBuckets(2, 2.0, clock=lambda: now)
    assert [buckets.take(0) for _ in range(int(2 * SAVED_SECONDS))] == [0.0] * 20
    assert buckets.take(0) == pytest.approx(0.5)
    assert buckets.take(1) == 0.0
    now += 0.5
    assert buckets.take(0) == 0.0
    buckets.charge(0, 9)
    assert buckets.take(0) == pytest.approx(5.0)
    now += 3600
    assert [buckets.take(0) == 0 for _ in range(21)] == [True] * 20 + [False]


def test_a_key_that_asks_for_too_much_is_told_when_to_come_again(start):
    options = {"key_hashes": [hash_key("k"), hash_key("other")], "rate_limit": 0.2}
    with start(workers=2, **options) as server:
        listed = server.post("/v1/tag", json=[{"title": "Bitcoin falls"}] * 12, headers=KEY)
        assert listed.status_code == 200
        # Each on a connection of its own, so that both workers are asked.
        for _ in range(6):
            refused = server.get("/v1/taxonomy", headers=KEY)
            assert refused.status_code == 429
            assert refused.headers["content-type"] == "application/problem+json"
            assert 40 <= int(refused.headers["retry-after"]) <= 60
            assert "0.2 items or other requests a second" in refused.json()["detail"]
            assert refused.json()["remedy"]
        other = server.get("/v1/taxonomy", headers={"Authorization": "Bearer other"})
        assert other.status_code == 200
        assert server.get("/healthz").status_code == 200


@pytest.mark.parametrize("workers", [1, 2])
def test_sigterm_under_load_loses_no_request(database, tmp_path, workers):
    with running(database, tmp_path / "server.log", workers=workers) as server:
        found = killed_under_load(server.url, server.process, seconds=0.5)
    assert found.answered > 0
    assert found.lost == []
    assert found.exit_code == 0


def test_a_body_that_does_not_arrive_is_a_problem(start):
    with start(deadline_seconds=0.5) as server:
        hold = threading.Event()

        def slow():
            yield b'{"title": '
            hold.wait(2)
            yield b'"Bitcoin falls"}'

        answer = httpx.post(f"{server.url}/v1/tag", content=slow(), timeout=60)
        assert answer.status_code == 408
        assert answer.json()["remedy"] == "send it faster, or in several requests"
