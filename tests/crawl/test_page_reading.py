"""Pages read into articles, and what servers send in their place recognised."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from datetime import UTC, datetime

import pytest

from corpus.pages import Page, PageProblem, decode_html, read_page

PARAGRAPH = (
    "Holders of the fund sold on Tuesday for the fourth day in a row, and the manager said that "
    "it expects more of the same while yields keep rising and buyers stay away from risk."
)
ARTICLE = "".join(f"<p>{PARAGRAPH} This is paragraph {number}.</p>" for number in range(12))


def page(body: str, head: str = "", url: str = "https://post.example/news/1") -> Page:
    html = (
        f"<!DOCTYPE html><html lang='en-GB'><head><meta charset='utf-8'>{head}</head>"
        f"<body>{body}</body></html>"
    )
    return read_page(html.encode(), url=url, content_type="text/html; charset=utf-8")


def linked_data(**fields: object) -> str:
    value = json.dumps({"@context": "https://schema.org", "@type": "NewsArticle", **fields})
    return f'<script type="application/ld+json">{value}</script>'


def test_article_is_read_with_its_author_language_and_time():
    found = page(
        f"<nav><a href='/'>Home</a></nav><article><h1>Fund sold</h1>{ARTICLE}</article>"
        "<footer>All rights reserved</footer>",
        "<meta property='og:title' content='Fund sold &amp; sold'>"
        + linked_data(
            datePublished="2025-11-25T08:30:00-05:00", author=[{"@type": "Person", "name": "A. B."}]
        ),
    )
    assert found.problem is None
    assert found.title == "Fund sold & sold"
    assert (found.author, found.language) == ("A. B.", "en")
    assert found.published_at == datetime(2025, 11, 25, 13, 30, tzinfo=UTC)
    assert found.text is not None
    assert found.text.split("\n\n")[-1].endswith("This is paragraph 11.")
    assert "All rights" not in found.text
    assert "Home" not in found.text


@pytest.mark.parametrize(
    ("head", "body", "meant", "day_only"),
    [
        (
            "<meta property='article:published_time' content='2025-11-24T10:11:12Z'>",
            "",
            "2025-11-24T10:11:12",
            False,
        ),
        ("<meta name='pubdate' content='2025-11-24'>", "", "2025-11-24T00:00:00", True),
        (
            "<meta name='date' content='2025-11-24'>",
            "<time datetime='2025-11-24T18:00:00+00:00'>Monday</time>",
            "2025-11-24T18:00:00",
            False,
        ),
        (
            linked_data(datePublished="2025-11-24"),
            "<time datetime='2025-12-05T18:00:00+00:00'>Updated</time>",
            "2025-11-24T00:00:00",
            True,
        ),
        (
            # the newsroom's article, not the page that carries it
            '<script type="application/ld+json">{"@graph": [{"@type": "WebPage", "datePublished": '
            '"2020-01-01T00:00:00Z"}, {"@type": ["Article"], "datePublished": '
            '"2025-11-24T10:00:00Z"}]}</script>',
            "",
            "2025-11-24T10:00:00",
            False,
        ),
        (
            '<script type="application/ld+json">{"broken": </script>'
            "<meta property='article:published_time' content='2025-11-24T10:11:12Z'>",
            "",
            "2025-11-24T10:11:12",
            False,
        ),
    ],
)
def test_publication_time_is_the_most_precise_that_fits(head, body, meant, day_only):
    found = page(f"<article>{body}{ARTICLE}</article>", head)
    assert found.published_at == datetime.fromisoformat(meant).replace(tzinfo=UTC)
    assert found.day_only == day_only


HEADLINES = "".join(
    f"<li><a href='/news/{number}'>A headline of some length about number {number}</a></li>"
    for number in range(40)
)


@pytest.mark.parametrize(
    ("title", "body", "problem"),
    [
        ("Just a moment...", "<p>Checking your browser before you go on.</p>", "CHALLENGE"),
        (
            "Attention Required! | Cloudflare",
            "<h1>Sorry, you have been blocked</h1><p>Please enable cookies.</p>",
            "CHALLENGE",
        ),
        ("post.example", "<p>Please verify you are a human to proceed.</p>", "CHALLENGE"),
        ("Access denied", "<p>You have no permission to see this page.</p>", "CHALLENGE"),
        (
            "Post",
            "<h1>We value your privacy</h1><p>We and our partners store information on a device. "
            "You may choose.</p><button>Accept all cookies</button>",
            "CONSENT",
        ),
        ("Page not found", "<p>Try the search.</p>", "NOT_FOUND"),
        ("404 - Harbour Post", "<p>Nothing here.</p>", "NOT_FOUND"),
        ("Post", "<h1>Oops</h1><p>The page could not be found.</p>", "NOT_FOUND"),
        ("Markets", f"<h1>Markets</h1><ul>{HEADLINES}</ul>", "INDEX"),
        (
            "Fund sold",
            f"<article><h1>Fund sold</h1><p>{PARAGRAPH}</p><p>{PARAGRAPH[:60]}…</p></article>"
            "<div>Subscribe to continue reading. Already a subscriber? Log in.</div>",
            "TEASER",
        ),
        ("Photo", "<article><p>A harbour at night.</p></article>", "NO_TEXT"),
        ("", "", "NO_TEXT"),
    ],
)
def test_what_stands_in_place_of_an_article_is_recognised(title, body, problem):
    found = page(body, f"<title>{title}</title>")
    assert found.problem is PageProblem[problem]
    assert found.text is None


def test_teaser_is_recognised_by_what_the_page_says_of_itself():
    body = f"<article><h1>Fund sold</h1><p>{PARAGRAPH}</p></article>"
    assert page(body).problem is None
    stated = linked_data(isAccessibleForFree="False")
    assert page(body, stated).problem is PageProblem.TEASER


@pytest.mark.parametrize(
    "body",
    [
        # each has the words of a notice in an article that is one
        f"<article><h1>How robots are stopped</h1><p>“Just a moment”, says the page.</p>{ARTICLE}"
        "</article>",
        f"<article><h1>Error 404, the exhibition</h1>{ARTICLE}</article>",
        f"<article><h1>Fund sold</h1>{ARTICLE}</article><div>Subscribe to read more. We value your "
        f"privacy. Accept all cookies.</div><ul>{HEADLINES}</ul>",
    ],
)
def test_articles_are_not_mistaken_for_notices(body):
    assert page(body).problem is None


def test_home_page_is_an_overview():
    found = page(f"<article>{ARTICLE}</article>", url="https://post.example/")
    assert found.problem is PageProblem.INDEX


def test_what_is_not_html_is_no_page():
    found = read_page(b"%PDF-1.7", url="https://post.example/a.pdf", content_type="application/pdf")
    assert found.problem is PageProblem.NOT_A_PAGE


@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        ("Börse – “so”".encode(), ""),
        ("Börse – “so”".encode("cp1252"), "text/html; charset=iso-8859-1"),
        (b"<meta charset=windows-1252>" + "Börse – “so”".encode("cp1252"), ""),
        ("\ufeffBörse – “so”".encode("utf-16-le"), ""),
        ("Börse – “so”".encode(), "text/html; charset=no-such-thing"),
        ("Börse – “so”".encode("cp1252"), ""),
        ("Börse – “so”".encode("cp1252"), "text/html; charset=utf-8"),
    ],
)
def test_encodings_are_found(data, content_type):
    assert decode_html(data, content_type).endswith("Börse – “so”")


def shingles(text: str) -> Counter[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return Counter(tuple(words[start : start + 4]) for start in range(max(1, len(words) - 3)))


def test_text_of_captured_pages_is_found(shared):
    """Four-word shingles against paragraph-level gold, as article extraction is usually scored."""
    gold = json.loads((shared / "pages" / "ground_truth.json").read_text(encoding="utf-8"))
    precision = recall = 0.0
    for name, truth in gold.items():
        data = gzip.decompress((shared / "pages" / "html" / name).read_bytes())
        found = shingles(read_page(data, url=truth["url"]).text or "")
        wanted = shingles("\n".join(truth["body"]))
        common = sum((found & wanted).values())
        precision += common / max(1, sum(found.values())) / len(gold)
        recall += common / max(1, sum(wanted.values())) / len(gold)
    assert len(gold) == 80
    assert 2 * precision * recall / (precision + recall) >= 0.94


def test_publication_days_of_captured_crypto_pages_are_found(shared):
    folder = shared / "crypto-html"
    for url, truth in json.loads((folder / "gold_dates.json").read_text(encoding="utf-8")).items():
        found = read_page((folder / truth["file"]).read_bytes(), url=url)
        assert found.published_at is not None
        assert found.published_at.date().isoformat() == truth["date"], url
        assert not found.day_only
        assert found.problem is None
