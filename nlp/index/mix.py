"""Whether a period's stories come from other outlets than those of the base window.

The distance of two mixes is half the sum of the absolute differences of the outlets' shares (total
variation): the share of stories that would have to change outlet. Few stories lie far from any mix
by chance, so a period is flagged only when its distance is beyond that of every period of the base
window and beyond what 99 of 100 draws of as many stories from the base window's mix give.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nlp.index.stories import Booleans, Floats, Integers

_DRAWS = 400
_LEVEL = 0.99
# Any seed will do; this one is fixed so that a vintage stays the same bytes.
_SEED = 20250901


@dataclass(frozen=True)
class SourceMix:
    """Per period: distance from the base window's mix (NaN without stories), and the flag."""

    distance: Floats
    changed: Booleans


def source_mix(period: Integers, outlet: Integers, *, outlets: int, in_base: Booleans) -> SourceMix:
    """The mix of each period; ``period`` and ``outlet`` are numbers, one a story.

    ``in_base`` says which periods lie in the base window. Without a story in it nothing is flagged
    and no distance is known.
    """
    periods = len(in_base)
    key, count = np.unique(period * outlets + outlet, return_counts=True)
    stories = np.bincount(period, minlength=periods)
    distance = np.full(periods, np.nan)
    changed = np.zeros(periods, dtype=np.bool_)
    base = in_base[key // outlets]
    usual = np.bincount(key[base] % outlets, weights=count[base], minlength=outlets)
    if usual.sum() == 0:
        return SourceMix(distance, changed)
    usual = usual / usual.sum()
    # Half the sum over all outlets is the sum over those whose share is above the usual one.
    share = count / stories[key // outlets]
    above = np.maximum(share - usual[key % outlets], 0.0)
    sums = np.bincount(key // outlets, weights=above, minlength=periods)
    covered = stories > 0
    distance[covered] = sums[covered]
    farthest = distance[in_base & covered].max()
    beyond = covered & ~in_base & (distance > farthest)
    random = np.random.default_rng(_SEED)
    for number in np.unique(stories[beyond]).tolist():
        drawn = random.multinomial(number, usual, size=_DRAWS) / number
        chance = np.quantile(np.maximum(drawn - usual, 0.0).sum(axis=1), _LEVEL)
        changed |= beyond & (stories == number) & (distance > chance)
    return SourceMix(distance, changed)
