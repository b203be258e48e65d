"""``undertow crawl``: the outlets' feeds into the store, once or for ever."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.cli.command import (
    FILE,
    UTC_TIME,
    database_option,
    json_option,
    make_command,
    open_store,
)
from service.cli.failures import DONE, FAILED, PARTIAL
from service.cli.words import Problems, counted, print_json, progress, stopwatch

if TYPE_CHECKING:
    from corpus.crawl import CrawlProgress, CrawlSummary
    from corpus.politeness import CrawlSettings
    from corpus.sources import Source
    from corpus.store import Store


@make_command(
    "crawl",
    "undertow crawl",
    "undertow crawl --sources outlets.toml --contact crawl@example.org",
    "undertow crawl --watch --metrics-port 9464       for weeks, each outlet when it is due",
    "undertow crawl --sitemap https://example.org/sitemap.xml --since 2025-11-01",
)
@click.option(
    "--sources",
    "source_list",
    type=FILE,
    help="TOML or OPML list of outlets.  [default: $UNDERTOW_SOURCES, else corpus/sources.toml]",
)
@click.option("--due-only", is_flag=True, help="Leave outlets alone that are not due yet.")
@click.option("--watch", is_flag=True, help="Go on for ever: read each outlet when it is due.")
@click.option(
    "--metrics-port",
    type=click.IntRange(0, 65535),
    help="With --watch: serve figures for Prometheus at this port.",
)
@click.option(
    "--metrics-host",
    default="127.0.0.1",
    show_default=True,
    help="The address at which figures are served.",
)
@click.option(
    "--sitemap",
    "sitemaps",
    multiple=True,
    metavar="URL",
    help="Read this sitemap, or index of sitemaps, instead of the list, for back-fill.",
)
@click.option(
    "--since", type=UTC_TIME, help="Pass over what is stated to be older (an ISO 8601 time)."
)
@click.option(
    "--delay",
    type=click.FloatRange(min=0),
    default=1.0,
    show_default=True,
    help="Seconds between two requests to a host; its own wish counts where it is longer.",
)
@click.option(
    "--at-once",
    type=click.IntRange(1, 256),
    default=16,
    show_default=True,
    help="Requests at a time in all; to one host there is one at a time.",
)
@click.option("--allow-private", is_flag=True, help="Also reach loopback addresses, for tests.")
@click.option(
    "--contact",
    envvar="UNDERTOW_CONTACT",
    default="",
    help="Your address or page, told to every outlet.  [default: $UNDERTOW_CONTACT]",
)
@database_option
@json_option
def command(
    *,
    source_list: Path | None,
    due_only: bool,
    watch: bool,
    metrics_port: int | None,
    metrics_host: str,
    sitemaps: tuple[str, ...],
    since: datetime | None,
    delay: float,
    at_once: int,
    allow_private: bool,
    contact: str,
    db: str | None,
    as_json: bool,
) -> int:
    """Read the outlets' feeds into the store, and the pages that they point to.

    Each outlet's robots.txt and pace are kept. An outlet that fails is named and makes the exit
    code 3; the others are read all the same. Running it again reads what is new. With --watch it
    runs until SIGTERM or Ctrl-C, which let what is under way come to its end for 20 seconds.
    """
    from corpus.politeness import CrawlSettings  # noqa: PLC0415 - slow to import
    from corpus.sources import load_sources, sitemap_source  # noqa: PLC0415 - slow to import
    from service.settings import load_settings  # noqa: PLC0415 - slow to import

    if watch and (due_only or sitemaps or since):
        raise click.UsageError("--watch goes with neither --due-only, --sitemap nor --since.")
    if metrics_port is not None and not watch:
        raise click.UsageError("--metrics-port goes with --watch only.")
    sources = load_sources(source_list or load_settings().sources)
    if sitemaps:
        sources = tuple(sitemap_source(url, sources) for url in dict.fromkeys(sitemaps))
    settings = CrawlSettings(contact=contact, delay_seconds=delay, max_connections=at_once)
    with open_store(db, create=True) as store:
        if watch:
            from service.cli.crawl_watch import run  # noqa: PLC0415 - slow to import

            run(
                store,
                sources,
                settings,
                allow_private=allow_private,
                metrics=None if metrics_port is None else (metrics_host, metrics_port),
                as_json=as_json,
            )
            return DONE
        return _once(
            store,
            sources,
            settings,
            allow_private=allow_private,
            due_only=due_only,
            since=since,
            as_json=as_json,
        )


def _once(
    store: Store,
    sources: tuple[Source, ...],
    settings: CrawlSettings,
    *,
    allow_private: bool,
    due_only: bool,
    since: datetime | None,
    as_json: bool,
) -> int:
    from corpus.crawl import crawl  # noqa: PLC0415 - slow to import

    problems, seconds = Problems(), stopwatch()
    with progress(len(sources), "outlets") as advance:
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
            settings=settings,
            since=since,
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
    read = summary.sources - len(summary.failed) - summary.not_due - summary.held
    click.echo(
        f"Read {read} of {counted(summary.sources, 'outlet')} in {seconds:,.1f} s:"
        f" {counted(summary.new, 'new article')}, {summary.updated:,} updated,"
        f" {summary.copies:,} copies of a known story, {counted(summary.pages, 'page')} fetched."
    )
    if summary.not_due:
        click.echo(f"{counted(summary.not_due, 'outlet')} not due yet.")
    if summary.held:
        click.echo(f"{counted(summary.held, 'outlet')} in the hands of another crawler.")
    if summary.entry_problems or summary.page_problems:
        pages = ", ".join(f"{told}: {number}" for told, number in summary.page_problems.items())
        click.echo(
            f"Not usable: {counted(summary.entry_problems, 'entry', 'entries')} of feeds"
            f"{f', pages ({pages})' if pages else ''}."
        )
