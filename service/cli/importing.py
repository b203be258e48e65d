"""``undertow import``: article files into the store."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from corpus.errors import InputError
from service.cli.command import database_option, json_option, make_command, open_store
from service.cli.failures import DONE, PARTIAL
from service.cli.words import Problems, counted, print_json, progress, stopwatch, told_rate

if TYPE_CHECKING:
    from corpus.records import Article, FoundArticle

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
    author, id. A row that cannot be used, or one file of several, is named and left out, and makes
    the exit code 3. Taking a file again changes nothing, so that a rerun goes on where an
    interrupted one stopped.
    """
    from service.batch_rows import count_rows  # noqa: PLC0415 - slow to import

    problems, seconds = Problems(), stopwatch()
    unreadable: list[InputError] = []
    paths = _readable(files, unreadable)
    if not paths:
        raise unreadable[0]
    total = count_rows(paths) if sys.stderr.isatty() else None
    articles = _articles(paths, problems, unreadable)
    with open_store(db, create=True) as store, progress(total, "rows") as advance:
        counts = store.add(_advancing(articles, advance))
    if len(unreadable) == len(files) == 1:
        raise unreadable[0]
    for problem in unreadable:
        problems.words(str(problem))
    failed_rows = problems.count - len(unreadable)
    rows = counts.new + counts.updated + counts.unchanged + failed_rows
    if as_json:
        failed = {
            "failed": failed_rows,
            "unreadable_files": len(unreadable),
            "seconds": round(seconds(), 3),
        }
        print_json(counts.model_dump() | failed)
    else:
        click.echo(
            f"Took {counted(rows, 'row')} {told_rate(rows, seconds())}:"
            f" {counts.new:,} new ({counts.copies:,} copies of a known story),"
            f" {counts.updated:,} updated, {counts.unchanged:,} known already."
        )
        if failed_rows:
            click.echo(f"{counted(failed_rows, 'row')} left out.")
        if unreadable:
            click.echo(f"{counted(len(unreadable), 'file')} could not be read.")
    return PARTIAL if problems.count else DONE


def _readable(given: Iterable[Path], unreadable: list[InputError]) -> list[Path]:
    """The files that ``given`` names and that can be read as articles; the others are noted."""
    from corpus.files import expand, require_columns  # noqa: PLC0415 - slow to import

    found: list[Path] = []
    for one in given:
        try:
            paths = expand([one])
        except InputError as problem:
            unreadable.append(problem)
            continue
        for path in paths:
            try:
                require_columns(path, ("title", "text"))
            except InputError as problem:
                unreadable.append(problem)
            else:
                found.append(path)
    return found


def _articles(
    paths: Iterable[Path], problems: Problems, unreadable: list[InputError]
) -> Iterator[FoundArticle | Article]:
    """Articles of the files; one that turns out damaged on the way is noted, the next goes on."""
    from corpus.files import read_articles  # noqa: PLC0415 - slow to import

    for path in paths:
        try:
            yield from read_articles([path], problems.row)
        except InputError as problem:
            unreadable.append(problem)


def _advancing(items: Iterable[One], advance: Callable[[int], None]) -> Iterator[One]:
    for item in items:
        yield item
        advance(1)
