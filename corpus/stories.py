"""Which articles tell the same story: syndicated and lightly edited copies, by stated rules.

Candidates come from MinHash with banding (Broder 1997; datasketch), over the words of the title
and over the word pairs of the text's opening; each candidate is then compared in full. Two articles
published within :data:`WINDOW` of each other are copies when one of these holds:

- their openings share at least half of their word pairs, and their titles three words in ten;
- their openings are the same but for a slip, and their titles share a word or the openings are long
  (a short text of an outlet that stands under unlike titles is its furniture, not a story);
- their titles are the same but for a word or so, and long enough to say something.

None of it counts when the figures differ: two days' flow reports share every word but the numbers
and the dates. Figures conflict when each of the two titles (or openings) states one that the other
does not, numbers being compared in the precision of the rounder one.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from corpus.figures import figures_conflict, figures_in

WINDOW = timedelta(hours=72)

_OPENING_WORDS = 128
OPENING_CHARACTERS = _OPENING_WORDS * 12  # no more of a text is looked at
_FIGURE_WORDS = 60  # of the opening; figures further down are background
_TITLE_BANDS, _TITLE_ROWS = 7, 4
_TEXT_BANDS, _TEXT_ROWS = 12, 3
_SEED = 20251124  # fixes the permutations: signatures are kept in the store

_WORD = re.compile(r"[^\W_]+(?:[.,’'][^\W_]+)*")


@dataclass(frozen=True, slots=True)
class Sketch:
    """What is compared of an article: word hashes of its title, pair hashes of its opening."""

    title: frozenset[int]
    title_pairs: frozenset[int]
    text_words: int
    text_pairs: frozenset[int]
    title_figures: tuple[str, ...]
    text_figures: tuple[str, ...]


def sketch(title: str, text: str | None) -> Sketch:
    """The :class:`Sketch` of a title and a text."""
    title_words = _words(title)
    text_words = _words((text or "")[:OPENING_CHARACTERS])[:_OPENING_WORDS]
    return Sketch(
        title=frozenset(_word_hashes(title_words).tolist()),
        title_pairs=frozenset(_pair_hashes(title_words).tolist()),
        text_words=len(text_words),
        text_pairs=frozenset(_pair_hashes(text_words).tolist()),
        title_figures=figures_in(title),
        text_figures=figures_in(
            " ".join((text or "")[: _FIGURE_WORDS * 10].split()[:_FIGURE_WORDS])
        ),
    )


def bands(found: Sketch) -> tuple[int, ...]:
    """Keys (64-bit signed) of which two alike articles very likely share one."""
    keys: list[int] = []
    if found.title:
        keys += _band_keys(b"title", found.title, _TITLE_BANDS, _TITLE_ROWS)
    if found.text_pairs:
        keys += _band_keys(b"text", found.text_pairs, _TEXT_BANDS, _TEXT_ROWS)
    return tuple(keys)


def copy_score(a: Sketch, b: Sketch) -> float | None:
    """How alike two copies are, in (0, 1], or null when they are no copies of each other."""
    title = _overlap(a.title, b.title)
    title_pairs = _overlap(a.title_pairs, b.title_pairs)
    text = _overlap(a.text_pairs, b.text_pairs)
    shortest = min(a.text_words, b.text_words)
    same_text = text >= 0.95 and (title >= 0.1 or shortest >= 80)
    edited_text = text >= 0.5 and title >= 0.3
    same_title = title >= 0.8 and title_pairs >= 0.65 and min(len(a.title), len(b.title)) >= 6
    if not (same_text or edited_text or same_title):
        return None
    if figures_conflict(a.title_figures, b.title_figures):
        return None
    if figures_conflict(a.text_figures, b.text_figures):
        return None
    return max(text if same_text or edited_text else 0.0, title if same_title else 0.0)


def _words(text: str) -> list[str]:
    return _WORD.findall(text.replace("’", "'").lower())


def _word_hashes(words: Sequence[str]) -> npt.NDArray[np.uint32]:
    return np.fromiter((zlib.crc32(word.encode()) for word in words), np.uint32, len(words))


def _pair_hashes(words: Sequence[str]) -> npt.NDArray[np.uint32]:
    hashes = _word_hashes(words)
    if len(hashes) < 2:
        return hashes
    return hashes[:-1] * np.uint32(0x9E3779B1) ^ hashes[1:]


@cache
def _permutations(count: int) -> Any:
    from datasketch import MinHash  # noqa: PLC0415 - heavy, and only adding articles needs it

    return MinHash(count, seed=_SEED, scheme="affine32").permutations


def _band_keys(kind: bytes, values: frozenset[int], band_count: int, rows: int) -> list[int]:
    from datasketch import MinHash  # noqa: PLC0415 - as above

    count = band_count * rows
    signature = MinHash(
        count,
        seed=_SEED,
        hashfunc=_as_it_is,
        permutations=_permutations(count),
        scheme="affine32",
    )
    signature.update_batch(values)
    digits = signature.hashvalues.astype("<u4").reshape(band_count, rows)
    return [_key(kind + bytes([number]) + band.tobytes()) for number, band in enumerate(digits)]


def _as_it_is(value: int) -> int:
    return value


def _key(band: bytes) -> int:
    digest = hashlib.blake2b(band, digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


def _overlap(a: frozenset[int], b: frozenset[int]) -> float:
    """Jaccard's index; nothing is not alike nothing."""
    if not a or not b:
        return 0.0
    shared = len(a & b)
    return shared / (len(a) + len(b) - shared)
