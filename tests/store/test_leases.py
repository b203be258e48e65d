"""Several crawlers on one store: each source has one of them at a time, and a dead one none."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from corpus.store import Store

PROGRAM = (sys.executable, "-c", "from service.cli import main; main()")
NAMES = ["a", "b", "c", "d"]


def test_source_has_one_crawler_at_a_time(store):
    one, other = store.leases(60), store.leases(60)
    assert one.claim(NAMES, limit=2) == ("a", "b")
    assert other.claim(NAMES, limit=9) == ("c", "d")
    assert one.claim(NAMES, limit=9) == ()
    other.release(["a", "c"])  # of the two it holds only one
    assert one.claim(NAMES, limit=9) == ("c",)
    assert one.renew(NAMES) == {"a", "b", "c"}
    assert other.renew(["a", "d"]) == {"d"}
    assert one.claim([], limit=1) == ()


def test_claim_that_ran_out_is_taken_over_and_known_as_lost(store):
    silent = store.leases(0.01)
    silent.owner = "elsewhere/1/00000000"  # of another machine, so that nobody sees it die
    assert silent.claim(["a"], limit=1) == ("a",)
    time.sleep(0.05)
    heir = store.leases(60)
    assert heir.claim(["a"], limit=1) == ("a",)
    assert silent.renew(["a"]) == frozenset()
    silent.release(["a"])
    assert heir.renew(["a"]) == {"a"}


def test_claim_of_another_machine_holds_until_it_runs_out(store):
    far = store.leases(60)
    far.owner = "elsewhere/1/00000000"
    far.claim(["a"], limit=1)
    assert store.leases(60).claim(["a", "b"], limit=2) == ("b",)


HOLD = """
import sys
from corpus.store import Store
with Store.open(sys.argv[1]) as store:
    print(*store.leases(3600).claim(["a", "b"], limit=2), flush=True)
    sys.stdin.read()
"""


def test_claims_of_a_killed_process_are_free_at_once(url):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process, Store.open(url) as store:
        assert process.stdout is not None
        assert process.stdout.readline() == "a b\n"
        assert store.leases(60).claim(["a"], limit=1) == ()
        process.kill()
        process.wait()
        assert store.leases(60).claim(["a", "b"], limit=2) == ("a", "b")


def test_row_that_another_claims_just_now_is_passed_over(postgres, store):
    """On PostgreSQL a claim does not wait for another that is under way."""
    if not store.name.startswith("postgresql"):
        pytest.skip("on SQLite one claim follows the other")
    import psycopg

    leases = store.leases(60)
    leases.claim(["a", "b"], limit=2)
    leases.release(["a", "b"])
    store.leases(0.0001).claim(["a", "b"], limit=2)
    database = store.name.rpartition("/")[2]
    address = f"postgresql://undertow@127.0.0.1:{postgres}/{database}"
    with psycopg.connect(address) as connection:
        connection.execute("SELECT name FROM source_leases WHERE name = 'a' FOR UPDATE")
        assert leases.claim(["a", "b"], limit=2) == ("b",)
    assert leases.claim(["a"], limit=1) == ("a",)


@dataclass
class Site:
    """Feeds of a title each, slow ones until ``hurry`` is set; counts the requests of each."""

    asked: list[str] = field(default_factory=list)
    first: threading.Event = field(default_factory=threading.Event)
    hurry: threading.Event = field(default_factory=threading.Event)
    port: int = 0


@pytest.fixture
def site() -> Iterator[Site]:
    served = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/robots.txt":
                self.send_error(404)
                return
            served.asked.append(self.path)
            served.first.set()
            served.hurry.wait(30)
            text = f"All about {self.path[1:]}. " * 30
            body = (
                f"<rss version='2.0'><channel><title>F</title><item><title>Piece {self.path[1:]}"
                f"</title><link>{self.path}/1</link><description>{text * 3}</description></item>"
                "</channel></rss>"
            ).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield served
    served.hurry.set()
    server.shutdown()
    server.server_close()
    thread.join()


def start(url: str, site: Site, folder: Path) -> subprocess.Popen[str]:
    listed = folder / "outlets.toml"
    listed.write_text(
        "\n".join(
            f'[[source]]\nname = "Outlet {number}"\nurl = "http://127.0.0.1:{site.port}/{number}"\n'
            for number in range(1, 9)
        )
    )
    return subprocess.Popen(
        [
            *PROGRAM,
            "crawl",
            "--due-only",
            "--delay=0",
            "--allow-private",
            "--sources",
            listed,
            "--db",
            url,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_crawlers_share_the_sources_and_a_killed_one_is_replaced(url, site, tmp_path):
    Store.open(url).close()
    killed = start(url, site, tmp_path)
    assert site.first.wait(60)
    killed.kill()
    killed.communicate()
    before = len(site.asked)
    assert before > 0
    site.hurry.set()
    with Store.open(url) as store:
        assert store.counts().articles == 0
    crawlers = [start(url, site, tmp_path) for _ in range(2)]
    told = [crawler.communicate(timeout=120) for crawler in crawlers]
    assert [crawler.returncode for crawler in crawlers] == [0, 0], told
    again = site.asked[before:]
    assert sorted(again) == [f"/{number}" for number in range(1, 9)]
    with Store.open(url) as store:
        assert store.counts().articles == 8
        assert all(state.last_success_at for state in store.source_states())
        assert store.check() == ()
