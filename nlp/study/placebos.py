"""Tests that must find nothing, run beside those of the plan every time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from nlp.study.cells import family_of
from nlp.study.inference import Family, block_orders, permutation_tests
from nlp.study.plan import Plan
from nlp.study.result import Placebo
from nlp.study.samples import Sample

Kind = Literal["future_index", "shuffled_blocks"]


def placebos(
    plan: Plan, samples: Sequence[Sample], *, step: Callable[[], None]
) -> tuple[Placebo, ...]:
    """The next-period tests again, with an index that cannot matter."""
    random = np.random.default_rng(plan.seed + 1)
    families: list[Family] = []
    labels: list[tuple[Kind, Sample]] = []
    for sample in samples:
        if not is_next_period(sample):
            continue
        plain = family_of(sample)
        shift = plan.placebo_shift
        if len(plain.index) - shift >= plan.minimum_periods:
            families.append(
                Family(plain.index[shift:], plain.target[:-shift], plain.pairs, plain.block)
            )
            labels.append(("future_index", sample))
        order = next(block_orders(len(plain.index), plain.block, 1, random))
        families.append(Family(plain.index[order], plain.target, plain.pairs, plain.block))
        labels.append(("shuffled_blocks", sample))
    if not families:
        return ()
    tested = permutation_tests(families, resamples=plan.resamples, seed=plan.seed + 2, step=step)
    return tuple(
        Placebo(
            kind=kind,
            driver=driver,
            asset=sample.test.asset,
            periods=len(family.index),
            correlation=float(one.correlation[place]),
            p_value=float(one.p_value[place]),
            target=sample.test.target,
        )
        for (kind, sample), family, one in zip(labels, families, tested, strict=True)
        for place, driver in enumerate(sample.drivers)
    )


def is_next_period(sample: Sample) -> bool:
    """Whether a sample is the test of the very next period."""
    test = sample.test
    return (test.relation, test.horizon, test.lag) == ("predictive", 1, 1)
