"""Sketches of stored articles, kept in memory between batches."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

from sqlalchemy import Connection

from corpus.store.pieces import rows_among
from corpus.stories import OPENING_CHARACTERS, Sketch, sketch

_KEPT = 6_000  # of some 2,900 bytes; making one anew takes as long as twenty comparisons
_OPENINGS = (
    "SELECT number, content_hash, title, substr(text, 1, {}) FROM articles WHERE number IN ({})"
)


class Sketches:
    """Sketches by an article's number; those longest unused go first.

    Used by the one who may write to the store at the moment, so never by two at a time.
    """

    def __init__(self) -> None:
        self._kept: dict[int, tuple[str, Sketch]] = {}  # with the content's hash; last used last

    def take_in(self, connection: Connection, contents: Mapping[int, str]) -> None:
        """Have the sketches of articles, given as number and content hash."""
        lacking = []
        for number, content_hash in sorted(contents.items()):
            kept = self._kept.pop(number, None)
            if kept is not None and kept[0] == content_hash:
                self._kept[number] = kept
            else:
                lacking.append(number)
        rows = rows_among(connection, _OPENINGS, OPENING_CHARACTERS, lacking)
        for number, content_hash, title, opening in rows:
            self.put(number, content_hash, sketch(title, opening))

    def put(self, number: int, content_hash: str, found: Sketch) -> None:
        """Keep the sketch of a content."""
        self._kept[number] = content_hash, found

    def of(self, number: int) -> Sketch:
        """The sketch of an article that was taken in."""
        return self._kept[number][1]

    def end_batch(self) -> None:
        """Bound the memory; what was taken in is to be taken in anew."""
        for number in list(islice(self._kept, max(len(self._kept) - _KEPT, 0))):
            del self._kept[number]
