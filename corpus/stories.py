"""Which articles tell the same story: syndicated and lightly edited copies, by stated rules.

Candidates come from MinHash with banding (Broder 1997; datasketch), over the words of the title
and over the word pairs of the text's opening; each candidate is then compared in full. Two articles
published within :data:`WINDOW` of each other are copies when one of these holds:

- their openings share at least half of their word pairs, and their titles three words in ten (half,
  when they are more than twelve hours apart);
- their openings are the same but for a slip, their titles share a word in ten, and at most twelve
  hours lie between them: a new headline for the same piece;
- their titles are the same but for a word or so and long enough to say something, and at most a day
  lies between them.

Titles must have something in common, and more so over days, because the same words under unlike
titles are an outlet's furniture (the greeting of a daily letter, a list of links), not a story.
Articles whose titles name unlike things are no copies either: each title has a word that its own
text writes with a capital letter and that the other text does not have at all.

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
_SAME_EDITION = timedelta(hours=12)
_SAME_DAY = timedelta(hours=24)

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
    text_pairs: frozenset[int]
    text_words: frozenset[int]
    text_names: frozenset[int]
    title_figures: tuple[str, ...]
    text_figures: tuple[str, ...]


def sketch(title: str, text: str | None) -> Sketch:
    """The :class:`Sketch` of a title and a text."""
    title_hashes = _word_hashes(_WORD.findall(title.replace("’", "'").lower()))
    as_written = _WORD.findall((text or "")[:OPENING_CHARACTERS].replace("’", "'"))
    as_written = as_written[:_OPENING_WORDS]
    text_hashes = _word_hashes([word.lower() for word in as_written])
    is_name = [not word[0].islower() for word in as_written]
    return Sketch(
        title=frozenset(title_hashes.tolist()),
        title_pairs=frozenset(_paired(title_hashes).tolist()),
        text_pairs=frozenset(_paired(text_hashes).tolist()),
        text_words=frozenset(text_hashes.tolist()),
        text_names=frozenset(text_hashes[is_name].tolist()),
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


def copy_score(a: Sketch, b: Sketch, gap: timedelta) -> float | None:
    """How alike two copies are, in (0, 1], or null when they are no copies of each other.

    ``gap`` is the time between their publications, of either sign.
    """
    gap = abs(gap)
    title = _overlap(a.title, b.title)
    text = _overlap(a.text_pairs, b.text_pairs)
    same_text = text >= 0.95 and title >= 0.1 and gap <= _SAME_EDITION
    edited_text = text >= 0.5 and title >= (0.3 if gap <= _SAME_EDITION else 0.5)
    same_title = (
        title >= 0.8
        and min(len(a.title), len(b.title)) >= 6
        and _overlap(a.title_pairs, b.title_pairs) >= 0.65
        and gap <= _SAME_DAY
    )
    if not (same_text or edited_text or same_title):
        return None
    if figures_conflict(a.title_figures, b.title_figures):
        return None
    if figures_conflict(a.text_figures, b.text_figures):
        return None
    if _names_of_its_own(a, b) and _names_of_its_own(b, a):
        return None
    return max(text if same_text or edited_text else 0.0, title if same_title else 0.0)


def _names_of_its_own(one: Sketch, other: Sketch) -> frozenset[int]:
    """Words of a title that its text has as a name and that the other article does not have."""
    return (one.title & one.text_names) - other.title - other.text_words


def _word_hashes(words: Sequence[str]) -> npt.NDArray[np.uint32]:
    return np.fromiter((zlib.crc32(word.encode()) for word in words), np.uint32, len(words))


def _paired(hashes: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """A hash for each word with the one behind it; a single word stands alone."""
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
