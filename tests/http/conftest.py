"""The real server over a real store of made-up news."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from corpus.store import Store

sys.path.insert(0, str(Path(__file__).parents[1] / "report"))
from made_up_news import bearish_week, fill, prices, usual_news
from serving import Server, running


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
