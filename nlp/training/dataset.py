"""Labelled news items as arrays, with every broken line named."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpus.errors import InputError
from nlp.records import STANCES

NO_STANCE = -1


@dataclass(frozen=True)
class LabelledItems:
    """Items with their labels, row by row.

    ``driver`` (items, drivers) is 0 or 1; ``stance`` (items, drivers) is an index into
    :data:`nlp.records.STANCES`, or :data:`NO_STANCE` where the driver is absent; ``sentiment``
    (items,) likewise, with :data:`NO_STANCE` for off-topic items; ``relevant`` (items,) is 0 or 1.
    """

    ids: tuple[str, ...]
    titles: tuple[str | None, ...]
    texts: tuple[str | None, ...]
    driver: NDArray[np.float32]
    stance: NDArray[np.int64]
    sentiment: NDArray[np.int64]
    relevant: NDArray[np.float32]
    digest: str

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def pairs(self) -> list[tuple[str | None, str | None]]:
        """Title and text of each item, as the text encoder takes them."""
        return list(zip(self.titles, self.texts, strict=True))


def read_labelled(path: Path, drivers: Sequence[str]) -> LabelledItems:
    """Read a JSONL file of labelled items (``docs/training.md`` gives the format).

    Raises :class:`InputError` naming the line at fault: a set with holes is not trained on.
    """
    if not path.is_file():
        raise InputError(
            f"no labelled file at {path}", remedy="give a JSONL file of labelled items"
        )
    payload = path.read_bytes()
    rows = []
    for number, line in enumerate(payload.decode("utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            _check(row, drivers)
        except (ValueError, KeyError, TypeError, AttributeError) as fault:
            raise InputError(f"{path}, line {number}: {fault}", remedy="mend or drop it") from fault
        rows.append(row)
    if not rows:
        raise InputError(f"{path} holds no items", remedy="give a JSONL file of labelled items")
    return as_items(rows, drivers, digest=sha256(payload).hexdigest())


def as_items(
    rows: Sequence[Mapping[str, Any]], drivers: Sequence[str], digest: str
) -> LabelledItems:
    """Checked rows as arrays."""
    column = {name: position for position, name in enumerate(drivers)}
    stance = np.full((len(rows), len(drivers)), NO_STANCE, np.int64)
    for position, row in enumerate(rows):
        for name, label in row["drivers"].items():
            stance[position, column[name]] = STANCES.index(label)
    relevant = np.array([row["relevant"] for row in rows], np.float32)
    sentiment = np.array([STANCES.index(row["sentiment"]) for row in rows], np.int64)
    return LabelledItems(
        ids=tuple(row["id"] for row in rows),
        titles=tuple(row.get("title") for row in rows),
        texts=tuple(row.get("text") for row in rows),
        driver=(stance != NO_STANCE).astype(np.float32),
        stance=stance,
        sentiment=np.where(relevant > 0, sentiment, NO_STANCE),
        relevant=relevant,
        digest=digest,
    )


def _check(row: dict[str, object], drivers: Sequence[str]) -> None:
    for key in ("id", "drivers", "sentiment", "relevant"):
        if key not in row:
            raise ValueError(f"field {key!r} is missing")
    if not (row.get("title") or row.get("text")):
        raise ValueError("neither title nor text")
    labels = row["drivers"]
    if not isinstance(labels, dict):
        raise TypeError("drivers must be an object of driver to stance")
    for name, label in labels.items():
        if name not in drivers:
            raise ValueError(f"unknown driver {name!r}")
        if label not in STANCES:
            raise ValueError(f"unknown stance {label!r}")
    if row["sentiment"] not in STANCES:
        raise ValueError(f"unknown sentiment {row['sentiment']!r}")
