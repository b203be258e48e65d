"""What index and series read of an article: its heading and its tag record, no text."""

from __future__ import annotations

from typing import Protocol

from corpus.records import Article, Heading

Headed = Article | Heading


class TaggedHeading(Protocol):
    """The heading of an article with its tag record as JSON, as the store hands them out."""

    @property
    def article(self) -> Headed:
        """The article, of which the heading alone is read."""
        ...

    @property
    def record(self) -> str:
        """Its tag record, one line of JSON."""
        ...
