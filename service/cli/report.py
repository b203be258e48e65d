"""``undertow report``: the report of a week."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.cli.command import (
    FILE,
    UTC_TIME,
    database_option,
    make_command,
    open_store,
    tags_of_option,
)

if TYPE_CHECKING:
    from service.report import ReportFormat


@make_command(
    "report",
    "undertow report --week 2025-W47",
    "undertow report --week 2025-W47 --format md",
    "undertow report --week 2025-W47 --format json -o week.json",
)
@click.option("--week", required=True, help="ISO week, such as 2025-W47.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["html", "md", "json"]),
    help="Kind of report.  [default: by the suffix of --output, else html]",
)
@click.option(
    "-o",
    "--output",
    type=FILE,
    help="Where it goes.  [default: report-WEEK.html for html, else standard output]",
)
@click.option(
    "--asset",
    type=click.Choice(["all", "BTC", "ETH"]),
    default="all",
    show_default=True,
    help="Stories that name it.",
)
@click.option(
    "--as-of", type=UTC_TIME, help="Use what was known then.  [default: when it was tagged last]"
)
@tags_of_option
@database_option
def command(
    *,
    week: str,
    form: ReportFormat | None,
    output: Path | None,
    asset: str,
    as_of: datetime | None,
    tags_of: str | None,
    db: str | None,
) -> None:
    """Write the report of a week: pressures with bands, strongest stories, what to watch.

    The HTML report is one file that needs nothing from elsewhere.
    """
    from service.report import FORMATS, build_report, render  # noqa: PLC0415 - slow to import

    suffix = output.suffix.lower().removeprefix(".") if output else ""
    chosen = form or (suffix if suffix in FORMATS else "html")
    with open_store(db) as store:
        report = build_report(store, week=week, model=tags_of, as_of=as_of, asset=asset)
    text = render(report, chosen)
    if output is None and chosen != "html":
        click.echo(text, nl=False)
        return
    path = output or Path(f"report-{week}.html")
    path.write_text(text, encoding="utf-8")
    click.echo(report.headline)
    click.echo(f"Report: {path}")
