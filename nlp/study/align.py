"""Put index and returns on one time line without letting the index know the future.

A period of the index is ``[start, end)``. With ``known(t)`` the last close at or before ``t`` and
``next(t)`` the first close at or after it:

* contemporaneous return: ``log known(end) - log known(start)``; * predictive return, horizon h,
lag l: ``log next(end + (l-1+h) L) - log next(end + (l-1) L)`` with L the length of a period;
every bar in it begins at or after the period's end; * return before: ``log known(start) - log
known(start - L)``, closed by the time the period begins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from corpus.errors import StudyError
from nlp.index.periods import LENGTHS, Frequency, checked_frequency
from nlp.index.stories import Booleans, Floats, Integers
from nlp.study.prices import Closes
from nlp.study.result import Relation

if TYPE_CHECKING:
    import pandas as pd

ALIGNMENT = (
    "Returns are logarithmic, never levels. Contemporaneous: the return between the closes last"
    " known at the start and the end of the index period. Predictive: the return over bars that"
    " begin at or after the end of the index period. Price leads: the return that was closed when"
    " the index period began. Periods of the base window, on which outlet effects were measured,"
    " are kept out of predictive tests. A story counts from its publication;"
    " the time that an outlet's page needs to reach a reader is not modelled."
)


@dataclass(frozen=True)
class Grid:
    """The index on an unbroken time line; ``starts`` in seconds since 1970, one series a driver."""

    frequency: Frequency
    starts: Integers
    length: int
    values: Mapping[str, Floats]
    in_base: Booleans
    as_of: datetime
    vintage: str


def index_grid(index: pd.DataFrame, *, asset: str, measure: str) -> Grid:
    """The index of one asset as a grid; rows without coverage are NaN.

    Raises :class:`StudyError` for a file without rows, mixed frequencies or vintages, an asset that
    it lacks, repeated rows, infinite values, and periods that begin at or after the moment whose
    knowledge the index claims to reflect.
    """
    if index.empty:
        raise StudyError(
            "the index file holds no row", remedy="build an index from news that is tagged"
        )
    for column in ("frequency", "vintage"):
        if index[column].nunique() != 1:
            raise StudyError(
                f"the index file mixes {index[column].nunique()} values of {column}",
                remedy="give an index written by one run of `undertow index`",
            )
    rows = index[index["asset"] == asset]
    if rows.empty:
        raise StudyError(
            f"the index has no rows for {asset}",
            remedy=f"build it with --asset {asset}, or let the plan use another index",
        )
    future = rows["period_start"] >= rows["as_of"]
    if future.any():
        raise StudyError(
            f"the index has periods from {rows['period_start'][future].min()} on, after its as_of"
            f" {rows['as_of'].min()}: it knows the future",
            remedy="build the index again; do not shift its times",
        )
    if rows.duplicated(["driver", "period_start"]).any():
        raise StudyError("the index repeats periods", remedy="build the index again")
    if np.isinf(rows[measure].to_numpy(dtype=np.float64)).any():
        raise StudyError(f"the index has infinite {measure}", remedy="build the index again")
    frequency = checked_frequency(str(rows["frequency"].iloc[0]))
    length = int(LENGTHS[frequency].total_seconds())
    table = rows.pivot(index="period_start", columns="driver", values=measure).sort_index()
    seconds = np.array([int(moment.timestamp()) for moment in table.index], dtype=np.int64)
    if np.any((seconds - seconds[0]) % length):
        raise StudyError(
            f"the index's periods do not lie a whole {frequency} apart",
            remedy="build the index again; do not shift its times",
        )
    starts = np.arange(seconds[0], seconds[-1] + 1, length)
    place = (seconds - seconds[0]) // length
    values = {}
    for driver in table.columns:
        series = np.full(len(starts), np.nan)
        series[place] = table[driver].to_numpy(dtype=np.float64)
        values[str(driver)] = series
    in_base = np.zeros(len(starts), dtype=np.bool_)
    base_starts = {
        int(moment.timestamp()) for moment in rows["period_start"][rows["in_base"].astype(bool)]
    }
    in_base[[number for number, start in enumerate(starts) if int(start) in base_starts]] = True
    return Grid(
        frequency=frequency,
        starts=starts,
        length=length,
        values=values,
        in_base=in_base,
        as_of=rows["as_of"].iloc[0].to_pydatetime(),
        vintage=str(rows["vintage"].iloc[0]),
    )


def returns(
    grid: Grid, closes: Closes, *, relation: Relation, horizon: int = 1, lag: int = 1
) -> Floats:
    """Log return that belongs to each period of the grid, NaN where a close is missing.

    Raises :class:`StudyError` when the price bars are longer than the periods.
    """
    if closes.bar_seconds > grid.length:
        raise StudyError(
            f"the {closes.asset} prices have one close per {closes.bar_seconds // 3600} hours,"
            f" too few for an index with a period of {grid.length // 3600} hours",
            remedy="give finer prices or a slower index",
        )
    end = grid.starts + grid.length
    if relation == "contemporaneous":
        return closes.known_at(end) - closes.known_at(grid.starts)
    if relation == "price_leads":
        return closes.known_at(grid.starts) - closes.known_at(grid.starts - grid.length)
    begin = end + (lag - 1) * grid.length
    return closes.from_edge(begin + horizon * grid.length) - closes.from_edge(begin)


def moment(seconds: int) -> datetime:
    """Seconds since 1970 as an aware UTC time."""
    return datetime.fromtimestamp(seconds, tz=UTC)
