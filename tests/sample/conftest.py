"""The sample served over a real socket, once for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from corpus.sample import Archive, load_archive, serve_sample

SHARED_MARKET = Path(__file__).parents[3] / "shared" / "market"


@pytest.fixture(scope="session")
def archive() -> Archive:
    return load_archive()


@pytest.fixture(scope="session")
def base_url() -> Iterator[str]:
    with serve_sample() as address:
        yield address


@pytest.fixture(scope="session")
def client(base_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=base_url, trust_env=False) as one:
        yield one


@pytest.fixture(scope="session")
def market() -> Path:
    if not SHARED_MARKET.is_dir():
        pytest.skip("needs ../shared/market beside the repository")
    return SHARED_MARKET
