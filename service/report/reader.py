"""Which tags are read, and as known when: the same choice for report, endpoint and pages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from corpus.errors import InputError, UsageError
from nlp.index.headings import TaggedHeading
from nlp.index.stories import Tagged

if TYPE_CHECKING:
    from corpus.store import Store


@dataclass(frozen=True)
class NewsReader:
    """Reads the tagged articles of one model as known at one moment (aware UTC)."""

    store: Store
    model: str
    as_of: datetime

    def between(self, since: datetime | None, until: datetime | None) -> Iterator[Tagged]:
        """Articles published from ``since`` to ``until`` (exclusive) with their records."""
        return iter(self.store.tagged(model=self.model, since=since, until=until, as_of=self.as_of))

    def headings(self, since: datetime | None, until: datetime | None) -> Iterator[TaggedHeading]:
        """The same of each article's heading alone: all that an index or a series reads."""
        return self.store.tagged_headings(
            model=self.model, since=since, until=until, as_of=self.as_of
        )


def open_news(
    store: Store, *, model: str | None = None, as_of: datetime | None = None
) -> NewsReader:
    """A reader of ``model`` (by default the one that tagged last) as of ``as_of``.

    ``as_of`` is by default the moment when that model tagged last, so that the same store gives
    the same figures. Raises :class:`InputError` for a store without tags and :class:`UsageError`
    for an unknown model or a time without a zone.
    """
    if as_of is not None and as_of.tzinfo is None:
        raise UsageError("the time `as_of` has no zone", remedy="give an aware UTC time")
    models = store.state().models
    if not models:
        raise InputError(
            "the store holds no tagged articles", remedy="run `undertow tag --db` on it first"
        )
    chosen = next((one for one in models if model in (None, one[0])), None)
    if chosen is None:
        known = ", ".join(name for name, _ in models)
        raise UsageError(
            f"the store has no tags of model {model!r}", remedy=f"choose one of {known}"
        )
    name, last_tagged_at = chosen
    return NewsReader(store, name, (as_of or last_tagged_at).astimezone(UTC))
