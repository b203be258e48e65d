"""``undertow sources``: how the crawl of each outlet stands."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.cli.command import FILE, database_option, json_option, make_command, open_store
from service.cli.words import ago, counted, print_json

if TYPE_CHECKING:
    from corpus.records import SourceState


@make_command("sources", "undertow sources", "undertow sources --sources outlets.toml --json")
@click.option(
    "--sources",
    "source_list",
    type=FILE,
    help="TOML or OPML list of outlets.  [default: $UNDERTOW_SOURCES, else corpus/sources.toml]",
)
@database_option
@json_option
def command(*, source_list: Path | None, db: str | None, as_json: bool) -> None:
    """Show the state of each outlet: when it was read, how much it gave, what keeps failing."""
    from corpus.sources import load_sources  # noqa: PLC0415 - slow to import
    from service.settings import load_settings  # noqa: PLC0415 - slow to import

    sources = load_sources(source_list or load_settings().sources)
    with open_store(db) as store:
        states = {one.name: one for one in store.source_states()}
    if as_json:
        print_json(
            [
                source.model_dump(mode="json")
                | {"state": states[source.name].model_dump(mode="json")}
                if source.name in states
                else source.model_dump(mode="json") | {"state": None}
                for source in sources
            ]
        )
        return
    now = datetime.now(tz=UTC)
    listed = [(source.name, states.get(source.name)) for source in sources]
    named = {source.name for source in sources}
    listed += [(f"{name} (not in the list)", states[name]) for name in states.keys() - named]
    width = max(len(name) for name, _ in listed)
    for name, state in listed:
        click.echo(f"{name:<{width}}  {_words(state, now)}")


def _words(state: SourceState | None, now: datetime) -> str:
    if state is None or state.last_attempt_at is None:
        return "never read"
    if state.problem:
        words = f"failing, {counted(state.failures, 'time')} in a row: {state.problem}"
        if state.last_success_at:
            words += f"; last read {ago(state.last_success_at, now)}"
    else:
        words = f"well, read {ago(state.last_success_at or state.last_attempt_at, now)}"
    words += f"; {counted(state.items, 'entry', 'entries')} in all"
    if state.next_due_at:
        due = f"{state.next_due_at:%Y-%m-%d %H:%M} UTC"
        words += "; due now" if state.next_due_at <= now else f"; due {due}"
    return words
