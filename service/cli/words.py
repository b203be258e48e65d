"""How results are put on the terminal: tables, numbers and times that read at a glance."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from corpus.files import RowProblem

_AGES = ((timedelta(days=1), "day"), (timedelta(hours=1), "hour"), (timedelta(minutes=1), "minute"))


def heading(text: str) -> None:
    """A line that stands out above what follows."""
    click.echo(click.style(text, bold=True))


def table(titles: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> None:
    """Columns under their titles; the first ``left`` columns are words, the others figures."""
    widths = [max(len(row[place]) for row in [titles, *rows]) for place in range(len(titles))]

    def line(cells: Sequence[str]) -> str:
        told = [
            cell.ljust(width) if place < left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return "  ".join(told).rstrip()

    click.echo(click.style(f"  {line(titles)}", dim=True))
    for row in rows:
        click.echo(f"  {line(row)}")


def counted(number: int, noun: str, nouns: str | None = None) -> str:
    """A number with its noun: ``1 row``, ``2,345 rows``."""
    return f"{number:,} {noun if number == 1 else nouns or noun + 's'}"


def signed(value: float | None, digits: int = 2) -> str:
    """A figure with its sign, or a dash where there is none."""
    if value is None or math.isnan(value):
        return "-"
    return f"{value:+.{digits}f}".replace("-", "\N{MINUS SIGN}")


def plain(value: float | None, digits: int = 2) -> str:
    """A figure without a plus sign, or a dash where there is none."""
    return signed(value, digits).removeprefix("+")


def moment(time: datetime | None) -> str:
    """A time as ``2025-11-24 06:00 UTC``."""
    return "-" if time is None else f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def day(time: datetime | None) -> str:
    """A day as ``2025-11-24``."""
    return "-" if time is None else f"{time.astimezone(UTC):%Y-%m-%d}"


def ago(time: datetime, now: datetime) -> str:
    """How long before ``now`` a time was, in the largest unit that fits: ``3 hours ago``."""
    passed = now - time
    for length, noun in _AGES:
        if passed >= length:
            return f"{counted(int(passed / length), noun)} ago"
    return "just now"


def print_json(value: Any) -> None:
    """A value as indented JSON on standard output."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def told_rate(items: int, seconds: float) -> str:
    """Time taken and rate: ``in 12.3 s (81 a second)``."""
    rate = f" ({items / seconds:,.0f} a second)" if items and seconds > 0 else ""
    return f"in {seconds:,.1f} s{rate}"


def stopwatch() -> Callable[[], float]:
    """A function that gives the seconds since this call."""
    began = time.perf_counter()
    return lambda: time.perf_counter() - began


class Problems:
    """Tells each broken row or failed article on standard error as it comes, and counts them."""

    def __init__(self) -> None:
        self.count = 0

    def row(self, problem: RowProblem) -> None:
        """A row of a file, named by file and line."""
        self._tell(str(problem), path=problem.path, line=problem.line, reason=problem.reason)

    def words(self, problem: str) -> None:
        """Something else, in words."""
        self._tell(problem)

    def _tell(self, told: str, /, **fields: Any) -> None:
        from service.logs import logger  # noqa: PLC0415 - beside its only use

        self.count += 1
        logger.warning(told, extra=fields)


@contextmanager
def progress(
    total: int | None, noun: str, *, shown: bool = True
) -> Iterator[Callable[[int], None]]:
    """A progress bar on standard error, drawn on a terminal only; gives what advances it."""
    from tqdm import tqdm  # noqa: PLC0415 - slow to import

    with tqdm(
        total=total,
        unit=f" {noun}",
        unit_scale=True,
        dynamic_ncols=True,
        # None: drawn on a terminal only.
        disable=None if shown else True,
        leave=False,
    ) as bar:

        def advance(done: int) -> None:
            bar.update(done)

        yield advance
