"""Checks of the price table, and closes at the edges of periods without looking ahead."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from corpus.errors import StudyError
from nlp.index.stories import Floats, Integers

if TYPE_CHECKING:
    import pandas as pd

_ZONED = re.compile(r".*(?:Z|[+-]\d{2}:?\d{2})$")
_REMEDY = "see the price file in docs/contracts.md"


@dataclass(frozen=True)
class Closes:
    """Closes of one asset: when each bar closed (seconds since 1970, rising) and its log close."""

    asset: str
    seconds: Integers
    log_close: Floats
    bar_seconds: int

    def known_at(self, edges: Integers) -> Floats:
        """Log close last known at each edge; NaN when it is a whole bar old or older."""
        place = np.searchsorted(self.seconds, edges, side="right") - 1
        found = place >= 0
        place = np.maximum(place, 0)
        fresh = found & (edges - self.seconds[place] < self.bar_seconds)
        return np.where(fresh, self.log_close[place], np.nan)

    def from_edge(self, edges: Integers) -> Floats:
        """Log close of the first bar edge at or after each edge; NaN when that is a whole bar away.

        A return that starts here lies on bars that begin at or after the edge.
        """
        place = np.searchsorted(self.seconds, edges, side="left")
        found = place < len(self.seconds)
        place = np.minimum(place, len(self.seconds) - 1)
        near = found & (self.seconds[place] - edges < self.bar_seconds)
        return np.where(near, self.log_close[place], np.nan)


def checked_closes(prices: pd.DataFrame) -> tuple[Mapping[str, Closes], tuple[str, ...]]:
    """Closes by asset, and the reductions made, in sentences.

    Sorted and noted: unsorted rows; dropped and noted: repeated equal rows. Raises
    :class:`StudyError` for missing columns, times without a zone, several closes for one moment,
    closes that are not positive numbers, several currencies of one asset, and fewer than three
    bars.
    """
    import pandas as pd  # noqa: PLC0415 - keeps the command line quick to start

    missing = [name for name in ("time", "asset", "close", "currency") if name not in prices]
    if missing:
        raise StudyError(f"the prices have no column {', '.join(missing)}", remedy=_REMEDY)
    times = _utc(prices["time"])
    close = pd.to_numeric(prices["close"], errors="coerce").astype(float)
    bad = ~(np.isfinite(close) & (close > 0))
    if bad.any():
        raise StudyError(
            f"{int(bad.sum())} closes are not positive numbers, the first at {times[bad].iloc[0]}",
            remedy="remove or repair these rows",
        )
    table = pd.DataFrame({"time": times, "asset": prices["asset"].astype(str), "close": close})
    table["currency"] = prices["currency"].astype(str)
    found: dict[str, Closes] = {}
    notes: list[str] = []
    for asset, rows in table.groupby("asset", sort=True):
        found[str(asset)] = _closes(str(asset), rows, notes)
    if not found:
        raise StudyError("the price table is empty", remedy=_REMEDY)
    return found, tuple(notes)


def _utc(times: pd.Series) -> pd.Series:
    import pandas as pd  # noqa: PLC0415 - keeps the command line quick to start

    remedy = "write times like 2025-11-14T00:00:00Z"
    if isinstance(times.dtype, pd.DatetimeTZDtype):
        zoned: pd.Series = times.dt.tz_convert("UTC")
        return zoned
    if pd.api.types.is_datetime64_any_dtype(times):
        raise StudyError("the price times have no time zone", remedy=remedy)
    texts = [one.isoformat() if hasattr(one, "isoformat") else str(one) for one in times]
    zoneless = next((one for one in texts if _ZONED.match(one) is None), None)
    if zoneless is not None:
        raise StudyError(f"the price time {zoneless!r} has no time zone", remedy=remedy)
    try:
        return pd.Series(pd.to_datetime(texts, utc=True, format="ISO8601"), index=times.index)
    except ValueError as error:
        raise StudyError(f"a price time cannot be read: {error}", remedy=remedy) from error


def _closes(asset: str, rows: pd.DataFrame, notes: list[str]) -> Closes:
    currencies = sorted(rows["currency"].unique())
    if len(currencies) > 1:
        raise StudyError(
            f"{asset} is priced in several currencies: {', '.join(currencies)}",
            remedy="give one currency per asset",
        )
    if not rows["time"].is_monotonic_increasing:
        rows = rows.sort_values("time", kind="stable")
        notes.append(f"The {asset} prices were not in order of time and were sorted.")
    repeated = rows.duplicated(["time", "close"])
    if repeated.any():
        notes.append(f"{int(repeated.sum())} repeated {asset} prices were dropped.")
        rows = rows[~repeated]
    clash = rows.duplicated("time")
    if clash.any():
        raise StudyError(
            f"{asset} has more than one close at {rows['time'][clash].iloc[0]}",
            remedy="keep one close per moment",
        )
    if len(rows) < 3:
        raise StudyError(f"{asset} has fewer than three closes", remedy="give a longer price file")
    seconds = np.array([int(moment.timestamp()) for moment in rows["time"]], dtype=np.int64)
    steps = np.diff(seconds)
    bar = int(np.median(steps))
    gaps = int(np.count_nonzero(steps > bar))
    if gaps:
        notes.append(
            f"The {asset} prices have {gaps} gaps; returns that would span one are not computed."
        )
    return Closes(
        asset=asset,
        seconds=seconds,
        log_close=np.log(rows["close"].to_numpy(dtype=np.float64)),
        bar_seconds=bar,
    )
