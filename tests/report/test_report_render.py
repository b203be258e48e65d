"""Renderings: the same numbers everywhere, nothing from outside runs, one file is enough."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from made_up_news import WEEK, WEEK_START, build_report, usual_news
from markdown_it import MarkdownIt

from corpus.errors import UsageError
from service.report import render
from service.report.render import markdown_text, web_link
from service.report.words import band, signed

_MARKUP = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "</style><script>alert(1)</script>",
    '"><iframe src="javascript:alert(1)">',
    "<a href='javascript:alert(1)'>x</a>",
    "[x](javascript:alert(1))",
    "![x](http://evil.example/p.png)",
    "<http://evil.example>",
    "http://evil.example/path",
    "www.evil.example",
    "{{ 7 * 7 }}{% raw %}",
    "&lt;b&gt; &#60;b&#62;",
    "*bold* _em_ `code` ~~gone~~",
    "# heading",
    "1. item",
    "- item",
    "> quote",
    "| a | b |",
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)",
    "a\x00b\x07c\x1b[31m",
    "right\u202eot left",
    "line\nbreak\r\n<b>x</b>",
    "\\[x\\](y)",
)
_WRAPS = (
    "{}",
    "Bitcoin {} falls",
    "{} up",
    "<b>{}</b>",
    "`{}`",
    "[{}]",
    "'{}'",
    '"{}"',
    "{}\n\n{}",
    "<!--{}-->",
    "]({}) x",
    "*{}*",
)
PAYLOADS = [wrap.replace("{}", text) for text in _MARKUP for wrap in _WRAPS]


class Page(HTMLParser):
    """Elements, addresses and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._in_style = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._in_style = tag == "style"

    def handle_endtag(self, tag):
        self._in_style = False

    def handle_data(self, data):
        if not self._in_style:
            self.text += data

    @property
    def names(self):
        return {name for name, _ in self.elements}


@pytest.fixture(scope="module")
def report(store):
    return build_report(store, week=WEEK)


@pytest.fixture(scope="module")
def page(report):
    return render(report, "html")


@pytest.fixture(scope="module")
def hostile(news, tmp_path_factory):
    """A report whose stories are headed by every payload in turn, and the payloads it shows."""
    from made_up_news import fill, prices

    from corpus.store import Store

    items = [
        *usual_news(),
        *(
            news.make(
                50_000 + number,
                WEEK_START + timedelta(minutes=number),
                title=payload,
                source=payload[:60].strip() or "x",
                probabilities={driver: 0.99},
                stances={driver: -1.0},
                amounts=[news.amount("sell", -1e6 * (number + 1))],
            )
            for number, payload in enumerate(PAYLOADS)
            for driver in [("treasury", "macro", "etf_flows", "security")[number % 4]]
        ),
    ]
    with Store.open(f"sqlite:///{tmp_path_factory.mktemp('hostile') / 'x.db'}") as store:
        fill(store, items)
        store.put_prices(prices())
        return build_report(store, week=WEEK)


def test_the_page_stands_alone(page):
    parsed = Page(page)
    assert len(page.encode()) < 1_000_000
    assert not parsed.names & {"script", "link", "img", "iframe", "object", "embed", "base", "form"}
    assert page.count("<svg") == 6, "pressure, price with composite, one a core driver"
    for _, attributes in parsed.elements:
        assert not any(name.startswith("on") for name in attributes)
        assert "src" not in attributes
        if "xlink:href" in attributes or "href" in attributes:
            assert attributes.get("href", "").startswith("https://news.example/")
    assert "url(" not in page.replace("url(#", "")
    assert "@import" not in page


def test_ids_in_the_drawings_do_not_meet(page):
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_page_and_markdown_hold_the_numbers_of_the_record(report, page):
    shown, markdown = Page(page).text, render(report, "md")
    for reading in [*(row.reading for row in report.drivers), report.composite]:
        for text in (signed(reading.pressure), band(reading.lower, reading.upper)):
            assert text in shown
            assert text in markdown
    for text in (report.headline, report.method.vintage, report.method.model):
        assert text in shown
        assert markdown_text(text) in markdown
    for row in report.drivers:
        for story in row.stories[: 3 if row.core else 1]:
            assert story.title in shown
            assert f"(<{story.url}>)" in markdown
    for sentence in [*report.study.verdict, *report.study.limits]:
        assert sentence in shown
    for state in report.watch:
        assert state.sentence in shown
        assert state.sentence in markdown


def test_every_driver_is_drawn_in_its_own_colour(report, page):
    for row in report.drivers:
        if row.core:
            assert f'fill="{row.color}"' in page


def test_nothing_in_a_hostile_title_becomes_markup(hostile):
    assert len(PAYLOADS) == 300
    page = render(hostile, "html")
    parsed = Page(page)
    assert not parsed.names & {"script", "img", "iframe", "b", "h4", "code"} - {"b", "code"}
    for name, attributes in parsed.elements:
        assert not any(attribute.startswith("on") for attribute in attributes)
        if name == "a":
            assert attributes["href"].startswith("https://news.example/")
    shown = [story.title for row in hostile.drivers for story in row.stories]
    assert any("<" in title for title in shown)
    for story in (story for row in hostile.drivers if row.core for story in row.stories):
        assert " ".join(story.title.split())[:10].split("\x00")[0] in parsed.text
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e]", page)


def test_every_payload_is_only_text_in_markdown():
    reader = MarkdownIt("commonmark", {"linkify": False}).enable(["table", "strikethrough"])
    for payload in PAYLOADS:
        for text in (
            f"{markdown_text(payload)}",
            f"- x\n\n1. [{markdown_text(payload)}](<https://a.example/>)",
        ):
            html = reader.render(text)
            left = re.sub(r"</?(p|ul|ol|li)>|<a href=\"https://a.example/\">|</a>", "", html)
            assert "<" not in left, (payload, html)


def test_hostile_markdown_links_only_to_the_articles(hostile):
    html = MarkdownIt("commonmark").enable("table").render(render(hostile, "md"))
    parsed = Page(html)
    assert not parsed.names & {"script", "img", "iframe", "svg", "pre", "em"}
    for name, attributes in parsed.elements:
        if name == "a":
            assert attributes["href"].startswith("https://news.example/")


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        " javascript:alert(1)",
        "data:text/html,<script>",
        "//evil.example/x",
        "file:///etc/passwd",
        "http://[broken",
        "",
    ],
)
def test_only_web_addresses_become_links(url):
    assert web_link(url) is None


def test_an_unknown_format_is_refused(report):
    with pytest.raises(UsageError, match="unknown report format 'docx'"):
        render(report, "docx")


def test_json_has_every_series_of_the_charts(report):
    told = json.loads(render(report, "json"))
    assert {point["driver"] for point in told["index_series"]} >= {"composite", "etf_flows"}
    assert {point["asset"] for point in told["price_series"]} == {"BTC", "ETH"}
    last = [point for point in told["index_series"] if point["driver"] == "composite"][-1]
    assert last["pressure"] == told["composite"]["pressure"]
