"""What a build of the index gives: the table, and all that is needed to explain and rebuild it."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from corpus.errors import InputError, StoreError, UsageError
from nlp.index.effects import OutletEffects
from nlp.index.periods import Frequency
from nlp.index.stories import Counts, Floats, StoryTable

if TYPE_CHECKING:
    import pandas as pd

COLUMNS: tuple[str, ...] = (
    "period_start",
    "frequency",
    "asset",
    "driver",
    "stories",
    "tagged",
    "attention",
    "stance",
    "pressure",
    "lower",
    "upper",
    "outlet_low",
    "outlet_high",
    "attention_raw",
    "pressure_raw",
    "coverage",
    "mix_distance",
    "mix_changed",
    "in_base",
    "as_of",
    "vintage",
)
_TIMES = ("period_start", "as_of")


@dataclass(frozen=True)
class Scale:
    """Base-window figures of one driver and asset: what is taken off and divided by.

    ``deviation`` is NaN when the raw pressure did not vary over the base window.
    """

    attention_mean: float
    pressure_mean: float
    pressure_deviation: float

    @property
    def usable(self) -> bool:
        """Whether pressure can be put on the scale of the base window."""
        return math.isfinite(self.pressure_deviation) and self.pressure_deviation > 0


@dataclass(frozen=True)
class IndexResult:
    """An index and its provenance.

    ``frame`` has the columns :data:`COLUMNS` (see ``docs/contracts.md``), ``parts`` the same for
    the parts of ETF flows (``etf_flows.realised`` and ``etf_flows.expected``); ``base`` is the base
    window, end exclusive; ``vintage`` the digest of inputs, model, parameters and code version;
    ``usual_flow`` the median size of a day's stated net flow over the base window, by asset;
    ``half_life`` that of a story's weight, null where all of a period weigh the same;
    ``notes`` are stated reductions in plain sentences.
    """

    frame: pd.DataFrame
    parts: pd.DataFrame
    frequency: Frequency
    as_of: datetime
    model: str
    vintage: str
    base: tuple[datetime, datetime]
    drivers: tuple[str, ...]
    scales: Mapping[tuple[str, str], Scale]
    half_life: timedelta | None
    counts: Counts
    notes: tuple[str, ...]
    stories: StoryTable
    effects: OutletEffects
    usual_flow: Floats

    def whole(self) -> pd.DataFrame:
        """Drivers, composite and parts in one table, as a file holds them."""
        import pandas as pd  # noqa: PLC0415 - keeps the command line quick to start

        return pd.concat([self.frame, self.parts], ignore_index=True)

    def write(self, path: Path) -> None:
        """Write the whole table as ``.csv`` or ``.parquet``, whole or not at all.

        Raises :class:`UsageError` for another suffix and :class:`StoreError` when the file cannot
        be written.
        """
        write_frame(self.whole(), path)


def write_frame(frame: pd.DataFrame, path: Path) -> None:
    """Write an index table by suffix, through a temporary file that is then renamed."""
    suffix = path.suffix.lower()
    if suffix not in {".csv", ".parquet"}:
        raise UsageError(f"unknown suffix of {path.name!r}", remedy="write to .csv or .parquet")
    temporary: Path | None = None
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
        os.close(descriptor)
        temporary = Path(name)
        if suffix == ".csv":
            told = frame.copy()
            for column in _TIMES:
                told[column] = told[column].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
            told.to_csv(temporary, index=False, lineterminator="\n")
        else:
            frame.to_parquet(temporary, index=False, engine="pyarrow")
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise StoreError(
            f"cannot write {path}: {error.strerror or error}",
            remedy="free some space or choose another place",
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def read_frame(path: Path) -> pd.DataFrame:
    """Read an index file (``.csv`` or ``.parquet``) and check its columns.

    Raises :class:`UsageError` for another suffix and :class:`InputError` for a file that is no
    index.
    """
    import pandas as pd  # noqa: PLC0415 - keeps the command line quick to start

    suffix = path.suffix.lower()
    if suffix not in {".csv", ".parquet"}:
        raise UsageError(f"unknown suffix of {path.name!r}", remedy="give a .csv or .parquet file")
    try:
        frame = pd.read_csv(path) if suffix == ".csv" else pd.read_parquet(path)
    except FileNotFoundError as error:
        raise InputError(
            f"there is no index file {path}", remedy="give a file written by `undertow index`"
        ) from error
    except (OSError, ValueError) as error:
        raise InputError(
            f"cannot read {path}: {getattr(error, 'strerror', None) or error}",
            remedy="give a file written by `undertow index`",
        ) from error
    missing = [column for column in COLUMNS if column not in frame.columns]
    if missing:
        raise InputError(
            f"{path} is no index file: it has no column {', '.join(missing)}",
            remedy="give a file written by `undertow index`",
        )
    for column in _TIMES:
        frame[column] = pd.to_datetime(frame[column], utc=True)
    return frame[list(COLUMNS)]
