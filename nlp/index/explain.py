"""What stands behind a period's reading: its change, and the stories that made it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np

from corpus.errors import UsageError
from corpus.records import Record, UtcDatetime
from nlp.index.build import ASSETS
from nlp.index.periods import period_number, period_seconds
from nlp.index.result import IndexResult
from nlp.index.spoken import as_counted
from nlp.index.stances import stated_stance
from nlp.index.stated import FLOW_DRIVER
from nlp.index.stories import Floats, Integers, StoryTable, Tagged
from nlp.index.table import COMPOSITE
from nlp.index.weights import freshness
from nlp.records import Amount, Span, TagRecord
from nlp.taxonomy import core_drivers

PRECEDING = 4
Direction = Literal["bullish", "bearish", "mixed", "no coverage"]


class Reading(Record):
    """One driver in one period against the periods before.

    ``pressure`` is in deviations of the base window with its 90% band; ``change`` is against the
    mean of the last (up to) four covered periods before, ``preceding`` of them. ``direction``
    says on which side of zero *raw* pressure (attention times stance) lies, ``mixed`` when no
    story took a side, and ``no coverage`` when no story told of the driver.
    """

    driver: str
    stories: int
    tagged: int
    attention: float | None
    stance: float | None
    pressure: float | None
    lower: float | None
    upper: float | None
    pressure_raw: float | None
    change: float | None
    preceding: int
    direction: Direction
    in_base: bool


class Contribution(Record):
    """One story's part in a driver's raw pressure of a period; all stories' parts add up to it.

    ``share`` is that part divided by the sum of the absolute parts. ``stance_score`` is the
    tagger's, or that of the day's flow that the story states. ``decisive`` is the evidence of the
    head article (the tagger's spans), ``amounts`` what it states for this driver.
    """

    driver: str
    story_id: str
    article_id: str
    title: str
    url: str
    source: str
    published_at: UtcDatetime
    articles: int
    probability: float
    stance_score: float
    contribution: float
    share: float
    decisive: tuple[Span, ...]
    amounts: tuple[Amount, ...]


@dataclass(frozen=True)
class _Chosen:
    driver: str
    story: int
    part: float
    share: float
    probability: float
    stance: float


def readings(
    index: IndexResult, period_start: datetime, *, asset: str = "all"
) -> tuple[Reading, ...]:
    """The reading of every driver and of the composite for the period at ``period_start``.

    Raises :class:`UsageError` when the index has no such period or asset.
    """
    frame = index.frame
    frame = frame[(frame["asset"] == asset) & (frame["period_start"] <= period_start)]
    if frame.empty or frame["period_start"].max() != period_start:
        raise UsageError(
            f"the index of {asset} has no period that starts at {period_start:%Y-%m-%d %H:%M} UTC",
            remedy="choose a period inside the span of the news",
        )
    found = []
    for driver in (*index.drivers, COMPOSITE):
        rows = frame[frame["driver"] == driver].sort_values("period_start")
        now = rows.iloc[-1]
        before = rows.iloc[:-1].tail(PRECEDING)["pressure"].dropna()
        pressure = _number(now["pressure"])
        raw = _number(now["pressure_raw"])
        found.append(
            Reading(
                driver=driver,
                stories=int(now["stories"]),
                tagged=int(now["tagged"]),
                attention=_number(now["attention"]),
                stance=_number(now["stance"]),
                pressure=pressure,
                lower=_number(now["lower"]),
                upper=_number(now["upper"]),
                pressure_raw=raw,
                change=None
                if pressure is None or before.empty
                else pressure - float(before.mean()),
                preceding=len(before),
                direction="no coverage" if not now["tagged"] else _direction(raw),
                in_base=bool(now["in_base"]),
            )
        )
    return tuple(found)


def contributions(
    index: IndexResult,
    tagged: Iterable[Tagged],
    *,
    period_start: datetime,
    asset: str = "all",
    top: int = 3,
) -> dict[str, tuple[Contribution, ...]]:
    """For every driver the ``top`` stories of a period that made its pressure.

    Stories that push the way the pressure goes come first, by the size of their part; then those
    that stood against it.

    ``tagged`` must hold the articles of the period (``store.tagged(since=..., until=...)``); it
    is read once, and only for the words, sentences and amounts of the chosen stories. Drivers
    without a story give an empty tuple.
    """
    stories = index.stories
    number = period_number(np.array([int(period_start.timestamp())]), index.frequency)[0]
    inside = period_number(stories.seconds, index.frequency) == number
    if asset != "all":
        inside = inside & stories.assets[:, ASSETS.index(asset) - 1]
    rows = np.flatnonzero(inside)
    chosen: list[_Chosen] = []
    for column in range(len(index.drivers)):
        parts = _parts(index, rows, column, universe=ASSETS.index(asset))
        chosen.extend(
            _top(index, rows, parts, column=column, top=top, universe=ASSETS.index(asset))
        )
    wanted = {stories.head_ids[one.story] for one in chosen}
    heads = {item.article.id: item for item in tagged if item.article.id in wanted}
    found: dict[str, list[Contribution]] = {driver: [] for driver in index.drivers}
    for one in chosen:
        head = heads.get(stories.head_ids[one.story])
        if head is not None:
            found[one.driver].append(_contribution(one, stories, head))
    return {driver: tuple(parts) for driver, parts in found.items()}


def composite_change(
    index: IndexResult, period_start: datetime, *, asset: str = "all"
) -> dict[str, float]:
    """Each core driver's part in the composite's change against its four preceding periods.

    The parts add up to the composite's own change where all core drivers are covered in the same
    periods.
    """
    core = [one.name for one in core_drivers() if index.scales[asset, one.name].usable]
    changes = {
        reading.driver: reading.change
        for reading in readings(index, period_start, asset=asset)
        if reading.driver in core
    }
    return {name: change / len(core) for name, change in changes.items() if change is not None}


def _parts(index: IndexResult, rows: Integers, column: int, *, universe: int) -> Floats:
    """Part of each story in the raw pressure: ``A q s / sum(q)``, which sums to ``A S``."""
    frequency = index.frequency
    # What a story says of its own day is told apart with the stories of the day before.
    numbers = period_number(index.stories.seconds, frequency)
    number = numbers[rows[0]] if len(rows) else 0
    near = (numbers == number) | (numbers == number - 1)
    if universe:
        near &= index.stories.assets[:, universe - 1]
    stories = index.stories.where(near)
    period = numbers[near] - number + 1
    starts = period_seconds(numbers[near], frequency)
    fresh = freshness(stories, index.half_life, starts=starts, frequency=frequency)
    counted = as_counted(
        stories,
        index.effects,
        index.usual_flow,
        names=index.drivers,
        universe=universe,
        frequency=frequency,
        keep=np.ones(len(stories), dtype=np.bool_),
        period=period,
        starts=starts,
        fresh=fresh,
    )
    here = period == 1
    stories, fresh = stories.where(here), fresh[here]
    probability = stories.probability[:, column]
    tagged = stories.tagged[:, column]
    weight = probability * fresh * counted.weight[here, column]
    total = float(weight[tagged].sum())
    if total <= 0:
        return np.zeros(len(rows))
    total += float(counted.prior[column])
    usual = index.effects.probability[stories.outlet, column]
    level = float(((probability - usual) * fresh).sum() / fresh.sum())
    part = max(level, 0.0) * weight * counted.stance[here, column] / total
    return np.where(tagged, part, 0.0)


def _top(
    index: IndexResult, rows: Integers, parts: Floats, *, column: int, top: int, universe: int
) -> Iterable[_Chosen]:
    total = float(np.abs(parts).sum())
    told = index.stories.rows(rows)
    stance = told.stance[:, column]
    if index.drivers[column] == FLOW_DRIVER:
        said = stated_stance(told, index.usual_flow, universe=universe, frequency=index.frequency)
        stance = np.where(np.isfinite(said), said, stance)
    # What made the reading comes before what stood against it. Among stories of equal part the one
    # told by more outlets is first; many full-certainty stories tie exactly.
    whole = float(parts.sum())
    push = parts * np.sign(whole) if whole else np.abs(parts)
    order = np.lexsort((-index.stories.members[rows], -np.abs(parts).round(12), push <= 0))
    for place in order[:top]:
        part = float(parts[place])
        if part != 0:
            story = int(rows[place])
            yield _Chosen(
                driver=index.drivers[column],
                story=story,
                part=part,
                share=part / total,
                probability=float(index.stories.probability[story, column]),
                stance=float(stance[place]),
            )


def _contribution(one: _Chosen, stories: StoryTable, head: Tagged) -> Contribution:
    record = TagRecord.model_validate_json(head.record)
    article = head.article
    # A copy, not the head, may be what reached the threshold; the story's own figures hold then.
    tag = next((tag for tag in record.drivers if tag.driver == one.driver), None)
    return Contribution(
        driver=one.driver,
        story_id=stories.story_ids[one.story],
        article_id=article.id,
        title=article.title,
        url=article.url,
        source=article.source,
        published_at=article.published_at,
        articles=int(stories.members[one.story]),
        probability=one.probability,
        stance_score=one.stance,
        contribution=one.part,
        share=one.share,
        decisive=tag.evidence if tag else (),
        amounts=tuple(amount for amount in record.amounts if amount.driver == one.driver),
    )


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _direction(raw: float | None) -> Direction:
    if raw is None:
        return "no coverage"
    if raw == 0:
        return "mixed"
    return "bullish" if raw > 0 else "bearish"
