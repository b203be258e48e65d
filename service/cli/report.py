"""``undertow report``: the report of a week."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from corpus.errors import UsageError
from service.cli.command import (
    FILE,
    UTC_TIME,
    database_option,
    make_command,
    open_store,
    overwrite_option,
    require_new,
    tags_of_option,
)

if TYPE_CHECKING:
    from service.report import ReportFormat

_OF_SUFFIX: dict[str, ReportFormat] = {".htm": "html", ".markdown": "md"}


@make_command(
    "report",
    "undertow report --week 2025-W47",
    "undertow report --week 2025-W47 --format md",
    "undertow report --week 2025-W47 -o week.pdf",
)
@click.option("--week", required=True, help="ISO week, such as 2025-W47.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["html", "md", "pdf", "json"]),
    help="Kind of report.  [default: by the suffix of --output, else html]",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option(
    "-o",
    "--output",
    type=FILE,
    help="Where it goes.  [default: report-WEEK.html or .pdf; md and json are printed]",
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
@overwrite_option
@tags_of_option
@database_option
def command(
    *,
    week: str,
    form: ReportFormat | None,
    as_json: bool,
    output: Path | None,
    asset: str,
    as_of: datetime | None,
    overwrite: bool,
    tags_of: str | None,
    db: str | None,
) -> None:
    """Write the report of a week: pressures with bands, strongest stories, what to watch.

    The HTML and the PDF report are one file each that needs nothing from elsewhere.
    """
    from nlp.index import week_bounds  # noqa: PLC0415 - slow to import
    from service.report import build_report, encoded  # noqa: PLC0415 - slow to import

    week_bounds(week)  # a wrong week is told before the store is looked for
    chosen = _chosen(form, output, as_json=as_json)
    path = output or (None if chosen in ("md", "json") else Path(f"report-{week}.{chosen}"))
    require_new(path, overwrite=overwrite)
    with open_store(db) as store:
        report = build_report(store, week=week, model=tags_of, as_of=as_of, asset=asset)
    content = encoded(report, chosen)
    if path is None:
        click.echo(content, nl=False)
        return
    path.write_bytes(content)
    click.echo(report.headline)
    click.echo(f"Report: {path}")


def _chosen(form: ReportFormat | None, output: Path | None, *, as_json: bool) -> ReportFormat:
    """The format that ``--format``, ``--json`` and the suffix of ``--output`` agree on."""
    from service.report import FORMATS  # noqa: PLC0415 - slow to import

    if as_json and form not in (None, "json"):
        raise UsageError(
            f"--json and --format {form} contradict each other", remedy="leave one of them out"
        )
    asked: ReportFormat | None = "json" if as_json else form
    if output is None:
        return asked or "html"
    suffix = output.suffix.lower()
    known = _OF_SUFFIX | {f".{one}": one for one in FORMATS}
    if suffix not in known:
        raise UsageError(
            f"--output {output} has no suffix of a report",
            remedy=f"end it in {', '.join(f'.{one}' for one in FORMATS)}",
        )
    meant = known[suffix]
    if asked not in (None, meant):
        raise UsageError(
            f"--output {output} is no name of a {asked} file",
            remedy=f"end it in .{asked}, or leave --format out for {meant}",
        )
    return meant
