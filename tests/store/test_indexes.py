"""Reading a large store begins at an index: no question goes through all articles."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from corpus.store import Store

SINCE = datetime(2025, 11, 10, 3, tzinfo=UTC)
UNTIL = datetime(2025, 11, 10, 9, tzinfo=UTC)


@pytest.fixture
def plans(tmp_path: Path, found) -> Callable[[Callable[[Store], object]], list[list[str]]]:
    """What SQLite says that it does for each question that a call asks of the store."""
    path = tmp_path / "store.db"
    with Store.open(f"sqlite:///{path}") as store:
        store.add(found(number) for number in range(48))
        store.put_tags("m@1", [(one.id, "{}") for one in store.articles()])

    def ask(call: Callable[[Store], object]) -> list[list[str]]:
        asked: list[tuple[str, tuple[object, ...]]] = []

        def note(*told):
            statement, parameters = told[2:4]
            if statement.startswith("SELECT") and "articles" in statement:
                asked.append((statement, parameters))

        sa.event.listen(sa.Engine, "before_cursor_execute", note)
        try:
            with Store.open(f"sqlite:///{path}") as store:
                call(store)
        finally:
            sa.event.remove(sa.Engine, "before_cursor_execute", note)
        connection = sqlite3.connect(path)
        told = [
            [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]
            for statement, parameters in asked
        ]
        connection.close()
        assert told
        return told

    return ask


def first(store: Store) -> str:
    return next(store.articles()).id


@pytest.mark.parametrize(
    ("call", "index"),
    [
        (lambda store: list(store.articles(limit=9)), "articles_by_time"),
        (lambda store: list(store.articles(since=SINCE, until=UNTIL)), "articles_by_time"),
        (lambda store: list(store.articles(source="Wire", limit=9)), "articles_by_source"),
        (lambda store: list(store.articles(source="Wire", since=SINCE)), "articles_by_source"),
        (lambda store: list(store.tagged(model="m@1", since=SINCE)), "articles_by_time"),
        (lambda store: store.story(first(store)), "articles_by_story"),
    ],
)
def test_lists_are_read_from_an_index_in_its_order(plans, call, index):
    lines = [line for plan in plans(call) for line in plan]
    assert any(index in line for line in lines)
    assert not any(line == "SCAN articles" for line in lines)


def test_a_page_far_in_is_sought_and_not_counted_off(plans):
    def second_page(store: Store) -> object:
        page = list(store.articles(limit=20))
        return list(store.articles(after=page[-1].id, limit=20))

    *_, lines = plans(second_page)
    (line,) = (line for line in lines if "articles" in line)
    assert line.startswith("SEARCH articles USING INDEX articles_by_time")
    assert not any("TEMP B-TREE" in line for line in lines)


def test_counting_reads_indexes_only(plans):
    lines = [line for plan in plans(Store.counts) for line in plan if "articles" in line]
    assert len(lines) == 5
    assert all("COVERING INDEX" in line for line in lines)
