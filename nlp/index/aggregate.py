"""Attention, stance and pressure per period, and their bootstrap over outlets.

The sums that the three need are kept by cluster (the stories of one outlet in one period), so
that a replicate of the bootstrap is a reweighting of clusters and costs nothing per story except
the redrawn memberships.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from nlp.index.effects import OutletEffects
from nlp.index.spoken import Mixture
from nlp.index.stories import Booleans, Floats, Integers, StoryTable

Singles = npt.NDArray[np.float32]
BAND_LEVEL = 0.90
# Memberships more certain than this are kept at their expectation; redrawing them would not be
# seen.
_CERTAIN = 0.01
# Sums of weights below this are those of no story.
_NOTHING = 1e-12


@dataclass(frozen=True)
class Levels:
    """Per period (rows) and driver (columns), NaN where undefined; ``stories`` is per period."""

    stories: Integers
    tagged: Integers
    attention: Floats
    stance: Floats
    pressure: Floats


@dataclass(frozen=True)
class Clusters:
    """Sums by cluster (rows) and driver (columns); ``period_of`` and ``stories`` by cluster.

    ``outlet_of`` is the outlet's number where a period has several.
    """

    periods: int
    period_of: Integers
    outlet_of: Integers
    cluster_of_story: Integers
    stories: Floats
    attention: Floats
    tagged: Floats
    toned: Floats


class Aggregation:
    """Stories of one universe (all, or one asset) laid out by period and outlet.

    ``stance`` is that of each story for each driver as it counts
    (:class:`nlp.index.spoken.Counted`), ``weight`` that of each story, ``stance_weight`` that of
    each story in each driver's stance, ``prior`` the weight of neutral in each driver's stance,
    ``mixtures`` the columns in which a story's stance depends on what other outlets say.
    """

    def __init__(
        self,
        stories: StoryTable,
        *,
        keep: Booleans,
        period: Integers,
        periods: int,
        effects: OutletEffects,
        stance: Floats,
        weight: Floats,
        stance_weight: Floats,
        prior: Floats,
        mixtures: Mapping[int, Mixture],
    ) -> None:
        self._prior = prior
        self._mixtures = mixtures
        chosen = np.flatnonzero(keep)
        self._period = period[chosen]
        self._periods = periods
        outlet = stories.outlet[chosen]
        self._probability = stories.probability[chosen]
        self._tagged = stories.tagged[chosen]
        self._offset = effects.probability[outlet]
        self._weight = weight[chosen]
        self._in_stance = np.where(self._tagged, stance_weight[chosen], 0.0) * self._weight[:, None]
        self._toned = self._in_stance * stance[chosen]
        self._clusters = self._grouped(outlet)
        self.levels = self._levels()

    def _grouped(self, outlet: Integers) -> Clusters:
        # A period with a single outlet has no second cluster to compare with: there, stories are
        # the clusters.
        span = int(outlet.max()) + 1 if len(outlet) else 1
        pair = self._period * span + outlet
        present = np.unique(pair)
        outlets_in = np.bincount(present // span, minlength=self._periods)
        self._several_outlets = outlets_in > 1
        lone = outlets_in[self._period] == 1
        key = np.where(lone, self._period * (span + len(outlet)) + span + np.arange(len(outlet)), 0)
        key = np.where(lone, key, self._period * (span + len(outlet)) + outlet)
        keys, cluster = np.unique(key, return_inverse=True)
        count = len(keys)
        return Clusters(
            periods=self._periods,
            period_of=keys // (span + len(outlet)),
            outlet_of=keys % (span + len(outlet)),
            cluster_of_story=cluster.astype(np.int64),
            stories=np.bincount(cluster, weights=self._weight, minlength=count).astype(np.float64),
            attention=_by_group(
                (self._probability - self._offset) * self._weight[:, None], cluster, count
            ),
            tagged=_by_group(self._probability * self._in_stance, cluster, count),
            toned=_by_group(self._probability * self._toned, cluster, count),
        )

    def _levels(self) -> Levels:
        clusters = self._clusters
        weights = np.ones(len(clusters.stories))
        number, attention, tagged, toned = self._totals(
            weights, clusters.attention, clusters.tagged, clusters.toned
        )
        told = np.bincount(self._period, minlength=self._periods)
        share = _ratio(np.maximum(attention, 0.0), number[:, None])
        stance = self._stance(toned, tagged)
        pressure = np.where((told > 0)[:, None], share * np.nan_to_num(stance), np.nan)
        return Levels(
            stories=told,
            tagged=_by_group(self._tagged.astype(np.float64), self._period, self._periods).astype(
                np.int64
            ),
            attention=share,
            stance=stance,
            pressure=pressure,
        )

    def without_one_outlet(self) -> tuple[Integers, Floats]:
        """Pressure of a period without one of its outlets, a row for each outlet in each period.

        Gives the period's number and the pressure by driver. Periods of a single outlet have no
        row. Scales and outlet effects stay as they are.
        """
        clusters = self._clusters
        totals = self._totals(
            np.ones(len(clusters.stories)), clusters.attention, clusters.tagged, clusters.toned
        )
        rows = np.flatnonzero(self._several_outlets[clusters.period_of])
        period = clusters.period_of[rows]
        number, attention, tagged, toned = (
            total[period] - part[rows]
            for total, part in zip(
                totals,
                (clusters.stories, clusters.attention, clusters.tagged, clusters.toned),
                strict=True,
            )
        )
        for column, mixture in self._mixtures.items():
            # Without an outlet, what the others say of the day before is another thing too.
            for outlet in np.unique(clusters.outlet_of[rows]):
                here = clusters.outlet_of[rows] == outlet
                left = mixture.toned_without(int(outlet), periods=self._periods)
                toned[here, column] = left[period[here]]
        share = _ratio(np.maximum(attention, 0.0), number[:, None])
        return period, share * np.nan_to_num(self._stance(toned, tagged))

    def tagged_with_any(self, drivers: Sequence[int]) -> Integers:
        """Number of stories a period that are tagged with at least one of the numbered drivers."""
        told = self._tagged[:, list(drivers)].any(axis=1)
        return np.bincount(self._period[told], minlength=self._periods)

    def _stance(self, toned: Floats, tagged: Floats) -> Floats:
        return _ratio(toned, np.where(tagged > _NOTHING, tagged + self._prior, 0.0))

    def _totals(
        self, weights: Floats, attention: Floats, tagged: Floats, toned: Floats
    ) -> tuple[Floats, Floats, Floats, Floats]:
        period, periods = self._clusters.period_of, self._periods
        number: Floats = np.bincount(
            period, weights=weights * self._clusters.stories, minlength=periods
        ).astype(np.float64)
        return (
            number,
            _by_group(attention * weights[:, None], period, periods),
            _by_group(tagged * weights[:, None], period, periods),
            _by_group(toned * weights[:, None], period, periods),
        )

    def replicates(self, number: int, random: np.random.Generator) -> Singles:
        """Pressure in ``number`` replicates, shape (number, periods, drivers), in float32.

        Each replicate weights the outlets of a period by exponential draws (Bayesian bootstrap:
        Rubin, Annals of Statistics 9, 1981) and redraws which stories belong to a driver from the
        calibrated probabilities. Deviations are widened for the small number of outlets; periods
        with fewer than two clusters are NaN.
        """
        clusters = self._clusters
        drivers = self._probability.shape[1]
        story, driver = np.nonzero(
            (self._probability > _CERTAIN) & (self._probability < 1 - _CERTAIN)
        )
        chance = self._probability[story, driver].astype(np.float32)
        weight = self._weight[story]
        slots, slot = np.unique(
            clusters.cluster_of_story[story] * drivers + driver, return_inverse=True
        )
        # Only tagged stories have a stance, so the other two sums move by far fewer of them.
        told = np.flatnonzero(self._tagged[story, driver])
        in_stance = self._in_stance[story[told], driver[told]]
        in_tone = self._toned[story[told], driver[told]]
        told_slot = slot[told]
        widening = _widening(np.bincount(clusters.period_of, minlength=self._periods))
        drawn: Singles = np.empty((number, self._periods, drivers), dtype=np.float32)
        for replicate in range(number):
            surprise = (random.random(len(chance), dtype=np.float32) < chance) - chance
            shifted = []
            for base, slot_of, change in (
                (clusters.attention, slot, surprise * weight),
                (clusters.tagged, told_slot, surprise[told] * in_stance),
                (clusters.toned, told_slot, surprise[told] * in_tone),
            ):
                moved = base.copy()
                moved.reshape(-1)[slots] += np.bincount(
                    slot_of, weights=change, minlength=len(slots)
                )
                shifted.append(moved)
            weights = random.standard_exponential(len(clusters.stories))
            total, attention, tagged, toned = self._totals(weights, *shifted)
            share = _ratio(np.maximum(attention, 0.0), total[:, None])
            pressure = share * np.nan_to_num(self._stance(toned, tagged))
            drawn[replicate] = (
                self.levels.pressure + (pressure - self.levels.pressure) * widening[:, None]
            )
        return drawn


def _widening(clusters: Integers) -> Floats:
    """Factor on the deviations of a Bayesian bootstrap with that many clusters.

    ``sqrt((G + 1) / (G - 1))`` turns the Dirichlet variance into the unbiased one, and the ratio
    of Student's t with G - 1 degrees of freedom to the normal quantile allows for its being
    estimated. NaN for fewer than two.
    """
    factor = np.full(len(clusters), np.nan)
    enough = clusters > 1
    number = clusters[enough].astype(np.float64)
    upper = (1 + BAND_LEVEL) / 2
    student = stats.t.ppf(upper, number - 1) / stats.norm.ppf(upper)
    factor[enough] = np.sqrt((number + 1) / (number - 1)) * student
    return factor


def _by_group(values: Floats, group: Integers, groups: int) -> Floats:
    columns = [
        np.bincount(group, weights=values[:, column], minlength=groups)
        for column in range(values.shape[1])
    ]
    return np.stack(columns, axis=1) if columns else np.zeros((groups, 0))


def _ratio(above: Floats, below: Floats) -> Floats:
    below = np.broadcast_to(below, above.shape)
    known = below > _NOTHING
    ratio: Floats = np.divide(above, below, out=np.full(above.shape, np.nan), where=known)
    return ratio
