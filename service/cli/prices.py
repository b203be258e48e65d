"""``undertow prices``: closes of BTC and ETH into the store, from a file or an exchange."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.cli.command import (
    UTC_TIME,
    database_option,
    json_option,
    make_command,
    open_store,
)
from service.cli.failures import DONE, PARTIAL
from service.cli.words import Problems, counted, moment, print_json, progress

if TYPE_CHECKING:
    from corpus.store import Store
    from service.prices import Bar

_DEFAULT_SPAN = {"h": timedelta(days=60), "D": timedelta(days=800)}


@click.group("prices")
def command() -> None:
    """Take prices of BTC and ETH into the store.

    A price is stamped with the moment at which its bar closed, in UTC.
    """


@make_command(
    "import",
    "undertow prices import prices.csv",
    "undertow prices import btc_daily.csv --asset BTC --currency USD --time date --close close_usd"
    " --started D",
)
@click.argument(
    "files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path)
)
@click.option("--asset", help="Asset of a file without such a column.")
@click.option("--currency", help="Currency of a file without such a column.")
@click.option("--time", "time_column", default="time", show_default=True, help="Column of times.")
@click.option("--close", "close_column", default="close", show_default=True, help="And of closes.")
@click.option(
    "--started",
    type=click.Choice(["h", "D"]),
    help="The file stamps an hour's or day's bar with its start; its length is added.",
)
@database_option
@json_option
def take(
    *,
    files: tuple[Path, ...],
    asset: str | None,
    currency: str | None,
    time_column: str,
    close_column: str,
    started: Bar | None,
    db: str | None,
    as_json: bool,
) -> int:
    """Take price files (CSV, JSONL, Parquet) with the columns time, asset, close, currency.

    A row that cannot be used is named and left out, and makes the exit code 3. Taking a file again
    changes nothing.
    """
    from corpus.files import expand  # noqa: PLC0415 - slow to import
    from service.prices import Columns, read_prices  # noqa: PLC0415 - slow to import

    columns = Columns(
        time=time_column, close=close_column, asset=asset, currency=currency, started=started
    )
    problems = Problems()
    notes: list[str] = []
    paths = expand(files)
    readers = [
        read_prices(path, columns=columns, on_problem=problems.row, on_note=notes.append)
        for path in paths
    ]
    with open_store(db, create=True) as store:
        taken = sum(store.put_prices(reader) for reader in readers)
    if as_json:
        told = {"taken": taken, "failed": problems.count}
        print_json(told | ({"notes": notes} if notes else {}))
    else:
        failed = f"; {counted(problems.count, 'row')} left out" if problems.count else ""
        click.echo(f"Took {counted(taken, 'price')}{failed}.")
        for note in notes:
            click.echo(f"Note: {note}")
    return PARTIAL if problems.count else DONE


@make_command(
    "pull",
    "undertow prices pull",
    "undertow prices pull --bar h --since 2025-11-01",
)
@click.option(
    "--asset",
    "assets",
    multiple=True,
    type=click.Choice(["BTC", "ETH"]),
    help="Pull this asset only; can be repeated.",
)
@click.option(
    "--bar", type=click.Choice(["D", "h"]), default="D", show_default=True, help="Days or hours."
)
@click.option(
    "--since",
    type=UTC_TIME,
    help="From here on.  [default: the last price held, else 800 days, or 60 of hours]",
)
@click.option("--until", type=UTC_TIME, help="Up to here.  [default: now]")
@database_option
@json_option
def pull(
    *,
    assets: tuple[str, ...],
    bar: Bar,
    since: datetime | None,
    until: datetime | None,
    db: str | None,
    as_json: bool,
) -> int:
    """Pull closes in USD from a public exchange (Coinbase Exchange; no account needed).

    Another address that answers alike can be set in UNDERTOW_PRICE_API. Only closed bars are
    taken. Running it again takes what has closed since.
    """
    from service.prices import ASSETS, pull_prices  # noqa: PLC0415 - slow to import
    from service.settings import load_settings  # noqa: PLC0415 - slow to import

    address = load_settings().price_api
    until = until or datetime.now(tz=UTC)
    told = []
    with open_store(db, create=True) as store:
        for asset in assets or ASSETS:
            start = since or _last_close(store, asset, bar) or until - _DEFAULT_SPAN[bar]
            with progress(None, "candles") as advance:
                prices = pull_prices(
                    address, asset=asset, bar=bar, since=start, until=until, on_progress=advance
                )
                taken = store.put_prices(prices)
            span = {"since": start.isoformat(), "until": until.isoformat()}
            told.append({"asset": asset, "taken": taken} | span)
            if not as_json:
                click.echo(
                    f"{asset}: {counted(taken, 'close')} from {moment(start)} to {moment(until)}."
                )
    if as_json:
        print_json(told)
    return DONE


def _last_close(store: Store, asset: str, bar: Bar) -> datetime | None:
    """When the last bar held of that length closed, by the spacing of the last two prices."""
    from service.prices import BARS  # noqa: PLC0415 - slow to import

    times = store.prices(assets=[asset])["time"]
    if len(times) < 2 or times.iloc[-1] - times.iloc[-2] != BARS[bar]:
        return None
    last: datetime = times.iloc[-1].to_pydatetime()
    return last


command.add_command(take)
command.add_command(pull)
