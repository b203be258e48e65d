"""Whole crawls: from feeds and pages on loopback into a real store."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from fault_server import FaultServer, Request, answering, in_turn, reset
from news_site import BODY, article_page, entry, feed

from corpus.crawl import CrawlProgress, CrawlSummary, crawl
from corpus.politeness import CrawlSettings
from corpus.sources import Source
from corpus.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path / 'crawl.db'}") as opened:
        yield opened


def run(store: Store, settings: CrawlSettings, *urls: str, **options: object) -> CrawlSummary:
    sources = [
        Source(name=f"Outlet {number}", url=url, language="en")
        for number, url in enumerate(urls, start=1)
    ]
    return crawl(store, sources, allow_private=True, settings=settings, **options)  # type: ignore[arg-type]


def texts(store: Store) -> dict[str, str | None]:
    return {article.title: article.text for article in store.articles()}


def test_articles_come_from_feeds_and_where_these_lack_text_from_pages(server, store, settings):
    server.serve("/whole", feed(entry("/a", "Whole", BODY)), content_type="application/rss+xml")
    server.serve("/short", feed(entry("/b", "Short", "Only a line.")))
    server.serve("/b", article_page("Short", "a bank"), content_type="text/html")
    summary = run(store, settings, server.url + "/whole", server.url + "/short")
    assert (summary.new, summary.entries, summary.pages) == (2, 2, 1)
    assert summary.failed == ()
    found = texts(store)
    assert found["Whole"] == BODY.strip()
    assert found["Short"] is not None
    assert "what a bank did" in found["Short"]
    assert sorted(server.paths()) == ["/b", "/short", "/whole"]
    [short] = [article for article in store.articles() if article.title == "Short"]
    assert short.published_at == datetime(2025, 11, 24, 10, 0, tzinfo=UTC)
    assert (short.source, short.summary) == ("Outlet 2", "Only a line.")


def test_bad_sources_name_themselves_and_cost_the_others_nothing(server, store, settings):
    server.serve("/good", feed(entry("/a", "Good", BODY)))
    server.serve("/html", "<!DOCTYPE html><html>no feed</html>")
    server.on("/reset", reset)
    server.serve("/bomb", '<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/hostname">]><rss>&a;</rss>')
    paths = ("/none", "/html", "/reset", "/bomb", "/good")
    summary = run(store, settings, *(server.url + path for path in paths))
    assert summary.new == 1
    problems = dict(summary.failed)
    assert "nothing at this address" in problems["Outlet 1"]
    assert "an HTML page" in problems["Outlet 2"]
    assert "connection broke" in problems["Outlet 3"]
    assert "external entity" in problems["Outlet 4"]
    assert "Outlet 5" not in problems
    state = store.source_state("Outlet 1")
    assert state is not None
    assert (state.failures, state.last_success_at, state.problem) == (1, None, problems["Outlet 1"])
    run(store, settings, server.url + "/none")
    again = store.source_state("Outlet 1")
    assert again is not None
    assert again.failures == 2
    server.serve("/none", feed(entry("/c", "Back", BODY)))
    run(store, settings, server.url + "/none")
    recovered = store.source_state("Outlet 1")
    assert recovered is not None
    assert (recovered.failures, recovered.problem, recovered.items) == (0, None, 1)


def test_feed_is_asked_for_news_only(server, store, settings):
    def answer(request: Request, connection: object) -> None:
        unchanged = request.headers.get("if-none-match") == '"1"'
        body = "" if unchanged else feed(entry("/a", "A", BODY))
        status = "304 Not Modified" if unchanged else "200 OK"
        answering(body, status, etag='"1"')(request, connection)  # type: ignore[arg-type]

    url = server.on("/feed", answer)
    assert run(store, settings, url).new == 1
    second = run(store, settings, url)
    assert (second.unchanged_sources, second.new, second.failed) == (1, 0, ())


def test_pages_that_are_known_are_not_fetched_again(server, store, settings):
    url = server.serve("/feed", feed(entry("/a", "A"), entry("/b", "B")))
    server.serve("/a", article_page("A", "a bank"))
    server.serve("/b", article_page("B", "a fund"))
    assert run(store, settings, url).pages == 2
    second = run(store, settings, url)
    assert (second.pages, second.new, second.unchanged) == (0, 0, 2)


def test_new_headline_brings_the_new_text_as_a_revision(server, store, settings):
    url = server.serve("/feed", feed(entry("/a", "First")))
    server.serve("/a", article_page("First", "a bank"))
    run(store, settings, url)
    server.serve("/feed", feed(entry("/a", "Second")))
    server.serve("/a", article_page("Second", "a fund"))
    assert run(store, settings, url).updated == 1
    [article] = store.articles()
    first, second = store.revisions(article.id)
    assert (first.title, second.title) == ("First", "Second")
    assert first.text is not None
    assert "a bank" in first.text


def test_page_that_fails_for_now_is_tried_again_by_the_next_crawl(server, store, settings):
    url = server.serve("/feed", feed(entry("/a", "A", "A line.")), etag='"1"')
    server.serve("/a", "", "503 Service Unavailable")
    first = run(store, settings, url)
    assert (first.new, first.page_problems) == (1, {"could not be fetched": 1})
    assert texts(store) == {"A": None}
    owing = store.source_state("Outlet 1")
    assert owing is not None
    assert (owing.failures, owing.etag) == (0, None)
    assert owing.problem is not None
    assert owing.problem.startswith("1 of its pages could not be fetched")
    server.serve("/a", article_page("A", "a bank"))
    assert run(store, settings, url).updated == 1
    assert texts(store)["A"] is not None
    even = store.source_state("Outlet 1")
    assert even is not None
    assert (even.problem, even.etag) == (None, '"1"')


def test_page_that_fails_for_good_is_not_asked_for_again(server, store, settings):
    url = server.serve("/feed", feed(entry("/a", "A", "A line."), entry("/b", "B", "A line.")))
    server.serve("/b", "<title>Just a moment...</title><p>Checking your browser.</p>")
    assert run(store, settings, url).new == 2
    assert run(store, settings, url).unchanged == 2
    assert sorted(server.paths()) == ["/a", "/b", "/feed", "/feed"]


def test_text_in_the_store_is_not_lost_to_a_page_that_fails(server, store, settings):
    url = server.serve("/feed", feed(entry("/a", "First")))
    server.serve("/a", article_page("First", "a bank"))
    run(store, settings, url)
    server.serve("/feed", feed(entry("/a", "Second")))
    server.serve("/a", "", "404 Not Found")
    run(store, settings, url)
    [article] = store.articles()
    assert article.text is not None


def test_notices_in_place_of_articles_are_not_stored_as_text(server, store, settings):
    url = server.serve("/feed", feed(entry("/a", "A", "A line."), entry("/b", "B", "A line.")))
    server.serve("/a", "<title>Just a moment...</title><p>Checking your browser.</p>")
    server.serve("/b", "<title>Page not found</title><p>Sorry.</p>")
    summary = run(store, settings, url)
    assert summary.page_problems == {"a challenge for robots": 1, "a not-found notice": 1}
    assert texts(store) == {"A": None, "B": None}


def test_article_in_two_feeds_is_one_and_its_page_fetched_once(server, store, settings):
    server.serve("/one", feed(entry("/a?utm_source=one", "A")))
    server.serve("/two", feed(entry("/a?utm_source=two#top", "A")))
    for query in ("one", "two"):
        server.serve(f"/a?utm_source={query}", article_page("A", "a bank"))
    summary = run(store, settings, server.url + "/one", server.url + "/two")
    assert (summary.new, summary.pages) == (1, 1)
    assert store.counts().articles == 1


def test_page_that_another_feed_brought_meanwhile_is_not_fetched_again(server, store, settings):
    others = [(f"/{number}", f"Piece {number}") for number in range(24)]
    server.serve("/one", feed(entry("/a", "A")))
    server.serve("/two", feed(*(entry(*other) for other in others), entry("/a", "A")))
    for path, title in (("/a", "A"), *others):
        server.serve(path, article_page(title, f"bank {title}"))
    summary = run(store, settings, server.url + "/one", server.url + "/two")
    assert (summary.new, summary.pages) == (25, 25)
    assert server.paths().count("/a") == 1


def test_robots_rules_hold_for_feeds_and_pages(server, store, settings):
    server.serve("/robots.txt", "User-agent: undertow\nDisallow: /closed\nDisallow: /a\n")
    server.serve("/closed", feed(entry("/x", "X", BODY)))
    server.serve("/open", feed(entry("/a", "A", "A line.")))
    server.serve("/a", article_page("A", "a bank"))
    summary = run(store, settings, server.url + "/closed", server.url + "/open")
    assert "robots.txt forbids" in dict(summary.failed)["Outlet 1"]
    assert texts(store) == {"A": None}
    assert server.paths() == ["/open"]


def test_sources_that_are_not_due_are_left_alone_when_asked_to(server, store, settings):
    url = server.serve("/feed", feed(entry("/a", "A", BODY)))
    run(store, settings, url)
    second = run(store, settings, url, due_only=True)
    assert (second.not_due, second.entries) == (1, 0)
    assert server.paths() == ["/feed"]
    # the state of another address tells nothing about this one
    other = server.serve("/elsewhere", feed(entry("/b", "B", BODY)))
    assert run(store, settings, other, due_only=True).new == 1


def test_progress_is_told_as_it_comes(server, store, settings):
    server.serve("/feed", feed(entry("/a", "A", BODY)))
    seen: list[CrawlProgress] = []
    urls = (server.url + "/feed", server.url + "/none")
    run(store, settings, *urls, on_progress=seen.append)
    assert seen[-1].finished == seen[-1].sources == 2
    assert [step.source for step in seen if step.problem is not None] == ["Outlet 2"]


def test_loopback_is_closed_unless_it_is_opened(server, store, settings):
    server.serve("/feed", feed(entry("/a", "A", BODY)))
    sources = [Source(name="Inside", url=server.url + "/feed")]
    summary = crawl(store, sources, settings=settings)
    assert "not a public address" in dict(summary.failed)["Inside"]
    assert server.requests == []


def test_articles_of_the_future_are_held_at_the_time_they_were_seen(server, store, settings):
    item = entry("/a", "A", BODY, date="Fri, 01 Jan 2100 00:00:00 GMT")
    run(store, settings, server.serve("/feed", feed(item)))
    [article] = store.articles()
    assert article.published_flag == "future"
    assert article.published_at == article.first_seen_at


CRAWL = """
import sys
from corpus.crawl import crawl
from corpus.politeness import CrawlSettings
from corpus.sources import Source
from corpus.store import Store

with Store.open(sys.argv[1]) as store:
    crawl(
        store,
        [Source(name="Outlet", url=sys.argv[2])],
        allow_private=True,
        settings=CrawlSettings(delay_seconds=0, retry_seconds=0),
    )
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_interrupted_crawl_keeps_what_it_has_and_a_rerun_completes_it(
    server: FaultServer, tmp_path: Path, number: signal.Signals
):
    count = 40
    far = threading.Event()
    go_on = threading.Event()
    server.serve("/feed", feed(*(entry(f"/{page}", f"Title {page}") for page in range(count))))

    def page(request: Request, connection: object) -> None:
        if len(server.paths()) > 3 * count // 4:
            far.set()
            go_on.wait(300)
        name = request.path.strip("/")
        answering(article_page(f"Title {name}", f"bank {name}"))(request, connection)  # type: ignore[arg-type]

    for path in range(count):
        server.on(f"/{path}", page)
    url = f"sqlite:///{tmp_path / 'crawl.db'}"
    command = [sys.executable, "-c", CRAWL, url, server.url + "/feed"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert far.wait(300)
    os.kill(process.pid, number)
    if number == signal.SIGKILL:
        go_on.set()
    _, errors = process.communicate(timeout=300)
    go_on.set()
    assert process.returncode != 0
    if number != signal.SIGKILL:
        assert "KeyboardInterrupt" in errors
    with Store.open(url) as store:
        kept = store.counts().articles
        assert 0 < kept < count
    asked = len(server.paths())
    subprocess.run(command, check=True, timeout=300)
    with Store.open(url) as store:
        articles = list(store.articles())
        assert len(articles) == count
        assert len({article.title for article in articles}) == count
        assert all(article.text for article in articles)
    # what was kept is not asked for again
    assert len(server.paths()) - asked == count - kept + 1


class OneServer(httpx.AsyncBaseTransport):
    """Every host is the test's own server: captured feeds link to the whole internet."""

    def __init__(self, url: str) -> None:
        self._base = httpx.URL(url)
        self._inner = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.url = request.url.copy_with(
            scheme="http", host=self._base.host, port=self._base.port
        )
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


def test_captured_feeds_are_crawled_and_a_rerun_adds_nothing(server, store, settings, shared):
    files = [path for path in sorted((shared / "feeds").iterdir()) if path.stat().st_size < 40_000]
    assert len(files) > 30
    for path in files:
        server.serve(f"/{path.name}", path.read_bytes())
    sources = [
        Source(name=path.name, url=f"https://{path.name}.example/{path.name}") for path in files
    ]
    first = crawl(store, sources, settings=settings, transport=OneServer(server.url))
    assert first.failed == ()
    assert first.new > 300
    assert first.new + first.updated + first.unchanged + first.entry_problems >= first.entries
    count = store.counts().articles
    assert count == first.new
    second = crawl(store, sources, settings=settings, transport=OneServer(server.url))
    assert (second.new, second.failed) == (0, ())
    assert store.counts().articles == count


def test_crawl_of_no_sources_does_nothing(store, settings):
    assert run(store, settings).sources == 0


def test_feed_behind_a_broken_connection_is_had_at_the_second_attempt(server, store, settings):
    url = server.on("/feed", in_turn(reset, answering(feed(entry("/a", "A", BODY)))))
    assert run(store, settings, url).new == 1
