"""Prices from files and from an exchange, stamped with the close of their bar."""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from corpus.store import Store

DB = "sqlite:///prices.db"
FIRST = datetime(2024, 1, 1, tzinfo=UTC)


class _Exchange(ThreadingHTTPServer):
    """Answers as the exchange documents it: newest first, at most 300, both ends inclusive."""

    daemon_threads = True
    busy_answers = 0
    body: bytes | None = None
    status = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.asked: list[str] = []


class _Answer(BaseHTTPRequestHandler):
    server: _Exchange

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        status, body = self.server.status, self.server.body
        if self.server.busy_answers:
            self.server.busy_answers -= 1
            status, body = 429, b"{}"
        self.send_response(status)
        self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(self._candles() if body is None else body)

    def _candles(self) -> bytes:
        address = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(address.query).items()}
        step = int(asked["granularity"])
        start = int(datetime.fromisoformat(asked["start"]).timestamp())
        end = int(datetime.fromisoformat(asked["end"]).timestamp())
        rank = 1 if "BTC" in address.path else 0.05
        starts = range(-(-start // step) * step, end + 1, step)
        assert len(starts) <= 300
        close = {at: rank * (40_000 + at // step % 1000) for at in starts}
        return json.dumps([[at, 1, 2, 1, close[at], 5] for at in reversed(starts)]).encode()

    def log_message(self, *arguments: object) -> None:
        """Keep the test's output clean."""


@contextmanager
def _serving() -> Iterator[_Exchange]:
    with _Exchange() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def exchange(monkeypatch):
    with _serving() as server:
        monkeypatch.setenv("UNDERTOW_PRICE_API", f"http://127.0.0.1:{server.server_port}")
        yield server


def _held():
    with Store.open(DB) as store:
        return store.prices()


def test_pull_pages_through_the_span_and_stamps_the_close(undertow, exchange):
    until = FIRST + timedelta(days=700)
    span = ("--since", FIRST.isoformat(), "--until", until.isoformat())
    outcome = undertow("prices", "pull", *span, "--db", DB, "--json")
    assert outcome.code == 0
    assert [(one["asset"], one["taken"]) for one in outcome.data()] == [("BTC", 700), ("ETH", 700)]
    held = _held()
    bitcoin = held[held["asset"] == "BTC"]
    # The first bar closes a day after its start; the last one closes by `until`.
    assert bitcoin["time"].iloc[0] == FIRST + timedelta(days=1)
    assert bitcoin["time"].iloc[-1] == until
    assert (bitcoin["time"].diff().dropna() == timedelta(days=1)).all()
    began = int(FIRST.timestamp())
    assert bitcoin["close"].iloc[0] == 40_000 + began // 86_400 % 1000
    assert set(held["currency"]) == {"USD"}
    assert len(exchange.asked) == 6


def test_pulling_again_takes_only_what_has_closed_since(undertow, exchange):
    def pull(day):
        until = (FIRST + timedelta(days=day)).isoformat()
        return undertow(
            "prices", "pull", "--asset", "BTC", "--until", until, "--db", DB, "--json"
        ).data()

    assert pull(900)[0]["taken"] == 800
    assert pull(903)[0]["taken"] == 3
    assert pull(903)[0]["taken"] == 0
    assert len(_held()) == 803


def test_a_bar_that_is_not_closed_is_left_out(undertow, exchange):
    until = FIRST + timedelta(hours=5, minutes=59)
    span = ("--since", FIRST.isoformat(), "--until", until.isoformat())
    undertow("prices", "pull", "--asset", "ETH", "--bar", "h", *span, "--db", DB)
    assert _held()["time"].iloc[-1] == FIRST + timedelta(hours=5)


def test_a_busy_exchange_is_asked_again(undertow, exchange):
    exchange.busy_answers = 2
    span = ("--since", FIRST.isoformat(), "--until", "2024-01-04")
    outcome = undertow("prices", "pull", "--asset", "BTC", *span, "--db", DB, "--json")
    assert outcome.data()[0]["taken"] == 3
    assert len(exchange.asked) == 3


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((200, b'{"message": "NotFound"}'), "something else than candles"),
        (((200, b"<html>")), "something else than candles"),
        (((200, b"[[1704067200, 1, 2, 1, -4, 5]]")), "something else than candles"),
        (((404, b"{}")), "status 404"),
        (((503, b"{}")), "busy (status 503)"),
    ],
)
def test_an_exchange_that_answers_otherwise(undertow, one_line, exchange, answer, told):
    exchange.status, exchange.body = answer
    outcome = undertow("prices", "pull", "--asset", "BTC", "--db", DB)
    assert outcome.code == 1
    assert told in one_line(outcome)
    assert _held().empty


def test_an_exchange_that_cannot_be_reached(undertow, one_line, monkeypatch):
    with _serving() as server:
        address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("UNDERTOW_PRICE_API", address)
    outcome = undertow("prices", "pull", "--db", DB)
    assert outcome.code == 1
    assert address in one_line(outcome)


def test_a_price_file_is_taken_once(undertow):
    Path("prices.csv").write_text(
        "time,asset,close,currency\n"
        "2025-11-14T00:00:00Z,BTC,99700.5,USD\n"
        "2025-11-14T01:00:00+01:00,ETH,3230,USD\n"
    )
    for _ in range(2):
        outcome = undertow("prices", "import", "prices.csv", "--db", DB, "--json")
        assert (outcome.code, outcome.data()) == (0, {"taken": 2, "failed": 0})
    held = _held()
    assert set(held["time"]) == {datetime(2025, 11, 14, tzinfo=UTC)}
    assert held["close"].tolist() == [99700.5, 3230.0]


def test_a_file_of_bars_stamped_by_their_start_is_moved_to_the_close(undertow):
    Path("btc.csv").write_text("date,open_usd,close_usd\n2025-11-13,101000,99700.5\n")
    outcome = undertow(
        *("prices", "import", "btc.csv", "--asset", "BTC", "--currency", "USD"),
        *("--time", "date", "--close", "close_usd", "--started", "D", "--db", DB),
    )
    assert outcome.code == 0
    assert _held()["time"].tolist() == [datetime(2025, 11, 14, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("moment", "noted"),
    [
        ("2025-11-14T00:00:00", True),
        ("2025-11-14 10:00 PM", True),
        ("2025-11-14T00:00:00+00:00", False),
        ("2025-11-14T00:00:00Z", False),
        ("2025-11-14", False),
    ],
)
def test_clock_times_without_a_zone_are_noted(undertow, moment, noted):
    Path("prices.csv").write_text(f"time,asset,close,currency\n{moment},BTC,90000,USD\n")
    shown = undertow("prices", "import", "prices.csv", "--db", "sqlite:///own.db")
    assert shown.code == 0
    assert (f"Note: prices.csv: times without a zone, like {moment}," in shown.out) is noted
    told = undertow("prices", "import", "prices.csv", "--db", "sqlite:///own.db", "--json").data()
    assert ("notes" in told) is noted


def test_rows_that_are_no_prices_are_named(undertow):
    Path("prices.csv").write_text(
        "time,asset,close,currency\n"
        "2025-11-14T00:00:00Z,BTC,99700.5,USD\n"
        "soon,BTC,99700.5,USD\n"
        "2025-11-15T00:00:00Z,BTC,-1,USD\n"
        "2025-11-15T00:00:00Z,BTC,nan,USD\n"
        "2025-11-15T00:00:00Z,,1,USD\n"
    )
    outcome = undertow("prices", "import", "prices.csv", "--db", DB, "--json")
    assert (outcome.code, outcome.data()) == (3, {"taken": 1, "failed": 4})
    assert [line.split(": ")[1] for line in outcome.err.splitlines()] == [
        f"prices.csv:{line}" for line in (3, 4, 5, 6)
    ]


def test_a_file_without_the_columns_is_refused(undertow, one_line):
    Path("prices.csv").write_text("date,open\n2025-11-14,1\n")
    outcome = undertow("prices", "import", "prices.csv", "--db", DB)
    assert outcome.code == 1
    assert "time, close, asset, currency" in one_line(outcome)


def test_a_study_without_prices_says_how_to_get_some(undertow, one_line, store_url):
    shutil.copy(store_url.removeprefix("sqlite:///"), "bare.db")
    with sqlite3.connect("bare.db") as connection:
        connection.execute("DELETE FROM prices")
    outcome = undertow("study", "--db", "sqlite:///bare.db")
    assert outcome.code == 1
    assert "prices pull" in one_line(outcome)
