"""The sample site over real sockets: what a crawler and a feed reader get from it."""

from __future__ import annotations

import html
import json
import re
import socket
from datetime import UTC, datetime

import feedparser
import httpx
import pytest

from corpus.errors import UndertowError
from corpus.sample import Archive, Outlet, sample_sources, serve_sample


def _feed(client: httpx.Client, outlet: Outlet) -> feedparser.FeedParserDict:
    answer = client.get(outlet.feed_path)
    assert answer.status_code == 200
    parsed = feedparser.parse(answer.content)
    assert not parsed.bozo, parsed.get("bozo_exception")
    return parsed


def _time(parts: tuple[int, ...]) -> datetime:
    return datetime(*parts[:6], tzinfo=UTC)


def test_each_outlet_has_a_source_whose_feed_is_served(archive, base_url, client):
    sources = sample_sources(base_url)
    assert [source.name for source in sources] == [outlet.name for outlet in archive.outlets]
    for source, outlet in zip(sources, archive.outlets, strict=True):
        answer = client.get(source.url)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == f"application/{outlet.feed}+xml; charset=utf-8"


def test_feeds_hold_the_whole_archive_with_its_times_and_authors(
    archive: Archive, base_url, client
):
    for outlet in archive.outlets:
        articles = archive.of(outlet)
        entries = _feed(client, outlet).entries
        assert len(entries) == len(articles)
        for article, entry in zip(articles, entries, strict=True):
            assert entry.link == base_url + archive.path(article)
            assert html.unescape(entry.title) == article.title
            assert _time(entry.published_parsed) == article.published_at
            if article.author:
                assert entry.author == article.author
            if outlet.feed == "atom":
                assert _time(entry.updated_parsed) == article.changed_at


def test_full_text_feeds_carry_every_paragraph_and_the_others_only_the_summary(archive, client):
    for outlet in archive.outlets:
        for article, entry in zip(archive.of(outlet), _feed(client, outlet).entries, strict=True):
            if outlet.body_in == "none":
                assert "content" not in entry
                assert html.unescape(entry.summary) == article.summary
                continue
            body = entry.content[0].value if outlet.body_in == "content" else entry.summary
            paragraphs = re.findall(r"<p>(.*?)</p>", body, flags=re.DOTALL)
            assert tuple(html.unescape(part) for part in paragraphs) == article.paragraphs


def test_every_page_is_served_with_its_dates(archive: Archive, client):
    for article in archive.articles:
        answer = client.get(archive.path(article))
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        block = re.search(r'<script type="application/ld\+json">(.*?)</script>', answer.text)
        assert block is not None
        data = json.loads(block.group(1))
        assert data["headline"] == article.title
        assert datetime.fromisoformat(data["datePublished"]) == article.published_at
        assert datetime.fromisoformat(data["dateModified"]) == article.changed_at


def test_the_front_page_leads_to_every_outlet_and_its_index_to_every_article(archive, client):
    front = client.get("/").text
    for outlet in archive.outlets:
        assert f'/{outlet.slug}/"' in front
        index = client.get(f"/{outlet.slug}/").text
        for article in archive.of(outlet):
            assert f'{archive.path(article)}"' in index


@pytest.mark.parametrize("path", ["/harbour-ledger/feed.xml", "/the-basis-point/feed.xml", "/"])
def test_an_unchanged_page_is_not_sent_again(client: httpx.Client, path: str):
    first = client.get(path)
    by_tag = client.get(path, headers={"If-None-Match": first.headers["etag"]})
    by_date = client.get(path, headers={"If-Modified-Since": first.headers["last-modified"]})
    for again in (by_tag, by_date):
        assert again.status_code == 304
        assert again.content == b""
        assert again.headers["etag"] == first.headers["etag"]


def test_another_tag_or_an_older_date_gets_the_page_and_the_tag_counts_first(client: httpx.Client):
    path = "/harbour-ledger/feed.xml"
    good = client.get(path).headers["last-modified"]
    for headers in (
        {"If-None-Match": '"other"'},
        {"If-None-Match": '"other"', "If-Modified-Since": good},
        {"If-Modified-Since": "Mon, 01 Sep 2025 00:00:00 GMT"},
        {"If-Modified-Since": "not a date"},
    ):
        answer = client.get(path, headers=headers)
        assert answer.status_code == 200, headers
        assert answer.content


def test_head_gives_the_headers_alone_and_unknown_paths_are_not_found(client: httpx.Client):
    whole = client.get("/blocktide/feed.xml")
    head = client.head("/blocktide/feed.xml")
    assert head.content == b""
    assert head.headers["content-length"] == str(len(whole.content))
    assert client.get("/blocktide/2025/11/no-such-story.html").status_code == 404
    assert client.post("/blocktide/feed.xml").status_code == 501


def test_robots_allows_the_articles(archive: Archive, client: httpx.Client):
    answer = client.get("/robots.txt")
    assert answer.headers["content-type"].startswith("text/plain")
    assert "Disallow: /search" in answer.text
    assert not any(archive.path(one).startswith("/search") for one in archive.articles)


def test_a_taken_port_is_a_clear_error_and_a_closed_site_frees_its_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UndertowError, match=f"port {port}"), serve_sample(port):
            pass
    with serve_sample() as address:
        port = int(address.rpartition(":")[2])
        assert httpx.get(address + "/", trust_env=False).status_code == 200
    with serve_sample(port) as again:
        assert again == address
