"""Fixtures of the crawler's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fault_server import FaultServer, start_server

from corpus.politeness import CrawlSettings

SHARED = Path(__file__).parents[3] / "shared" / "crawl"


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with start_server() as running:
        yield running


@pytest.fixture
def settings() -> CrawlSettings:
    """No pauses between requests, since the other side is this machine.

    A crowded one may take seconds to answer: no test but those of the limits is to measure that.
    """
    return CrawlSettings(
        contact="tests@example.org",
        delay_seconds=0,
        retry_seconds=0.01,
        total_seconds=60.0,
        parse_workers=1,
    )


@pytest.fixture
def shared() -> Path:
    """The folder of captured feeds and pages."""
    if not SHARED.is_dir():
        pytest.skip("needs ../shared/crawl (captured feeds and pages), which is not here")
    return SHARED
