"""Other names of articles: addresses that lead to them and the identifiers that feeds give them.

A name is 20 hexadecimal digits like an article's id: that of the canonical address, or of a feed's
identifier that is no address (see :func:`corpus.identity.feed_identifier`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from corpus.store.engine import Database
from corpus.store.pieces import VALUES_A_QUERY, pieces
from corpus.store.schema import article_names, articles


def find(database: Database, names: Iterable[str]) -> dict[str, str]:
    """The article's id for each of ``names`` that is one."""
    found: dict[str, str] = {}
    with database.read() as connection:
        for some in pieces(sorted(set(names)), VALUES_A_QUERY):
            query = select(article_names).where(article_names.c.name.in_(some))
            found |= {row.name: row.article_id for row in connection.execute(query)}
    return found


def stored(database: Database, identities: Iterable[str]) -> frozenset[str]:
    """Those of ``identities`` that are articles."""
    found: set[str] = set()
    with database.read() as connection:
        for some in pieces(sorted(set(identities)), VALUES_A_QUERY):
            query = select(articles.c.id).where(articles.c.id.in_(some))
            found.update(connection.execute(query).scalars())
    return frozenset(found)


def keep(connection: Connection, articles_by_name: Mapping[str, str]) -> None:
    """Keep names with the ids of their articles, which the store must hold."""
    rows = [
        {"name": name, "article_id": identity}
        for name, identity in sorted(articles_by_name.items())
    ]
    if not rows:
        return
    insert: Any = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    for some in pieces(rows, VALUES_A_QUERY):
        query = insert(article_names)
        connection.execute(
            query.on_conflict_do_update(
                index_elements=["name"], set_={"article_id": query.excluded.article_id}
            ),
            some,
        )
