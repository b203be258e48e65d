"""Series that a user gives: one value a day, read and checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from corpus.errors import InputError, StudyError, UsageError
from nlp.index.stories import Floats, Integers
from nlp.study.align import Grid

if TYPE_CHECKING:
    import pandas as pd

_DAY = 86_400
_REMEDY = "see the series file in docs/contracts.md"


@dataclass(frozen=True)
class DatedSeries:
    """One series: days since 1970 (UTC, rising) and the value of each."""

    name: str
    days: Integers
    values: Floats

    def by_period(self, grid: Grid, *, of: Literal["mean", "last"]) -> Floats:
        """The value of each period of a daily or weekly grid; NaN where no day has one.

        A week takes the mean of its days or the last of them.
        """
        place = (self.days * _DAY - grid.starts[0]) // grid.length
        inside = (place >= 0) & (place < len(grid.starts))
        place, values = place[inside], self.values[inside]
        found = np.full(len(grid.starts), np.nan)
        if of == "last":
            found[place] = values
            return found
        number = np.bincount(place, minlength=len(found))
        sums = np.bincount(place, weights=values, minlength=len(found))
        there = number > 0
        found[there] = sums[there] / number[there]
        return found


def read_series(paths: Sequence[Path]) -> pd.DataFrame:
    """The rows of series files (``.csv`` or ``.parquet``): columns ``date``, ``value``, ``name``.

    A file without a column ``name`` is one series, named as the file is. Further columns are
    passed over. Raises :class:`UsageError` for another suffix and :class:`InputError` for a file
    that cannot be read or lacks a column.
    """
    import pandas as pd  # noqa: PLC0415 - keeps the command line quick to start

    parts = []
    for path in paths:
        suffix = path.suffix.lower()
        if suffix not in {".csv", ".parquet"}:
            raise UsageError(f"unknown suffix of {path.name!r}", remedy="give .csv or .parquet")
        try:
            part = pd.read_csv(path) if suffix == ".csv" else pd.read_parquet(path)
        except (OSError, ValueError) as error:
            raise InputError(f"cannot read {path}: {error}", remedy=_REMEDY) from error
        lacking = [column for column in ("date", "value") if column not in part.columns]
        if lacking:
            raise InputError(f"{path} has no column {', '.join(lacking)}", remedy=_REMEDY)
        if "name" not in part.columns:
            part["name"] = path.stem
        parts.append(part[["date", "value", "name"]])
    if not parts:
        return pd.DataFrame(columns=["date", "value", "name"])
    return pd.concat(parts, ignore_index=True)


def checked_series(table: pd.DataFrame) -> tuple[Mapping[str, DatedSeries], tuple[str, ...]]:
    """Series by name, and the reductions made, in sentences.

    Dropped and noted: days without a value. Raises :class:`StudyError` for missing columns, dates
    that are no ISO days, values that are no finite numbers, and days told more than once.
    """
    import pandas as pd  # noqa: PLC0415 - keeps the command line quick to start

    lacking = [column for column in ("date", "value", "name") if column not in table]
    if lacking:
        raise StudyError(f"the series have no column {', '.join(lacking)}", remedy=_REMEDY)
    found: dict[str, DatedSeries] = {}
    notes: list[str] = []
    for key, every in table.groupby("name", sort=True):
        name = str(key)
        empty = every["value"].isna()
        if empty.any():
            notes.append(f"{int(empty.sum())} days of {name} have no value and were dropped.")
        rows = every[~empty]
        values = pd.to_numeric(rows["value"], errors="coerce").to_numpy(dtype=np.float64)
        if not np.isfinite(values).all():
            bad = rows["value"].iloc[int(np.flatnonzero(~np.isfinite(values))[0])]
            raise StudyError(f"the value {bad!r} of {name} is no number", remedy=_REMEDY)
        days = np.array([_day(name, one) for one in rows["date"]], dtype=np.int64)
        order = np.argsort(days, kind="stable")
        days, values = days[order], values[order]
        twice = np.flatnonzero(np.diff(days) == 0)
        if len(twice):
            raise StudyError(
                f"{name} has more than one value on {day_of(int(days[twice[0]]))}",
                remedy="keep one value per day and series",
            )
        found[name] = DatedSeries(name, days, values)
    return found, tuple(notes)


def day_of(days: int) -> date:
    """The day that many days after 1 January 1970."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=days)).date()


def _day(name: str, told: object) -> int:
    text = told.isoformat() if isinstance(told, date) else str(told)
    try:
        # A moment at midnight is how tables of days are often stored.
        whole = datetime.fromisoformat(text)
    except ValueError:
        raise StudyError(
            f"the date {text!r} of {name} is no day", remedy="write dates like 2025-11-14"
        ) from None
    if (whole.hour, whole.minute, whole.second) != (0, 0, 0):
        raise StudyError(
            f"the date {text!r} of {name} holds a time of day", remedy="give one value per day"
        )
    return (whole.date() - date(1970, 1, 1)).days
