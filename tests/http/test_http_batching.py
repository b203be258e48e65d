"""What goes into a run of the model, when, and what is refused: by a tagger that waits for a word.

That records are those of the batch command is tested on the real server.
"""

from __future__ import annotations

import asyncio
import threading

import httpx
import pytest

from corpus.store import Store
from nlp.records import Item, TagFailure
from service.http import ServeOptions
from service.http.app import create_app
from service.http.batching import MicroBatcher
from service.http.metrics import Metrics
from service.http.problems import ProblemError


class HeldTagger:
    """Notes the sizes of its runs and ends each when it is let go."""

    identity = "held@1"

    def __init__(self, lanes=1):
        self.lanes = lanes
        self.runs = []
        self.began = threading.Semaphore(0)
        self.go = threading.Semaphore(0)

    def tag_in_lane(self, items):
        self.runs.append(len(items))
        self.began.release()
        assert self.go.acquire(timeout=60)
        return [TagFailure(id=one.id, model=self.identity, error="held") for one in items]


@pytest.fixture
def held():
    return HeldTagger()


def batcher_of(tagger, **limits):
    return MicroBatcher(tagger, Metrics(), **{"batch_items": 64, "queue_items": 512} | limits)


def asked(batcher, number):
    return [
        asyncio.create_task(
            batcher.tag([Item(id=str(n), title="Bitcoin fell")], deadline_seconds=60)
        )
        for n in range(number)
    ]


async def runs_behind_a_held_one(tagger, number):
    """The sizes of the runs that tag ``number`` items, which come while one is being tagged."""
    batcher = batcher_of(tagger)
    batcher.start()
    first = asked(batcher, 1)
    assert await asyncio.to_thread(tagger.began.acquire, timeout=60)
    tasks = asked(batcher, number)
    await asyncio.sleep(0)
    tagger.go.release(1000)
    await asyncio.gather(*first, *tasks)
    await batcher.close()
    assert tagger.runs[0] == 1, "a lone item is tagged at once"
    return tagger.runs[1:]


def test_each_lane_takes_its_part_of_what_waits():
    runs = asyncio.run(runs_behind_a_held_one(HeldTagger(lanes=2), 8))
    assert sorted(runs) == [1, 1, 2, 4]  # which of two threads begins first is not ours to say


def test_a_second_lane_tags_while_the_first_is_busy():
    async def answered():
        tagger = HeldTagger(lanes=2)
        batcher = batcher_of(tagger)
        batcher.start()
        tasks = asked(batcher, 1)
        assert await asyncio.to_thread(tagger.began.acquire, timeout=60)
        tasks += asked(batcher, 1)
        assert await asyncio.to_thread(tagger.began.acquire, timeout=60), "it waited for the first"
        tagger.go.release(2)
        await asyncio.gather(*tasks)
        await batcher.close()
        return tagger.runs

    assert asyncio.run(answered()) == [1, 1]


def test_a_lone_lane_takes_a_crowd_in_one_run(held):
    assert asyncio.run(runs_behind_a_held_one(held, 40)) == [40]


def test_no_more_is_let_in_than_is_tagged_in_about_a_second(held):
    """A tagger of few items a second takes one run of them, not all that the queue could hold."""

    async def refused():
        batcher = batcher_of(held, batch_items=4)
        batcher.start()
        first = asked(batcher, 1)
        await asyncio.sleep(0.5)
        held.go.release()
        await asyncio.gather(*first)
        tasks = asked(batcher, 20)
        await asyncio.sleep(0)
        held.go.release(1000)
        told = await asyncio.gather(*tasks, return_exceptions=True)
        await batcher.close()
        return [one for one in told if isinstance(one, ProblemError)]

    found = asyncio.run(refused())
    assert len(found) == 15
    assert {one.status_code for one in found} == {503}
    assert all(int(one.headers["Retry-After"]) >= 1 for one in found)


def test_told_to_stop_it_is_alive_and_not_ready(database, tagger):
    async def statuses():
        with Store.open(database) as store:
            app = create_app(store, tagger, ServeOptions())
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
                before = await client.get("/readyz")
                app.state.service.streams.ending.set()
                after = await client.get("/readyz")
                alive = await client.get("/healthz")
            return before, after, alive

    before, after, alive = asyncio.run(statuses())
    assert (before.status_code, after.status_code, alive.status_code) == (200, 503, 200)
    assert after.headers["content-type"] == "application/problem+json"
    assert after.json()["detail"] == "the server is stopping"
    assert after.json()["remedy"]
