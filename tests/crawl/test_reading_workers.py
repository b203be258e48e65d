"""Hostile pages and feeds cost their own job and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from corpus.errors import FetchError
from corpus.pages import Page
from corpus.sources import Source
from corpus.workers import Workers

GOOD = "<html><body><article><h1>Fund sold</h1>{}</article></body></html>".format(
    "".join(
        f"<p>Paragraph {number} tells more of what the holders of the fund did on that day, and of"
        f" the {number} reasons that they gave for it.</p>"
        for number in range(12)
    )
).encode()
SOURCE = Source(name="Post", url="https://post.example/feed")


def with_workers(work: Callable[[Workers], Awaitable[object]], seconds: float = 20.0) -> object:
    async def run() -> object:
        workers = Workers(1, seconds)
        try:
            return await work(workers)
        finally:
            await workers.close()

    return asyncio.run(run())


async def good(workers: Workers) -> Page:
    return await workers.read_page(GOOD, url="https://post.example/1", content_type="text/html")


@pytest.mark.parametrize(
    "hostile",
    [
        b"<div>" * 200_000 + b"x",
        b"<b><i>" * 50_000 + b"</b></i>" * 50_000,
        b"<table><tr><td>" * 30_000,
        b"<p>" + b"a " * 2_000_000,
        b"<a href='" + b"x" * 1_000_000,
        b"\0" * 1_000_000,
        bytes(range(256)) * 4000,
        b"<script type='application/ld+json'>" + b"[" * 100_000 + b"</script>" + GOOD,
    ],
)
def test_hostile_page_is_bounded_and_the_next_one_is_read(hostile):
    async def work(workers: Workers) -> None:
        try:
            await workers.read_page(hostile, url="https://post.example/1", content_type="")
        except FetchError as error:
            assert error.message  # a reason in words is the other permitted outcome
        assert (await good(workers)).text

    with_workers(work, seconds=8.0)


def test_job_that_takes_too_long_is_stopped_and_the_next_one_is_read():
    async def work(workers: Workers) -> None:
        await good(workers)
        workers.seconds = 0.02  # far less than these twelve megabytes of table take
        with pytest.raises(FetchError, match="takes more than"):
            await workers.read_page(
                b"<table><tr><td>x" * 800_000, url="https://a.b/1", content_type=""
            )
        workers.seconds = 20.0
        assert (await good(workers)).text

    with_workers(work)


def test_problems_come_back_in_words():
    async def work(workers: Workers) -> None:
        with pytest.raises(FetchError, match="not a feed") as caught:
            await workers.read_feed(SOURCE, b"<html>", url=SOURCE.url, content_type="")
        assert "RSS" in caught.value.remedy

    with_workers(work)


def test_feeds_come_back_whole():
    data = (
        "<rss version='2.0'><channel><title>P</title><item><title>Größe</title>"
        "<link>/1</link><pubDate>Mon, 24 Nov 2025 10:00:00 GMT</pubDate></item></channel></rss>"
    ).encode()

    async def work(workers: Workers) -> None:
        feed = await workers.read_feed(SOURCE, data, url=SOURCE.url, content_type="text/xml")
        [entry] = feed.entries
        assert (entry.title, entry.source) == ("Größe", "Post")
        assert entry.url == "https://post.example/1"
        assert entry.published_at is not None

    with_workers(work)


def test_worker_that_is_killed_costs_its_job_only():
    async def work(workers: Workers) -> None:
        await good(workers)
        process = workers._all[0].process
        assert process is not None
        process.kill()
        await process.wait()
        with pytest.raises(FetchError, match="reading process"):
            await good(workers)
        assert (await good(workers)).text

    with_workers(work)


def test_no_more_is_fetched_while_many_documents_wait_to_be_read():
    async def work(workers: Workers) -> None:
        await workers.room()
        reading = [asyncio.create_task(good(workers)) for _ in range(40)]
        await asyncio.sleep(0)
        room = asyncio.create_task(workers.room())
        await asyncio.sleep(0)
        assert not room.done()
        await room
        assert sum(one.done() for one in reading) >= 20
        assert all(page.text for page in await asyncio.gather(*reading))
        await workers.room()

    with_workers(work, seconds=60.0)
