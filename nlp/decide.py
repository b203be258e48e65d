"""From scores of windows to what is said of an item: calibrated probabilities, stance, sentiment.

An article of several windows has a driver as strongly as its lead has it, or as the window of its
body that has it most strongly, less ``body_shift``: a body of thirty windows has thirty chances to
look like something. Body windows in which the word-level head rules out every driver (below
``body_floor``) are not read by the network at all. Its stance is the mean over windows weighted by
the driver's probability there, its sentiment the mean of lead (``lead_weight``) and body.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nlp.manifest import Manifest

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scores:
    """Raw scores of the windows of one item, the lead first.

    ``driver`` (windows, drivers), ``stance`` (windows, drivers, 3), ``sentiment`` (windows, 3),
    ``relevance`` (windows,) are logits of the network; ``lexical`` (windows, drivers + 3) those of
    the word-level head.
    """

    driver: Floats
    stance: Floats
    sentiment: Floats
    relevance: Floats
    lexical: Floats


@dataclass(frozen=True)
class Judgement:
    """Probabilities of one item: ``driver`` (drivers,), ``stance`` (drivers, 3), ``sentiment``
    (3,), ``relevance``.

    ``window_driver`` (windows, drivers) are the drivers' probabilities in each window, from which
    evidence is chosen.
    """

    driver: Floats
    stance: Floats
    sentiment: Floats
    relevance: float
    window_driver: Floats


def judge(scores: Scores, manifest: Manifest) -> Judgement:
    """Judge one item by the calibration in the manifest."""
    drivers = len(manifest.heads)
    network = np.array([head.network for head in manifest.heads])
    lexical = np.array([head.lexical for head in manifest.heads])
    shift = np.array([head.shift for head in manifest.heads])
    logits = scores.driver * network + scores.lexical[:, :drivers] * lexical + shift
    joint = manifest.sentiment
    sentiment_logits = (
        scores.sentiment * joint.network
        + scores.lexical[:, drivers:] * joint.lexical
        + np.array(joint.shift)
    )
    stance = softmax(scores.stance / manifest.stance_temperature)
    sentiment = softmax(sentiment_logits)
    window_driver = sigmoid(logits)
    if len(logits) == 1:
        driver, stance, sentiment = window_driver[0], stance[0], sentiment[0]
    else:
        driver = sigmoid(article_logits(logits, manifest.long_text.body_shift))
        weight = window_driver / window_driver.sum(axis=0)
        stance = (stance * weight[:, :, None]).sum(axis=0)
        lead = manifest.long_text.lead_weight
        sentiment = lead * sentiment[0] + (1 - lead) * sentiment[1:].mean(axis=0)
    relevance = float(sigmoid(scores.relevance[:1])[0])
    return Judgement(driver, stance, sentiment, relevance, window_driver)


def article_logits(logits: Floats, body_shift: float) -> Floats:
    """Logits of an article (drivers,) from its windows' (windows, drivers), the lead first."""
    found: Floats = np.maximum(logits[0], logits[1:].max(axis=0) - body_shift)
    return found


def sigmoid(values: Floats) -> Floats:
    """Logistic function."""
    squashed: Floats = 1 / (1 + np.exp(-np.clip(values, -60, 60)))
    return squashed


def softmax(values: Floats) -> Floats:
    """Softmax over the last axis."""
    risen = np.exp(values - values.max(axis=-1, keepdims=True))
    shares: Floats = risen / risen.sum(axis=-1, keepdims=True)
    return shares
