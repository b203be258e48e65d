"""``undertow crawl``: the outlets' feeds into the store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.cli.command import FILE, database_option, json_option, make_command, open_store
from service.cli.failures import DONE, FAILED, PARTIAL
from service.cli.words import Problems, counted, print_json, progress, stopwatch

if TYPE_CHECKING:
    from corpus.crawl import CrawlProgress, CrawlSummary


@make_command(
    "crawl",
    "undertow crawl",
    "undertow crawl --sources outlets.toml",
    "undertow crawl --due-only       from a timer, every few minutes",
)
@click.option(
    "--sources",
    "source_list",
    type=FILE,
    help="TOML or OPML list of outlets.  [default: $UNDERTOW_SOURCES, else corpus/sources.toml]",
)
@click.option("--due-only", is_flag=True, help="Leave outlets alone that are not due yet.")
@click.option("--allow-private", is_flag=True, help="Also reach addresses inside this network.")
@click.option("--contact", default="", help="Your address or page, told to every outlet.")
@database_option
@json_option
def command(
    *,
    source_list: Path | None,
    due_only: bool,
    allow_private: bool,
    contact: str,
    db: str | None,
    as_json: bool,
) -> int:
    """Read the outlets' feeds into the store, and the pages that they point to.

    Each outlet's robots.txt and pace are kept. An outlet that fails is named and makes the exit
    code 3; the others are read all the same. Running it again reads what is new.
    """
    from corpus.crawl import crawl  # noqa: PLC0415 - slow to import
    from corpus.politeness import CrawlSettings  # noqa: PLC0415 - slow to import
    from corpus.sources import load_sources  # noqa: PLC0415 - slow to import
    from service.settings import load_settings  # noqa: PLC0415 - slow to import

    sources = load_sources(source_list or load_settings().sources)
    problems, seconds = Problems(), stopwatch()
    with open_store(db) as store, progress(len(sources), "outlets") as advance:
        shown = 0

        def on_progress(now: CrawlProgress) -> None:
            nonlocal shown
            advance(now.finished - shown)
            shown = now.finished

        summary = crawl(
            store,
            sources,
            allow_private=allow_private,
            due_only=due_only,
            settings=CrawlSettings(contact=contact),
            on_progress=on_progress,
        )
    for name, problem in summary.failed:
        problems.words(f"{name}: {problem}")
    if as_json:
        print_json(summary.model_dump(mode="json") | {"seconds": round(seconds(), 3)})
    else:
        _tell(summary, seconds())
    if not summary.failed:
        return DONE
    return FAILED if len(summary.failed) == len(sources) else PARTIAL


def _tell(summary: CrawlSummary, seconds: float) -> None:
    read = summary.sources - len(summary.failed) - summary.not_due
    click.echo(
        f"Read {read} of {counted(summary.sources, 'outlet')} in {seconds:,.1f} s:"
        f" {counted(summary.new, 'new article')}, {summary.updated:,} updated,"
        f" {summary.copies:,} copies of a known story, {counted(summary.pages, 'page')} fetched."
    )
    if summary.not_due:
        click.echo(f"{counted(summary.not_due, 'outlet')} not due yet.")
    if summary.entry_problems or summary.page_problems:
        pages = ", ".join(f"{told}: {number}" for told, number in summary.page_problems.items())
        click.echo(
            f"Not usable: {counted(summary.entry_problems, 'entry', 'entries')} of feeds"
            f"{f', pages ({pages})' if pages else ''}."
        )
