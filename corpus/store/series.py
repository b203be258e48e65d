"""Prices and the state of sources in the store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from corpus.errors import InputError
from corpus.records import Price, SourceState
from corpus.store.engine import Database
from corpus.store.pieces import pieces
from corpus.store.schema import prices, source_states

if TYPE_CHECKING:
    import pandas as pd

_BATCH = 1_000


def put_prices(database: Database, given: Iterable[Price]) -> int:
    """Keep prices; one of the same asset and time is replaced. How many were kept.

    Raises :class:`InputError` when an asset comes in another currency than before.
    """
    count = 0
    for batch in pieces(given, _BATCH):
        rows = {(price.asset, price.time): price.model_dump() for price in batch}
        with database.write() as connection:
            _require_one_currency(connection, batch)
            statement = (sqlite if database.is_sqlite else postgresql).insert(prices)
            statement = statement.on_conflict_do_update(
                index_elements=[prices.c.asset, prices.c.time],
                set_={"close": statement.excluded.close, "currency": statement.excluded.currency},
            )
            connection.execute(statement, list(rows.values()))
        count += len(rows)
    return count


def _require_one_currency(connection: Connection, batch: Sequence[Price]) -> None:
    query = (
        select(prices.c.asset, prices.c.currency)
        .distinct()
        .where(prices.c.asset.in_({price.asset for price in batch}))
    )
    known = {row.asset: row.currency for row in connection.execute(query)}
    for price in batch:
        currency = known.setdefault(price.asset, price.currency)
        if currency != price.currency:
            raise InputError(
                f"prices of {price.asset} come in {price.currency} and in {currency}",
                remedy="keep one currency for each asset",
            )


def read_prices(database: Database, assets: Sequence[str] | None) -> pd.DataFrame:
    """Columns ``time`` (UTC), ``asset``, ``close``, ``currency``, in order of asset and time."""
    import pandas as pd  # noqa: PLC0415 - heavy, and only prices need it

    query = select(prices).order_by(prices.c.asset, prices.c.time)
    if assets is not None:
        query = query.where(prices.c.asset.in_(assets))
    with database.read() as connection:
        rows = connection.execute(query).all()
    return pd.DataFrame(
        {
            "time": pd.to_datetime([row.time for row in rows], utc=True),
            "asset": pd.Series([row.asset for row in rows], dtype="str"),
            "close": pd.Series([row.close for row in rows], dtype="float64"),
            "currency": pd.Series([row.currency for row in rows], dtype="str"),
        }
    )


def read_source_states(database: Database, name: str | None = None) -> tuple[SourceState, ...]:
    """The state of every source, or of the one of that name; by name."""
    query = select(source_states).order_by(source_states.c.name)
    if name is not None:
        query = query.where(source_states.c.name == name)
    with database.read() as connection:
        rows = connection.execute(query).mappings().all()
    return tuple(SourceState.model_validate(dict(row)) for row in rows)


def put_source_state(database: Database, state: SourceState) -> None:
    """Keep the state of a source in place of the one before."""
    values = state.model_dump()
    with database.write() as connection:
        statement = (sqlite if database.is_sqlite else postgresql).insert(source_states)
        connection.execute(
            statement.values(values).on_conflict_do_update(
                index_elements=[source_states.c.name],
                set_={name: value for name, value in values.items() if name != "name"},
            )
        )
