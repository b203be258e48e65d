"""Long runs in pieces, and rows by many values at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, TypeVar

from sqlalchemy import Connection

VALUES_A_QUERY = 5_000  # SQLite takes 32,766 values a query, PostgreSQL 65,535

T = TypeVar("T")


def pieces(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in order, ``size`` at a time, the last piece being what is left."""
    source = iter(items)
    while piece := list(islice(source, size)):
        yield piece


def rows_among(connection: Connection, query: str, *given: int | Sequence[int]) -> Iterable[Any]:
    """The rows of ``query``, in which each ``{}`` stands for one of ``given``, or for all of it.

    Past SQLAlchemy's own expressions, which take longer than the database where values are many
    and rows are small.
    """
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    runs = [[one] if isinstance(one, int) else one for one in given]
    told = query.format(*(", ".join([mark] * len(run)) for run in runs))
    return connection.exec_driver_sql(told, tuple(chain.from_iterable(runs)))
