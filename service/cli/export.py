"""``undertow export``: what the store holds, as a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from corpus.errors import InputError
from service.cli.command import (
    FILE,
    database_option,
    json_option,
    make_command,
    open_store,
    overwrite_option,
    require_new,
    tags_of_option,
)
from service.cli.words import counted, print_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from corpus.store import Store


@make_command(
    "export",
    "undertow export -o articles.parquet",
    "undertow export --what tags -o tags.jsonl",
    "undertow export --what prices -o prices.csv",
)
@click.option(
    "-o", "--output", required=True, type=FILE, help="Where it goes: .jsonl, .csv or .parquet."
)
@click.option(
    "--what",
    type=click.Choice(["articles", "tags", "prices"]),
    default="articles",
    show_default=True,
    help="What is written.",
)
@overwrite_option
@tags_of_option
@database_option
@json_option
def command(
    *,
    output: Path,
    what: str,
    overwrite: bool,
    tags_of: str | None,
    db: str | None,
    as_json: bool,
) -> None:
    """Write the store's articles to a file, or its tags or prices.

    Articles come back with `undertow import` as they were, from JSONL and Parquet bit for bit. Tags
    are tag records with url, title, source and published_at of their article.
    """
    require_new(output, overwrite=overwrite)
    with open_store(db) as store:
        if what == "articles":
            written = store.export(output)
        else:
            rows = _tags(store, tags_of) if what == "tags" else _prices(store)
            written = _write(rows, output)
    if as_json:
        print_json({"what": what, "written": written, "output": str(output)})
    else:
        click.echo(f"Wrote {counted(written, what.removesuffix('s'))}: {output}")


def _write(rows: Iterable[dict[str, Any]], output: Path) -> int:
    from corpus.files import open_writer  # noqa: PLC0415 - slow to import

    with open_writer(output) as writer:
        for row in rows:
            writer.write(row)
        return writer.count


def _tags(store: Store, tags_of: str | None) -> Iterator[dict[str, Any]]:
    from pydantic_core import from_json  # noqa: PLC0415 - slow to import

    from service.report.reader import open_news  # noqa: PLC0415 - slow to import

    for one in open_news(store, model=tags_of).between(None, None):
        article = one.article.model_dump(include={"url", "title", "source", "published_at"})
        yield from_json(one.record) | article


def _prices(store: Store) -> Iterator[dict[str, Any]]:
    prices = store.prices(assets=None)
    if prices.empty:
        raise InputError(
            "the store holds no prices", remedy="run `undertow prices pull` or `prices import`"
        )
    for row in prices.to_dict("records"):
        yield {str(name): value for name, value in row.items()} | {
            "time": row["time"].to_pydatetime()
        }
