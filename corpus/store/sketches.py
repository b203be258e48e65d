"""Sketches of stored articles, kept in memory between batches in as few bytes as they take."""

from __future__ import annotations

import hashlib
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
_OPEN = 256  # sketches ready to be compared, of some 4,000 bytes
_MARK_BYTES = 16
_OPENINGS = (
    "SELECT number, content_hash, title, substr(text, 1, {}) FROM articles WHERE number IN ({})"
)


class Sketches:
    """Sketches by an article's number; those longest unused go first.

    Used by the one who may write to the store at the moment, so never by two at a time.
    """

    def __init__(self) -> None:
        self._packed: dict[int, bytes] = {}  # last used last
        self._open: dict[int, Sketch] = {}  # those used last

    def take_in(self, connection: Connection, contents: Mapping[int, str]) -> None:
        """Have the sketches of articles, given as number and content hash."""
        lacking = []
        for number, content_hash in sorted(contents.items()):
            packed = self._packed.pop(number, b"")
            if packed.startswith(_mark(content_hash)):
                self._packed[number] = packed
            else:
                self._open.pop(number, None)
                lacking.append(number)
        for some in pieces(lacking, VALUES_A_QUERY):
            rows = rows_among(connection, _OPENINGS, OPENING_CHARACTERS, some)
            for number, content_hash, title, opening in rows:
                self._packed[number] = _packed(sketch(title, opening), content_hash)

    def put(self, number: int, content_hash: str, found: Sketch) -> None:
        """Keep the sketch of a content."""
        self._packed[number] = _packed(found, content_hash)
        self._open[number] = found

    def of(self, number: int) -> Sketch:
        """The sketch of an article that was taken in."""
        found = self._open.get(number)
        if found is None:
            if len(self._open) >= _OPEN:
                self._open.clear()
            found = self._open[number] = _unpacked(self._packed[number])
        return found

    def end_batch(self) -> None:
        """Bound the memory; what was taken in is to be taken in anew."""
        self._open.clear()
        for number in list(islice(self._packed, max(len(self._packed) - _KEPT, 0))):
            del self._packed[number]


def _packed(found: Sketch, content_hash: str) -> bytes:
    """All but the keys, which only an article on its way in needs; its content's mark in front."""
    report = found.report
    return _mark(content_hash) + marshal.dumps(
        (
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


def _unpacked(packed: bytes) -> Sketch:
    kept: tuple[Any, ...] = marshal.loads(packed[_MARK_BYTES:])  # noqa: S302 - written above
    title, title_pairs, text_pairs, text_words, text_names, text_figures = kept[:6]
    title_terms, terms, title_rarity, opening_length, title_names, title_figures, figures = kept[6:]
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


def _mark(content_hash: str) -> bytes:
    # An import may bring hashes of any form.
    told = content_hash.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(told, digest_size=_MARK_BYTES).digest()


def _bytes(numbers: Iterable[int]) -> bytes:
    return np.array(tuple(numbers), np.uint32).tobytes()


def _numbers(data: bytes) -> npt.NDArray[np.uint32]:
    return np.frombuffer(data, np.uint32)
