"""The fit and its figures, on made-up views whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from nlp.added_tagging import Views
from nlp.added_training import auc, average_precision, calibrate, fit, folds_of, least_precision
from nlp.lexical import BUCKETS

AROUND, ABOUT, WIDTH = 300, 8, 12


def made_up_views(generator: np.random.Generator, *, unlike: int) -> tuple[Views, np.ndarray]:
    """Examples that lie off along axes 0 and 1, others given as not meant along 0 alone, and
    background. Words: bucket 1 is the examples' own, bucket 2 everyone's.
    """
    states = generator.normal(size=(ABOUT + unlike + AROUND, WIDTH))
    states[: ABOUT + unlike, 0] += 6
    states[:ABOUT, 1] += 3
    words = np.zeros((len(states), 3))
    words[:ABOUT, 1] = 0.7
    words[:, 2] = generator.uniform(0.1, 0.7, len(states))
    padded = csr_matrix(
        (words.ravel(), (*np.indices(words.shape).reshape(2, -1),)), shape=(len(words), BUCKETS)
    )
    truth = np.arange(len(states)) < ABOUT
    return Views(states, padded), truth


def test_what_is_said_not_to_be_meant_counts():
    views, truth = made_up_views(np.random.default_rng(1), unlike=8)
    told = np.arange(len(truth)) < ABOUT + 8
    with_it = fit(views, truth, told)
    rows = np.flatnonzero(~told | truth)
    without = fit(views.rows(rows), truth[rows], truth[rows])
    near_miss = views.rows(np.arange(ABOUT, ABOUT + 8))
    assert with_it.scores(near_miss).mean() < without.scores(near_miss).mean()
    assert auc(with_it.scores(views), truth) == 1.0


def test_only_words_of_the_examples_weigh():
    views, truth = made_up_views(np.random.default_rng(2), unlike=0)
    found = fit(views, truth, truth)
    assert found.words[1] > 0
    assert set(np.flatnonzero(found.words)) <= {1, 2}
    scores = found.scores(views)[~truth]
    # Each part is put on the background's scale.
    assert abs(scores.mean()) < 1e-9


def test_each_fold_leaves_out_some_of_each_kind():
    truth = np.arange(100) < 9
    given = np.arange(100) < 29
    fold = folds_of(truth, given)
    assert fold.max() == 8
    for number in range(9):
        inside = fold == number
        assert (inside & truth).sum() == 1
        assert (inside & given & ~truth).sum() in {2, 3}
    assert (folds_of(truth, given) == fold).all()


def test_figures_agree_with_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics", reason="compares with scikit-learn (train)")
    generator = np.random.default_rng(3)
    truth = generator.random(200) < 0.2
    score = generator.normal(size=200) + truth
    weight = np.where(truth, 0.5, 2.0)
    assert average_precision(score, truth, weight) == pytest.approx(
        metrics.average_precision_score(truth, score, sample_weight=weight)
    )
    assert auc(score, truth) == pytest.approx(metrics.roc_auc_score(truth, score))


def test_scores_become_probabilities_of_the_stated_share():
    generator = np.random.default_rng(4)
    truth = np.arange(4000) < 2000
    # Two normal distributions a distance of 2 apart: the log odds are 2 x less 2, and the share's.
    score = generator.normal(size=4000) + 2 * truth
    weight = np.where(truth, 0.1 / 2000, 0.9 / 2000)
    scale, shift = calibrate(score, truth, weight)
    assert scale == pytest.approx(2, rel=0.15)
    assert shift == pytest.approx(-2 + np.log(0.1 / 0.9), rel=0.15)


def test_more_examples_must_be_told_apart_better():
    assert least_precision(8) == pytest.approx(0.5)
    assert least_precision(8) < least_precision(20) < least_precision(50)
