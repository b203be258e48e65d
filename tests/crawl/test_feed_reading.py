"""Feeds of every kind, good and bad, read into articles."""

from __future__ import annotations

import base64
import gzip
import json
import re
import tracemalloc
from datetime import UTC, datetime

import pytest

from corpus.errors import FetchError
from corpus.feeds import Feed, parse_feed
from corpus.sitemaps import parse_news_sitemap

BODY = "The fund took in coins again on Monday, and its managers said so in a short note. " * 6


def read(data: str | bytes, **options: str) -> Feed:
    raw = data.encode() if isinstance(data, str) else data
    return parse_feed(raw, url="https://post.example/feeds/all.xml", source="Post", **options)


def rss(items: str, head: str = "", start: str = '<?xml version="1.0"?>') -> str:
    return (
        f'{start}<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>Harbour Post</title>'
        f"<link>https://post.example/</link>{head}{items}</channel></rss>"
    )


def test_rss_2_gives_everything_it_states():
    feed = read(
        rss(
            "<item><title>Funds &amp;amp; flows</title><link>/news/1</link>"
            "<description>&lt;p&gt;In &lt;b&gt;short&lt;/b&gt;.&lt;/p&gt;</description>"
            f"<content:encoded><![CDATA[<p>{BODY}</p><script>bad()</script><p>Second.</p>]]>"
            "</content:encoded><dc:creator>A. Writer</dc:creator>"
            "<pubDate>Mon, 24 Nov 2025 10:00:00 +0100</pubDate></item>",
            head="<language>en-US</language><ttl>45</ttl><skipHours><hour>3</hour><hour>4</hour>"
            "</skipHours>",
        )
    )
    assert (feed.title, feed.language, feed.listed) == ("Harbour Post", "en", 1)
    assert (feed.ttl_minutes, feed.skip_hours) == (45, {3, 4})
    [entry] = feed.entries
    assert entry.title == "Funds & flows"
    assert entry.url == "https://post.example/news/1"
    assert entry.text == f"{BODY.strip()}\n\nSecond."
    assert entry.summary == "In short."
    assert (entry.author, entry.language, entry.source) == ("A. Writer", "en", "Post")
    assert entry.published_at == datetime(2025, 11, 24, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "tail",
    [
        "&hellip;",
        " [&#8230;]",
        "... Read more",
        ' [...]</p><p>The post <a href="/x">X</a> appeared first on Post.',
        " Continue reading",
    ],
)
def test_text_that_breaks_off_is_a_summary_only(tail):
    [entry] = read(
        rss(
            "<item><title>T</title><link>/1</link>"
            f"<content:encoded><![CDATA[<p>{BODY}{tail}</p>]]></content:encoded></item>"
        )
    ).entries
    assert entry.text is None
    assert entry.summary is not None
    assert entry.summary.startswith("The fund took in coins")


def test_advertisement_of_the_feed_is_not_text():
    [entry] = read(
        rss(
            f"<item><title>T</title><link>/1</link><content:encoded><![CDATA[<p>{BODY}</p>"
            '<p>The post <a href="/1">T</a> appeared first on <a href="/">Post</a>.</p>]]>'
            "</content:encoded></item>"
        )
    ).entries
    assert entry.text == BODY.strip()


def test_rss_1_and_0_91_and_atom_are_read():
    rdf = read(
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
        'xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        "<channel><title>R</title></channel><item rdf:about='https://post.example/1'><title>One"
        "</title><link>https://post.example/1</link><dc:date>2025-11-24</dc:date></item></rdf:RDF>"
    )
    assert [(entry.title, entry.day_only) for entry in rdf.entries] == [("One", True)]
    old = read(
        '<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" '
        '"http://my.netscape.com/publish/formats/rss-0.91.dtd"><rss version="0.91"><channel>'
        "<title>O</title><item><title>One</title><link>https://post.example/1</link></item>"
        "</channel></rss>"
    )
    assert [entry.title for entry in old.entries] == ["One"]
    atom = read(
        '<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="de"><title>A</title><entry>'
        '<title type="html">&lt;i&gt;Eins&lt;/i&gt;</title><link rel="self" href="https://x.y/"/>'
        '<link rel="alternate" href="../1"/><id>urn:1</id>'
        "<updated>2025-11-24T10:00:00Z</updated><published>2025-11-23T10:00:00Z</published>"
        f'<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>{BODY}</p></div>'
        "</content></entry></feed>"
    )
    [entry] = atom.entries
    assert (entry.title, entry.url) == ("Eins", "https://post.example/1")
    assert entry.published_at == datetime(2025, 11, 23, 10, 0, tzinfo=UTC)
    assert entry.text == BODY.strip()


def test_json_feed_is_read_and_a_bad_item_costs_only_itself():
    feed = read(
        json.dumps(
            {
                "version": "https://jsonfeed.org/version/1.1",
                "title": "J",
                "language": "en",
                "items": [
                    {
                        "id": "1",
                        "url": "https://post.example/1",
                        "title": "One \ud800",
                        "content_html": f"<p>{BODY}</p>",
                        "date_published": "2025-11-24T10:00:00Z",
                        "authors": [{"name": "A"}, {"name": "B"}],
                    },
                    "nonsense",
                    {"id": "3", "url": {"a": 1}, "title": 4},
                    {"id": "https://post.example/4", "content_text": "No title here."},
                ],
            }
        )
    )
    assert [entry.title for entry in feed.entries] == ["One", "No title here."]
    assert feed.entries[0].author == "A, B"
    assert (feed.listed, len(feed.problems)) == (4, 2)


def test_bad_entries_are_named_and_cost_only_themselves():
    feed = read(
        rss(
            "<item><title>No address</title></item>"
            "<item><title>Script</title><link>javascript:alert(1)</link></item>"
            "<item><link>/nothing</link></item>"
            "<item><title>Broken date</title><link>/3</link><pubDate>soon</pubDate></item>"
            "<item><title>By its guid</title><guid>https://post.example/4</guid></item>"
            "<item><title>Bad port</title><link>http://post.example:99999x/</link></item>"
        )
    )
    assert [entry.title for entry in feed.entries] == ["Broken date", "By its guid"]
    assert feed.entries[0].published_at is None
    assert [problem.split(":")[0] for problem in feed.problems] == [
        "entry 1",
        "entry 2",
        "entry 3",
        "entry 6",
    ]


def test_feed_that_is_not_well_formed_is_read_as_far_as_possible():
    feed = read(rss("<item><title>A & B < C</title><link>/1?a=1&b=2</link></item>")[:-20])
    assert [entry.url for entry in feed.entries] == ["https://post.example/1?a=1&b=2"]


def test_stated_encodings_are_kept():
    text = rss("<item><title>Börse öffnet</title><link>/1</link></item>", start="")
    for encoding in ("iso-8859-1", "windows-1252", "utf-16", "utf-8"):
        start = f'<?xml version="1.0" encoding="{encoding}"?>'
        [entry] = read((start + text).encode(encoding)).entries
        assert entry.title == "Börse öffnet", encoding


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "the answer is empty"),
        (b"<!DOCTYPE html><html><body>Hello</body></html>", "an HTML page"),
        (b"just text", "of another kind"),
        (b"{}", "not JSON Feed"),
        (b'{"version": 1', "JSON that cannot be read"),
        (b"[" * 100_000, "of another kind"),
        (b'{"a":' * 100_000, "JSON that cannot be read"),
    ],
)
def test_what_is_no_feed_is_told(data, words):
    with pytest.raises(FetchError, match=words):
        read(data)


def bomb(declarations: str, use: str) -> str:
    return rss(
        f"<item><title>{use}</title><link>/1</link></item>",
        start=f'<?xml version="1.0"?><!DOCTYPE rss [{declarations}]>',
    )


NESTED = '<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {chr(98 + number)} "{f"&{chr(97 + number)};" * 10}">' for number in range(10)
)


@pytest.mark.parametrize(
    ("declarations", "use"),
    [
        (NESTED, "&k;"),
        (f'<!ENTITY big "{"x" * 100_000}">', "&big;" * 1000),
        ('<!ENTITY file SYSTEM "file:///etc/hostname">', "&file;"),
        ('<!ENTITY % remote SYSTEM "http://127.0.0.1:1/x.dtd"> %remote;', "x"),
        ("<!ENTITY % a \"<!ENTITY b SYSTEM 'file:///etc/hostname'>\"> %a;", "&b;"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_dangerous_entities_are_refused_in_bounded_memory(declarations, use, encoding):
    data = bomb(declarations, use).encode(encoding)
    tracemalloc.start()
    try:
        with pytest.raises(FetchError, match="which is refused"):
            read(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20_000_000


def test_dangerous_entities_in_a_disguising_encoding_are_refused():
    start = '<?xml version="1.0" encoding="utf-7"?>'
    hidden = base64.b64encode(bomb(NESTED, "&k;").partition("?>")[2].encode("utf-16-be"))
    data = start.encode() + b"+" + hidden.rstrip(b"=") + b"-"
    assert "<!ENTITY" in data.decode("utf-7")
    with pytest.raises(FetchError, match="encoding that is refused"):
        read(data)
    with pytest.raises(FetchError, match="encoding that is refused"):
        read(data.partition(b"?>")[2], content_type="text/xml; charset=UTF-7")
    with pytest.raises(FetchError, match="encoding that is refused"):
        read(bomb(NESTED, "&k;").encode("cp037"))


@pytest.mark.parametrize(
    "start",
    [
        "<!-- <rss> -->",
        "<?note <!-- ?>",
        '<!DOCTYPE rss SYSTEM "a>b" [<!ENTITY x "]>"><!ENTITY y "<a">',
    ],
)
def test_dangerous_entities_behind_a_decoy_are_refused(start):
    doctype = start if start.startswith("<!DOCTYPE") else start + "<!DOCTYPE rss ["
    with pytest.raises(FetchError, match="nested entities"):
        read(rss("<item><title>&k;</title></item>", start=f"{doctype}{NESTED}]>"))


def test_article_about_entities_is_no_danger():
    [entry] = read(
        rss(
            "<item><title>X</title><link>/1</link><description><![CDATA[<!DOCTYPE a [<!ENTITY b "
            'SYSTEM "file:///x">]>]]></description></item>'
        )
    ).entries
    assert entry.title == "X"


def test_plain_entities_are_harmless():
    [entry] = read(bomb('<!ENTITY dash "&#8212;">', "a &dash; b")).entries
    assert entry.title == "a — b"


def test_news_sitemap_is_read():
    feed = parse_news_sitemap(
        b'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
        b'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"><url>'
        b"<loc>https://post.example/1</loc><news:news><news:publication><news:name>P</news:name>"
        b"<news:language>en</news:language></news:publication><news:publication_date>"
        b"2025-11-24T10:00:00Z</news:publication_date><news:title>One</news:title></news:news>"
        b"</url><url><loc>https://post.example/about</loc></url></urlset>",
        url="https://post.example/news.xml",
        source="Post",
    )
    [entry] = feed.entries
    assert (entry.title, entry.language) == ("One", "en")
    assert entry.published_at == datetime(2025, 11, 24, 10, 0, tzinfo=UTC)
    assert (feed.listed, len(feed.problems)) == (2, 1)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_plain_sitemap_gives_addresses_and_when_they_changed(pack):
    data = pack(
        b"<urlset><url><loc>/1</loc><lastmod>2025-11-24</lastmod></url>"
        b"<url><loc>https://post.example/2</loc></url><url/></urlset>"
    )
    feed = parse_news_sitemap(data, url="https://post.example/sitemap.xml", source="Post")
    first, second = feed.entries
    assert (first.url, first.title) == ("https://post.example/1", "")
    assert first.changed_at == datetime(2025, 11, 24, tzinfo=UTC)
    assert (second.url, second.published_at) == ("https://post.example/2", None)
    assert (feed.listed, len(feed.problems)) == (3, 1)


def test_index_of_sitemaps_gives_its_members_newest_first():
    data = (
        b"<sitemapindex><sitemap><loc>https://post.example/old.xml</loc>"
        b"<lastmod>2024-01-01</lastmod></sitemap><sitemap><loc>new.xml.gz</loc>"
        b"<lastmod>2025-11-01T10:00:00Z</lastmod></sitemap><sitemap/></sitemapindex>"
    )
    feed = parse_news_sitemap(data, url="https://post.example/sitemap.xml", source="Post")
    assert [member.url for member in feed.members] == [
        "https://post.example/new.xml.gz",
        "https://post.example/old.xml",
    ]
    assert feed.entries == ()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<rss/>", "its root is 'rss'"),
        (b"<urlset>", "not well-formed"),
        (b"<!DOCTYPE u [<!ENTITY a 'b'>]><urlset>&a;</urlset>", "which is refused"),
    ],
)
def test_what_is_no_news_sitemap_is_told(data, words):
    with pytest.raises(FetchError, match=words):
        parse_news_sitemap(data, url="https://post.example/news.xml", source="Post")


def test_captured_feeds_give_entries_wherever_there_are_any(shared):
    files = sorted((shared / "feeds").iterdir()) + sorted((shared / "crypto-feeds").iterdir())
    assert len(files) >= 100
    without = []
    for path in files:
        data = path.read_bytes()
        feed = read(data)
        listed = len(re.findall(rb"<(?:item|entry)[\s>]", data))
        assert feed.listed >= listed, path.name
        if listed and not feed.entries:
            without.append(path.name)
    assert without == []
