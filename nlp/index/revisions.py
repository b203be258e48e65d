"""What changed between two vintages of an index."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from corpus.errors import StudyError
from corpus.records import Record, UtcDatetime

if TYPE_CHECKING:
    import pandas as pd

_KEYS = ["asset", "driver", "period_start"]


class Revision(Record):
    """One period of one driver whose pressure is not what it was.

    ``before`` or ``after`` is null where it had or has none. ``outside_band`` says whether the new
    value lies outside the band of the old.
    """

    asset: str
    driver: str
    period_start: UtcDatetime
    before: float | None
    after: float | None
    stories_before: int
    stories_after: int
    outside_band: bool


class Revisions(Record):
    """Two vintages compared over the periods that both hold.

    ``periods`` is the number of rows compared; ``mean_size`` and ``largest`` are of the absolute
    changes of pressure where both have one, null where none has. ``added`` and ``removed`` count
    rows that only the later or the earlier vintage holds. ``changed`` is in order of asset, driver
    and time.
    """

    before: str
    after: str
    periods: int
    added: int
    removed: int
    mean_size: float | None
    largest: float | None
    changed: tuple[Revision, ...]


def revisions(before: pd.DataFrame, after: pd.DataFrame) -> Revisions:
    """Compare two index tables (contract of the index file), each of one vintage.

    Raises :class:`StudyError` when a table mixes vintages or the two differ in frequency.
    """
    for table in (before, after):
        if table["vintage"].nunique() != 1:
            raise StudyError(
                f"an index table mixes {table['vintage'].nunique()} vintages",
                remedy="compare files written by one run of `undertow index` each",
            )
    frequencies = {str(table["frequency"].iloc[0]) for table in (before, after)}
    if len(frequencies) > 1:
        raise StudyError(
            f"the two indices differ in frequency: {', '.join(sorted(frequencies))}",
            remedy="compare indices of the same frequency",
        )
    columns = [*_KEYS, "pressure", "lower", "upper", "stories"]
    both = before[columns].merge(
        after[columns], on=_KEYS, how="outer", suffixes=("_before", "_after"), indicator=True
    )
    shared = both[both["_merge"] == "both"].sort_values(_KEYS)
    old = shared["pressure_before"].to_numpy(dtype=np.float64)
    new = shared["pressure_after"].to_numpy(dtype=np.float64)
    same = (old == new) | (np.isnan(old) & np.isnan(new))
    outside = (new < shared["lower_before"].to_numpy(dtype=np.float64)) | (
        new > shared["upper_before"].to_numpy(dtype=np.float64)
    )
    size = np.abs(new - old)
    size = size[np.isfinite(size)]
    rows = zip(shared[~same].itertuples(index=False), outside[~same].tolist(), strict=True)
    return Revisions(
        before=str(before["vintage"].iloc[0]),
        after=str(after["vintage"].iloc[0]),
        periods=len(shared),
        added=int((both["_merge"] == "right_only").sum()),
        removed=int((both["_merge"] == "left_only").sum()),
        mean_size=float(size.mean()) if len(size) else None,
        largest=float(size.max()) if len(size) else None,
        changed=tuple(
            Revision(
                asset=row.asset,
                driver=row.driver,
                period_start=row.period_start.to_pydatetime(),
                before=_number(row.pressure_before),
                after=_number(row.pressure_after),
                stories_before=int(row.stories_before),
                stories_after=int(row.stories_after),
                outside_band=beyond,
            )
            for row, beyond in rows
        ),
    )


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
