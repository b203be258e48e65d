"""300 hostile titles from a feed and a file to pages, reports and files, and none of them runs."""

from __future__ import annotations

import csv
import html
import json
import re
import subprocess
import sys
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "report"))
from browsing import until_made, watched
from made_up_news import NEWS, WEEK, WEEK_START, build_report, fill, prices, usual_news
from serving import running

from corpus.crawl import crawl
from corpus.politeness import CrawlSettings
from corpus.records import FoundArticle
from corpus.sources import Source
from corpus.store import Store
from nlp.taxonomy import drivers
from service.report import encoded, render

# Each payload, run by whatever, would leave one of these: a dialog, `hacked`, a request.
_RUNS = (
    "<script>hacked=1;alert(1)</script>",
    "<img src=http://127.0.0.1:9/x onerror=hacked=1>",
    "<svg/onload=hacked=1><animate onbegin=alert(1)>",
    '"><iframe src="javascript:parent.hacked=1">',
    "<a href='javascript:hacked=1' autofocus onfocus=hacked=1>x</a>",
    "<details open ontoggle=hacked=1>",
    "<style>@import 'http://127.0.0.1:9/x.css'</style>",
    "</title><script>hacked=1</script>",
    "</textarea><script>hacked=1</script>",
    "--><script>hacked=1</script><!--",
    "<meta http-equiv=refresh content='0;url=http://127.0.0.1:9/'>",
    "<base href=http://127.0.0.1:9/>",
    "' onmouseover='hacked=1",
    '" autofocus onfocus="hacked=1',
    "{{ 7 * 7 }}{% include '/etc/passwd' %}",
    "${hacked=1}#{7*7}<%= 7*7 %>",
    "[x](javascript:hacked=1)",
    "![x](http://127.0.0.1:9/p.png)",
    "<http://127.0.0.1:9/auto>",
    '=HYPERLINK("http://127.0.0.1:9","x")',
    "+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\x1b[31mred\x1b]8;;http://127.0.0.1:9\x07link",
    "right\u202eleft\u2066 zero\u200bwidth\ufeff",
)
_WRAPS = (
    "{} {n}",
    "Bitcoin falls {n} {}",
    "{} up {n}",
    "&lt;{}&gt; {n}",
    "`{}` {n}",
    "'{}' {n}",
    '"{}" {n}',
    "<!--{}--> {n}",
    "]]>{} {n}",
    "*{}* | a | {n}",
    "\t{} {n}",
    "{}{} {n}",
)
PAYLOADS = [
    wrap.replace("{}", text).replace("{n}", str(number))
    for number, text in enumerate(_RUNS)
    for wrap in _WRAPS
]
NAMES = [driver.name for driver in drivers()]
SPREADSHEET_STARTS = "=+-@\t\r"


def feed(port):
    """RSS with a payload a title, but for control characters, which XML cannot hold."""
    entries = []
    for number, title in enumerate(PAYLOADS):
        day = WEEK_START + timedelta(days=number % 2, hours=12, minutes=number)
        shown = html.escape(re.sub("[\x00-\x08\x0b-\x1f]", "", title))
        # Titles of feeds are often escaped twice, so that their markup is markup when read once.
        shown = html.escape(shown) if number % 3 else shown
        entries.append(
            f"<item><title>{shown}</title><link>http://127.0.0.1:{port}/{number}</link>"
            f"<pubDate>{day:%a, %d %b %Y %H:%M:%S} GMT</pubDate>"
            f"<description>{shown}</description></item>"
        )
    return (
        "<?xml version='1.0' encoding='utf-8'?><rss version='2.0'><channel><title>x</title>"
        f"{''.join(entries)}</channel></rss>"
    ).encode()


@pytest.fixture(scope="module")
def store_path(tmp_path_factory):
    """What the crawler keeps of the feed, each article tagged as decisive for some driver."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            found = self.path == "/feed"
            self.send_response(200 if found else 404)
            self.send_header("content-type", "application/rss+xml")
            self.end_headers()
            self.wfile.write(feed(server.server_port) if found else b"")

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    path = tmp_path_factory.mktemp("hostile") / "news.db"
    with Store.open(f"sqlite:///{path}") as store:
        fill(store, [one for one in usual_news() if one.article.published_at < WEEK_START])
        store.put_prices(prices())
        source = Source(
            name="<b onclick=hacked=1>Outlet</b>",
            url=f"http://127.0.0.1:{server.server_port}/feed",
        )
        done = crawl(store, [source], allow_private=True, settings=CrawlSettings(delay_seconds=0.0))
        server.shutdown()
        assert done.new >= 295, done
        # The feed reader takes markup out of titles; an imported file brings them as they are.
        store.add(
            FoundArticle(
                url=f"http://127.0.0.1:{server.server_port}/raw/{number}",
                title=title,
                source="<b onclick=hacked=1>File</b>",
                published_at=WEEK_START + timedelta(days=number % 2, minutes=number),
            )
            for number, title in enumerate(PAYLOADS)
        )
        records = []
        crawled = [one for one in store.articles(since=WEEK_START) if "127.0.0.1" in one.url]
        for number, article in enumerate(crawled):
            driver = NAMES[number // 2 % len(NAMES)]
            made = NEWS.make(
                number,
                article.published_at,
                title=article.title,
                probabilities={driver: 0.99},
                # Those of the file take the clearer side, so that the report leads with them.
                stances={driver: -1.0 if "/raw/" in article.url else -0.5},
                amounts=[NEWS.amount("sell", -1e6 * (number + 1), text=article.title[:5])],
            )
            told = json.loads(made.record) | {"id": article.id}
            records.append((article.id, json.dumps(told, separators=(",", ":"))))
        store.put_tags(NEWS.model, records)
    return path


@pytest.fixture(scope="module")
def titles(store_path):
    with Store.open(f"sqlite:///{store_path}") as store:
        return {one.id: one.title for one in store.articles(since=WEEK_START)}


def test_the_payloads_are_many_and_reach_the_store_as_they_are(titles):
    assert len(set(PAYLOADS)) == 300
    assert len(titles) >= 595, "of the feed and of the file"
    assert {one.strip() for one in PAYLOADS} <= {one.strip() for one in titles.values()}


def test_no_page_runs_any_of_them(browser, store_path, titles, tmp_path):
    with running(f"sqlite:///{store_path}", tmp_path / "server.log") as server:
        until_made(server)
        paths = ["/", "/study", f"/reports/{WEEK}"]
        paths += [
            f"/drivers/{name}?day={(WEEK_START + timedelta(days=day)).date()}"
            for name in NAMES
            for day in (0, 1)
        ]
        shown = set()
        with watched(browser, server.url) as page:
            for path in paths:
                page.goto(path)
                if page.locator("[data-specification]").count():
                    page.wait_for_selector(".chart.live svg")
                shown |= set(
                    page.eval_on_selector_all(
                        'main a[href^="/articles/"]',
                        "all => all.map(one => one.pathname.slice(10))",
                    )
                )
                _untouched(page)
            assert len(shown & titles.keys()) >= 50
            # Those that are no story of their own stand on their own page alone.
            for identity in list(titles)[::20]:
                page.goto(f"/articles/{identity}")
                _untouched(page)
            page.goto("/try")
            for payload in PAYLOADS[::37]:
                page.get_by_label("Title").fill(payload)
                page.get_by_role("button", name="Tag it").click()
                _untouched(page)


def _untouched(page):
    told = page.evaluate("""() => [
      typeof window.hacked, document.querySelectorAll(
        "main :is(img, iframe, script, style, base, meta, object, embed, animate)").length,
      [...document.querySelectorAll("*")].filter(one => [...one.attributes].some(
        a => a.name.startsWith("on") || /^javascript:/i.test(a.value.trim()))).length,
    ]""")
    assert told == ["undefined", 0, 0], page.url


def test_no_report_holds_any_of_them_as_markup(browser, store_path, tmp_path):
    with Store.open(f"sqlite:///{store_path}") as store:
        report = build_report(store, week=WEEK, with_study=False)
    page_file = tmp_path / "report.html"
    page_file.write_bytes(encoded(report, "html"))
    shown = " ".join(story.title for row in report.drivers for story in row.stories)
    assert re.search("<style|<script|<img|hacked|cmd|HYPERLINK|javascript", shown)
    with watched(browser, page_file.as_uri()) as page:
        page.goto(page_file.as_uri())
        _untouched_report(page)
    from markdown_it import MarkdownIt

    read = tmp_path / "read.html"
    markdown = MarkdownIt("commonmark").enable("table").render(render(report, "md"))
    read.write_text(f"<!doctype html><meta charset=utf-8>{markdown}", encoding="utf-8")
    with watched(browser, read.as_uri()) as page:
        page.goto(read.as_uri())
        _untouched_report(page)
    pdf = encoded(report, "pdf")
    for forbidden in (b"/JavaScript", b"/Launch", b"/OpenAction", b"127.0.0.1:9"):
        assert forbidden not in pdf
    told = json.loads(render(report, "json"))
    assert (
        told["drivers"][0]["stories"]
        == json.loads(report.model_dump_json())["drivers"][0]["stories"]
    )


def _untouched_report(page):
    assert page.evaluate("typeof window.hacked") == "undefined"
    assert page.locator("img, iframe, script, base, object, embed").count() == 0
    links = page.eval_on_selector_all("a", "all => all.map(one => one.getAttribute('href'))")
    assert all(
        re.match(r"https?://(127\.0\.0\.1:\d+/(raw/)?\d+$|news\.example/)", one) for one in links
    )


def test_no_cell_of_a_csv_file_is_a_formula(store_path, tmp_path):
    out = tmp_path / "articles.csv"
    call = ["export", "-o", str(out), "--db", f"sqlite:///{store_path}"]
    subprocess.run(
        [sys.executable, "-c", "from service.cli import main; main()", *call],
        check=True,
        capture_output=True,
    )
    with out.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    hostile = [row for row in rows if "127.0.0.1" in row["url"]]
    assert len(hostile) >= 595
    for row in hostile:
        for value in row.values():
            assert not value or value[0] not in SPREADSHEET_STARTS, value
    assert any(row["title"].lstrip("'").startswith("=HYPERLINK") for row in hostile)
