"""``undertow db``: whether the store is sound and of which version."""

from __future__ import annotations

import click

from service.cli.command import database_option, json_option, make_command, open_store
from service.cli.failures import DONE, FAILED
from service.cli.words import counted, day, print_json


@click.group("db")
def command() -> None:
    """Check the store and bring it up to date.

    Every command brings an older store up when it opens it; a newer one it refuses.
    """


@make_command("check", "undertow db check", "undertow db check --db sqlite:///copy.db --json")
@database_option
@json_option
def check(*, db: str | None, as_json: bool) -> int:
    """Check that all in the store fits together, and count it; exit code 1 when it does not."""
    with open_store(db) as store:
        faults, counts, name = store.check(), store.counts(), store.name
        models = store.tag_models()
    if as_json:
        told = {"store": name, "faults": list(faults), "tags": {}} | counts.model_dump(mode="json")
        print_json(told | {"tags": {one.identity: one.articles for one in models}})
        return FAILED if faults else DONE
    click.echo(
        f"{name}: {counted(counts.articles, 'article')} in"
        f" {counted(counts.stories, 'story', 'stories')} of {counted(counts.sources, 'outlet')},"
        f" {day(counts.first_published)} to {day(counts.last_published)}"
    )
    for one in models:
        click.echo(f"{one.identity}: tags of {counted(one.articles, 'article')}")
    for fault in faults:
        click.echo(f"fault: {fault}")
    click.echo(f"{counted(len(faults), 'fault')}." if faults else "Sound.")
    return FAILED if faults else DONE


@make_command("version", "undertow db version")
@database_option
@json_option
def version(*, db: str | None, as_json: bool) -> None:
    """Show the version of the store's schema."""
    _show_version(db, as_json, "")


@make_command(
    "upgrade", "undertow db upgrade --db postgresql+psycopg://undertow@localhost/undertow"
)
@database_option
@json_option
def upgrade(*, db: str | None, as_json: bool) -> None:
    """Bring the store up to the schema of this program, or make a new one."""
    _show_version(db, as_json, "up to date, ", create=True)


def _show_version(db: str | None, as_json: bool, words: str, *, create: bool = False) -> None:
    with open_store(db, create=create) as store:
        if as_json:
            print_json({"store": store.name, "schema_version": store.schema_version})
        else:
            click.echo(f"{store.name}: {words}schema {store.schema_version}")


for one in (check, version, upgrade):
    command.add_command(one)
