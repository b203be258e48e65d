"""``undertow crawl --watch``: the endless crawl, told line by line."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from corpus.visits import Outcome
from corpus.watching import watch
from service.cli.words import counted
from service.crawl_metrics import CrawlMetrics

if TYPE_CHECKING:
    from corpus.politeness import CrawlSettings
    from corpus.sources import Source
    from corpus.store import Store
    from corpus.visits import Visit

_log = logging.getLogger(__name__)


def run(
    store: Store,
    sources: Sequence[Source],
    settings: CrawlSettings,
    *,
    allow_private: bool,
    metrics: tuple[str, int] | None,
    as_json: bool,
) -> None:
    """Crawl until a signal; ``metrics`` is the address and port at which figures are served.

    Prints a line for each visit that brought something, or with ``as_json`` each visit as JSON.
    """
    figures = CrawlMetrics(len(sources))
    if metrics is not None:
        host, port = metrics
        port = figures.serve(port, host)
        _log.info("figures at http://%s:%d/metrics", host, port, extra={"port": port})

    def on_visit(visit: Visit) -> None:
        figures.visited(visit)
        if visit.outcome in (Outcome.HELD, Outcome.NOT_DUE):
            return
        if as_json:
            click.echo(json.dumps(visit.model_dump(mode="json")))
        elif visit.new or visit.updated:
            click.echo(
                f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {visit.source}:"
                f" {counted(visit.new, 'new article')}, {visit.updated:,} updated"
            )

    if not as_json:
        click.echo(f"Watching {counted(len(sources), 'outlet')}; Ctrl-C or SIGTERM stops.")
    watch(
        store,
        sources,
        allow_private=allow_private,
        settings=settings,
        on_visit=on_visit,
        on_states=figures.standing,
    )
