"""``undertow series``: amounts that the news reports, day by day, read from the store's tags."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import click

from corpus.errors import StudyError, UsageError
from nlp.records import AmountKind
from service.cli.command import (
    FILE,
    UTC_TIME,
    database_option,
    json_option,
    make_command,
    open_store,
    tags_of_option,
)
from service.cli.words import counted, heading, moment, print_json, table

if TYPE_CHECKING:
    from nlp.series import SeriesFrequency, SeriesPoint
    from service.report.reader import NewsReader

    Side = Literal["long", "short", "total"]

_DEALS = ("buy", "sell", "hold", "raise")
_PERIODS = {"D": "day", "W": "week"}


@make_command(
    "series",
    "undertow series --kind net_flow --asset BTC",
    "undertow series --kind net_flow --asset BTC -o btc_etf_net_flow.csv",
    "undertow series --kind liquidation --side long --as-of 2025-11-24",
    "undertow series --kind buy --asset BTC --unit BTC --freq W -o purchases.parquet",
    "undertow series --kind buy --asset BTC --unit BTC --holder Strategy",
)
@click.option(
    "--kind", required=True, type=click.Choice(get_args(AmountKind)), help="Kind of amount."
)
@click.option(
    "--asset",
    metavar="TICKER",
    default="all",
    show_default=True,
    help="Amounts of this coin; all: of crypto as a whole, or of no coin that is told.",
)
@click.option(
    "--freq", type=click.Choice(["D", "W"]), default="D", show_default=True, help="Period."
)
@click.option(
    "--unit",
    default="USD",
    show_default=True,
    help="Amounts told in this unit: a currency, a ticker, % or bp.",
)
@click.option(
    "--side",
    type=click.Choice(["long", "short", "total"]),
    help="Side of liquidations.  [default: total]",
)
@click.option(
    "--holder",
    metavar="COMPANY",
    help="Deals and holdings of this company alone, by name or ticker.  [default: of all]",
)
@click.option("--since", type=UTC_TIME, help="Use news published from here on.")
@click.option("--until", type=UTC_TIME, help="Use news published before this.")
@click.option(
    "--as-of", type=UTC_TIME, help="Use what was known then.  [default: when it was tagged last]"
)
@click.option("-o", "--output", type=FILE, help="Write the series here: .csv or .parquet.")
@tags_of_option
@database_option
@json_option
def command(
    *,
    kind: AmountKind,
    asset: str,
    freq: SeriesFrequency,
    unit: str,
    side: Side | None,
    holder: str | None,
    since: datetime | None,
    until: datetime | None,
    as_of: datetime | None,
    output: Path | None,
    tags_of: str | None,
    db: str | None,
    as_json: bool,
) -> None:
    """Read a series from the news: what the stories report for the day that they speak of.

    A value is the figure that most reports of a day agree on, or the sum of the day's deals of all
    companies; low and high keep what the others say (docs/amounts.md). Days without a report are
    left out, but for a day's flow that the total of its week leaves (0 reports).
    """
    from nlp.series import build_series  # noqa: PLC0415 - slow to import
    from service.report.reader import open_news  # noqa: PLC0415 - slow to import

    _check(kind=kind, asset=asset, side=side, output=output)
    if holder is not None:
        holder = _company(holder, kind)
    if kind == "liquidation":
        side = side or "total"
    with open_store(db) as store:
        news = open_news(store, model=tags_of, as_of=as_of)
        points = build_series(
            news.headings(since, until), kind, asset, freq, unit=unit, side=side, holder=holder
        )
        if not points:
            sought = _named(asset, unit, side, holder)
            raise _nothing(news, since, until, kind=kind, sought=sought, by=holder is not None)
    if output is not None:
        _write(points, output)
    if as_json:
        print_json(
            {
                "kind": kind,
                "asset": asset,
                "frequency": freq,
                "unit": unit,
                "side": side,
                "holder": holder,
                "model": news.model,
                "as_of": news.as_of.isoformat(),
                "rows": len(points),
                "output": str(output) if output else None,
            }
            | ({} if output else {"points": [one.model_dump(mode="json") for one in points]})
        )
        return
    period = _PERIODS[freq]
    heading(
        f"{kind.replace('_', ' ').capitalize()} by {period}, {_named(asset, unit, side, holder)}"
    )
    if output is None:
        _tell(points)
    derived = sum(not point.reports for point in points)
    besides = f", {derived} derived from a week's total" if derived else ""
    click.echo(
        f"{counted(len(points) - derived, period)} with a report{besides},"
        f" {points[0].date} to {points[-1].date}; as of {moment(news.as_of)}; {news.model}."
    )
    if output is not None:
        click.echo(f"Series: {output}")


def _check(*, kind: AmountKind, asset: str, side: Side | None, output: Path | None) -> None:
    from nlp.entities_gazetteer import assets_by_word  # noqa: PLC0415 - slow to import

    known = {"all", *assets_by_word().values()}
    if asset not in known:
        raise UsageError(
            f"unknown asset {asset!r}", remedy=f"choose one of {', '.join(sorted(known))}"
        )
    if side is not None and kind != "liquidation":
        raise UsageError(
            f"amounts of the kind {kind} have no side", remedy="give --side with --kind liquidation"
        )
    if output is not None and output.suffix.lower() not in {".csv", ".parquet"}:
        raise UsageError(f"unknown suffix of {output.name!r}", remedy="write to .csv or .parquet")


def _company(word: str, kind: AmountKind) -> str:
    """Id in the gazetteer of the company that a name or ticker means."""
    from nlp.entities_gazetteer import companies_by_word  # noqa: PLC0415 - slow to import

    if kind not in _DEALS:
        raise UsageError(
            f"amounts of the kind {kind} have no holder",
            remedy=f"give --holder with --kind {', '.join(_DEALS)}",
        )
    known = companies_by_word()
    if word.lower() not in known:
        raise UsageError(
            f"unknown company {word!r}",
            remedy=f"choose one of {', '.join(sorted(set(known.values())))}",
        )
    return known[word.lower()]


def _named(asset: str, unit: str, side: str | None, holder: str | None = None) -> str:
    about = "crypto" if asset == "all" else asset
    told = f"{about}, {side} side, in {unit}" if side else f"{about} in {unit}"
    return f"{told} by {holder}" if holder else told


def _nothing(
    news: NewsReader,
    since: datetime | None,
    until: datetime | None,
    *,
    kind: AmountKind,
    sought: str,
    by: bool,
) -> StudyError:
    """Why the series is empty: what the same news tells of that kind instead, most told first.

    ``by`` names the companies too.
    """
    from collections import Counter  # noqa: PLC0415 - only for a failure

    from pydantic_core import from_json  # noqa: PLC0415 - only for a failure

    from nlp.series import holder_of  # noqa: PLC0415 - slow to import

    told = Counter(
        _named(
            one["asset"] or "all",
            one["unit"],
            one["side"],
            holder_of(fields, one) if by else None,
        )
        for item in news.headings(since, until)
        for fields in [from_json(item.record)]
        for one in fields.get("amounts", ())
        if one["kind"] == kind and one["realised"]
    )
    if not told:
        remedy = "this news tells no amount of that kind; choose another kind or span"
    elif sought in told:
        remedy = "those told are of single funds or other periods; choose another --freq or span"
    else:
        remedy = f"told are {'; '.join(name for name, _ in told.most_common(5))}"
    return StudyError(f"no report makes a series of {kind} of {sought}", remedy=remedy)


def _write(points: Iterable[SeriesPoint], output: Path) -> None:
    from corpus.files import open_writer  # noqa: PLC0415 - slow to import

    with open_writer(output) as writer:
        for point in points:
            writer.write(point.model_dump(mode="json"))


def _tell(points: Sequence[SeriesPoint]) -> None:
    table(
        ("date", "value", "low", "high", "reports", "stories"),
        [
            (
                point.date.isoformat(),
                *(_figure(value) for value in (point.value, point.low, point.high)),
                f"{point.reports:,}",
                f"{point.stories:,}",
            )
            for point in points
        ],
    )


def _figure(value: float) -> str:
    """All digits that were told, from quarter points to billions: 15 are what a float keeps."""
    return f"{value:,.15g}".replace("-", "\N{MINUS SIGN}")
