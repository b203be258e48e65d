"""What a known article has become: a new content replaces the current one, which is kept."""

from __future__ import annotations

from collections.abc import Set
from typing import Any

from sqlalchemy import Connection, insert, select, update

from corpus.identity import content_hash
from corpus.store.grouping import Prepared
from corpus.store.schema import articles, former_contents
from corpus.store.storing import keep_keys
from corpus.stories import keys, sketch

_CURRENT = (
    articles.c.number,
    articles.c.id,
    articles.c.title,
    articles.c.text,
    articles.c.summary,
    articles.c.author,
    articles.c.language,
    articles.c.published_at,
    articles.c.content_hash,
    articles.c.updated_at,
    articles.c.revision,
    articles.c.external_id,
)


def known_contents(connection: Connection, identities: Set[str]) -> dict[str, dict[str, Any]]:
    """The current content of those of ``identities`` that the store holds."""
    query = select(*_CURRENT).where(articles.c.id.in_(identities))
    return {row.id: dict(row._mapping) for row in connection.execute(query)}


def revise(connection: Connection, known: dict[str, Any], item: Prepared) -> bool:
    """Take over a new content of a known article; whether there was one.

    ``known`` is brought up to date, so that the same article may follow again.
    """
    row = item.row
    changes: dict[str, Any] = {}
    title, text = row["title"] or known["title"], row["text"] or known["text"]
    digest = content_hash(title, text)
    # As it came, or made whole by what is known: neither may have been the content before.
    digests = {digest, row["content_hash"]}
    is_new = known["content_hash"] not in digests and not _was_had(connection, row["id"], digests)
    if is_new:
        former = {
            "article_id": row["id"],
            "number": known["revision"],
            "seen_at": known["updated_at"],
            **{name: known[name] for name in ("title", "text", "summary", "content_hash")},
        }
        connection.execute(insert(former_contents), former)
        keep_keys(connection, [(known["number"], known["published_at"], keys(sketch(title, text)))])
        changes = {
            "title": title,
            "text": text,
            "content_hash": digest,
            "updated_at": max(row["updated_at"], known["updated_at"]),
            "revision": known["revision"] + 1,
            **{name: row[name] or known[name] for name in ("summary", "author", "language")},
        }
    if known["external_id"] is None and row["external_id"] is not None:
        changes["external_id"] = row["external_id"]
    if changes:
        connection.execute(update(articles).where(articles.c.id == row["id"]).values(changes))
        known.update(changes)
    return is_new


def _was_had(connection: Connection, identity: str, digests: Set[str]) -> bool:
    query = select(former_contents.c.number).where(
        former_contents.c.article_id == identity, former_contents.c.content_hash.in_(digests)
    )
    return connection.execute(query).first() is not None
