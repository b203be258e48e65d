"""``undertow sources``: how the crawl of each outlet stands, and the list in and out."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.cli.command import FILE, database_option, json_option, make_command, open_store
from service.cli.words import ago, counted, print_json

if TYPE_CHECKING:
    from corpus.records import SourceState
    from corpus.sources import Source


@make_command(
    "sources",
    "undertow sources",
    "undertow sources --sources outlets.toml --json",
    "undertow sources --export outlets.opml",
    "undertow sources --import reader.opml --sources outlets.toml",
)
@click.option(
    "--sources",
    "source_list",
    type=FILE,
    help="TOML or OPML list of outlets.  [default: $UNDERTOW_SOURCES, else corpus/sources.toml]",
)
@click.option("--export", "out", type=FILE, help="Write the list to this .opml or .toml file.")
@click.option(
    "--import", "given", type=FILE, help="Add the outlets of this OPML or TOML file to the list."
)
@database_option
@json_option
def command(
    *, source_list: Path | None, out: Path | None, given: Path | None, db: str | None, as_json: bool
) -> None:
    """Show the state of each outlet, or trade the list with feed readers as OPML.

    The state tells when an outlet was read, how much it gave, what keeps failing and what to do.
    """
    from corpus.sources import load_sources  # noqa: PLC0415 - slow to import
    from service.settings import load_settings  # noqa: PLC0415 - slow to import

    source_list = source_list or load_settings().sources
    if out and given:
        raise click.UsageError("--export and --import do not go together.")
    if given:
        _import(given, source_list)
        return
    sources = load_sources(source_list)
    if out:
        _export(sources, out)
        return
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


def _import(given: Path, target: Path | None) -> None:
    from corpus.sources import (  # noqa: PLC0415 - slow to import
        dump_toml,
        load_sources,
        not_listed,
    )

    if target is None:
        raise click.UsageError("name the list to add to: --sources FILE")
    if target.suffix.lower() != ".toml":
        raise click.UsageError(f"outlets are added to a TOML list only, and {target} is none")
    sources = load_sources(given)
    known = load_sources(target) if target.exists() else ()
    new = not_listed(sources, known)
    if new:
        # What stands in the list stays as it is, its comments too.
        before = target.read_text(encoding="utf-8").rstrip() + "\n\n" if known else ""
        target.write_text(before + dump_toml(new), encoding="utf-8")
    click.echo(
        f"{counted(len(new), 'outlet')} of {len(sources):,} added to {target};"
        f" {len(sources) - len(new):,} listed there already."
    )


def _export(sources: tuple[Source, ...], out: Path) -> None:
    from corpus.opml import dump_opml  # noqa: PLC0415 - slow to import
    from corpus.sources import dump_toml  # noqa: PLC0415 - slow to import

    writers = {".opml": dump_opml, ".xml": dump_opml, ".toml": dump_toml}
    write = writers.get(out.suffix.lower())
    if write is None:
        raise click.UsageError(f"{out}: write to a file that ends in .opml or .toml")
    out.write_text(write(sources), encoding="utf-8")
    click.echo(f"{counted(len(sources), 'outlet')} written to {out}.")


def _words(state: SourceState | None, now: datetime) -> str:
    if state is None or state.last_attempt_at is None:
        return "never read"
    if state.problem and not state.failures:
        words = f"well, read {ago(state.last_success_at or now, now)}, but {state.problem}"
    elif state.problem:
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
