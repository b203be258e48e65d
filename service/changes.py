"""What has changed since it was last told: pressures out of their band, watch states that turned.

A driver's pressure is held against the 90% band that was told last. When a later pressure lies
outside of it, that is a change, and the new band is the one to hold against from then on: what
moves less than its uncertainty is not told, and slow drifts are.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from pydantic import Field

from corpus.errors import StudyError
from corpus.records import Record, UtcDatetime
from nlp.index import COMPOSITE, Reading, build, readings, week_name
from nlp.taxonomy import core_drivers
from nlp.watch import LOOKBACK as WATCH_LOOKBACK
from nlp.watch import WatchState, assess
from service.report.reader import NewsReader
from service.report.words import band, driver_words, side, signed, week_words

logger = logging.getLogger(__name__)
# The news that an index is built of, as for the weekly report.
LOOKBACK = timedelta(weeks=52)


class ToldBand(Record):
    """A driver's pressure and 90% band as last told, and the ISO week that it is of."""

    week: str
    pressure: float
    lower: float
    upper: float


class Told(Record):
    """All that was told last: bands by driver (or ``composite``), watch states by variable."""

    bands: dict[str, ToldBand] = Field(default_factory=dict)
    states: dict[str, str] = Field(default_factory=dict)


class Change(Record):
    """One message (schema 1): ``id`` is the same for the same change, whenever it is found.

    ``before`` and ``now`` are null where the kind has no such thing: of ``pressure`` they are
    bands, of ``watch`` the ``state`` and ``state_before`` are set.
    """

    schema_version: Literal[1] = Field(default=1, alias="schema")
    id: str
    kind: Literal["pressure", "watch"]
    name: str
    as_of: UtcDatetime
    sentence: str
    before: ToldBand | None = None
    now: ToldBand | None = None
    state_before: str | None = None
    state: WatchState | None = None


def find_changes(
    news: NewsReader, told: Told | None, *, until: datetime | None
) -> tuple[tuple[Change, ...], Told]:
    """The changes against ``told`` in the news before ``until`` (by default its ``as_of``).

    Pressures are those of the last ISO week with news. Where the news is too short for an index,
    only the watch states are looked at.
    """
    end = until or news.as_of
    states = assess(news.between(end - WATCH_LOOKBACK, end), until=end, as_of=news.as_of)
    try:
        index = build(
            news.headings(end - LOOKBACK, end),
            frequency="W",
            as_of=news.as_of,
            model=news.model,
        )
    except StudyError as error:
        logger.warning("no pressure is looked at: %s", error.message)
        return changes(told, None, (), states, as_of=news.as_of)
    last = index.frame["period_start"].max().to_pydatetime()
    core = {one.name for one in core_drivers()} | {COMPOSITE}
    chosen = [one for one in readings(index, last) if one.driver in core]
    return changes(told, week_name(last), chosen, states, as_of=news.as_of)


def changes(
    told: Told | None,
    week: str | None,
    readings: Sequence[Reading],
    states: Sequence[WatchState],
    *,
    as_of: datetime,
) -> tuple[tuple[Change, ...], Told]:
    """The changes against ``told``, and what is told after them.

    ``told`` is null at the first time: then nothing has changed yet, and everything is noted.
    ``readings`` are those of ``week``; one without a band changes nothing.
    """
    bands: dict[str, ToldBand] = dict(told.bands) if told else {}
    noted: dict[str, str] = dict(told.states) if told else {}
    found: list[Change] = []
    for reading in readings:
        now = _band(week, reading)
        if now is None:
            continue
        before = bands.get(reading.driver)
        if before is None:
            bands[reading.driver] = now
        elif not before.lower <= now.pressure <= before.upper:
            bands[reading.driver] = now
            found.append(_pressure_change(reading, before, now, as_of))
    for state in states:
        last = noted.get(state.variable)
        noted[state.variable] = state.state
        if last is not None and last != state.state:
            found.append(_watch_change(state, last, as_of))
    return tuple(found), Told(bands=bands, states=noted)


def _band(week: str | None, reading: Reading) -> ToldBand | None:
    if week is None or reading.pressure is None or reading.lower is None or reading.upper is None:
        return None
    return ToldBand(week=week, pressure=reading.pressure, lower=reading.lower, upper=reading.upper)


def _pressure_change(reading: Reading, before: ToldBand, now: ToldBand, as_of: datetime) -> Change:
    after = f"{signed(before.pressure)} in {week_words(before.week)}"
    sentence = (
        f"News pressure on {driver_words(reading.driver)} left its band: {signed(now.pressure)} in"
        f" {week_words(now.week)} (90% band {band(now.lower, now.upper)}; {side(reading)}), after"
        f" {after} ({band(before.lower, before.upper)})."
    )
    return Change(
        schema=1,
        id=_identity("pressure", reading.driver, _key(before), _key(now)),
        kind="pressure",
        name=reading.driver,
        as_of=as_of,
        sentence=sentence,
        before=before,
        now=now,
    )


def _watch_change(state: WatchState, last: str, as_of: datetime) -> Change:
    before, now = last.replace("_", " "), state.state.replace("_", " ")
    return Change(
        schema=1,
        id=_identity("watch", state.variable, last, state.state, str(state.since or as_of.date())),
        kind="watch",
        name=state.variable,
        as_of=as_of,
        sentence=f"{state.title} turned from {before} to {now}. {state.sentence}",
        state_before=last,
        state=state,
    )


def _key(told: ToldBand) -> str:
    return f"{told.week} {told.pressure:.6f}"


def _identity(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
