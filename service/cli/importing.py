"""``undertow import``: article files into the store."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import click

from service.cli.command import database_option, json_option, make_command, open_store
from service.cli.failures import DONE, PARTIAL
from service.cli.words import Problems, counted, print_json, progress, stopwatch, told_rate

One = TypeVar("One")


@make_command(
    "import",
    "undertow import news.parquet",
    "undertow import archive/ more.jsonl --db postgresql+psycopg://undertow@localhost/undertow",
)
@click.argument(
    "files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path)
)
@database_option
@json_option
def command(*, files: tuple[Path, ...], db: str | None, as_json: bool) -> int:
    """Take article files (JSONL, CSV, Parquet; a folder stands for its files) into the store.

    Columns read: title, text (one of both at least), summary, url, source, published_at, language,
    author, id. A row that cannot be used is named and left out, and makes the exit code 3. Taking a
    file again changes nothing, so that a rerun goes on where an interrupted one stopped.
    """
    from corpus.files import expand, read_articles  # noqa: PLC0415 - slow to import
    from service.batch_rows import count_rows  # noqa: PLC0415 - slow to import

    paths = expand(files)
    problems, seconds = Problems(), stopwatch()
    articles = read_articles(paths, problems.row)
    total = count_rows(paths) if sys.stderr.isatty() else None
    with open_store(db) as store, progress(total, "rows") as advance:
        counts = store.add(_advancing(articles, advance))
    rows = counts.new + counts.updated + counts.unchanged + problems.count
    if as_json:
        failed = {"failed": problems.count, "seconds": round(seconds(), 3)}
        print_json(counts.model_dump() | failed)
    else:
        click.echo(
            f"Took {counted(rows, 'row')} {told_rate(rows, seconds())}:"
            f" {counts.new:,} new ({counts.copies:,} copies of a known story),"
            f" {counts.updated:,} updated, {counts.unchanged:,} known already."
        )
        if problems.count:
            click.echo(f"{counted(problems.count, 'row')} left out.")
    return PARTIAL if problems.count else DONE


def _advancing(items: Iterable[One], advance: Callable[[int], None]) -> Iterator[One]:
    for item in items:
        yield item
        advance(1)
