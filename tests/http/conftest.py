"""The real server on a free port in a process of its own, over a real store."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from corpus.store import Store

sys.path.insert(0, str(Path(__file__).parents[1] / "report"))
from made_up_news import bearish_week, fill, prices, usual_news

_RUN = """
import json, sys
from service.http import ServeOptions, serve
from service.logs import configure_logs
told = json.loads(sys.argv[1])
configure_logs(as_json=True)
serve(
    port=0, db=told["db"], options=ServeOptions(**told["options"]),
    on_listening=lambda address: print(address, flush=True),
)
"""


class Server:
    """A running server: its address, its process, and what it has logged so far."""

    def __init__(self, url: str, process: subprocess.Popen[str], log: Path) -> None:
        self.url, self.process, self._log = url, process, log

    def get(self, path: str, **more: Any) -> httpx.Response:
        return httpx.get(f"{self.url}{path}", timeout=300, **more)

    def post(self, path: str, **more: Any) -> httpx.Response:
        return httpx.post(f"{self.url}{path}", timeout=300, **more)

    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")


@contextmanager
def running(db: str, log: Path, **options: Any) -> Iterator[Server]:
    import json

    told = json.dumps({"db": db, "options": options})
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            [sys.executable, "-c", _RUN, told], stdout=subprocess.PIPE, stderr=errors, text=True
        )
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert url, f"the server did not start: {log.read_text(encoding='utf-8')}"
            yield Server(url, process, log)
        finally:
            process.terminate()
            process.wait(timeout=300)


@pytest.fixture(scope="session")
def database(tmp_path_factory) -> str:
    """A store with made-up news and prices, as an address."""
    url = f"sqlite:///{tmp_path_factory.mktemp('http') / 'news.db'}"
    with Store.open(url) as store:
        fill(store, [*usual_news(), *bearish_week()])
        store.put_prices(prices())
    return url


@pytest.fixture(scope="session")
def server(database, tmp_path_factory) -> Iterator[Server]:
    """One server for all tests that do not need limits of their own."""
    with running(database, tmp_path_factory.mktemp("log") / "server.log") as started:
        yield started


@pytest.fixture
def start(database, tmp_path) -> Callable[..., Any]:
    """Starts a server with options of its own."""
    return lambda **options: running(database, tmp_path / "server.log", **options)


@pytest.fixture(scope="session")
def tagger() -> Any:
    """The model in this process, to compare with."""
    from nlp.tagger import Tagger

    return Tagger.load()
