"""``undertow index``: the narrative index, built from the store's tags."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from corpus.errors import UsageError
from service.cli.command import (
    FILE,
    UTC_TIME,
    database_option,
    json_option,
    make_command,
    open_store,
    overwrite_option,
    require_new,
    tags_of_option,
)
from service.cli.words import counted, day, heading, moment, plain, print_json, signed, table

if TYPE_CHECKING:
    from corpus.store import Store
    from nlp.index import Frequency, IndexResult

_PERIODS = {"h": "hour", "D": "day", "W": "week"}


@make_command(
    "index",
    "undertow index",
    "undertow index --freq W --asset BTC -o index.csv",
    "undertow index --since 2025-01-01 --as-of 2025-06-30 --exclude-recaps -o index.parquet",
)
@click.option(
    "--freq", type=click.Choice(["h", "D", "W"]), default="D", show_default=True, help="Period."
)
@click.option(
    "--asset",
    "assets",
    multiple=True,
    type=click.Choice(["all", "BTC", "ETH"]),
    default=("all",),
    show_default=True,
    help="Stories that name it; can be repeated.",
)
@click.option("--since", type=UTC_TIME, help="Use news published from here on.")
@click.option("--until", type=UTC_TIME, help="Use news published before this.")
@click.option(
    "--as-of", type=UTC_TIME, help="Use what was known then.  [default: when it was tagged last]"
)
@click.option(
    "--base",
    nargs=2,
    type=UTC_TIME,
    metavar="START END",
    help="Window that scales are taken from.  [default: the first four weeks with enough news]",
)
@click.option(
    "--half-life",
    type=click.FloatRange(min=0, min_open=True),
    metavar="HOURS",
    help="Let a story count half as much with every so many hours before its period's end.",
)
@click.option("--exclude-recaps", is_flag=True, help="Leave stories out that only retell prices.")
@click.option("-o", "--output", type=FILE, help="Write the whole index here: .csv or .parquet.")
@overwrite_option
@tags_of_option
@database_option
@json_option
def command(
    *,
    freq: Frequency,
    assets: tuple[str, ...],
    since: datetime | None,
    until: datetime | None,
    as_of: datetime | None,
    base: tuple[datetime, datetime] | None,
    half_life: float | None,
    exclude_recaps: bool,
    output: Path | None,
    overwrite: bool,
    tags_of: str | None,
    db: str | None,
    as_json: bool,
) -> None:
    """Build the narrative index: attention, stance and pressure of each driver over time.

    Pressure is attention times stance, in deviations of the base window, with its 90% band;
    docs/method.md states it in formulas. The same store gives the same figures.
    """
    if output is not None and output.suffix.lower() not in {".csv", ".parquet"}:
        raise UsageError(f"unknown suffix of {output.name!r}", remedy="write to .csv or .parquet")
    require_new(output, overwrite=overwrite)
    with open_store(db) as store:
        index = build_index(
            store,
            freq=freq,
            assets=assets,
            since=since,
            until=until,
            as_of=as_of,
            base=base,
            half_life=None if half_life is None else timedelta(hours=half_life),
            exclude_recaps=exclude_recaps,
            tags_of=tags_of,
        )
    if output is not None:
        index.write(output)
    if as_json:
        _print_data(index, output)
    else:
        _tell(index, assets, output)


def build_index(
    store: Store,
    *,
    freq: Frequency,
    assets: Sequence[str] = ("all",),
    since: datetime | None = None,
    until: datetime | None = None,
    as_of: datetime | None = None,
    base: tuple[datetime, datetime] | None = None,
    half_life: timedelta | None = None,
    exclude_recaps: bool = False,
    tags_of: str | None = None,
) -> IndexResult:
    """The index of the store's news, by default as known when it was tagged last."""
    from nlp.index import build  # noqa: PLC0415 - slow to import
    from service.report.reader import open_news  # noqa: PLC0415 - slow to import

    news = open_news(store, model=tags_of, as_of=as_of)
    return build(
        news.headings(since, until),
        frequency=freq,
        as_of=news.as_of,
        model=news.model,
        asset=assets,
        base=base,
        half_life=half_life,
        exclude_recaps=exclude_recaps,
    )


def _print_data(index: IndexResult, output: Path | None) -> None:
    from nlp.index import summary  # noqa: PLC0415 - slow to import

    told: dict[str, Any] = summary(index) | {"output": str(output) if output else None}
    if output is None:
        frame = index.frame.astype({"period_start": str, "as_of": str}).astype(object)
        told["periods"] = frame.where(frame.notna(), None).to_dict("records")
    print_json(told)


def _tell(index: IndexResult, assets: Sequence[str], output: Path | None) -> None:
    from nlp.index import readings  # noqa: PLC0415 - slow to import

    last = index.frame["period_start"].max().to_pydatetime()
    period = _PERIODS[index.frequency]
    starts = index.frame["period_start"].nunique()
    for asset in assets:
        about = "crypto" if asset == "all" else asset
        heading(f"News on {about}, {period} of {_start(last, period)}")
        table(
            ("driver", "stories", "attention", "stance", "pressure", "90% band", "change"),
            [
                (
                    one.driver,
                    f"{one.tagged:,}",
                    plain(one.attention, 0),
                    signed(one.stance),
                    signed(one.pressure),
                    "no coverage"
                    if one.direction == "no coverage"
                    else f"{signed(one.lower)} to {signed(one.upper)}",
                    signed(one.change),
                )
                for one in readings(index, last, asset=asset)
            ],
        )
    click.echo(
        "Attention: 100 is the mean of the base window. Pressure: in its deviations; change:"
        f" against the {period}s before."
    )
    click.echo(
        f"{counted(index.counts.stories, 'story', 'stories')} over {counted(starts, period)};"
        f" base window {day(index.base[0])} to {day(index.base[1])}; as of {moment(index.as_of)};"
        f" {index.model}."
    )
    for note in index.notes:
        click.echo(f"Note: {note}")
    if output is not None:
        click.echo(f"Index: {output}")


def _start(moment: datetime, period: str) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if period == "hour" else day(moment)
