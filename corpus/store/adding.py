"""Articles into the store: what is new, what has changed, and which story each belongs to.

- An article is known by its canonical URL. A content (title and text) that the store has had of it,
  now or earlier, changes nothing, so that the same feed or file can be read again at will.
- A new content becomes the current one and the former is kept. A finding without text (a feed that
  gives titles only) never takes a known text away.
- The time of publication is settled by the first finding: a claim later than ``first_seen_at``, or
  none, is held at ``first_seen_at``, and flagged.
- A new article joins the story that it fits best (:mod:`corpus.stories`) of those published within
  72 hours; else it heads a story of its own. A story id never changes its meaning when more news
  comes: when an article shows that two stories are one, the id of the one first seen stays, and the
  merge is recorded.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from corpus.identity import article_id, canonical_url, content_hash
from corpus.records import AddCounts, Article, FoundArticle, PublishedFlag
from corpus.store.grouping import Prepared
from corpus.store.revising import known_contents, revise
from corpus.store.sketches import Sketches
from corpus.store.storing import insert_as_they_were, insert_with_stories


def prepare(found: FoundArticle | Article, now: datetime) -> Prepared:
    """All that can be worked out before the store is asked. Raises :class:`InputError` for a bad
    URL.
    """
    if isinstance(found, Article):
        row = found.model_dump()
        row["published_flag"] = found.published_flag.value
    else:
        row = _new_row(found, now)
    return Prepared(row)


def add_batch(
    connection: Connection, batch: Sequence[Prepared], sketches: Sketches
) -> list[AddCounts]:
    """Write a batch within the connection's transaction; what became of each article.

    ``sketches`` serve the next batch too.
    """
    known = known_contents(connection, {item.row["id"] for item in batch})
    fresh: dict[str, Prepared] = {}
    for item in batch:
        if item.row["id"] not in known:
            fresh.setdefault(item.row["id"], item)
    told = [item.row for item in fresh.values() if item.has_story]
    insert_as_they_were(connection, told)
    untold = [item for item in fresh.values() if not item.has_story]
    joined = insert_with_stories(connection, untold, sketches)
    joined |= {row["id"] for row in told if row["story_id"] != row["id"]}
    again = {item.row["id"] for item in batch if fresh.get(item.row["id"]) is not item}
    known |= known_contents(connection, again & fresh.keys())
    became: list[AddCounts] = []
    for item in batch:
        identity = item.row["id"]
        if fresh.get(identity) is item:
            became.append(AddCounts(new=1, copies=int(identity in joined)))
        else:
            is_updated = revise(connection, known[identity], item)
            became.append(AddCounts(updated=int(is_updated), unchanged=int(not is_updated)))
    return became


def _new_row(found: FoundArticle, now: datetime) -> dict[str, Any]:
    url = canonical_url(found.url)
    title, text = _storable(found.title) or "", _storable(found.text)
    first_seen_at = min(found.first_seen_at or now, now)
    claimed = found.published_at
    if claimed is not None and found.day_only:
        claimed = claimed.replace(hour=0, minute=0, second=0, microsecond=0)
    if claimed is None:
        published_at, flag = first_seen_at, PublishedFlag.MISSING
    elif claimed > first_seen_at:
        published_at, flag = first_seen_at, PublishedFlag.FUTURE
    else:
        flag = PublishedFlag.DAY_ONLY if found.day_only else PublishedFlag.EXACT
        published_at = claimed
    return {
        "id": article_id(url),
        "url": url,
        "title": title,
        "text": text,
        "summary": _storable(found.summary),
        "source": _storable(found.source) or "unknown",
        "author": _storable(found.author),
        "language": found.language,
        "published_at": published_at,
        "published_claimed": claimed,
        "published_flag": flag.value,
        "first_seen_at": first_seen_at,
        "updated_at": first_seen_at,
        "content_hash": content_hash(title, text),
        "external_id": _storable(found.external_id),
    }


def _storable(text: str | None) -> str | None:
    """Without what a database cannot hold: NUL, and halves of surrogate pairs."""
    if text is None:
        return None
    return text.replace("\0", "").encode("utf-8", "replace").decode()
