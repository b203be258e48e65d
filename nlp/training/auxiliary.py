"""Sentiment of other finance text as a first lesson in direction, before the labelled news.

Parquet files with columns ``text``, ``label`` (``negative``, ``neutral``, ``positive``) and
optionally ``extra``, JSON whose ``entity`` names what the label is about; the entity then stands
where a title stands.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np

from corpus.errors import InputError
from nlp.training.config import TrainingConfig
from nlp.training.dataset import NO_STANCE, LabelledItems

LABELS = ("negative", "neutral", "positive")


def read_auxiliary(paths: Sequence[Path], drivers: int) -> LabelledItems:
    """Items of all files as labelled items with a sentiment and no driver.

    Raises :class:`InputError` for a file that cannot be read or lacks a column.
    """
    import pandas as pd  # noqa: PLC0415 - only where such files are given

    titles: list[str | None] = []
    texts: list[str | None] = []
    labels: list[int] = []
    digest = sha256()
    for path in paths:
        try:
            digest.update(path.read_bytes())
            table = pd.read_parquet(path)
            told = [LABELS.index(label) for label in table["label"]]
        except (OSError, ValueError, KeyError) as fault:
            raise InputError(
                f"{path} is no auxiliary file: {fault}",
                remedy=f"give Parquet with columns text and label ({', '.join(LABELS)})",
            ) from fault
        extras = table["extra"] if "extra" in table else ["{}"] * len(table)
        titles += [json.loads(extra or "{}").get("entity") for extra in extras]
        texts += [str(text) for text in table["text"]]
        labels += told
    count = len(labels)
    return LabelledItems(
        ids=tuple(str(number) for number in range(count)),
        titles=tuple(titles),
        texts=tuple(texts),
        driver=np.zeros((count, drivers), np.float32),
        stance=np.full((count, drivers), NO_STANCE, np.int64),
        sentiment=np.array(labels, np.int64),
        relevant=np.ones(count, np.float32),
        digest=digest.hexdigest(),
    )


def first_lesson(config: TrainingConfig) -> TrainingConfig:
    """The configuration for auxiliary items: only the sentiment head learns beside the encoder."""
    return config.model_copy(
        update={
            "epochs": config.auxiliary_epochs,
            "driver_weight": 0.0,
            "stance_weight": 0.0,
            "relevance_weight": 0.0,
        }
    )
