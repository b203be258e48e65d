"""The endless crawl, as a process of its own that gets signals, against the fault server."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fault_server import Request, answering, in_turn
from news_site import BODY, article_page, entry, feed

from corpus.store import Store
from service.cli.program import run

PROGRAM = (sys.executable, "-c", "from service.cli import main; main()")
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'watch.db'}"


@pytest.fixture
def start(tmp_path: Path, database: str) -> Iterator[Start]:
    """Starts `undertow crawl --watch` on a list of addresses; all are ended with the test."""
    running: list[subprocess.Popen[str]] = []

    def begin(*urls: str, options: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        listed = tmp_path / "outlets.toml"
        listed.write_text(
            "\n".join(
                f'[[source]]\nname = "Outlet {number}"\nurl = "{url}"\n'
                for number, url in enumerate(urls, start=1)
            )
        )
        options = ("--sources", str(listed), "--db", database, *options)
        process = subprocess.Popen(
            [*PROGRAM, "--log-json", "crawl", "--watch", "--allow-private", "--delay=0", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"UNDERTOW_CONTACT": "tests@example.org"},
        )
        running.append(process)
        return process

    yield begin
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()


def logged(process: subprocess.Popen[str], words: str) -> dict[str, object]:
    """The fields of the next log line whose message has ``words``."""
    assert process.stderr is not None
    for line in process.stderr:
        fields: dict[str, object] = json.loads(line)
        if words in str(fields["message"]):
            return fields
    raise AssertionError(f"the crawl ended without a line on {words!r}")


def stop(process: subprocess.Popen[str], number: signal.Signals = signal.SIGTERM) -> str:
    process.send_signal(number)
    _, rest = process.communicate(timeout=300)
    assert process.returncode == 0, rest
    return rest


def test_sources_are_read_when_due_and_figures_are_served(server, start, database):
    server.serve("/feed", feed(entry("/a", "A", BODY), entry("/b", "B", "A line.")))
    server.serve("/b", article_page("B", "a bank"))
    urls = (server.url + "/feed", server.url + "/none")
    crawler = start(*urls, options=("--metrics-port", "0"))
    port = logged(crawler, "figures at")["port"]
    by_source = {}
    for _ in urls:
        fields = logged(crawler, "Outlet")
        by_source[fields["source"]] = fields
    assert by_source["Outlet 1"]["new"] == 2
    assert by_source["Outlet 1"]["outcome"] == "read"
    assert by_source["Outlet 2"]["outcome"] == "failed"
    assert "nothing at this address" in str(by_source["Outlet 2"]["problem"])
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        figures = answer.read().decode()
    for line in (
        'undertow_crawl_visits_total{outcome="read"} 1.0',
        'undertow_crawl_articles_total{kind="new"} 2.0',
        "undertow_crawl_pages_total 1.0",
        "undertow_crawl_sources 2.0",
        'undertow_crawl_source_failures{source="Outlet 2"} 1.0',
    ):
        assert line in figures
    assert re.search(r"process_resident_memory_bytes \d", figures)
    asked = len(server.paths())
    assert "stopped" in stop(crawler)
    # Both have an interval of minutes now, so that neither was asked twice.
    assert len(server.paths()) == asked
    assert all("tests@example.org" in one.headers["user-agent"] for one in server.requests)
    with Store.open(database) as store:
        assert store.counts().articles == 2
        state = store.source_state("Outlet 1")
    assert state is not None
    assert state.last_success_at is not None
    assert state.next_due_at is not None
    assert 600 <= (state.next_due_at - state.last_success_at).total_seconds() <= 3600


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_is_under_way_is_finished_when_told_to_stop(server, start, database, number):
    begun, go_on = threading.Event(), threading.Event()

    def slow_page(request: Request, connection: object) -> None:
        begun.set()
        go_on.wait(300)
        answering(article_page("B", "a bank"))(request, connection)  # type: ignore[arg-type]

    server.serve("/feed", feed(entry("/b", "B", "A line.")))
    server.on("/b", slow_page)
    crawler = start(server.url + "/feed")
    assert begun.wait(60)
    crawler.send_signal(number)
    logged(crawler, "stopping: 1 visits under way")
    go_on.set()
    assert "stopped" in crawler.communicate(timeout=300)[1]
    assert crawler.returncode == 0
    with Store.open(database) as store:
        [article] = store.articles()
        assert article.text is not None
        state = store.source_state("Outlet 1")
    assert state is not None
    assert state.last_success_at is not None


def test_second_signal_breaks_off_and_keeps_what_is_done(server, start, database):
    begun, go_on = threading.Event(), threading.Event()

    def stalled_page(request: Request, connection: object) -> None:
        begun.set()
        go_on.wait(300)

    server.serve("/feed", feed(entry("/a", "A", BODY), entry("/b", "B", "A line.")))
    server.on("/b", stalled_page)
    crawler = start(server.url + "/feed")
    assert begun.wait(60)
    crawler.send_signal(signal.SIGTERM)
    logged(crawler, "stopping: 1 visits under way")
    crawler.send_signal(signal.SIGTERM)
    _, rest = crawler.communicate(timeout=300)
    go_on.set()
    assert "broken off" in rest
    assert crawler.returncode == 0
    with Store.open(database) as store:
        assert [article.title for article in store.articles()] == ["A"]
        # It stays due, and its claim was given back: the next crawler has it at once.
        assert store.source_state("Outlet 1") is None
        assert store.leases(60).claim(["Outlet 1"], limit=1) == ("Outlet 1",)


def test_failing_source_is_tried_again_when_the_server_wishes(server, start, database):
    server.on(
        "/feed",
        in_turn(
            *[answering("", "503 Service Unavailable", retry_after="0")] * 3,
            answering(feed(entry("/a", "A", BODY))),
        ),
    )
    crawler = start(server.url + "/feed")
    assert "overloaded" in str(logged(crawler, "Outlet 1")["problem"])
    stop(crawler)
    with Store.open(database) as store:
        state = store.source_state("Outlet 1")
        assert state is not None
        assert (state.failures, state.last_success_at) == (1, None)
        assert state.next_due_at is not None
        assert state.last_attempt_at is not None
        # As if the pause were over: a restarted crawl goes by the store.
        store.put_source_state(state.model_copy(update={"next_due_at": state.last_attempt_at}))
    crawler = start(server.url + "/feed")
    assert logged(crawler, "Outlet 1")["new"] == 1
    stop(crawler)


@pytest.mark.parametrize(
    "options",
    [["--watch", "--due-only"], ["--metrics-port", "1"], ["--watch", "--since", "2025-01-01"]],
)
def test_wrong_calls_are_refused(capfd, options):
    assert run(["crawl", *options]) == 2
    assert "--watch" in capfd.readouterr().err
