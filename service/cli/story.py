"""``undertow story``: a story with its copies, tags and evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from corpus.errors import InputError
from service.cli.command import (
    database_option,
    json_option,
    make_command,
    open_store,
    tags_of_option,
)
from service.cli.words import counted, heading, moment, plain, print_json, signed

if TYPE_CHECKING:
    from corpus.records import Article
    from corpus.store import Store


@make_command("story", "undertow story 3f2a9c0d1e4b5a697887", "undertow story ID --json")
@click.argument("identity", metavar="ID")
@tags_of_option
@database_option
@json_option
def command(*, identity: str, tags_of: str | None, db: str | None, as_json: bool) -> None:
    """Show the story of an id (of a story or any of its articles): its members and its tags.

    Each member comes with how alike it is to the one that it matched, from 0 to 1, and why; stories
    that proved to be one with it follow. The id of a merged story shows the story that it is now.
    """
    with open_store(db) as store:
        article = store.article(identity)
        members = store.story(article.story_id if article else identity)
        if not members:
            raise InputError(
                f"the store holds no article or story {identity}",
                remedy="take an id from a report, or from `undertow export`",
            )
        model = tags_of or next((one.identity for one in store.tag_models()), None)
        record = _record(store, members[0], model)
        story_id = members[0].story_id
        matches = {one.article_id: one for one in store.story_matches(story_id)}
        merges = store.story_merges(story_id)
    if as_json:
        told = {
            "story_id": story_id,
            "articles": [one.model_dump(mode="json") for one in members],
            "matches": [one.model_dump(mode="json") for one in matches.values()],
            "merges": [one.model_dump(mode="json") for one in merges],
            "tags": record,
        }
        print_json(told)
        return
    heading(members[0].title)
    click.echo(f"Story {story_id}, {counted(len(members), 'article')}")
    for one in members:
        match = matches.get(one.id)
        alike = f", alike {plain(match.score)}" if match and match.score else ""
        click.echo(f"- {moment(one.published_at)}  {one.source}{alike}  {one.url}")
        if match and match.reason:
            click.echo(f"    {match.reason}; matched {match.matched_id}")
    for merge in merges:
        click.echo(
            f"Merged {moment(merge.merged_at)}: story {merge.from_id} into {merge.into_id},"
            f" shown by {merge.article_id} (alike {plain(merge.score)}; {merge.reason})"
        )
    if record is None:
        click.echo("Not tagged yet (run `undertow tag --db`).")
    else:
        _tell_tags(record)


def _record(store: Store, head: Article, model: str | None) -> dict[str, Any] | None:
    from pydantic_core import from_json  # noqa: PLC0415 - slow to import

    text = store.tag_record(head.id, model) if model else None
    record: dict[str, Any] | None = from_json(text) if text else None
    return record


def _tell_tags(record: dict[str, Any]) -> None:
    click.echo(f"Tags of {record['model']}")
    if "error" in record:
        click.echo(f"  could not be tagged: {record['error']}")
        return
    sentiment = record["sentiment"]
    if sentiment is not None:
        click.echo(f"  sentiment {sentiment['label']} ({signed(sentiment['score'])})")
    for tag in record["drivers"]:
        click.echo(
            f"  {tag['driver']} {plain(tag['probability'])}, {tag['stance']}"
            f" ({signed(tag['stance_score'])})"
        )
        for span in tag["evidence"]:
            click.echo(f"    {span['field']}: {span['text']}")
    if record["uncertain"]:
        click.echo(f"  uncertain: {', '.join(record['uncertain'])}")
    for amount in record["amounts"]:
        period = f", {amount['period']}" if amount["period"] else ""
        click.echo(
            f"  {amount['kind']} {amount['value']:,.0f} {amount['unit']}{period}: {amount['text']}"
        )
