"""Prices in: from price files, and from a public exchange's candles.

A price is stamped with the moment at which its bar closed (``docs/contracts.md``). An exchange
stamps a candle with its start, and many files do the same; both are moved to the close here, since
a price stamped a bar early would let a study see the future.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from corpus.dates import parse_date
from corpus.errors import FetchError, InputError, RowError, TemporaryFetchError
from corpus.files import Row, RowProblem, column_names, rows
from corpus.records import Price, Record

Bar = Literal["h", "D"]
BARS: dict[Bar, timedelta] = {"h": timedelta(hours=1), "D": timedelta(days=1)}
ASSETS = ("BTC", "ETH")
_CANDLES = 300  # the most that one answer holds
_ATTEMPTS = 4
_LONGEST_WAIT = 30.0  # seconds
# A time that ends with its clock: no zone follows.
_CLOCK_ENDS = re.compile(
    r"[T ]\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?\s*(?:[AP]M)?\s*$", re.IGNORECASE
)


class Columns(Record):
    """How a file tells its prices, where that is not as in the contract.

    ``asset`` and ``currency`` are the values for files without such columns; ``started`` is the
    length of the bars of a file that stamps a bar with its start.
    """

    time: str = "time"
    close: str = "close"
    asset: str | None = None
    currency: str | None = None
    started: Bar | None = None


def read_prices(
    path: Path,
    *,
    columns: Columns | None = None,
    on_problem: Callable[[RowProblem], None] | None = None,
    on_note: Callable[[str], None] | None = None,
) -> Iterator[Price]:
    """Prices of a JSONL, CSV or Parquet file, streamed; a time that is only a day is its start.

    ``on_problem`` is told of each broken row; without it the first one raises. ``on_note`` is told
    once when clock times without a zone are taken as UTC. Raises
    :class:`InputError` for a file that cannot be read or lacks a column, naming it.
    """
    columns = columns or Columns()
    named = {"time": columns.time, "close": columns.close}
    named |= {name: name for name in ("asset", "currency") if not getattr(columns, name)}
    present = column_names(path)
    missing = [name for name in named.values() if present is not None and name not in present]
    if missing:
        raise InputError(
            f"{path} has no column {', '.join(missing)}; it has {', '.join(present or ())[:300]}",
            remedy="a price file has time, asset, close, currency;"
            " `undertow prices import --help` tells how to read another",
        )
    return _prices(path, columns, on_problem, on_note)


def _prices(
    path: Path,
    columns: Columns,
    on_problem: Callable[[RowProblem], None] | None,
    on_note: Callable[[str], None] | None,
) -> Iterator[Price]:
    for row in rows(path):
        try:
            if isinstance(row, RowProblem):
                raise RowError(row.reason)
            price = _price(row, columns)
            stated = row.values[columns.time]
            if on_note is not None and not _has_zone(stated):
                on_note(f"{path}: times without a zone, like {stated}, are taken as UTC.")
                on_note = None
            yield price
        except RowError as error:
            problem = RowProblem(
                path=str(path), number=row.number, line=row.line, reason=error.message
            )
            if on_problem is None:
                raise InputError(str(problem), remedy="mend the row") from error
            on_problem(problem)


def _price(row: Row, columns: Columns) -> Price:
    values = row.values
    stated = values.get(columns.time)
    if isinstance(stated, datetime):
        moment = stated if stated.tzinfo else stated.replace(tzinfo=UTC)
    else:
        parsed = parse_date(str(stated)) if stated not in (None, "") else None
        if parsed is None:
            raise RowError(f"{columns.time} {stated!r} is no time")
        moment = parsed.time
    if columns.started:
        moment += BARS[columns.started]
    return Price(
        time=moment.astimezone(UTC),
        asset=(columns.asset or _word(values, "asset")).upper(),
        close=_close(values.get(columns.close), columns.close),
        currency=(columns.currency or _word(values, "currency")).upper(),
    )


def _has_zone(stated: object) -> bool:
    """Whether a time says where it stands; a day alone is a UTC day and needs no zone."""
    if isinstance(stated, datetime):
        return stated.tzinfo is not None
    return _CLOCK_ENDS.search(str(stated)) is None


def _word(values: dict[str, Any], name: str) -> str:
    value = values.get(name)
    if not isinstance(value, str) or not value.strip():
        raise RowError(f"{name} is missing")
    return value.strip()


def _close(value: object, name: str) -> float:
    try:
        close = float(value) if isinstance(value, str | int | float) else math.nan
    except ValueError:
        close = math.nan
    if not (math.isfinite(close) and close > 0):
        raise RowError(f"{name} {value!r} is no positive number")
    return close


def pull_prices(
    base_url: str,
    *,
    asset: str,
    bar: Bar,
    since: datetime,
    until: datetime,
    on_progress: Callable[[int], None],
) -> Iterator[Price]:
    """Closes in USD of the bars that closed after ``since`` and by ``until``, oldest first.

    Asks ``{base_url}/products/BTC-USD/candles`` as Coinbase Exchange documents it: up to 300
    candles an answer, each ``[start, low, high, open, close, volume]``. Bars without trades are
    absent. Raises :class:`FetchError` when the exchange cannot be asked or answers otherwise.
    """
    import httpx  # noqa: PLC0415 - slow to import

    length = BARS[bar]
    seconds = int(length.total_seconds())
    start = datetime.fromtimestamp(since.timestamp() // seconds * seconds, tz=UTC)
    with httpx.Client(
        base_url=base_url, timeout=20, headers={"User-Agent": "undertow (price import)"}
    ) as client:
        while start + length <= until:
            # Both ends are inclusive, so that the last start is one bar before the next first.
            end = start + length * (_CANDLES - 1)
            candles = _asked(
                client,
                f"/products/{asset}-USD/candles",
                {"granularity": seconds, "start": start.isoformat(), "end": end.isoformat()},
            )
            found = sorted(_closes(candles, base_url))
            for began, close in found:
                closed = datetime.fromtimestamp(began, tz=UTC) + length
                if since < closed <= until:
                    yield Price(time=closed, asset=asset, close=close, currency="USD")
            on_progress(len(found))
            start = end + length


def _closes(candles: object, base_url: str) -> Iterator[tuple[int, float]]:
    try:
        if not isinstance(candles, list):
            raise TypeError("no list")
        for candle in candles:
            close = float(candle[4])
            if not (math.isfinite(close) and close > 0):
                raise ValueError(f"close {candle[4]!r}")
            yield int(candle[0]), close
    except (TypeError, ValueError, IndexError, KeyError) as error:
        raise FetchError(
            f"{base_url} answered with something else than candles ({error})",
            remedy="check UNDERTOW_PRICE_API, or import a price file",
        ) from error


def _asked(client: Any, path: str, parameters: dict[str, Any]) -> object:
    """One answer as JSON, asked again while the exchange is busy."""
    import httpx  # noqa: PLC0415 - slow to import

    for attempt in range(1, _ATTEMPTS + 1):
        try:
            answer = client.get(path, params=parameters)
        except httpx.HTTPError as error:
            raise TemporaryFetchError(
                f"cannot reach {client.base_url}: {error}",
                remedy="check the connection and try again, or import a price file",
            ) from error
        busy = answer.status_code == 429 or answer.status_code >= 500
        if not busy or attempt == _ATTEMPTS:
            break
        time.sleep(_wait(answer.headers.get("retry-after"), attempt))
    if busy:
        raise TemporaryFetchError(
            f"{client.base_url} is busy (status {answer.status_code})",
            remedy="try again later",
            status=answer.status_code,
        )
    if answer.status_code != 200:
        raise FetchError(
            f"{client.base_url} refused (status {answer.status_code})",
            remedy="check UNDERTOW_PRICE_API, or import a price file",
            status=answer.status_code,
        )
    try:
        decoded: object = answer.json()
    except ValueError:
        return None
    return decoded


def _wait(stated: str | None, attempt: int) -> float:
    try:
        return min(float(stated or ""), _LONGEST_WAIT)
    except ValueError:
        return float(2 ** (attempt - 1))
