"""``undertow watch``: what to watch now."""

from __future__ import annotations

from datetime import datetime, timedelta

import click

from service.cli.command import (
    UTC_TIME,
    database_option,
    json_option,
    make_command,
    open_store,
    tags_of_option,
)
from service.cli.words import day, heading, print_json


@make_command("watch", "undertow watch", "undertow watch --until 2025-11-24 --json")
@click.option(
    "--until", type=UTC_TIME, help="State of affairs before this.  [default: when tagged last]"
)
@tags_of_option
@database_option
@json_option
def command(*, until: datetime | None, tags_of: str | None, db: str | None, as_json: bool) -> None:
    """Tell what to watch now: ETF flows, treasuries, leverage.

    Each state follows written rules (docs/method.md) from amounts that the news reports, and comes
    with the reports that it rests on.
    """
    from nlp.watch import LOOKBACK, assess  # noqa: PLC0415 - slow to import
    from service.report.reader import open_news  # noqa: PLC0415 - slow to import

    with open_store(db) as store:
        news = open_news(store, model=tags_of)
        until = until or news.as_of
        newest = store.counts().last_published
        states = assess(news.between(until - LOOKBACK, until), until=until, as_of=news.as_of)
    if as_json:
        print_json([one.model_dump(mode="json") for one in states])
        return
    for state in states:
        since = f", since {state.since:%Y-%m-%d}" if state.since else ""
        heading(f"{state.title}: {state.state.replace('_', ' ')}{since}")
        click.echo(f"  {state.sentence}")
        for one in state.evidence:
            click.echo(
                f"  - {one.amount.text}: {one.title} ({one.source}, {day(one.published_at)})"
            )
    if newest is not None and newest < until - timedelta(weeks=1):
        after = day(newest + timedelta(days=1))
        click.echo(
            f"Note: the newest article is of {day(newest)}; `undertow crawl` reads what came since,"
            f" and --until {after} tells the state of then."
        )
