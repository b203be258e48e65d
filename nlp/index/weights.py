"""How much each story counts: fresh ones more on request, and in a stance by what they speak of.

Two drivers speak of facts that their stories tell with more or less of a day's delay, and a stance
is worth as much as its stories know of its period:

* ETF flows by day or hour: a story that states the net flow of the asset's funds for the last
  trading day counts :data:`STATED_DAY` times as much as one on filings, fees or launches, on a
  week's flows or those of one fund, which tell little or nothing of the day. Over longer periods
  every reported flow counts :data:`STATED` times as much.
* Leverage: a story that states a reported liquidation likewise, against one on a trader's plans or
  a new kind of contract. Liquidations are told of the 24 hours before, so that a story of the
  early morning speaks of the day before; it counts by the share of those hours that lies in its
  period (by the day, :mod:`nlp.index.spoken` goes on from there).

Attention is not weighted so: how much is written is the same whatever it speaks of.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import numpy as np

from nlp.index.periods import LENGTHS, Frequency
from nlp.index.stances import states_day
from nlp.index.stated import FLOW_DRIVER
from nlp.index.stories import Floats, Integers, StoryTable

STATED = 3.0
STATED_DAY = 10.0
LEVERAGE_DRIVER = "leverage"
SPOKEN_OF = timedelta(hours=24)
# A story at midnight still says something of its day, and one that states only its day is taken
# to come in the middle of it.
_LEAST_SHARE = 1 / 24
_DAY_ONLY_SHARE = 0.5


def stance_weights(
    stories: StoryTable,
    names: Sequence[str],
    *,
    universe: int,
    starts: Integers,
    frequency: Frequency,
) -> Floats:
    """Weight of each story (rows) in the stance of each of ``names`` (columns).

    ``universe`` is 0 for all assets or the asset's number from 1 on, ``starts`` the start of each
    story's period (seconds since 1970, UTC).
    """
    weights = np.ones((len(stories), len(names)))
    if LENGTHS[frequency] > timedelta(days=1):
        told = np.isfinite(stories.flows[:, universe])
        weights[told, names.index(FLOW_DRIVER)] = STATED
    else:
        weights[states_day(stories, universe), names.index(FLOW_DRIVER)] = STATED_DAY
    weights[stories.liquidated, names.index(LEVERAGE_DRIVER)] = STATED
    if LENGTHS[frequency] >= SPOKEN_OF:
        weights[:, names.index(LEVERAGE_DRIVER)] *= share_of_period(stories, starts)
    return weights


def share_of_period(stories: StoryTable, starts: Integers) -> Floats:
    """Share of the 24 hours before each story that lies in its period, 1/24 at least."""
    share = (stories.seconds - starts) / SPOKEN_OF.total_seconds()
    share = np.where(stories.day_only, _DAY_ONLY_SHARE, share)
    clipped: Floats = np.clip(share, _LEAST_SHARE, 1.0)
    return clipped


def freshness(
    stories: StoryTable, half_life: timedelta | None, *, starts: Integers, frequency: Frequency
) -> Floats:
    """Weight of each story that halves with every ``half_life`` before the end of its period.

    All one without a half-life. ``starts`` is the start of each story's period.
    """
    if half_life is None:
        return np.ones(len(stories))
    age = starts + LENGTHS[frequency].total_seconds() - stories.seconds
    weights: Floats = np.exp2(-age / half_life.total_seconds())
    return weights
