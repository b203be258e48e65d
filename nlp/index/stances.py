"""Stances as the index counts them: the tagger's less the outlet's usual one, or a stated flow.

The net flow of all funds for the last trading day (:func:`nlp.index.stated.day_flows`) is what an
index of flows by day is about: it says side and size at once, where the words of a story may be
glad of a record or sorry for a slowdown.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import numpy as np

from nlp.index.effects import OutletEffects
from nlp.index.periods import LENGTHS, Frequency
from nlp.index.stated import FLOW_DRIVER
from nlp.index.stories import Booleans, Floats, StoryTable

# From so many stories of the base window on, their median says what a usual flow is.
LEAST_TOLD = 5


def usual_flows(stories: StoryTable, in_base: Booleans) -> Floats:
    """Median size of a stated day's flow over the base window, by asset.

    NaN where fewer than :data:`LEAST_TOLD` stories state one.
    """
    sizes = np.abs(stories.day_flows[in_base])
    usual = np.full(sizes.shape[1], np.nan)
    for asset in range(sizes.shape[1]):
        told = sizes[np.isfinite(sizes[:, asset]), asset]
        if len(told) >= LEAST_TOLD:
            usual[asset] = np.median(told)
    return usual


def states_day(stories: StoryTable, universe: int) -> Booleans:
    """Whether a story states a day's flow of an asset (its number from 1 on), or of any (0)."""
    told = np.isfinite(stories.day_flows)
    columns = slice(None) if universe == 0 else slice(universe - 1, universe)
    found: Booleans = np.asarray(told[:, columns].any(axis=1), dtype=np.bool_)
    return found


def stated_stance(
    stories: StoryTable, usual: Floats, *, universe: int, frequency: Frequency
) -> Floats:
    """Stance of each story by the flow that it states, NaN where the tagger's stance stands.

    ``tanh(flow / usual)``; for all assets the mean over those stated, each against its own usual
    flow. Periods longer than a day have none: their flows are weeks'.
    """
    if LENGTHS[frequency] > timedelta(days=1):
        return np.full(len(stories), np.nan)
    said: Floats = np.tanh(stories.day_flows / usual)
    if universe:
        return said[:, universe - 1]
    number = np.isfinite(said).sum(axis=1)
    mean: Floats = np.divide(
        np.nansum(said, axis=1), number, out=np.full(len(said), np.nan), where=number > 0
    )
    return mean


def counted_stances(
    stories: StoryTable,
    effects: OutletEffects,
    usual: Floats,
    *,
    names: Sequence[str],
    universe: int,
    frequency: Frequency,
) -> Floats:
    """Stance of each story (rows) in each of ``names`` (columns), in [-1, 1].

    ``universe`` is 0 for all assets or the asset's number from 1 on. A stated flow is a fact, of
    which outlets have no usual level.
    """
    counted = np.clip(stories.stance - effects.stance[stories.outlet], -1.0, 1.0)
    said = stated_stance(stories, usual, universe=universe, frequency=frequency)
    column = names.index(FLOW_DRIVER)
    counted[:, column] = np.where(np.isfinite(said), said, counted[:, column])
    return counted
