"""``undertow driver``: drivers of one's own, learned from a handful of examples."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from service.cli.command import FILE, json_option, make_command, model_option
from service.cli.words import counted, day, heading, plain, print_json, progress, table

if TYPE_CHECKING:
    from collections.abc import Callable

    from nlp.added_drivers import AddedDriver

    Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def _folder_option(function: Decorated) -> Decorated:
    return click.option(
        "-o",
        "--drivers",
        "folder",
        metavar="DIRECTORY",
        envvar="UNDERTOW_DRIVERS",
        default="undertow-drivers-added",
        type=click.Path(path_type=Path, file_okay=False),
        help="Where added drivers are kept."
        "  [default: $UNDERTOW_DRIVERS, else undertow-drivers-added]",
    )(function)


@click.group("driver")
def command() -> None:
    """Add a driver of your own from 8 to 50 examples; the shipped ones stay as they are."""


@make_command(
    "add",
    "undertow driver add mining_supply --examples eight.jsonl",
    'undertow driver add mining_supply --examples eight.jsonl --title "Mining supply" -o drivers',
)
@click.argument("name")
@click.option(
    "--examples", "file", required=True, type=FILE, help="JSONL, CSV or Parquet of examples."
)
@click.option("--title", help="The driver's name for readers.  [default: from NAME]")
@click.option("--overwrite", is_flag=True, help="Replace a driver of that name.")
@_folder_option
@model_option
@json_option
def add(
    *,
    name: str,
    file: Path,
    title: str | None,
    overwrite: bool,
    folder: Path,
    model_directory: Path | None,
    as_json: bool,
) -> None:
    """Learn a driver from examples and keep it beside the model.

    An example has a `title`, a `text` or both; `label` (false for news that does not speak of the
    driver; default true) and `stance` (bearish, neutral or bullish) are optional. News of
    Undertow's own sample stands for all other news. The figures told are cross-validated.
    """
    from nlp.added_drivers import require_free_name, save_driver  # noqa: PLC0415 - slow to import
    from nlp.added_examples import read_examples  # noqa: PLC0415 - slow to import
    from nlp.added_training import learn_driver  # noqa: PLC0415 - slow to import
    from nlp.tagger import Tagger  # noqa: PLC0415 - slow to import
    from service.settings import load_settings  # noqa: PLC0415 - slow to import

    settings = load_settings()
    examples = read_examples(file)
    tagger = Tagger.load(model_directory or settings.model, threads=settings.threads)
    require_free_name(name, [head.name for head in tagger.manifest.heads])
    with progress(None, "items") as advance:
        driver = learn_driver(
            tagger,
            examples,
            name=name,
            title=title or name.replace("_", " ").capitalize(),
            created_at=datetime.now(tz=UTC).replace(microsecond=0),
            on_progress=advance,
        )
    path = save_driver(driver, folder, overwrite=overwrite)
    if as_json:
        print_json(_told(driver, path))
        return
    _tell(driver)
    click.echo(f"Driver: {path}")


@make_command("list", "undertow driver list", "undertow driver list --json")
@_folder_option
@json_option
def show(*, folder: Path, as_json: bool) -> None:
    """List the added drivers with their cross-validated figures."""
    from nlp.added_drivers import driver_files, read_driver  # noqa: PLC0415 - slow to import

    found = [(read_driver(path), path) for path in driver_files(folder)]
    if as_json:
        print_json([_told(driver, path) for driver, path in found])
        return
    if not found:
        click.echo(f"No added driver in {folder}.")
        return
    table(
        ("driver", "model", "added", "examples", "average precision", "threshold"),
        [
            (
                driver.name,
                driver.model,
                day(driver.created_at),
                f"{driver.report.positives:,}",
                plain(driver.report.average_precision),
                plain(driver.threshold),
            )
            for driver, _ in found
        ],
        left=3,
    )


@make_command("remove", "undertow driver remove mining_supply")
@click.argument("name")
@_folder_option
def remove(*, name: str, folder: Path) -> None:
    """Remove an added driver; tags that it had a part in stay in the store."""
    from nlp.added_drivers import remove_driver  # noqa: PLC0415 - slow to import

    click.echo(f"Removed {remove_driver(name, folder)}.")


def _told(driver: AddedDriver, path: Path) -> dict[str, Any]:
    content = driver.model_dump(
        mode="json", exclude={"state_weights", "words", "word_weights", "bias"}
    )
    return content | {"identity": driver.identity, "file": str(path)}


def _tell(driver: AddedDriver) -> None:
    report = driver.report
    heading(f"{driver.title} ({driver.name}), learned on {driver.model}")
    negatives = f"{report.negatives:,} others and " if report.negatives else ""
    click.echo(
        f"From {counted(report.positives, 'example')}, set against {negatives}"
        f"{report.background:,} pieces of sample news; {report.folds}-fold cross-validated."
    )
    click.echo(f"Where {report.share:.0%} of the news speaks of it:")
    click.echo(f"  {report.average_precision:.2f}  average precision")
    click.echo(
        f"  {report.auc:.2f}  chance to score above other news"
        f" (90% interval {report.auc_lower:.2f} to {report.auc_upper:.2f})"
    )
    click.echo(f"  {report.precision:.2f}  precision at the threshold {driver.threshold:.2f}")
    click.echo(f"  {report.recall:.2f}  recall there")
    click.echo(f"  {report.calibration_error:.2f}  calibration error")
    if report.stances:
        click.echo(f"  {report.stances_right} of {report.stances} stances read as labelled")
    table(
        ("probability", "items", "mean", "share"),
        [
            (
                f"{plain(part.lower, 1)} to {plain(part.upper, 1)}",
                f"{part.items:,}",
                plain(part.probability),
                plain(part.share),
            )
            for part in report.bins
        ],
    )
    for warning in report.warnings:
        click.echo(click.style(f"Warning: {warning}", fg="yellow"))


command.add_command(add)
command.add_command(show)
command.add_command(remove)
