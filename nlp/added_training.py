"""Learn a driver from a handful of examples, and say how well it is told apart.

The encoder stays as it is. Two linear scores are learned, both in closed form because a handful of
examples bears no more: of the mean token state, Fisher's discriminant with the covariance of the
background drawn towards a sphere (Ledoit and Wolf 2004 give the reason; here by a fixed part),
which plays down the directions in which all news varies; of the words, the mean of the examples
less that of other news (Rocchio 1971). Each is put on the scale of the background and the two are
joined by a fixed weight. The constants were chosen on labelled news: ``docs/own-driver.md``.

Scores of items left out of the fit (stratified folds) are turned into probabilities by a smoothed
logistic regression (Platt 1999) for news of which :data:`SHARE` speaks of the driver: a handful of
examples cannot tell how common it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import vstack
from scipy.stats import rankdata

from corpus.errors import InputError
from nlp.added_drivers import AddedDriver, AddedReport, CalibrationBin, manifest_digest
from nlp.added_examples import (
    FEWEST,
    MOST,
    Example,
    Examples,
    background_items,
    digest_of_items,
)
from nlp.added_tagging import Views
from nlp.decide import Floats, sigmoid
from nlp.records import Item, TagFailure, TagRecord
from nlp.tagger import Tagger

SHARE = 0.1
# How far the covariance is drawn towards a sphere.
SHRINKAGE = 0.7
WORD_WEIGHT = 0.3
MOST_FOLDS = 10
DRAWS = 1000
SEED = 20251207
# Below either, examples and other news are too alike. Examples without a common theme still differ
# from the background in manner, and the more so the more of them there are: so the least average
# precision grows with their number, from the first figure for the fewest to the second for the
# most (docs/own-driver.md has what was measured).
LEAST_AUC = 0.8
LEAST_PRECISION = (0.5, 0.7)
THRESHOLDS = np.round(np.arange(0.25, 0.751, 0.01), 2)
# Share of held-out news, weighted by SHARE, that is left undecided.
UNDECIDED = 0.04
BINS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_CHUNK = 64

Booleans = NDArray[np.bool_]


@dataclass(frozen=True)
class Held:
    """Cross-validated scores: ``score`` and ``truth`` (items,), calibrated ``probability``
    (items,), ``weight`` (items,) that makes :data:`SHARE` of the whole speak of the driver.
    """

    score: Floats
    probability: Floats
    truth: Booleans
    weight: Floats


def learn_driver(
    tagger: Tagger,
    examples: Examples,
    *,
    name: str,
    title: str,
    created_at: datetime,
    on_progress: Callable[[int], None] = lambda _items: None,
) -> AddedDriver:
    """Learn a driver over the tagger's frozen encoder.

    ``on_progress`` is told of items as they are read. The same examples on the same model give the
    same driver. Raises :class:`InputError` naming the line of an example that the model cannot
    read, :class:`ModelError` when the model does not bear added drivers.
    """
    tags = _read(tagger, examples)
    background = background_items()
    items = [example.item for example in examples.all] + list(background)
    views = _views(tagger, items, on_progress)
    truth = np.zeros(len(items), np.bool_)
    truth[: len(examples.all)] = [example.label for example in examples.all]
    given = np.arange(len(items)) < len(examples.all)

    fold = folds_of(truth, given)
    held_score = np.empty(len(items))
    for number in range(int(fold.max()) + 1):
        left_out = fold == number
        kept = views.rows(np.flatnonzero(~left_out))
        part = fit(kept, truth[~left_out], given[~left_out])
        held_score[left_out] = part.scores(views.rows(np.flatnonzero(left_out)))
    weight = np.where(truth, SHARE / truth.sum(), (1 - SHARE) / (~truth).sum())
    scale, shift = calibrate(held_score, truth, weight)
    held = Held(held_score, sigmoid(held_score * scale + shift), truth, weight)
    threshold = best_threshold(held)
    reach = _undecided_reach(held, threshold)
    whole = fit(views, truth, given)
    words = np.flatnonzero(whole.words)
    return AddedDriver(
        name=name,
        title=title,
        created_at=created_at,
        model=tagger.manifest.identity,
        manifest=manifest_digest(tagger.manifest),
        examples=examples.digest,
        background=digest_of_items(background),
        state_weights=tuple(float(value) for value in whole.states * scale),
        words=tuple(int(bucket) for bucket in words),
        word_weights=tuple(float(value) for value in whole.words[words] * scale),
        bias=whole.bias * scale + shift,
        threshold=threshold,
        uncertain_from=round(max(0.0, threshold - reach), 4),
        uncertain_to=round(min(1.0, threshold + reach), 4),
        report=_report(held, threshold, examples, tags, folds=int(fold.max()) + 1),
    )


@dataclass(frozen=True)
class Linear:
    """A linear score of views: weights of ``states`` (width,) and ``words`` (buckets,)."""

    states: Floats
    words: Floats
    bias: float

    def scores(self, views: Views) -> Floats:
        """Scores (items,)."""
        found: Floats = views.states @ self.states + views.words @ self.words + self.bias
        return found


def fit(views: Views, truth: Booleans, given: Booleans) -> Linear:
    """Learn from positives, given negatives and background, which ``given`` tells from examples.

    A given negative weighs as much as a positive, the whole background as all positives together:
    what is said not to be meant counts for more than what merely is around.
    """
    about, unlike, around = truth, given & ~truth, ~given
    against = np.where(unlike, 1.0, np.where(around, about.sum() / around.sum(), 0.0))
    against /= against.sum()

    centre = views.states[around].mean(axis=0)
    spread = views.states[around].std(axis=0) + 1e-9
    table = (views.states - centre) / spread
    covariance = np.cov(table[around].T)
    sphere = np.eye(len(covariance)) * np.trace(covariance) / len(covariance)
    contrast = table[about].mean(axis=0) - against @ table
    direction = np.linalg.solve((1 - SHRINKAGE) * covariance + SHRINKAGE * sphere, contrast)
    states = direction / spread

    typical = np.asarray(views.words[about].mean(axis=0)).ravel()
    words = np.where(typical > 0, typical - views.words.T @ against, 0.0)

    state_scores, word_scores = views.states @ states, views.words @ words
    state_part = (1 - WORD_WEIGHT) / (state_scores[around].std() + 1e-9)
    word_part = WORD_WEIGHT / (word_scores[around].std() + 1e-9)
    bias = -state_part * state_scores[around].mean() - word_part * word_scores[around].mean()
    return Linear(states * state_part, words * word_part, float(bias))


def folds_of(truth: Booleans, given: Booleans) -> NDArray[np.int64]:
    """The fold of each item; positives, given negatives and background are spread evenly."""
    folds = min(MOST_FOLDS, int(truth.sum()))
    found = np.empty(len(truth), np.int64)
    generator = np.random.default_rng(SEED)
    for group in (truth, given & ~truth, ~given):
        places = generator.permutation(np.flatnonzero(group))
        found[places] = np.arange(len(places)) % folds
    return found


def calibrate(score: Floats, truth: Booleans, weight: Floats) -> tuple[float, float]:
    """Scale and shift that turn scores into log odds.

    Targets are drawn in from 0 and 1 as Platt has it, since a few examples prove no certainty.
    """
    positives, negatives = truth.sum(), (~truth).sum()
    target = np.where(truth, (positives + 1) / (positives + 2), 1 / (negatives + 2))

    def loss(values: Floats) -> float:
        logits = score * np.exp(values[0]) + values[1]
        return float(weight @ (np.logaddexp(0, logits) - target * logits))

    found = minimize(loss, x0=[0.0, 0.0], method="Nelder-Mead", options={"maxiter": 2000})
    return float(np.exp(found.x[0])), float(found.x[1])


def best_threshold(held: Held) -> float:
    """The threshold whose weighted F1, averaged with its neighbours', is best."""
    scores = []
    for cut in THRESHOLDS:
        precision, recall = _precision_recall(held, cut)
        scores.append(2 * precision * recall / max(precision + recall, 1e-12))
    smooth = np.convolve(np.pad(scores, 2, mode="edge"), np.ones(5) / 5, mode="valid")
    # Of equals the middle one.
    best = np.flatnonzero(smooth >= smooth.max() - 1e-9)
    return float(THRESHOLDS[best[len(best) // 2]])


def average_precision(score: Floats, truth: Booleans, weight: Floats) -> float:
    """Area under the weighted precision-recall curve, as a step function."""
    order = np.argsort(-score, kind="stable")
    hit = truth[order] * weight[order]
    precision = np.cumsum(hit) / np.cumsum(weight[order])
    return float((precision * hit).sum() / hit.sum())


def auc(score: Floats, truth: Booleans) -> float:
    """Chance that a positive scores above a negative; ties count half."""
    ranks = rankdata(score)
    positives = int(truth.sum())
    above = ranks[truth].sum() - positives * (positives + 1) / 2
    return float(above / (positives * (len(truth) - positives)))


def least_precision(positives: int) -> float:
    """The average precision below which a number of examples is warned of."""
    part = np.log(positives / FEWEST) / np.log(MOST / FEWEST)
    return float(LEAST_PRECISION[0] + part * (LEAST_PRECISION[1] - LEAST_PRECISION[0]))


def _auc_interval(held: Held) -> tuple[float, float]:
    generator = np.random.default_rng(SEED)
    positives, negatives = held.score[held.truth], np.sort(held.score[~held.truth])
    below = np.searchsorted(negatives, positives) / len(negatives)
    # The examples are few and the other news is many: only the former is drawn anew.
    drawn = generator.choice(below, size=(DRAWS, len(below))).mean(axis=1)
    return float(np.quantile(drawn, 0.05)), float(np.quantile(drawn, 0.95))


def _precision_recall(held: Held, threshold: float) -> tuple[float, float]:
    found = held.probability >= threshold
    right = held.weight[found & held.truth].sum()
    precision = right / held.weight[found].sum() if found.any() else 0.0
    return float(precision), float(right / held.weight[held.truth].sum())


def _undecided_reach(held: Held, threshold: float) -> float:
    distance = np.abs(held.probability - threshold)
    order = np.argsort(distance)
    place = int(np.searchsorted(np.cumsum(held.weight[order]), UNDECIDED))
    return float(distance[order][place])


def _calibration(held: Held) -> tuple[tuple[CalibrationBin, ...], float]:
    """Bins of the held-out news by probability, and the expected calibration error over them."""
    place = np.clip(np.digitize(held.probability, BINS) - 1, 0, len(BINS) - 2)
    bins, error = [], 0.0
    for number in np.unique(place):
        inside = place == number
        weight = held.weight[inside]
        probability = float(np.average(held.probability[inside], weights=weight))
        share = float(np.average(held.truth[inside], weights=weight))
        error += float(weight.sum()) * abs(probability - share)
        bins.append(
            CalibrationBin(
                lower=BINS[number],
                upper=BINS[number + 1],
                items=int(inside.sum()),
                probability=_rounded(probability),
                share=_rounded(share),
            )
        )
    return tuple(bins), error


def _report(
    held: Held,
    threshold: float,
    examples: Examples,
    tags: Sequence[TagRecord],
    *,
    folds: int,
) -> AddedReport:
    precision, recall = _precision_recall(held, threshold)
    lower, upper = _auc_interval(held)
    bins, error = _calibration(held)
    positives = [
        (example, tag) for example, tag in zip(examples.all, tags, strict=True) if example.label
    ]
    rated = [(example, tag) for example, tag in positives if example.stance is not None]
    told_apart = average_precision(held.score, held.truth, held.weight)
    resembles, alike = _resembles([tag for _, tag in positives])
    warnings = []
    if lower < LEAST_AUC or told_apart < least_precision(len(positives)):
        warnings.append(
            "these examples cannot be told apart from other news well enough to rely on the tags:"
            " give more of them, of one theme, or examples of what is not meant (label false)"
        )
    if resembles is not None:
        warnings.append(
            f"{alike} of {len(positives)} examples are tagged with {resembles} already:"
            f" give examples of {resembles} that are not meant (label false)"
        )
    return AddedReport(
        positives=len(positives),
        negatives=len(examples.negatives),
        background=len(held.truth) - len(examples.all),
        folds=folds,
        share=SHARE,
        average_precision=_rounded(told_apart),
        auc=_rounded(auc(held.score, held.truth)),
        auc_lower=_rounded(lower),
        auc_upper=_rounded(upper),
        precision=_rounded(precision),
        recall=_rounded(recall),
        calibration_error=_rounded(error),
        bins=bins,
        stances=len(rated),
        stances_right=sum(
            tag.sentiment is not None and tag.sentiment.label == example.stance
            for example, tag in rated
        ),
        resembles=resembles,
        warnings=tuple(warnings),
    )


def _resembles(tags: Sequence[TagRecord]) -> tuple[str | None, int]:
    """The driver that at least half of the items carry most often, and how many do."""
    counts: dict[str, int] = {}
    for record in tags:
        for tag in record.drivers:
            counts[tag.driver] = counts.get(tag.driver, 0) + 1
    if not counts:
        return None, 0
    name = max(sorted(counts), key=lambda one: counts[one])
    return (name, counts[name]) if counts[name] * 2 >= len(tags) else (None, 0)


def _read(tagger: Tagger, examples: Examples) -> list[TagRecord]:
    """What the tagger says of the examples by now."""
    found = []
    for example, record in zip(
        examples.all, tagger.tag([example.item for example in examples.all]), strict=True
    ):
        found.append(_readable(example, record))
    return found


def _readable(example: Example, record: TagRecord | TagFailure) -> TagRecord:
    if isinstance(record, TagFailure):
        raise InputError(f"line {example.item.id}: {record.error}", remedy="mend or drop it")
    if record.relevant is None:
        raise InputError(
            f"line {example.item.id} is in a language that the model does not read"
            f" ({record.language or 'unknown'})",
            remedy="drop it",
        )
    return record


def _views(tagger: Tagger, items: Sequence[Item], tell: Callable[[int], None]) -> Views:
    parts = []
    for start in range(0, len(items), _CHUNK):
        parts.append(tagger.views(items[start : start + _CHUNK]))
        tell(len(parts[-1].states))
    return Views(
        np.concatenate([part.states for part in parts]),
        vstack([part.words for part in parts], format="csr"),
    )


def _rounded(value: float) -> float:
    return round(float(value), 4)
