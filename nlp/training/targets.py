"""What a network is trained towards: hard labels, a teacher's opinion, or a mixture of both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nlp.records import STANCES
from nlp.training.dataset import NO_STANCE, LabelledItems

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Targets:
    """Targets of ``items`` rows.

    ``driver`` (items, drivers) and ``relevant`` (items,) are probabilities. ``stance`` (items,
    drivers, 3) and ``sentiment`` (items, 3) are shares over :data:`nlp.records.STANCES`; what they
    sum to is the weight of that row in the loss, so that zeros leave it out.
    """

    driver: Floats
    stance: Floats
    sentiment: Floats
    relevant: Floats

    def __len__(self) -> int:
        return len(self.driver)

    def rows(self, chosen: NDArray[np.bool_]) -> Targets:
        """The rows where ``chosen`` (items,) is true."""
        return Targets(
            self.driver[chosen], self.stance[chosen], self.sentiment[chosen], self.relevant[chosen]
        )


def hard_targets(items: LabelledItems, smoothing: float) -> Targets:
    """Targets of labelled items, with label smoothing (Szegedy et al. 2016, arXiv:1512.00567)."""
    return Targets(
        driver=items.driver * (1 - smoothing) + smoothing / 2,
        stance=_shares(items.stance, smoothing),
        sentiment=_shares(items.sentiment, smoothing),
        relevant=items.relevant,
    )


def mixed(hard: Targets, taught: Targets, rows: NDArray[np.int64], share: float) -> Targets:
    """``hard`` with ``share`` of the stance and sentiment of ``rows`` taken from the teacher.

    Drivers keep their labels, on which readers agree best; only rows with a labelled stance or
    sentiment are mixed, and ``taught`` holds one row for each of ``rows``.
    """
    stance, sentiment = hard.stance.copy(), hard.sentiment.copy()
    there = stance[rows].sum(-1, keepdims=True)
    opinion = taught.stance / np.maximum(taught.stance.sum(-1, keepdims=True), 1e-9)
    stance[rows] = (1 - share) * stance[rows] + share * there * opinion
    rated = sentiment[rows].sum(-1, keepdims=True)
    sentiment[rows] = (1 - share) * sentiment[rows] + share * rated * taught.sentiment
    return Targets(hard.driver, stance, sentiment, hard.relevant)


def one_after_the_other(first: Targets, second: Targets) -> Targets:
    """The rows of both."""
    return Targets(
        driver=np.concatenate([first.driver, second.driver]),
        stance=np.concatenate([first.stance, second.stance]),
        sentiment=np.concatenate([first.sentiment, second.sentiment]),
        relevant=np.concatenate([first.relevant, second.relevant]),
    )


def _shares(labels: NDArray[np.int64], smoothing: float) -> Floats:
    shares = np.eye(len(STANCES), dtype=np.float32)[np.maximum(labels, 0)]
    shares = shares * (1 - smoothing) + smoothing / len(STANCES)
    return np.where((labels == NO_STANCE)[..., None], 0, shares).astype(np.float32)
