"""Stores of made-up tagged news for the report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from made_up_news import NEWS, bearish_week, fill, prices, usual_news

from corpus.store import Store


@pytest.fixture(scope="session")
def news() -> Any:
    return NEWS


@pytest.fixture(scope="session")
def store(tmp_path_factory) -> Iterator[Store]:
    """Usual news, a bearish week, prices."""
    path = tmp_path_factory.mktemp("report") / "news.db"
    with Store.open(f"sqlite:///{path}") as opened:
        fill(opened, [*usual_news(), *bearish_week()])
        opened.put_prices(prices())
        yield opened


@pytest.fixture
def store_with(tmp_path) -> Iterator[Callable[..., Store]]:
    """Makes a store of given items, with or without prices."""
    opened: list[Store] = []

    def make(items: Iterable[Any], *, with_prices: bool = True) -> Store:
        made = Store.open(f"sqlite:///{tmp_path / f'{len(opened)}.db'}")
        opened.append(made)
        fill(made, items)
        if with_prices:
            made.put_prices(prices())
        return made

    yield make
    for one in opened:
        one.close()
