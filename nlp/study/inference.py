"""Permutation of the index by blocks: p-values of single tests and of a whole plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from nlp.index.stories import Floats, Integers


@dataclass(frozen=True)
class Family:
    """Tests on one sample: ``index`` (rows x drivers) against ``target`` (rows x targets).

    ``pairs`` says which column of index meets which column of target; rows are complete and in
    order of time.
    """

    index: Floats
    target: Floats
    pairs: tuple[tuple[int, int], ...]
    block: int


@dataclass(frozen=True)
class Permuted:
    """Per test: correlation, its deviation under the null, single and plan-wide p-value."""

    correlation: Floats
    null_deviation: Floats
    p_value: Floats
    p_plan: Floats


def permutation_tests(
    families: Sequence[Family],
    *,
    resamples: int,
    seed: int,
    step: Callable[[], None] = lambda: None,
) -> tuple[Permuted, ...]:
    """Block permutation tests of all families at once.

    The rows of the index are cut into circular blocks from a random place and the blocks are put
    in random order, all drivers together; targets stay, and with them their tails and changing
    variance. Correlations are studentised by their deviation over permutations; the plan-wide
    p-value compares each with the largest of all tests in the same permutation (Westfall and
    Young, Resampling-Based Multiple Testing, 1993). Families are permuted independently, which
    can only make the largest larger. ``step`` is called after each family.
    """
    random = np.random.default_rng(seed)
    observed: list[Floats] = []
    null: list[Floats] = []
    for family in families:
        index, target = _standardised(family.index), _standardised(family.target)
        rows, columns = np.array(family.pairs).T
        observed.append(_paired(index, target, rows, columns))
        orders = block_orders(len(index), family.block, resamples, random)
        null.append(np.stack([_paired(index[order], target, rows, columns) for order in orders]))
        step()
    deviations = [np.maximum(draws.std(axis=0, ddof=1), 1e-12) for draws in null]
    largest = np.max(
        np.concatenate(
            [np.abs(draws) / spread for draws, spread in zip(null, deviations, strict=True)], axis=1
        ),
        axis=1,
    )
    found = []
    for value, draws, spread in zip(observed, null, deviations, strict=True):
        exceeded = (np.abs(draws) >= np.abs(value)).sum(axis=0)
        beyond = (largest[:, None] >= np.abs(value) / spread).sum(axis=0)
        found.append(
            Permuted(
                correlation=value,
                null_deviation=spread,
                p_value=(1 + exceeded) / (1 + resamples),
                p_plan=(1 + beyond) / (1 + resamples),
            )
        )
    return tuple(found)


def block_orders(
    rows: int, block: int, number: int, random: np.random.Generator
) -> Iterator[Integers]:
    """``number`` orders of ``rows`` rows: circular blocks from a random offset, shuffled."""
    places = np.arange(rows)
    begins = np.arange(0, rows, block)
    lengths = np.minimum(block, rows - begins)
    for _ in range(number):
        offset = int(random.integers(rows))
        shuffled = random.permutation(len(begins))
        long = lengths[shuffled]
        moved = begins[shuffled] - (np.cumsum(long) - long)
        yield (np.repeat(moved, long) + places + offset) % rows


def _paired(index: Floats, target: Floats, rows: Integers, columns: Integers) -> Floats:
    """Correlations of the paired columns of two standardised tables."""
    sums: Floats = np.einsum("ij,ij->j", index[:, rows], target[:, columns])
    return sums / len(index)


def _standardised(values: Floats) -> Floats:
    whole: Floats = (values - values.mean(axis=0)) / values.std(axis=0)
    return whole
