"""Turn raw scores into probabilities and decisions, on development data only.

Each driver's network logit and word-level score are joined by a logistic regression (Platt 1999
with two inputs); its threshold is the one with the best F1, smoothed over its neighbours because a
thousand items leave the curve ragged. Stance is temperature-scaled (Guo et al. 2017,
arXiv:1706.04599); overall sentiment joins its two sources in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from nlp.decide import sigmoid, softmax
from nlp.manifest import DriverHead, Joint
from nlp.training.dataset import NO_STANCE, LabelledItems

Floats = NDArray[np.float64]
# Share of items that each driver may leave undecided.
UNDECIDED = 0.04
# Thresholds looked at; outside of these a tag would contradict its own probability.
THRESHOLDS = np.round(np.arange(0.25, 0.751, 0.01), 2)
# How far from the best threshold a gap is looked for.
GAP_REACH = 0.03


def calibrate_driver(name: str, network: Floats, lexical: Floats, truth: Floats) -> DriverHead:
    """Calibration and threshold of one driver from scores and labels (items,)."""
    table = np.column_stack([network, lexical])
    fit = LogisticRegression(C=1.0).fit(table, truth)
    weight, shift = fit.coef_[0], float(fit.intercept_[0])
    probability = sigmoid(table @ weight + shift)
    head = DriverHead(
        name=name,
        network=float(weight[0]),
        lexical=float(weight[1]),
        shift=shift,
        threshold=0.5,
        uncertain_from=0.5,
        uncertain_to=0.5,
    )
    return head_with_threshold(head, best_threshold(probability, truth), probability)


def head_with_threshold(head: DriverHead, threshold: float, probability: Floats) -> DriverHead:
    """``head`` with another threshold and the band around it, from probabilities (items,)."""
    low, high = undecided_band(probability, threshold)
    return head.model_copy(
        update={"threshold": threshold, "uncertain_from": low, "uncertain_to": high}
    )


def best_threshold(probability: Floats, truth: Floats) -> float:
    """The threshold whose F1, averaged with its neighbours', is best."""
    scores = np.array([_f1(probability >= cut, truth > 0) for cut in THRESHOLDS])
    smooth = np.convolve(np.pad(scores, 2, mode="edge"), np.ones(5) / 5, mode="valid")
    return float(THRESHOLDS[int(smooth.argmax())])


def in_a_gap(threshold: float, first: Floats, second: Floats) -> float:
    """The middle of the widest gap near ``threshold`` between the probabilities of items.

    ``first`` and ``second`` (items,) are what two backends say of the same items: what one of them
    rounds otherwise then turns no tag.
    """
    order = np.argsort(np.minimum(first, second))
    bottom, top = threshold - GAP_REACH, threshold + GAP_REACH
    starts = np.append(np.minimum(first, second)[order], top).clip(bottom, top)
    ends = np.insert(np.maximum(first, second)[order], 0, bottom).clip(bottom, top)
    reached = np.maximum.accumulate(ends)
    widest = int((starts - reached).argmax())
    return round(float(starts[widest] + reached[widest]) / 2, 4)


def undecided_band(probability: Floats, threshold: float) -> tuple[float, float]:
    """The band around the threshold that holds :data:`UNDECIDED` of the items."""
    distance = np.abs(probability - threshold)
    reach = float(np.quantile(distance, UNDECIDED))
    return round(max(0.0, threshold - reach), 4), round(min(1.0, threshold + reach), 4)


def stance_temperature(logits: Floats, stance: NDArray[np.int64]) -> float:
    """Temperature of the stance head from logits (items, drivers, 3) where a driver is labelled."""
    there = stance != NO_STANCE
    chosen, truth = logits[there], stance[there]
    found = minimize(
        lambda log: _log_loss(chosen / np.exp(log[0]), truth), x0=[0.0], method="Nelder-Mead"
    )
    return float(np.exp(found.x[0]))


def calibrate_sentiment(network: Floats, lexical: Floats, items: LabelledItems) -> Joint:
    """Weights of the two sources of sentiment logits (items, 3), and a shift a class."""
    rated = items.sentiment != NO_STANCE
    first, second, truth = network[rated], lexical[rated], items.sentiment[rated]

    def loss(values: Floats) -> float:
        logits = first * values[0] + second * values[1] + np.array([values[2], 0.0, values[3]])
        # A light pull to no shift, since a thousand items say little about the shares of a later
        # year.
        return _log_loss(logits, truth) + 0.01 * float((values[2:] ** 2).sum())

    found = minimize(loss, x0=[1.0, 0.5, 0.0, 0.0], method="Nelder-Mead")
    network_weight, lexical_weight, bearish, bullish = (float(one) for one in found.x)
    return Joint(network=network_weight, lexical=lexical_weight, shift=(bearish, 0.0, bullish))


def _log_loss(logits: Floats, truth: Sequence[int] | NDArray[np.int64]) -> float:
    shares = softmax(logits)[np.arange(len(truth)), truth]
    return float(-np.log(np.maximum(shares, 1e-12)).mean())


def _f1(found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    return float(2 * (found & truth).sum() / max(1, found.sum() + truth.sum()))
