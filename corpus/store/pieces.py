"""Long runs in pieces, and rows by many values at a time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection

VALUES_A_QUERY = 5_000  # SQLite takes 32,766 values a query, PostgreSQL 65,535

T = TypeVar("T")


def pieces(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in order, ``size`` at a time, the last piece being what is left."""
    source = iter(items)
    while piece := list(islice(source, size)):
        yield piece


_UNNESTED = "SELECT unnest(%s::bigint[])"


def rows_among(connection: Connection, query: str, *given: int | Sequence[int]) -> Iterable[Any]:
    """The rows of ``query``, in which each ``{}`` stands for one of ``given``, or for all of it.

    Past SQLAlchemy's own expressions, which take longer than the database where values are many
    and rows are small. A run of values is one parameter: were each one, every number of values
    would be a statement of its own, and connections keep the last hundred that they prepared.
    """
    sqlite = connection.dialect.name == "sqlite"
    one, many = ("?", "SELECT value FROM json_each(?)") if sqlite else ("%s", _UNNESTED)
    told = query.format(*(one if isinstance(run, int) else many for run in given))
    values = [
        run if isinstance(run, int) else json.dumps(list(run)) if sqlite else list(run)
        for run in given
    ]
    return connection.exec_driver_sql(told, tuple(values))
