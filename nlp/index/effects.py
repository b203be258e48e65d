"""What is usual for an outlet, measured over the base window and shrunken for small outlets.

An outlet that always writes of ETFs, or is always gloomy, must not move the index merely by
publishing more. The effect of an outlet is its mean minus the mean of all, times ``n / (n + k)``
with ``k`` the ratio of the variance within outlets to that between them, estimated by the method
of moments of one-way random effects (Searle, Casella and McCulloch, Variance Components, 1992,
section 3.6).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nlp.index.stories import Booleans, Floats, Integers, StoryTable


@dataclass(frozen=True)
class OutletEffects:
    """Usual deviation of each outlet (rows) for each driver (columns)."""

    probability: Floats
    stance: Floats


def outlet_effects(stories: StoryTable, in_base: Booleans) -> OutletEffects:
    """Effects from the stories of the base window only; zero for outlets without a story in it."""
    drivers = stories.probability.shape[1]
    outlets = len(stories.outlets)
    outlet = stories.outlet[in_base]
    probability = np.zeros((outlets, drivers))
    stance = np.zeros((outlets, drivers))
    for driver in range(drivers):
        probability[:, driver] = shrunken_deviations(
            stories.probability[in_base, driver], outlet, outlets
        )
        told = stories.tagged[in_base, driver]
        stance[:, driver] = shrunken_deviations(
            stories.stance[in_base, driver][told], outlet[told], outlets
        )
    return OutletEffects(probability=probability, stance=stance)


def shrunken_deviations(values: Floats, group: Integers, groups: int) -> Floats:
    """Deviation of each group's mean from the mean of all values, shrunken by ``n / (n + k)``.

    All zero when there are fewer than two groups with values, no group with two, or no variance
    between groups.
    """
    number = np.bincount(group, minlength=groups).astype(np.float64)
    present = np.count_nonzero(number)
    total = number.sum()
    if present < 2 or total <= present:
        return np.zeros(groups)
    mean = values.mean()
    sums = np.bincount(group, weights=values, minlength=groups)
    deviation = np.divide(sums, number, out=np.full(groups, mean), where=number > 0) - mean
    within = float(np.sum((values - mean - deviation[group]) ** 2) / (total - present))
    spread = float(np.sum(number * deviation**2))
    between = (spread - (present - 1) * within) / (total - float(np.sum(number**2)) / total)
    if between <= 0:
        return np.zeros(groups)
    shrunken: Floats = deviation * number / (number + within / between)
    return shrunken
