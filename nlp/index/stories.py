"""From tagged articles to stories: copies folded, numpy columns, a digest of what went in."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from corpus.errors import StudyError
from corpus.records import Article, PublishedFlag
from nlp.index.headings import Headed, TaggedHeading
from nlp.index.stated import NO_FLOW, day_flows, tells_liquidation, told_flows
from nlp.recaps import is_recap
from nlp.records import stored_fields

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]


class Tagged(Protocol):
    """An article with its tag record as JSON, as the store hands it out."""

    @property
    def article(self) -> Article:
        """The stored article."""
        ...

    @property
    def record(self) -> str:
        """Its tag record, one line of JSON."""
        ...


@dataclass(frozen=True)
class Counts:
    """What became of the articles that were offered."""

    articles: int = 0
    not_yet_seen: int = 0
    untagged: int = 0
    unread_language: int = 0
    copies: int = 0
    off_topic_stories: int = 0
    recap_stories: int = 0
    day_only_stories: int = 0
    stories: int = 0


@dataclass(frozen=True)
class StoryTable:
    """Stories in order of time (then id); one row each, ``D`` drivers and ``A`` assets as columns.

    ``seconds`` is the first known member's publication (seconds since 1970 UTC), ``outlet`` the
    number of its source in ``outlets``. ``probability`` is the mean calibrated probability over
    members, ``tagged`` whether at least half of them reach the driver's threshold, ``stance`` the
    mean stance score over the tagged members. ``flows`` is the mean sign of the net flows of funds
    that members state, NaN where none does: reported ones of all assets and of each asset, then
    expected ones likewise. ``day_flows`` is the mean net flow of the last trading day that members
    state, in dollars by asset (:func:`nlp.index.stated.day_flows`), NaN where none does.
    """

    story_ids: tuple[str, ...]
    head_ids: tuple[str, ...]
    members: Integers
    seconds: Integers
    outlet: Integers
    outlets: tuple[str, ...]
    day_only: Booleans
    recap: Booleans
    relevant: Booleans
    probability: Floats
    tagged: Booleans
    stance: Floats
    assets: Booleans
    flows: Floats
    day_flows: Floats
    liquidated: Booleans

    def __len__(self) -> int:
        return len(self.story_ids)

    def where(self, keep: Booleans) -> StoryTable:
        """The stories for which ``keep`` holds, order kept."""
        return self.rows(np.flatnonzero(keep))

    def rows(self, chosen: Integers) -> StoryTable:
        """The stories of these row numbers."""
        return StoryTable(
            story_ids=tuple(self.story_ids[i] for i in chosen),
            head_ids=tuple(self.head_ids[i] for i in chosen),
            outlets=self.outlets,
            **{
                name: getattr(self, name)[chosen]
                for name in [
                    "members",
                    "seconds",
                    "outlet",
                    "day_only",
                    "recap",
                    "relevant",
                    "probability",
                    "tagged",
                    "stance",
                    "assets",
                    "flows",
                    "day_flows",
                    "liquidated",
                ]
            },
        )


@dataclass
class _Columns:
    """One entry an article, grown while reading."""

    ids: list[str] = field(default_factory=list)
    story: array[int] = field(default_factory=lambda: array("q"))
    seconds: array[float] = field(default_factory=lambda: array("d"))
    source: array[int] = field(default_factory=lambda: array("q"))
    day_only: array[int] = field(default_factory=lambda: array("b"))
    recap: array[int] = field(default_factory=lambda: array("b"))
    relevant: array[int] = field(default_factory=lambda: array("b"))
    probability: array[float] = field(default_factory=lambda: array("d"))
    assets: array[int] = field(default_factory=lambda: array("b"))
    flows: array[int] = field(default_factory=lambda: array("b"))
    day_flows: array[float] = field(default_factory=lambda: array("d"))
    liquidated: array[int] = field(default_factory=lambda: array("b"))
    tag_row: array[int] = field(default_factory=lambda: array("q"))
    tag_driver: array[int] = field(default_factory=lambda: array("q"))
    tag_stance: array[float] = field(default_factory=lambda: array("d"))


class Reader:
    """Reads tagged articles once and folds them into a :class:`StoryTable`."""

    def __init__(
        self, *, drivers: Sequence[str], assets: Sequence[str], as_of: datetime, model: str
    ) -> None:
        self._drivers = {name: number for number, name in enumerate(drivers)}
        self._asset_names = tuple(assets)
        self._as_of = as_of
        self._model = model
        self._columns = _Columns()
        self._story_numbers: dict[str, int] = {}
        self._source_numbers: dict[str, int] = {}
        self._digests: list[bytes] = []
        self._not_yet_seen = self._untagged = self._unread = 0

    def read(self, tagged: Iterable[TaggedHeading]) -> tuple[StoryTable, Counts, bytes]:
        """Stories, what was left out, and a digest of the articles and records that went in.

        Raises :class:`StudyError` when a record comes from another model or lacks a driver's
        probability, :class:`InputError` when it has another schema.
        """
        for item in tagged:
            if item.article.first_seen_at > self._as_of:
                self._not_yet_seen += 1
                continue
            self._take(item.article, item.record)
        table = self._fold()
        total = hashlib.sha256(b"".join(sorted(self._digests))).digest()
        counts = Counts(
            articles=len(self._columns.ids),
            not_yet_seen=self._not_yet_seen,
            untagged=self._untagged,
            unread_language=self._unread,
            copies=len(self._columns.ids) - len(table),
        )
        return table, counts, total

    def _take(self, article: Headed, record_json: str) -> None:
        record = stored_fields(record_json)
        if "error" in record:
            self._untagged += 1
            return
        if record["model"] != self._model:
            raise StudyError(
                f"article {article.id} was tagged by {record['model']}, not by {self._model}",
                remedy="build an index from the tags of one model",
            )
        if record["relevant"] is None:
            self._unread += 1
            return
        columns = self._columns
        row = len(columns.ids)
        columns.ids.append(article.id)
        columns.story.append(
            self._story_numbers.setdefault(article.story_id, len(self._story_numbers))
        )
        columns.seconds.append(article.published_at.timestamp())
        columns.source.append(
            self._source_numbers.setdefault(article.source, len(self._source_numbers))
        )
        columns.day_only.append(article.published_flag is PublishedFlag.DAY_ONLY)
        columns.relevant.append(record["relevant"])
        columns.probability.extend(self._probabilities(article.id, record["probabilities"]))
        names = []
        for tag in record["drivers"]:
            names.append(tag["driver"])
            number = self._drivers.get(tag["driver"])
            if number is not None:
                columns.tag_row.append(row)
                columns.tag_driver.append(number)
                columns.tag_stance.append(tag["stance_score"])
        columns.recap.append(is_recap(article.title, names))
        named = {entity["id"] for entity in record["entities"]}
        about = [asset in named for asset in self._asset_names]
        columns.assets.extend(about)
        columns.flows.extend(told_flows(record["amounts"], about, self._asset_names))
        columns.day_flows.extend(
            day_flows(article.published_at.date(), record["amounts"], about, self._asset_names)
        )
        columns.liquidated.append(tells_liquidation(record["amounts"]))
        told = (
            article.id,
            article.content_hash,
            article.story_id,
            article.source,
            article.published_at.isoformat(),
            record_json,
        )
        self._digests.append(hashlib.sha256("\0".join(told).encode()).digest())

    def _probabilities(self, article_id: str, given: dict[str, float]) -> list[float]:
        try:
            return [given[name] for name in self._drivers]
        except KeyError as missing:
            raise StudyError(
                f"the tag record of article {article_id} has no probability of driver {missing}",
                remedy="tag the store again with a model that knows every driver of the taxonomy",
            ) from None

    def _fold(self) -> StoryTable:
        columns = self._columns
        rows = len(columns.ids)
        drivers, assets = len(self._drivers), len(self._asset_names)
        probability = np.asarray(columns.probability, np.float64).reshape(rows, drivers)
        tagged = np.zeros((rows, drivers), dtype=np.bool_)
        stance = np.zeros((rows, drivers))
        where = (np.asarray(columns.tag_row, np.int64), np.asarray(columns.tag_driver, np.int64))
        tagged[where] = True
        stance[where] = np.asarray(columns.tag_stance, np.float64)
        flows = np.asarray(columns.flows, np.int8).reshape(rows, 2 * (1 + assets))
        day_flow = np.asarray(columns.day_flows, np.float64).reshape(rows, assets)
        seconds = np.floor(np.asarray(columns.seconds, np.float64)).astype(np.int64)
        story = np.asarray(columns.story, np.int64)

        # Members of a story next to each other, the first published one in front.
        order = np.lexsort((np.asarray(columns.ids, dtype=np.str_), seconds, story))
        story = story[order]
        first = np.flatnonzero(np.r_[True, story[1:] != story[:-1]]) if rows else order
        members = np.diff(np.r_[first, rows]) if rows else order

        def summed(values: npt.NDArray[Any]) -> Floats:
            if not rows:
                return np.zeros((0, *values.shape[1:]))
            total: Floats = np.add.reduceat(values[order].astype(np.float64), first, axis=0)
            return total

        def mean_where_told(values: Floats) -> Floats:
            told = np.isfinite(values)
            number = summed(told)
            mean: Floats = np.divide(
                summed(np.where(told, values, 0.0)),
                number,
                out=np.full(number.shape, np.nan),
                where=number > 0,
            )
            return mean

        tagged_members = summed(tagged)
        heads = order[first]
        names = list(self._story_numbers)
        story_ids = [names[number] for number in story[first]]
        by_time = np.lexsort((np.asarray(story_ids, dtype=np.str_), seconds[heads]))
        heads = heads[by_time]
        sources = list(self._source_numbers)
        # Outlets are numbered by name, so that the order of reading leaves no trace in the result.
        outlets = tuple(sorted(sources))
        place = {name: number for number, name in enumerate(outlets)}
        renumber = np.array([place[name] for name in sources], dtype=np.int64)
        half = members[:, None] / 2
        mean_stance = np.divide(
            summed(stance),
            tagged_members,
            out=np.zeros_like(tagged_members),
            where=tagged_members > 0,
        )
        is_tagged = (tagged_members > 0) & (tagged_members >= half)
        ids = columns.ids
        return StoryTable(
            story_ids=tuple(story_ids[i] for i in by_time),
            head_ids=tuple(ids[i] for i in heads),
            members=members[by_time].astype(np.int64),
            seconds=seconds[heads],
            outlet=renumber[np.asarray(columns.source, np.int64)[heads]] if rows else heads,
            outlets=outlets,
            day_only=np.asarray(columns.day_only, np.bool_)[heads],
            recap=np.asarray(columns.recap, np.bool_)[heads],
            relevant=(summed(np.asarray(columns.relevant)) >= half[:, 0])[by_time],
            probability=(summed(probability) / members[:, None])[by_time],
            tagged=is_tagged[by_time],
            stance=np.where(is_tagged, mean_stance, 0.0)[by_time],
            assets=(summed(np.asarray(columns.assets).reshape(rows, assets)) > 0)[by_time],
            flows=mean_where_told(np.where(flows == NO_FLOW, np.nan, flows))[by_time],
            day_flows=mean_where_told(day_flow)[by_time],
            liquidated=(summed(np.asarray(columns.liquidated)) > 0)[by_time],
        )
