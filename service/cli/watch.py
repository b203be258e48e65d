"""``undertow watch``: what to watch now, in words or to a webhook."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from corpus.errors import UsageError
from service.cli.command import (
    FILE,
    UTC_TIME,
    database_option,
    json_option,
    make_command,
    open_store,
    tags_of_option,
)
from service.cli.words import day, heading, print_json

if TYPE_CHECKING:
    from service.changes import Change
    from service.report.reader import NewsReader

STATE_FILE = "undertow-webhook.json"


@make_command(
    "watch",
    "undertow watch",
    "undertow watch --until 2025-11-24 --json",
    "undertow watch --webhook https://desk.example/undertow",
)
@click.option(
    "--until", type=UTC_TIME, help="State of affairs before this.  [default: when tagged last]"
)
@click.option(
    "--webhook",
    metavar="URL",
    help="Post what has changed since the last run to this address, signed by"
    " $UNDERTOW_WEBHOOK_SECRET.",
)
@click.option(
    "--state",
    type=FILE,
    help=f"Where --webhook keeps what it has told.  [default: {STATE_FILE}]",
)
@tags_of_option
@database_option
@json_option
def command(
    *,
    until: datetime | None,
    webhook: str | None,
    state: Path | None,
    tags_of: str | None,
    db: str | None,
    as_json: bool,
) -> None:
    """Tell what to watch now: ETF flows, treasuries, leverage.

    Each state follows written rules (docs/method.md) from amounts that the news reports, and comes
    with the reports that it rests on. With --webhook, a message is posted for each of them that
    turned and each driver whose pressure left its band since the last run (docs/report.md).
    """
    if webhook is None and state is not None:
        raise UsageError("--state is for --webhook alone", remedy="give --webhook URL too")
    if webhook is not None and as_json:
        raise UsageError("--webhook prints no JSON", remedy="leave --webhook or --json out")
    from service.report.reader import open_news  # noqa: PLC0415 - slow to import

    if webhook is not None:
        _post(webhook, state or Path(STATE_FILE), until=until, tags_of=tags_of, db=db)
        return
    from nlp.watch import LOOKBACK, assess  # noqa: PLC0415 - slow to import

    with open_store(db) as store:
        news = open_news(store, model=tags_of)
        until = until or news.as_of
        newest = store.counts().last_published
        states = assess(news.between(until - LOOKBACK, until), until=until, as_of=news.as_of)
    if as_json:
        print_json([one.model_dump(mode="json") for one in states])
        return
    for one in states:
        since = f", since {one.since:%Y-%m-%d}" if one.since else ""
        heading(f"{one.title}: {one.state.replace('_', ' ')}{since}")
        click.echo(f"  {one.sentence}")
        for told in one.evidence:
            click.echo(
                f"  - {told.amount.text}: {told.title} ({told.source}, {day(told.published_at)})"
            )
    _tell_age(newest, until)


def _post(
    url: str, state: Path, *, until: datetime | None, tags_of: str | None, db: str | None
) -> None:
    from service.changes import find_changes  # noqa: PLC0415 - slow to import
    from service.report.reader import open_news  # noqa: PLC0415 - slow to import
    from service.settings import load_settings  # noqa: PLC0415 - slow to import
    from service.webhook import Webhook, post_changes  # noqa: PLC0415 - slow to import

    secret = load_settings().webhook_secret
    webhook = Webhook(url, secret.get_secret_value() if secret else None)
    posted: list[Change] = []

    def tell(change: Change) -> None:
        posted.append(change)
        click.echo(f"Posted: {change.sentence}")

    with open_store(db) as store:
        news: NewsReader = open_news(store, model=tags_of)
        newest = store.counts().last_published
        first = post_changes(
            webhook, state, lambda told: find_changes(news, told, until=until), on_posted=tell
        )
    if first:
        click.echo(f"Noted how things stand, in {state}; the next run posts what has changed.")
    elif not posted:
        click.echo("Nothing has changed since the last run.")
    _tell_age(newest, until or news.as_of)


def _tell_age(newest: datetime | None, until: datetime) -> None:
    if newest is not None and newest < until - timedelta(weeks=1):
        after = day(newest + timedelta(days=1))
        click.echo(
            f"Note: the newest article is of {day(newest)}; `undertow crawl` reads what came since,"
            f" and --until {after} tells the state of then."
        )
