"""Which story each new article belongs to, and which stories prove to be one.

The keys of :func:`corpus.stories.keys` are kept in the store, so that finding candidates needs no
window of articles in memory: they are the articles that share a key with a new one and were
published within 72 hours, in whatever order they come. A new article is compared with them, and
with the other members of their stories (the first and the last ones of a long story).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, func

from corpus.records import PublishedFlag
from corpus.same_event import reason
from corpus.store.pieces import rows_among
from corpus.store.schema import articles, microseconds, moment_of
from corpus.store.sketches import Sketches
from corpus.stories import (
    OPENING_CHARACTERS,
    WINDOW,
    Likeness,
    Sketch,
    are_one,
    fits,
    keys,
    likeness,
    sketch,
)

_WINDOW_US = int(WINDOW.total_seconds()) * 1_000_000
_DAY_ONLY = PublishedFlag.DAY_ONLY.value
_COMPARED = 30  # candidates for one article, those whose shared keys weigh most
_ENDS = 4  # members at each end of a long story that an article is compared with

_MEMBERS_OF_STORIES = (
    "SELECT number, id, story_id, source, published_at, first_seen_at, published_flag, content_hash"
    " FROM articles WHERE story_id IN (SELECT story_id FROM articles WHERE number IN ({}))"
)
_WITH_KEYS = (
    "SELECT band, article, published_us FROM story_bands WHERE band IN ({})"
    " AND published_us BETWEEN {} AND {}"
)

# As much of a text as a sketch looks at.
OPENING = func.substr(articles.c.text, 1, OPENING_CHARACTERS).label("opening")

Sharing = defaultdict[int, list[tuple[int, int]]]


@dataclass
class Prepared:
    """An article on its way in: its row, and what tells its story, made when it is asked for."""

    row: dict[str, Any]

    @property
    def has_story(self) -> bool:
        """Whether it comes from an export, with its story."""
        return "story_id" in self.row

    @cached_property
    def sketch(self) -> Sketch:
        """What is compared of it."""
        return sketch(self.row["title"], self.row["text"])

    @cached_property
    def keys(self) -> dict[int, float]:
        """What finds the articles to compare it with."""
        return keys(self.sketch)


@dataclass(frozen=True, slots=True)
class Match:
    """Why an article belongs to a story."""

    member_id: str
    score: float
    reason: str


@dataclass(frozen=True, slots=True)
class Merge:
    """Two stories that are one, as an article showed that is like both."""

    from_id: str
    into_id: str
    merged_at: datetime
    article_id: str
    score: float
    reason: str


@dataclass(slots=True)
class _Member:
    """An article of a story. ``number`` tells the order in which articles came."""

    number: int
    id: str
    story_id: str
    source: str
    published_at: datetime
    first_seen_at: datetime
    day_only: bool
    content_hash: str


@dataclass(slots=True)
class _Story:
    """The members of a story in the order of their publication."""

    id: str
    members: list[_Member] = field(default_factory=list)

    def add(self, members: Iterable[_Member]) -> None:
        self.members = sorted(
            (*self.members, *members), key=lambda one: (one.published_at, one.number)
        )

    @property
    def compared(self) -> list[_Member]:
        if len(self.members) <= 2 * _ENDS:
            return self.members
        return self.members[:_ENDS] + self.members[-_ENDS:]

    def spans_with(self, *moments: datetime) -> timedelta:
        first, last = self.members[0].published_at, self.members[-1].published_at
        return max(last, *moments) - min(first, *moments)


class Grouping:
    """The stories near in time to a batch of new articles, and what the batch does to them."""

    def __init__(
        self, connection: Connection, items: Sequence[Prepared], sketches: Sketches
    ) -> None:
        self._sketches = sketches
        self._sharing = _stored_with_keys(connection, items)
        self._members: dict[int, _Member] = {}
        self._stories: dict[str, _Story] = {}
        self.merges: list[Merge] = []
        near = {number for item in items for number in self._candidates(item)}
        self._load(connection, near)
        sketches.take_in(connection, self._compared_with(near))

    def place(self, number: int, item: Prepared) -> tuple[str, Match | None]:
        """The story of a new article, with the match that tells why (null for a new story)."""
        row = item.row
        member = _Member(
            number,
            row["id"],
            row["id"],
            row["source"],
            row["published_at"],
            row["first_seen_at"],
            _is_day_only(row["published_flag"]),
            row["content_hash"],
        )
        self._sketches.put(number, member.content_hash, item.sketch)
        match = None
        fitting = self._fitting(member, item)
        if fitting:
            story, alike = fitting[0]
            member.story_id = story.id
            match = self._match(member, alike)
        joined = member.story_id
        self._stories.setdefault(joined, _Story(joined)).add([member])
        self._members[number] = member
        for key in item.keys:
            self._sharing[key].append((number, microseconds(member.published_at)))
        if match is not None:
            self._merge(member, [story for story, _ in fitting])
        return joined, match

    def current(self, story_id: str) -> str:
        """The id of a story after the merges of this batch."""
        into = {merge.from_id: merge.into_id for merge in self.merges}
        while story_id in into:
            story_id = into[story_id]
        return story_id

    def _candidates(self, item: Prepared) -> list[int]:
        published_us = microseconds(item.row["published_at"])
        shared: defaultdict[int, float] = defaultdict(float)
        for key, weight in item.keys.items():
            for number, other in self._sharing.get(key, ()):
                if abs(other - published_us) <= _WINDOW_US:
                    shared[number] += weight
        return sorted(shared, key=lambda number: (-shared[number], number))[:_COMPARED]

    def _fitting(self, member: _Member, item: Prepared) -> list[tuple[_Story, dict[int, Likeness]]]:
        """Stories that an article fits, the best first; with its likeness to their members."""
        found: list[tuple[tuple[float, int], _Story, dict[int, Likeness]]] = []
        near = (self._members[number].story_id for number in self._candidates(item))
        for story_id in dict.fromkeys(near):
            story = self._stories[story_id]
            # A story of daily columns would otherwise go on for ever.
            if story.spans_with(member.published_at) > WINDOW:
                continue
            alike = {one.number: self._likeness(member, one) for one in story.compared}
            if fits(list(alike.values())):
                mean = sum(one.log_odds for one in alike.values()) / len(alike)
                # Among equals the story that came first, so that a rerun chooses alike.
                rank = (-round(mean, 9), min(one.number for one in story.members))
                found.append((rank, story, alike))
        return [(story, alike) for _, story, alike in sorted(found, key=lambda one: one[0])]

    def _match(self, member: _Member, alike: dict[int, Likeness]) -> Match:
        number = min(alike, key=lambda number: (-alike[number].log_odds, number))
        best, other = alike[number], self._members[number]
        return Match(other.id, best.score, self._reason(member, other, best))

    def _merge(self, member: _Member, fitting: Sequence[_Story]) -> None:
        """Merge the stories that an article fits with the one that it joined, if they are one."""
        for other in fitting[1:]:
            story = self._stories[self.current(member.story_id)]
            moments = other.members[0].published_at, other.members[-1].published_at
            if story.spans_with(*moments) > WINDOW:
                continue
            between = [self._likeness(a, b) for a in story.compared for b in other.compared]
            if not are_one(between):
                continue
            into, gone = sorted((story, other), key=_age)
            nearest = max(
                other.compared, key=lambda one: (self._likeness(member, one).log_odds, -one.number)
            )
            best = self._likeness(member, nearest)
            moment = max(one.first_seen_at for one in (*into.members, *gone.members))
            told = self._reason(member, nearest, best)
            self.merges.append(Merge(gone.id, into.id, moment, member.id, best.score, told))
            for one in gone.members:
                one.story_id = into.id
            into.add(gone.members)
            del self._stories[gone.id]

    def _likeness(self, a: _Member, b: _Member) -> Likeness:
        return likeness(
            self._sketches.of(a.number),
            self._sketches.of(b.number),
            a.published_at - b.published_at,
            same_outlet=a.source == b.source,
            day_only=a.day_only or b.day_only,
        )

    def _reason(self, a: _Member, b: _Member, alike: Likeness) -> str:
        if alike.copy is not None:
            return "copy: the same words"
        reports = self._sketches.of(a.number).report, self._sketches.of(b.number).report
        return reason(*reports, a.published_at - b.published_at)

    def _compared_with(self, near: set[int]) -> dict[int, str]:
        """What the articles of a batch are compared with: numbers and content hashes."""
        stories = {self._members[number].story_id for number in near}
        compared = (one for story in stories for one in self._stories[story].compared)
        return {one.number: one.content_hash for one in compared}

    def _load(self, connection: Connection, numbers: set[int]) -> None:
        """The stories of these articles, whole."""
        members: defaultdict[str, list[_Member]] = defaultdict(list)
        for row in rows_among(connection, _MEMBERS_OF_STORIES, sorted(numbers)):
            number, identity, story_id, source, published, seen, flag, digest = row
            member = _Member(
                number,
                identity,
                story_id,
                source,
                moment_of(published),
                moment_of(seen),
                _is_day_only(flag),
                digest,
            )
            self._members[number] = member
            members[story_id].append(member)
        for story_id, of_story in members.items():
            self._stories[story_id] = _Story(story_id)
            self._stories[story_id].add(of_story)


def _age(story: _Story) -> tuple[datetime, int]:
    """The first seen comes first: its id stays."""
    return min((one.first_seen_at, one.number) for one in story.members)


def _is_day_only(flag: str) -> bool:
    return flag == _DAY_ONLY


def window_of(items: Sequence[Prepared]) -> tuple[int, int]:
    """The span of publication (microseconds) of articles that may share a story with an item."""
    times = [microseconds(item.row["published_at"]) for item in items]
    return min(times) - _WINDOW_US, max(times) + _WINDOW_US


def _stored_with_keys(connection: Connection, items: Sequence[Prepared]) -> Sharing:
    """For each key of the items, the stored articles near in time that have it."""
    spans: dict[int, tuple[int, int]] = {}
    for item in items:
        moment = microseconds(item.row["published_at"])
        for key in item.keys:
            first, last = spans.get(key, (moment, moment))
            spans[key] = min(first, moment), max(last, moment)
    sharing: Sharing = defaultdict(list)
    begin, end = window_of(items)
    for key, number, published_us in rows_among(connection, _WITH_KEYS, sorted(spans), begin, end):
        first, last = spans[key]
        # The batch may be of a month, and those who have the key of a day of it.
        if first - _WINDOW_US <= published_us <= last + _WINDOW_US:
            sharing[key].append((number, published_us))
    return sharing
