"""Whether prices carry the time at which their bars closed, told by closes that are known.

Most charts and exchanges stamp a bar with its start. Taken as closes, such prices know a whole bar
of the future, and no statistic of a short sample can tell for sure. So a price file is held against
``known_closes.csv``: prices of moments before and after which the price moved far, so that a shift
of one bar is plain to see.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np

from corpus.errors import StudyError
from nlp.index.stories import Floats, Integers
from nlp.study.prices import Closes

if TYPE_CHECKING:
    import pandas as pd

# Known closes that a verdict needs: fewer, and the median would hang on one odd price.
LEAST = 4
# Exchanges, tethers and indices of several of them differ by about a thousandth.
NEAR = 0.005
# A shifted price must be so many times nearer than the price at its stamp.
NEARER = 2.5


@dataclass(frozen=True)
class Stamps:
    """Median distance of the log price from known closes: at its stamp, a bar earlier, a bar later.

    ``number`` known closes lie on stamps of the prices.
    """

    number: int
    at: float
    earlier: float
    later: float


def check_stamps(closes: Sequence[Closes]) -> tuple[str, ...]:
    """What could be told of the stamps of each asset, a sentence an asset.

    Raises :class:`StudyError` for prices that agree with known closes a bar before or after the
    time at which those were.
    """
    return tuple(_told(one, compared(one)) for one in closes)


def compared(closes: Closes) -> Stamps | None:
    """The prices against the known closes on whose moments they have a stamp; None if too few."""
    times, known = known_closes().get(closes.asset, (np.array([], dtype=np.int64), np.array([])))
    places = [_places(closes, times + bars * closes.bar_seconds) for bars in (0, -1, 1)]
    there = np.all([place >= 0 for place in places], axis=0)
    number = int(np.count_nonzero(there))
    if number < LEAST:
        return None
    at, earlier, later = (
        float(np.median(np.abs(closes.log_close[place[there]] - known[there]))) for place in places
    )
    return Stamps(number, at=at, earlier=earlier, later=later)


def _places(closes: Closes, moments: Integers) -> Integers:
    """Where in the prices each moment is a stamp; -1 where it is none."""
    place = np.minimum(np.searchsorted(closes.seconds, moments), len(closes.seconds) - 1)
    return np.where(closes.seconds[place] == moments, place, -1)


def _told(closes: Closes, stamps: Stamps | None) -> str:
    asset = closes.asset
    if stamps is None:
        return (
            f"Not checked: whether the {asset} prices carry the time at which their bars closed."
            f" Fewer than {LEAST} closes of {asset} that Undertow knows lie on their stamps."
        )
    shifted = min(stamps.earlier, stamps.later)
    if shifted < NEAR and shifted * NEARER < stamps.at:
        early = stamps.earlier <= stamps.later
        raise StudyError(
            f"the {asset} prices are stamped a bar {'early' if early else 'late'}:"
            f" {stamps.number} known closes are {shifted:.2%} off the price a bar"
            f" {'before' if early else 'after'} them and {stamps.at:.2%} off that at their time",
            remedy="stamp each price with the time at which its bar closed"
            + (
                " (`undertow prices import --help`: bars stamped with their start)" if early else ""
            ),
        )
    if stamps.at < NEAR and stamps.at * NEARER < shifted:
        return (
            f"The {asset} prices are {stamps.at:.2%} off {stamps.number} known closes at their time"
            f" (median), and {shifted:.2%} a bar beside it: they carry the time at which their bars"
            " closed."
        )
    why = (
        f"{stamps.at:.2%} off {stamps.number} known closes at their time (median) and {shifted:.2%}"
        " a bar beside it, too alike to tell them apart"
        if min(stamps.at, shifted) < NEAR
        else f"near few of {stamps.number} known closes in USD, at their time or a bar beside it"
    )
    return (
        f"Check the time stamps of the {asset} prices: they are {why}. Whether each price carries"
        " the time at which its bar closed is not known."
    )


@cache
def known_closes() -> Mapping[str, tuple[Integers, Floats]]:
    """By asset, moments (seconds since 1970, rising) and the logarithm of the price then in USD."""
    import pandas as pd  # noqa: PLC0415 - keeps the command line quick to start

    with files("nlp.study").joinpath("known_closes.csv").open(encoding="utf-8") as stream:
        table: pd.DataFrame = pd.read_csv(stream, comment="#")
    table["time"] = pd.to_datetime(table["time"], utc=True)
    return {
        str(asset): (
            np.array([int(one.timestamp()) for one in rows["time"]], dtype=np.int64),
            np.log(rows["close"].to_numpy(dtype=np.float64)),
        )
        for asset, rows in table.groupby("asset")
    }
