"""``undertow demo``: the whole chain on the bundled sample."""

from __future__ import annotations

from pathlib import Path

import click

from service.cli.command import make_command


@make_command("demo", "undertow demo", "undertow demo --folder /tmp/undertow-demo")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default="demo",
    show_default=True,
    help="Where store, index, study and reports go.",
)
def command(*, folder: Path) -> None:
    """Run the whole chain on the bundled sample.

    Serves a small site of invented outlets on this machine, then crawls, tags, indexes, studies
    and reports with the same code that the other commands use. Nothing outside is reached.
    """
    from service.demo import run_demo, week_lines  # noqa: PLC0415 - slow to import

    for report in run_demo(folder, tell=click.echo):
        click.echo()
        for line in week_lines(report):
            click.echo(line)
