"""What stories on leverage say of their own day, apart from the day before.

Liquidations are told of the 24 hours before a story, so that one at 06:00 speaks with a quarter of
its hours of its own day and with three of the day before. The stance that a story tells is taken as
that mixture, ``s = f x + (1 - f) b`` for its share ``f`` and the stances ``x`` of the day and ``b``
of the day before, and least squares over the stories of both days tell the two apart: what
yesterday's news has said already does not count again. Each day's stance is held towards neutral by
:data:`PRIOR`, as a day of two stories tells little.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nlp.index.effects import OutletEffects
from nlp.index.periods import LENGTHS, Frequency
from nlp.index.stances import counted_stances
from nlp.index.stories import Booleans, Floats, Integers, StoryTable
from nlp.index.weights import LEVERAGE_DRIVER, SPOKEN_OF, share_of_period, stance_weights

# Variance of a story's stance about its day's over that of the days' stances, in stories.
PRIOR = 3.0


@dataclass(frozen=True)
class Mixture:
    """What stories (rows) say of leverage, of their own day and of the day before together.

    ``mass`` is a story's weight, 0 where it says nothing of leverage, ``share`` that of its own
    day in what it says, ``period`` the number of its day, ``outlet`` that of its outlet.
    """

    stance: Floats
    mass: Floats
    share: Floats
    period: Integers
    outlet: Integers

    def where(self, keep: Booleans) -> Mixture:
        """The stories for which ``keep`` holds."""
        return Mixture(
            self.stance[keep],
            self.mass[keep],
            self.share[keep],
            self.period[keep],
            self.outlet[keep],
        )

    def own_days(self, mass: Floats) -> Floats:
        """What each story says of its own day, were its other hours as the day before.

        ``mass`` weighs the stories that tell what the days were like.
        """
        before, size = _day_before(self.stance, mass, self.share, self.period)
        own: Floats = (self.stance - (1 - self.share) * before) / self.share
        return own / np.maximum(size, 1.0)

    def toned_without(self, outlet: int, *, periods: int) -> Floats:
        """``sum(q weight stance)`` of each period, were there no such outlet on any day."""
        mass = np.where(self.outlet == outlet, 0.0, self.mass)
        toned = mass * self.share**2 * self.own_days(mass)
        return np.bincount(self.period, weights=toned, minlength=periods).astype(np.float64)


@dataclass(frozen=True)
class Counted:
    """Stories (rows) as they count in the stance of each driver (columns).

    A stance of a period is ``sum(q weight stance) / (prior + sum(q weight))`` over its tagged
    stories with their probabilities ``q``. ``mixtures`` are, by column, what leaves a story's
    stance to depend on other outlets.
    """

    stance: Floats
    weight: Floats
    prior: Floats
    mixtures: Mapping[int, Mixture]


def as_counted(
    stories: StoryTable,
    effects: OutletEffects,
    usual_flow: Floats,
    *,
    names: Sequence[str],
    universe: int,
    frequency: Frequency,
    keep: Booleans,
    period: Integers,
    starts: Integers,
    fresh: Floats,
) -> Counted:
    """Stance and weight of every story in each of ``names``, for one universe.

    ``universe`` is 0 for all assets or the asset's number from 1 on, ``keep`` tells its stories;
    ``period`` is the number of each story's period, from 0 on, ``starts`` its start (seconds since
    1970, UTC), ``fresh`` the story's weight by its age.
    """
    stance = counted_stances(
        stories, effects, usual_flow, names=names, universe=universe, frequency=frequency
    )
    weight = stance_weights(stories, names, universe=universe, starts=starts, frequency=frequency)
    prior = np.zeros(len(names))
    mixtures: dict[int, Mixture] = {}
    if LENGTHS[frequency] == SPOKEN_OF and len(stories):
        column = names.index(LEVERAGE_DRIVER)
        share = share_of_period(stories, starts)
        plain = weight[:, column] / share
        told = keep & stories.tagged[:, column]
        mass = np.where(told, stories.probability[:, column] * plain * fresh, 0.0)
        mixture = Mixture(stance[:, column].copy(), mass, share, period, stories.outlet)
        stance[:, column] = mixture.own_days(mass)
        # Errors grow as the share shrinks.
        weight[:, column] = plain * share**2
        prior[column] = PRIOR
        if told.any():
            mixtures[column] = mixture.where(told)
    return Counted(stance, weight, prior, mixtures)


def _day_before(
    stance: Floats, mass: Floats, share: Floats, period: Integers
) -> tuple[Floats, Floats]:
    """For each story the stance of the day before its own, and the size of its day's stance.

    Solves the normal equations of ``s = f x + (1 - f) b`` over the stories of a day and of the day
    before it, whose own day before is the third unknown.
    """
    periods = int(period.max()) + 1
    rest = 1 - share

    def summed(values: Floats) -> Floats:
        total = np.bincount(period, weights=mass * values, minlength=periods)
        return np.asarray(total, dtype=np.float64)

    def of_day_before(values: Floats) -> Floats:
        return np.concatenate([[0.0], values[:-1]])

    own, both, other = summed(share**2), summed(share * rest), summed(rest**2)
    said, said_before = summed(share * stance), summed(rest * stance)
    # The third unknown is eliminated first, then the day before.
    oldest = of_day_before(other) + PRIOR
    middle = of_day_before(own) - of_day_before(both) ** 2 / oldest + other + PRIOR
    right = (
        of_day_before(said) - of_day_before(both) * of_day_before(said_before) / oldest
    ) + said_before
    day = (said - both * right / middle) / (own + PRIOR - both**2 / middle)
    before = (right - both * day) / middle
    return before[period], np.abs(day)[period]
