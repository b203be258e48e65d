"""The state of the store at a glance, and results made of it that are kept beside it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects import postgresql, sqlite

from corpus.records import StoreState
from corpus.store.engine import Database
from corpus.store.schema import articles, kept_results, prices, tags


def state(database: Database) -> StoreState:
    """The newest entries, each read off the end of an index."""
    with database.read() as connection:
        models = sorted(_models(connection), key=lambda one: (-one[1].timestamp(), one[0]))
        newest = connection.execute(select(func.max(articles.c.number))).scalar()
        last = connection.execute(select(func.max(articles.c.published_at))).scalar()
        priced = connection.execute(select(func.count()).select_from(prices)).scalar()
    return StoreState(
        models=tuple(models), articles=newest or 0, last_published=last, prices=priced or 0
    )


def _models(connection: Connection) -> list[tuple[str, datetime]]:
    """Each model with its last tag, by one step into the index a model: tags are many."""
    found: list[tuple[str, datetime]] = []
    model = connection.execute(select(func.min(tags.c.model))).scalar()
    while model is not None:
        last = select(func.max(tags.c.tagged_at)).where(tags.c.model == model)
        found.append((model, connection.execute(last).scalar_one()))
        following = select(func.min(tags.c.model)).where(tags.c.model > model)
        model = connection.execute(following).scalar()
    return found


def keep(database: Database, name: str, state: str, body: str) -> None:
    """Keep a result in place of the one of that name."""
    insert = (sqlite if database.is_sqlite else postgresql).insert(kept_results)
    statement = insert.values(name=name, state=state, body=body).on_conflict_do_update(
        index_elements=[kept_results.c.name], set_={"state": state, "body": body}
    )
    with database.write() as connection:
        connection.execute(statement)


def kept(database: Database, name: str) -> tuple[str, str] | None:
    """State and body of the result of that name."""
    query = select(kept_results.c.state, kept_results.c.body).where(kept_results.c.name == name)
    with database.read() as connection:
        row = connection.execute(query).first()
    return None if row is None else (row.state, row.body)
