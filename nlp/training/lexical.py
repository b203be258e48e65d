"""Fit the lexical head: one regularised logistic regression an output."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression
from tokenizers import Encoding
from tqdm import tqdm

from nlp.lexical import BUCKETS, LexicalHead, token_runs
from nlp.training.dataset import NO_STANCE, LabelledItems

# Inverse strength of the penalty.
DRIVER_FREEDOM = 20.0
SENTIMENT_FREEDOM = 4.0


def fit_lexical_head(items: LabelledItems, encodings: list[Encoding]) -> LexicalHead:
    """The head for the drivers and the overall sentiment of ``items``."""
    counts = run_table(encodings)
    weighting = TfidfTransformer()
    features = weighting.fit_transform(counts)
    columns: list[NDArray[np.float64]] = []
    bias: list[float] = []
    for driver in tqdm(range(items.driver.shape[1]), desc="word-level head", unit="driver"):
        fit = LogisticRegression(C=DRIVER_FREEDOM, solver="liblinear").fit(
            features, items.driver[:, driver]
        )
        columns.append(fit.coef_[0])
        bias.append(float(fit.intercept_[0]))
    rated = items.sentiment != NO_STANCE
    fit = LogisticRegression(C=SENTIMENT_FREEDOM, max_iter=300).fit(
        features[rated], items.sentiment[rated]
    )
    columns += list(fit.coef_)
    bias += fit.intercept_.tolist()
    weights = np.column_stack(columns)
    scale = np.abs(weights).max(axis=0) / 127
    return LexicalHead(
        weights=np.rint(weights / scale).astype(np.int8),
        scale=scale.astype(np.float32),
        rarity=weighting.idf_.astype(np.float16).astype(np.float32),
        bias=np.array(bias, np.float32),
    )


def run_table(encodings: list[Encoding]) -> csr_matrix:
    """Presence of token runs, shape (items, buckets)."""
    item, bucket = token_runs(encodings)
    return csr_matrix(
        (np.ones(len(item)), (item, bucket)), shape=(len(encodings), BUCKETS), dtype=np.float64
    )


def write_lexical_head(head: LexicalHead, path: Path) -> None:
    """Write the head as safetensors."""
    save_file(
        {
            "weights": head.weights,
            "scale": head.scale,
            "rarity": head.rarity.astype(np.float16),
            "bias": head.bias,
        },
        path,
    )
