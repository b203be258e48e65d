"""Sketches of stored articles, kept in memory between batches in as few bytes as they take."""

from __future__ import annotations

import marshal
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection

from corpus.same_event import Report
from corpus.store.pieces import VALUES_A_QUERY, pieces, rows_among
from corpus.stories import OPENING_CHARACTERS, Sketch, sketch

_KEPT = 8_000  # of some 1,700 bytes; making one anew takes as long as twenty comparisons
_OPENINGS = (
    "SELECT number, content_hash, title, substr(text, 1, {}) FROM articles WHERE number IN ({})"
)


class Sketches:
    """Sketches by an article's number; those longest unused go first.

    Used by the one who may write to the store at the moment, so never by two at a time.
    """

    def __init__(self) -> None:
        self._packed: dict[int, bytes] = {}  # last used last
        self._open: dict[int, Sketch] = {}  # of the batch

    def take_in(self, connection: Connection, contents: Mapping[int, str]) -> None:
        """Have the sketches of articles, given as number and content hash."""
        lacking = []
        for number, content_hash in sorted(contents.items()):
            packed = self._packed.pop(number, None)
            known = None if packed is None else _unpacked(packed, content_hash)
            if packed is None or known is None:
                lacking.append(number)
            else:
                self._packed[number] = packed
                self._open[number] = known
        for some in pieces(lacking, VALUES_A_QUERY):
            rows = rows_among(connection, _OPENINGS, OPENING_CHARACTERS, some)
            for number, content_hash, title, opening in rows:
                self.put(number, content_hash, sketch(title, opening))

    def put(self, number: int, content_hash: str, found: Sketch) -> None:
        """Keep the sketch of a content."""
        self._open[number] = found
        self._packed[number] = _packed(found, content_hash)

    def of(self, number: int) -> Sketch:
        """The sketch of an article that was taken in."""
        return self._open[number]

    def end_batch(self) -> None:
        """Bound the memory; what was taken in is to be taken in anew."""
        self._open.clear()
        for number in list(islice(self._packed, max(len(self._packed) - _KEPT, 0))):
            del self._packed[number]


def _packed(found: Sketch, content_hash: str) -> bytes:
    """All but the keys, which are used before an article is stored only."""
    report = found.report
    return marshal.dumps(
        (
            content_hash,
            _bytes(found.title),
            _bytes(found.title_pairs),
            found.text_pairs.tobytes(),
            found.text_words.tobytes(),
            found.text_names.tobytes(),
            found.text_figures,
            len(report.title),  # its title's terms are the first of all
            " ".join(report.terms),  # which hold no blanks
            report.title_rarity,
            report.opening_length,
            report.title_names,
            report.title_figures,
            report.figures,
        )
    )


def _unpacked(packed: bytes, content_hash: str) -> Sketch | None:
    """The sketch, if it is that of the content."""
    kept: tuple[Any, ...] = marshal.loads(packed)  # noqa: S302 - written above, by this process
    of_content, title, title_pairs, text_pairs, text_words, text_names, text_figures = kept[:7]
    title_terms, terms, title_rarity, opening_length, title_names, title_figures, figures = kept[7:]
    if of_content != content_hash:
        return None
    all_terms = tuple(terms.split())
    return Sketch(
        title=tuple(_numbers(title).tolist()),
        title_pairs=tuple(_numbers(title_pairs).tolist()),
        text_pairs=_numbers(text_pairs),
        text_words=_numbers(text_words),
        text_names=_numbers(text_names),
        title_figures=title_figures,
        text_figures=text_figures,
        report=Report(
            title=all_terms[:title_terms],
            terms=all_terms,
            title_rarity=title_rarity,
            opening_length=opening_length,
            title_names=title_names,
            title_figures=title_figures,
            figures=figures,
            keys=(),
        ),
    )


def _bytes(numbers: Iterable[int]) -> bytes:
    return np.array(tuple(numbers), np.uint32).tobytes()


def _numbers(data: bytes) -> npt.NDArray[np.uint32]:
    return np.frombuffer(data, np.uint32)
