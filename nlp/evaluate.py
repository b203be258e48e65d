"""Tags against gold labels: F1 by driver, stance, sentiment, calibration, coverage, with bootstrap
intervals.

Gold items are lines of JSON: ``id``, ``drivers`` (driver to stance), ``sentiment``, and where known
``kind``, ``published_at``, ``source``. Tags are tag records as dictionaries. A gold item without a
record counts as no driver and neutral, and is counted.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from corpus.errors import InputError
from corpus.records import Record
from nlp.records import STANCES
from nlp.taxonomy import drivers

# Shares of the items that are answered when the least certain are left out.
COVERAGES = (0.9, 0.8, 0.7, 0.6)
LEVEL = 0.90
Part = Literal["kind", "year", "source"]
Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


class Figure(Record):
    """A figure with its bootstrap interval over items (90%); null where it is undefined."""

    value: float | None
    lower: float | None
    upper: float | None


class Scores(Record):
    """All figures of one evaluation.

    ``parts`` holds the main ones by kind, year or source of the items.
    """

    items: int
    without_record: int
    figures: dict[str, Figure]
    parts: dict[str, dict[str, dict[str, float | None]]]


@dataclass(frozen=True)
class Table:
    """Gold and tags by item (rows) and driver (columns).

    Stance and sentiment index :data:`STANCES`, -1 for none.
    """

    truth: Integers
    tagged: Integers
    probability: Floats
    true_stance: Integers
    tagged_stance: Integers
    true_sentiment: Integers
    tagged_sentiment: Integers

    def rows(self, chosen: Integers | NDArray[np.bool_]) -> Table:
        """The chosen items."""
        return Table(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


def evaluate(
    gold: Path,
    tags: Iterable[Mapping[str, Any]],
    *,
    resamples: int = 1000,
    seed: int = 0,
    by: Sequence[Part] = ("kind", "year"),
) -> Scores:
    """Score tag records against a gold file.

    Raises :class:`InputError` for a gold file that cannot be read, naming the line.
    """
    items = read_gold(gold)
    records = {str(record["id"]): record for record in tags}
    table = tabulate(items, records)
    random = np.random.default_rng(seed)
    draws = [
        figures_of(table.rows(random.integers(0, len(items), len(items)))) for _ in range(resamples)
    ]
    tail = (1 - LEVEL) / 2
    figures = {}
    for name, value in figures_of(table).items():
        drawn = np.array([draw.get(name, np.nan) for draw in draws])
        drawn = drawn[np.isfinite(drawn)]
        low, high = np.quantile(drawn, [tail, 1 - tail]) if len(drawn) else (np.nan, np.nan)
        figures[name] = Figure(value=_finite(value), lower=_finite(low), upper=_finite(high))
    return Scores(
        items=len(items),
        without_record=sum(item["id"] not in records for item in items),
        figures=figures,
        parts={part: _parts(items, table, part) for part in by},
    )


def read_gold(path: Path) -> list[dict[str, Any]]:
    """Gold items in the order of the file."""
    if not path.is_file():
        raise InputError(f"no gold file at {path}", remedy="give a JSONL file of labelled items")
    items = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            item = json.loads(line)
            item["id"] = str(item["id"])
            known = {driver.name for driver in drivers()}
            for name, stance in item["drivers"].items():
                if name not in known:
                    raise ValueError(f"unknown driver {name!r}")
                STANCES.index(stance)
            STANCES.index(item["sentiment"])
        except KeyError as fault:
            raise InputError(
                f"{path}, line {number}: no field {fault}",
                remedy="give labelled items: id, drivers, sentiment (docs/training.md)",
            ) from fault
        except (ValueError, TypeError, AttributeError) as fault:
            raise InputError(f"{path}, line {number}: {fault}", remedy="mend the line") from fault
        items.append(item)
    if not items:
        raise InputError(f"{path} holds no items", remedy="give a JSONL file of labelled items")
    return items


def tabulate(items: Sequence[Mapping[str, Any]], records: Mapping[str, Mapping[str, Any]]) -> Table:
    """Gold items and their records as arrays."""
    column = {driver.name: number for number, driver in enumerate(drivers())}
    shape = (len(items), len(column))
    table = Table(
        truth=np.zeros(shape, np.int64),
        tagged=np.zeros(shape, np.int64),
        probability=np.full(shape, np.nan),
        true_stance=np.full(shape, -1),
        tagged_stance=np.full(shape, -1),
        true_sentiment=np.array([STANCES.index(item["sentiment"]) for item in items]),
        tagged_sentiment=np.full(len(items), STANCES.index("neutral")),
    )
    for row, item in enumerate(items):
        for name, stance in item["drivers"].items():
            table.truth[row, column[name]] = 1
            table.true_stance[row, column[name]] = STANCES.index(stance)
        record = records.get(item["id"], {})
        for name, probability in (record.get("probabilities") or {}).items():
            if name in column:
                table.probability[row, column[name]] = probability
        for tag in record.get("drivers") or ():
            if tag["driver"] in column:
                table.tagged[row, column[tag["driver"]]] = 1
                table.tagged_stance[row, column[tag["driver"]]] = STANCES.index(tag["stance"])
        if record.get("sentiment"):
            table.tagged_sentiment[row] = STANCES.index(record["sentiment"]["label"])
    return table


def figures_of(table: Table) -> dict[str, float]:
    """Every figure of a table, NaN where undefined."""
    names = [driver.name for driver in drivers()]
    core = [number for number, driver in enumerate(drivers()) if driver.core]
    truth, tagged = table.truth > 0, table.tagged > 0
    per = [f1(tagged[:, number], truth[:, number]) for number in range(len(names))]
    found: dict[str, float] = {}
    for number, name in enumerate(names):
        right = float((tagged[:, number] & truth[:, number]).sum())
        found[f"precision.{name}"] = _share(right, float(tagged[:, number].sum()))
        found[f"recall.{name}"] = _share(right, float(truth[:, number].sum()))
        found[f"f1.{name}"] = per[number]
    found["f1.core"] = float(np.mean([per[number] for number in core]))
    found["f1.all"] = float(np.mean(per))
    hit = truth & tagged
    found["stance.accuracy"] = _mean(table.true_stance[hit] == table.tagged_stance[hit])
    found["stance.macro_f1"] = macro_f1(table.tagged_stance[hit], table.true_stance[hit])
    found["sentiment.accuracy"] = _mean(table.true_sentiment == table.tagged_sentiment)
    found["sentiment.macro_f1"] = macro_f1(table.tagged_sentiment, table.true_sentiment)
    if np.isfinite(table.probability).all():
        found["calibration.ece"] = calibration_error(table.probability, table.truth)
        sure = np.abs(table.probability - 0.5)[:, core].min(axis=1)
        for coverage in COVERAGES:
            kept = sure >= np.quantile(sure, 1 - coverage)
            found[f"f1.core@{coverage:.0%}coverage"] = float(
                np.mean([f1(tagged[kept, number], truth[kept, number]) for number in core])
            )
    return found


def f1(found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    """F1 of a binary decision; NaN when there is neither a positive nor a claim of one."""
    return _share(2 * float((found & truth).sum()), float(found.sum() + truth.sum()))


def macro_f1(found: Integers, truth: Integers) -> float:
    """Mean F1 over the three stances."""
    return float(np.mean([f1(found == label, truth == label) for label in range(len(STANCES))]))


def calibration_error(probability: Floats, truth: Integers) -> float:
    """Expected calibration error.

    Gap of mean probability and frequency in ten equal bins, weighted.
    """
    bins = np.minimum((probability * 10).astype(np.int64), 9)
    error = 0.0
    for number in range(10):
        inside = bins == number
        if inside.any():
            gap = abs(float(probability[inside].mean()) - float(truth[inside].mean()))
            error += float(inside.mean()) * gap
    return error


def _parts(
    items: Sequence[Mapping[str, Any]], table: Table, part: Part
) -> dict[str, dict[str, float | None]]:
    if part == "year":
        names = [str(item.get("published_at") or "undated")[:4] for item in items]
    else:
        told = [item.get(part) for item in items]
        names = [one if isinstance(one, str) else "untold" for one in told]
    found: dict[str, dict[str, float | None]] = {}
    for name in sorted(set(names)):
        rows = np.array([one == name for one in names])
        figures = figures_of(table.rows(rows))
        main = ("f1.core", "f1.all", "stance.accuracy", "sentiment.macro_f1")
        found[name] = {key: _finite(figures[key]) for key in main}
        found[name]["items"] = float(rows.sum())
    return found


def _share(above: float, below: float) -> float:
    return above / below if below else float("nan")


def _mean(values: NDArray[np.bool_]) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
