"""Tests that must find nothing, run beside those of the plan every time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from nlp.study.cells import family_of
from nlp.study.inference import Family, block_orders, permutation_tests
from nlp.study.plan import Plan
from nlp.study.prices import Closes
from nlp.study.result import Missing, Placebo, PlaceboKind
from nlp.study.samples import Sample, Sampler

if TYPE_CHECKING:
    import pandas as pd


def placebos(
    plan: Plan, samples: Sequence[Sample], *, step: Callable[[], None]
) -> tuple[Placebo, ...]:
    """The next-period tests again, with an index that cannot matter."""
    random = np.random.default_rng(plan.seed + 1)
    families: list[Family] = []
    labels: list[tuple[PlaceboKind, Sample]] = []
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
    return _tested(plan, labels, families, step=step)


def unrelated_topics(
    plan: Plan, index: pd.DataFrame, closes: Mapping[str, Closes]
) -> tuple[tuple[Placebo, ...], tuple[Missing, ...]]:
    """Returns of the same and of the next period against topics not known to move the price.

    The tests of the plan with the topics in the place of its drivers, and what was not computed.
    """
    if not plan.placebo_topics:
        return (), ()
    changed = {"drivers": plan.placebo_topics, "horizons": (1,), "lags": (1,)}
    sampler = Sampler(plan.model_copy(update=changed), index, closes)
    chosen = [
        sample
        for sample in sampler.samples()
        if sample.test.target == "return" and sample.test.relation != "price_leads"
    ]
    labels: list[tuple[PlaceboKind, Sample]] = [("unrelated_topic", one) for one in chosen]
    missing = tuple(
        one.model_copy(update={"method": "placebo"})
        for one in sampler.missing
        if one.target == "return" and one.relation != "price_leads"
    )
    return _tested(plan, labels, [family_of(one) for one in chosen]), missing


def _tested(
    plan: Plan,
    labels: Sequence[tuple[PlaceboKind, Sample]],
    families: Sequence[Family],
    *,
    step: Callable[[], None] = lambda: None,
) -> tuple[Placebo, ...]:
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
            relation=sample.test.relation,
        )
        for (kind, sample), family, one in zip(labels, families, tested, strict=True)
        for place, driver in enumerate(sample.drivers)
    )


def is_next_period(sample: Sample) -> bool:
    """Whether a sample is the test of the very next period."""
    test = sample.test
    return (test.relation, test.horizon, test.lag) == ("predictive", 1, 1)
