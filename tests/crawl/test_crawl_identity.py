"""One article is one, whatever addresses and identifiers lead to it; two articles stay two."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from news_site import BODY, article_page, feed

from corpus.crawl import CrawlSummary, crawl
from corpus.sources import Source
from corpus.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path / 'crawl.db'}") as opened:
        yield opened


def run(store: Store, settings, *urls: str) -> CrawlSummary:
    sources = [Source(name=f"Outlet {n}", url=url) for n, url in enumerate(urls, start=1)]
    return crawl(store, sources, allow_private=True, settings=settings)


def item(link: str, title: str, guid: str = "", text: str = "") -> str:
    return (
        f"<item><title>{title}</title><link>{link}</link><guid isPermaLink='false'>{guid}</guid>"
        f"<content:encoded><![CDATA[{text}]]></content:encoded></item>"
    )


def titles(store: Store) -> list[str]:
    return sorted(article.title for article in store.articles())


def paths(store: Store) -> list[str]:
    return sorted(article.url.partition("://")[2].partition("/")[2] for article in store.articles())


@pytest.mark.parametrize("status", ["301 Moved Permanently", "308 Permanent Redirect"])
def test_addresses_moved_for_good_are_one_article(server, store, settings, status):
    server.serve("/one", feed(item("/go/1", "A")))
    server.serve("/two", feed(item("/story/a", "A told otherwise")))
    server.serve("/go/1", "", status, location="/story/a")
    server.serve("/story/a", article_page("A", "a bank"))
    first = run(store, settings, server.url + "/one")
    assert (first.new, first.failed) == (1, ())
    assert paths(store) == ["story/a"]
    second = run(store, settings, server.url + "/one", server.url + "/two")
    assert second.new == 0
    assert paths(store) == ["story/a"]
    # The address of the feed is a name of the article now: its page is not fetched for it again.
    asked = server.paths().count("/go/1")
    assert run(store, settings, server.url + "/one").pages == 0
    assert server.paths().count("/go/1") == asked


def test_address_that_redirects_for_now_stays_the_articles_own(server, store, settings):
    url = server.serve("/feed", feed(item("/a", "A")))
    server.serve("/a", "", "302 Found", location="/elsewhere")
    server.serve("/elsewhere", article_page("A", "a bank"))
    run(store, settings, url)
    assert paths(store) == ["a"]


@pytest.mark.parametrize(
    "canonical",
    ["/story/a", "//127.0.0.1:{port}/story/a?utm_source=x", "http://127.0.0.1:{port}/story/a/#top"],
)
def test_address_that_a_page_calls_its_own_counts(server, store, settings, canonical):
    link = canonical.format(port=server.url.rpartition(":")[2])
    page = article_page("A", "a bank").replace(
        "<body>", f"<head><link rel='canonical' href='{link}'></head><body>"
    )
    server.serve("/one", feed(item("/amp-a", "A")))
    server.serve("/two", feed(item("/mobile/a", "A")))
    server.serve("/amp-a", page)
    server.serve("/mobile/a", page)
    run(store, settings, server.url + "/one")
    assert run(store, settings, server.url + "/two").new == 0
    assert paths(store) == ["story/a"]


@pytest.mark.parametrize(
    "canonical", ["https://original.example/a", "/", "mailto:desk", "http://["]
)
def test_what_a_page_calls_its_own_on_another_site_does_not_count(
    server, store, settings, canonical
):
    page = article_page("A", "a bank").replace(
        "<body>", f"<head><link rel='canonical' href='{canonical}'></head><body>"
    )
    url = server.serve("/feed", feed(item("/a", "A")))
    server.serve("/a", page)
    run(store, settings, url)
    assert paths(store) == ["a"]


def test_pages_that_all_call_one_address_their_own_stay_apart(server, store, settings):
    url = server.serve("/feed", feed(item("/a", "A"), item("/b", "B"), item("/c", "C")))
    for name in "abc":
        page = article_page(name.upper(), f"bank {name}")
        link = "<head><link rel='canonical' href='/news/'></head><body>"
        server.serve(f"/{name}", page.replace("<body>", link))
    run(store, settings, url)
    assert titles(store) == ["A", "B", "C"]
    run(store, settings, url)
    assert titles(store) == ["A", "B", "C"]


@pytest.mark.parametrize("text", [BODY, ""])
def test_changed_address_of_a_known_identifier_is_the_same_article(server, store, settings, text):
    server.serve("/old-slug", article_page("A", "a bank"))
    server.serve("/new-slug", article_page("A", "a bank"))
    url = server.serve("/feed", feed(item("/old-slug", "A", "tag:1", text)))
    run(store, settings, url)
    server.serve("/feed", feed(item("/new-slug", "A", "tag:1", text)))
    assert run(store, settings, url).new == 0
    assert paths(store) == ["old-slug"]


@pytest.mark.parametrize("text", [BODY, ""])
def test_identifier_used_for_another_article_makes_two(server, store, settings, text):
    server.serve("/a", article_page("A", "a bank"))
    server.serve("/b", article_page("B", "a fund"))
    url = server.serve("/feed", feed(item("/a", "A", "0", text)))
    run(store, settings, url)
    server.serve("/feed", feed(item("/b", "B", "0", text)))
    assert run(store, settings, url).new == 1
    assert titles(store) == ["A", "B"]
    run(store, settings, url)
    assert titles(store) == ["A", "B"]


def test_one_identifier_for_all_entries_of_a_feed_costs_none(server, store, settings):
    entries = [item(f"/{name}", name, "https://post.example/", BODY + name) for name in "abcd"]
    run(store, settings, server.serve("/feed", feed(*entries)))
    assert titles(store) == ["a", "b", "c", "d"]


def test_new_identifier_for_the_same_address_is_the_same_article(server, store, settings):
    url = server.serve("/feed", feed(item("/a", "A", "guid-1", BODY)))
    run(store, settings, url)
    server.serve("/feed", feed(item("/a?utm_medium=rss", "A", "guid-2", BODY)))
    assert run(store, settings, url).new == 0
    # And from then on both identifiers lead to it.
    server.serve("/feed", feed(item("/a-moved", "A", "guid-2", BODY)))
    assert run(store, settings, url).new == 0
    assert paths(store) == ["a"]


def test_identifiers_of_different_feeds_do_not_meet(server, store, settings):
    server.serve("/one", feed(item("/a", "Morning brief", "1", BODY)))
    server.serve("/two", feed(item("/b", "Morning brief", "1", BODY + "Of another desk.")))
    assert run(store, settings, server.url + "/one", server.url + "/two").new == 2


def test_page_is_not_fetched_anew_for_headlines_that_feeds_use_side_by_side(
    server, store, settings
):
    server.serve("/one", feed(item("/a", "A")))
    server.serve("/two", feed(item("/a", "A | Outlet")))
    server.serve("/a", article_page("A", "a bank"))
    urls = (server.url + "/one", server.url + "/two")
    for _ in range(2):
        run(store, settings, *urls)
    asked = server.paths().count("/a")
    run(store, settings, *urls)
    assert server.paths().count("/a") == asked
    assert store.counts().articles == 1


def test_pages_of_a_plain_sitemap_are_read_for_back_fill(server, store, settings):
    listing = "<sitemapindex>{}</sitemapindex>".format(
        "".join(
            f"<sitemap><loc>/{name}.xml</loc><lastmod>{day}</lastmod></sitemap>"
            for name, day in (("old", "2020-01-01"), ("new", "2025-11-01"), ("none", "2025-10-01"))
        )
    )
    server.serve("/sitemap.xml", listing)
    server.serve("/old.xml", "<urlset><url><loc>/c</loc></url></urlset>")
    server.serve(
        "/new.xml",
        "<urlset><url><loc>/a</loc><lastmod>2025-11-01</lastmod></url><url><loc>/b</loc>"
        "<lastmod>2019-01-01</lastmod></url><url><loc>/gone</loc></url></urlset>",
    )
    dated = "<head><meta property='article:published_time' content='2025-10-31T08:15:00Z'></head>"
    for name in "abc":
        page = article_page(name.upper(), f"bank {name}").replace("<body>", dated + "<body>")
        server.serve(f"/{name}", page)
    source = Source(
        name="Back-fill", outlet="Outlet", url=server.url + "/sitemap.xml", kind="news_sitemap"
    )

    def back_fill(**options: object) -> CrawlSummary:
        return crawl(store, [source], allow_private=True, settings=settings, **options)  # type: ignore[arg-type]

    from datetime import UTC, datetime

    summary = back_fill(since=datetime(2025, 1, 1, tzinfo=UTC))
    assert summary.failed == ()
    assert [(article.title, article.source) for article in store.articles()] == [("A", "Outlet")]
    [article] = store.articles()
    assert (article.published_at, article.published_flag) == (
        datetime(2025, 10, 31, 8, 15, tzinfo=UTC),
        "exact",
    )
    assert "/old.xml" not in server.paths()
    state = store.source_state("Back-fill")
    assert state is not None
    assert state.problem is not None  # /none.xml could not be had, and is tried again
    assert back_fill().new == 2
    assert titles(store) == ["A", "B", "C"]
    asked = len(server.paths())
    assert back_fill().new == 0
    assert {"/a", "/b", "/c"}.isdisjoint(server.paths()[asked:])


def test_index_of_sitemaps_that_goes_in_circles_ends(server, store, settings):
    def index(*names: str) -> str:
        inner = "".join(f"<sitemap><loc>/{name}.xml</loc></sitemap>" for name in names)
        return f"<sitemapindex>{inner}</sitemapindex>"

    server.serve("/top.xml", index("top", *(f"part{number}" for number in range(200))))
    for number in range(200):
        server.serve(f"/part{number}.xml", index("top", "deep"))
    server.serve("/deep.xml", index("deeper"))
    source = Source(name="Outlet", url=server.url + "/top.xml", kind="news_sitemap")
    summary = crawl(store, [source], allow_private=True, settings=settings)
    assert summary.failed == ()
    assert len(server.paths()) <= 51
    assert "/deeper.xml" not in server.paths()
