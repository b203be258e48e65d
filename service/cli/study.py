"""``undertow study``: the index tested against prices by a plan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from corpus.errors import InputError, UsageError
from service.cli.command import (
    FILE,
    database_option,
    json_option,
    make_command,
    open_store,
    tags_of_option,
)
from service.cli.failures import DONE, PARTIAL
from service.cli.words import Problems, counted, day, heading, progress

if TYPE_CHECKING:
    import pandas as pd

    from nlp.index import Frequency
    from nlp.study import StudyResult


@make_command(
    "study",
    "undertow study",
    "undertow study --index index.csv --prices prices.csv -o study.json",
    "undertow study --freq W --plan plan.toml -o tests.csv",
    "undertow study --series btc_etf_net_flow.csv --series sp500.csv",
)
@click.option("--index", "index_file", type=FILE, help="Index file.  [default: from the store]")
@click.option("--prices", "price_file", type=FILE, help="Price file.  [default: from the store]")
@click.option("--plan", "plan_file", type=FILE, help="Plan.  [default: nlp/study/plan.toml]")
@click.option(
    "--series",
    "series_files",
    type=FILE,
    multiple=True,
    help="Further series that the plan names: date, value[, name]; can be repeated.",
)
@click.option(
    "--freq",
    type=click.Choice(["h", "D", "W"]),
    default="D",
    show_default=True,
    help="Period of an index from the store.",
)
@click.option("-o", "--output", type=FILE, help="Write the results: .json all, .csv the tests.")
@tags_of_option
@database_option
@json_option
def command(
    *,
    index_file: Path | None,
    price_file: Path | None,
    plan_file: Path | None,
    series_files: tuple[Path, ...],
    freq: Frequency,
    output: Path | None,
    tags_of: str | None,
    db: str | None,
    as_json: bool,
) -> int:
    """Test whether the index moves with, before or after the price, and how sure one can be.

    The tests are those of a plan that is fixed before the data are seen; p-values are corrected
    for all of them, and placebos show what the method finds in noise.
    """
    from nlp.index import read_frame  # noqa: PLC0415 - slow to import
    from nlp.study import load_plan, read_series, run  # noqa: PLC0415 - slow to import

    if output is not None and output.suffix.lower() not in {".json", ".csv"}:
        raise UsageError(f"unknown suffix of {output.name!r}", remedy="write to .json or .csv")
    plan = load_plan(plan_file)
    problems = Problems()
    notes: list[str] = []
    index = read_frame(index_file) if index_file else _stored_index(db, freq, tags_of)
    prices = _price_frame(price_file, problems, notes) if price_file else _stored_prices(db)
    series = read_series(series_files)
    with progress(100, "%") as advance:
        shown = 0

        def tell(done: int, total: int) -> None:
            nonlocal shown
            advance(100 * done // total - shown)
            shown = 100 * done // total

        result = run(index, prices, plan, series=series, on_progress=tell)
    result = result.model_copy(update={"notes": (*notes, *result.notes)})
    if output is not None:
        _write(result, output)
    if as_json:
        click.echo(result.to_json())
    else:
        _tell(result, output)
    return PARTIAL if problems.count else DONE


def _stored_index(db: str | None, freq: Frequency, tags_of: str | None) -> pd.DataFrame:
    from service.cli.index import build_index  # noqa: PLC0415 - beside its only use

    with open_store(db) as store:
        return build_index(store, freq=freq, assets=("all", "BTC", "ETH"), tags_of=tags_of).whole()


def _stored_prices(db: str | None) -> pd.DataFrame:
    with open_store(db) as store:
        prices = store.prices(assets=None)
    if prices.empty:
        raise InputError(
            "the store holds no prices",
            remedy="run `undertow prices pull` or `undertow prices import FILE`, or give --prices",
        )
    return prices


def _price_frame(path: Path, problems: Problems, notes: list[str]) -> pd.DataFrame:
    import pandas as pd  # noqa: PLC0415 - slow to import

    from service.prices import read_prices  # noqa: PLC0415 - slow to import

    prices = read_prices(path, on_problem=problems.row, on_note=notes.append)
    rows = [one.model_dump() for one in prices]
    return pd.DataFrame(rows, columns=["time", "asset", "close", "currency"])


def _write(result: StudyResult, output: Path) -> None:
    if output.suffix.lower() == ".json":
        output.write_text(result.to_json() + "\n", encoding="utf-8")
    else:
        result.table().to_csv(output, index=False, lineterminator="\n")


def _tell(result: StudyResult, output: Path | None) -> None:
    heading(
        f"{counted(len(result.cells), 'test')} over {day(result.first_period)} to"
        f" {day(result.last_period)}, by {_PERIODS[result.frequency]}"
    )
    for sentence in result.verdict:
        click.echo(f"- {sentence}")
    click.echo(result.alignment)
    for note in result.notes:
        click.echo(f"Note: {note}")
    if output is not None:
        click.echo(f"Study: {output}")


_PERIODS = {"h": "hour", "D": "day", "W": "week"}
