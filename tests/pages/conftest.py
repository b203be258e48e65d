"""The dashboard in Debian's chromium, over a real server and store."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_TESTS = Path(__file__).parents[1]
sys.path.insert(0, str(_TESTS / "report"))
from browsing import until_made, watched  # noqa: E402
from made_up_news import NEWS, WEEK_START, bearish_week, fill, prices, usual_news  # noqa: E402
from serving import running  # noqa: E402

from corpus.store import Store  # noqa: E402

HOSTILE = '<img src=x onerror="document.title=1">\'"><script>document.title=2</script>{{ 7*7 }}'


# Pictures of every page stay here after a run.
PICTURES = Path(__file__).parents[2] / "build" / "screenshots"


@pytest.fixture(scope="session")
def pictures() -> Path:
    PICTURES.mkdir(parents=True, exist_ok=True)
    return PICTURES


@pytest.fixture(scope="session")
def dashboard(tmp_path_factory) -> Iterator[Any]:
    """A server whose last week is the bearish one, with a hostile headline in it."""
    folder = tmp_path_factory.mktemp("pages")
    url = f"sqlite:///{folder / 'news.db'}"
    hostile = NEWS.make(
        60_000,
        WEEK_START,
        title=HOSTILE,
        source="<b>Outlet</b>",
        probabilities={"regulation": 1.0},
        stances={"regulation": -1.0},
    )
    items = [
        one
        for one in usual_news()
        if one.article.published_at < WEEK_START or one.article.published_at.day < 24
    ]
    items = [one for one in items if one.article.published_at.month < 12]
    with Store.open(url) as store:
        fill(store, [*items, *bearish_week(), hostile])
        store.put_prices(prices())
    with running(url, folder / "server.log") as server:
        server.hostile = hostile.article.id
        until_made(server)
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's chromium, without any request of its own.

    Ended with its module, for as long as it is open an event loop counts as running, and the tests
    of another room that come after could not run theirs.
    """
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("chromium is not installed: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    flags = [
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ]
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=flags)
        yield opened
        opened.close()


@pytest.fixture
def page(browser, dashboard) -> Iterator[Any]:
    with watched(browser, dashboard.url) as opened:
        yield opened


@pytest.fixture(scope="session")
def empty_dashboard(tmp_path_factory) -> Iterator[Any]:
    """A server over a store that holds nothing yet."""
    folder = tmp_path_factory.mktemp("empty")
    with running(f"sqlite:///{folder / 'empty.db'}", folder / "server.log") as server:
        yield server
