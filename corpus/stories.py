"""Which articles tell the same story: copies, and rewritten reports of the same event.

**Copies** are found by stated rules. Candidates come from MinHash with banding (Broder 1997;
datasketch), over the words of the title and over the word pairs of the text's opening; each
candidate is then compared in full. Two articles published within :data:`WINDOW` of each other are
copies when one of these holds:

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

**Rewritten reports** are told by :mod:`corpus.same_event`. Candidates are articles that share a
rare word or figure. What is worded alike and yet no copy (another day's figures in the same words,
an outlet's furniture) is no rewritten report either.

A story is more than a chain of likenesses: :func:`fits` says what an article must be to all of it.
"""

from __future__ import annotations

import hashlib
import math
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
from corpus.same_event import Report, log_odds, rarity, report_of

WINDOW = timedelta(hours=72)
_SAME_EDITION = timedelta(hours=12)
_SAME_DAY = timedelta(hours=24)

_OPENING_WORDS = 128
OPENING_CHARACTERS = _OPENING_WORDS * 12  # no more of a text is looked at
_FIGURE_WORDS = 60  # of the opening; figures further down are background
_TITLE_BANDS, _TITLE_ROWS = 7, 4
_TEXT_BANDS, _TEXT_ROWS = 12, 3
_LEAST_TITLE = 0.1  # that the titles of copies share
_ALIKE = 0.5  # what texts share that are worded alike
_COPY_LOG_ODDS = 4.0  # what a copy counts as, and the most that a rewritten report does
_UNLIKE_LOG_ODDS = -4.0  # the least
_MATCH = 0.4  # log-odds to the member of a story that is most like an article
_MEAN = -0.5  # to all members compared, on average
_MERGED_MEAN = 0.0  # of two stories, between the members of one and of the other
_BAND_WEIGHT = 8.0  # of a key of alike words, beside the rarity of a shared word
_DAY_ONLY_HOURS = timedelta(hours=12)
_SEED = 20251124  # fixes the permutations: keys made of signatures are kept in the store

_WORD = re.compile(r"[^\W_]+(?:[.,’'][^\W_]+)*")


@dataclass(frozen=True, slots=True, eq=False)
class Sketch:
    """What is compared of an article: word hashes of its title, pair hashes of its opening.

    Hashes are sorted, each there once, and kept as the bytes of 32-bit numbers, which take a third
    of the memory of tuples and arrays: thousands of sketches are kept.
    """

    title: bytes
    title_pairs: bytes
    text_pairs: bytes
    text_words: bytes
    text_names: bytes
    title_figures: tuple[str, ...]
    text_figures: tuple[str, ...]
    report: Report


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike two articles are: log-odds that they tell one story, and a copy's own score."""

    log_odds: float
    copy: float | None

    @property
    def score(self) -> float:
        """In (0, 1]: the share of a copy that is the same, else the chance of one event."""
        return self.copy if self.copy is not None else 1 / (1 + math.exp(-self.log_odds))


def sketch(title: str, text: str | None) -> Sketch:
    """The :class:`Sketch` of a title and a text."""
    title_hashes = _word_hashes(_WORD.findall(title.replace("’", "'").lower()))
    as_written = _WORD.findall((text or "")[:OPENING_CHARACTERS].replace("’", "'"))
    as_written = as_written[:_OPENING_WORDS]
    text_hashes = _word_hashes([word.lower() for word in as_written])
    is_name = [not word[0].islower() for word in as_written]
    report = report_of(title, text)
    return Sketch(
        title=_each_once(title_hashes).tobytes(),
        title_pairs=_each_once(_paired(title_hashes)).tobytes(),
        text_pairs=_each_once(_paired(text_hashes)).tobytes(),
        text_words=_each_once(text_hashes).tobytes(),
        text_names=_each_once(text_hashes[is_name]).tobytes(),
        title_figures=report.title_figures,
        text_figures=figures_in(
            " ".join((text or "")[: _FIGURE_WORDS * 10].split()[:_FIGURE_WORDS])
        ),
        report=report,
    )


def keys(found: Sketch) -> dict[int, float]:
    """Keys of which two articles of one story share some, with the weight of sharing each."""
    weights = dict.fromkeys(bands(found), _BAND_WEIGHT)
    for term in found.report.keys:
        weights[_key(b"term" + term.encode("utf-8", "surrogatepass"))] = rarity(term)
    return weights


def bands(found: Sketch) -> tuple[int, ...]:
    """Keys (64-bit signed) of which two alike articles very likely share one."""
    keys: list[int] = []
    if found.title:
        keys += _band_keys(b"title", found.title, _TITLE_BANDS, _TITLE_ROWS)
    if found.text_pairs:
        keys += _band_keys(b"text", found.text_pairs, _TEXT_BANDS, _TEXT_ROWS)
    return tuple(keys)


def likeness(
    a: Sketch, b: Sketch, gap: timedelta, *, same_outlet: bool, day_only: bool = False
) -> Likeness:
    """How alike two articles are; ``day_only`` when one of them has only a day of publication."""
    gap = abs(gap)
    title = _overlap(a.title, b.title)
    if title < _LEAST_TITLE:  # no copy; whether the texts are alike matters to rewritten reports
        odds = _rewritten(a, b, gap, same_outlet=same_outlet, day_only=day_only)
        if odds > _UNLIKE_LOG_ODDS and _overlap_of_many(a.text_pairs, b.text_pairs) >= _ALIKE:
            odds = _UNLIKE_LOG_ODDS
        return Likeness(odds, None)
    # What lies between the two may be as much as a day longer, which a copy must bear; a rewritten
    # report is judged by what is likely.
    longest = gap + timedelta(days=1) if day_only else gap
    copy, worded_alike = _compared_as_copies(a, b, title, longest)
    if copy is not None:
        return Likeness(_COPY_LOG_ODDS, copy)
    if worded_alike:
        return Likeness(_UNLIKE_LOG_ODDS, None)
    return Likeness(_rewritten(a, b, gap, same_outlet=same_outlet, day_only=day_only), None)


def _rewritten(a: Sketch, b: Sketch, gap: timedelta, *, same_outlet: bool, day_only: bool) -> float:
    """Log-odds that two articles are reports of one event in words of their own, within bounds."""
    likely = max(gap, _DAY_ONLY_HOURS) if day_only else gap
    odds = log_odds(a.report, b.report, likely, same_outlet=same_outlet)
    return min(max(odds, _UNLIKE_LOG_ODDS), _COPY_LOG_ODDS)


def fits(with_members: Sequence[Likeness]) -> bool:
    """Whether an article that is so alike to the members of a story belongs to it.

    It is a copy of one of them; or it is like one in itself and like all of them on average, so
    that a story does not wander from event to event.
    """
    if any(one.copy is not None for one in with_members):
        return True
    odds = [one.log_odds for one in with_members]
    return max(odds) >= _MATCH and sum(odds) / len(odds) >= _MEAN


def are_one(between_members: Sequence[Likeness]) -> bool:
    """Whether two stories whose members are so alike are one."""
    odds = [one.log_odds for one in between_members]
    return sum(odds) / len(odds) >= _MERGED_MEAN


def _compared_as_copies(
    a: Sketch, b: Sketch, title: float, gap: timedelta
) -> tuple[float | None, bool]:
    """The score of a copy (null when none), and whether the two are worded too much alike to be
    anything but copies; ``title`` is what their titles share.
    """
    text = _overlap_of_many(a.text_pairs, b.text_pairs)
    same_text = text >= 0.95 and title >= _LEAST_TITLE and gap <= _SAME_EDITION
    edited_text = text >= _ALIKE and title >= (0.3 if gap <= _SAME_EDITION else 0.5)
    alike_titles = (
        title >= 0.8
        and min(len(_numbers(a.title)), len(_numbers(b.title))) >= 6
        and _overlap(a.title_pairs, b.title_pairs) >= 0.65
    )
    same_title = alike_titles and gap <= _SAME_DAY
    worded_alike = text >= _ALIKE or alike_titles
    if not (same_text or edited_text or same_title):
        return None, worded_alike
    if figures_conflict(a.title_figures, b.title_figures) or figures_conflict(
        a.text_figures, b.text_figures
    ):
        # Of one day it may be one event told with more figures; of two days it is two reports.
        return None, gap > _SAME_EDITION
    if _names_of_its_own(a, b) and _names_of_its_own(b, a):
        return None, True
    return max(text if same_text or edited_text else 0.0, title if same_title else 0.0), True


def _names_of_its_own(one: Sketch, other: Sketch) -> frozenset[int]:
    """Words of a title that its text has as a name and that the other article does not have."""
    named = set(_numbers(one.title)).intersection(_numbers(one.text_names))
    return frozenset(named.difference(_numbers(other.title), _numbers(other.text_words)))


def _word_hashes(words: Sequence[str]) -> npt.NDArray[np.uint32]:
    return np.array([zlib.crc32(word.encode()) for word in words], np.uint32)


def _each_once(values: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """What numpy's unique() gives, which for so few looks into too much else."""
    if not len(values):
        return values
    ordered = np.sort(values)
    is_first = np.empty(len(ordered), np.bool_)
    is_first[0] = True
    np.not_equal(ordered[1:], ordered[:-1], out=is_first[1:])
    return ordered[is_first]


def _paired(hashes: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """A hash for each word with the one behind it; a single word stands alone."""
    if len(hashes) < 2:
        return hashes
    return hashes[:-1] * np.uint32(0x9E3779B1) ^ hashes[1:]


@cache
def _permutations(count: int) -> Any:
    from datasketch import MinHash  # noqa: PLC0415 - heavy, and only adding articles needs it

    return MinHash(count, seed=_SEED, scheme="affine32").permutations


def _band_keys(kind: bytes, values: bytes, band_count: int, rows: int) -> list[int]:
    from datasketch import MinHash  # noqa: PLC0415 - as above

    count = band_count * rows
    signature = MinHash(
        count,
        seed=_SEED,
        hashfunc=_as_it_is,
        permutations=_permutations(count),
        scheme="affine32",
    )
    signature.update_batch(_numbers(values).tolist())
    digits = signature.hashvalues.astype("<u4").reshape(band_count, rows)
    return [_key(kind + bytes([number]) + band.tobytes()) for number, band in enumerate(digits)]


def _as_it_is(value: int) -> int:
    return value


def _key(band: bytes) -> int:
    digest = hashlib.blake2b(band, digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


def _numbers(hashes: bytes) -> memoryview[int]:
    return memoryview(hashes).cast("I")


def _overlap(a: bytes, b: bytes) -> float:
    """Jaccard's index of two sets of hashes; nothing is not alike nothing."""
    if not a or not b:
        return 0.0
    some, others = _numbers(a), _numbers(b)
    shared = len(set(some).intersection(others))
    return shared / (len(some) + len(others) - shared)


def _overlap_of_many(a: bytes, b: bytes) -> float:
    """As :func:`_overlap`, quicker where the sets are large."""
    if not a or not b:
        return 0.0
    some, others = np.frombuffer(a, np.uint32), np.frombuffer(b, np.uint32)
    places = others.searchsorted(some)
    places[places == len(others)] = 0
    shared = int(np.count_nonzero(others[places] == some))
    return shared / (len(some) + len(others) - shared)
