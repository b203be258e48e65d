"""``undertow evaluate``: tags against labelled news."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.cli.command import FILE, json_option, make_command, model_option
from service.cli.failures import DONE, PARTIAL
from service.cli.words import Problems, counted, heading, plain, print_json, table

if TYPE_CHECKING:
    from nlp.evaluate import Figure, Part, Scores


@make_command(
    "evaluate",
    "undertow evaluate gold.jsonl",
    "undertow evaluate gold.jsonl tags.jsonl --by source",
)
@click.argument("gold", type=FILE, metavar="GOLD.jsonl")
@click.argument("tags", required=False, type=FILE, metavar="[TAGS.jsonl]")
@click.option(
    "--by",
    "parts",
    multiple=True,
    type=click.Choice(["kind", "year", "source"]),
    default=("kind", "year"),
    show_default=True,
    help="Also by parts of the items; can be repeated.",
)
@click.option(
    "--resamples", type=click.IntRange(1), default=1000, show_default=True, help="For the bands."
)
@model_option
@json_option
def command(
    *,
    gold: Path,
    tags: Path | None,
    parts: tuple[Part, ...],
    resamples: int,
    model_directory: Path | None,
    as_json: bool,
) -> int:
    """Score tags against labelled news, with 90% bootstrap bands over the items.

    Each line of GOLD has id, drivers (driver to stance), sentiment, and title and/or text. Without
    TAGS the model tags GOLD first.
    """
    from nlp.evaluate import evaluate  # noqa: PLC0415 - slow to import

    problems = Problems()
    records = _read_tags(tags, problems) if tags else _tag(gold, model_directory, problems)
    scores = evaluate(gold, records, resamples=resamples, by=parts)
    if as_json:
        print_json(scores.model_dump(mode="json"))
    else:
        _tell(scores)
    return PARTIAL if problems.count else DONE


def _read_tags(path: Path, problems: Problems) -> list[dict[str, Any]]:
    from corpus.errors import InputError  # noqa: PLC0415 - beside its only use
    from corpus.files import read_rows  # noqa: PLC0415 - slow to import

    records = [row.values for row in read_rows(path, on_problem=problems.row)]
    if not all("id" in one and ("probabilities" in one or "error" in one) for one in records):
        raise InputError(
            f"{path} holds other rows than tag records",
            remedy="give a JSONL file written by `undertow tag`",
        )
    return records


def _tag(gold: Path, model_directory: Path | None, problems: Problems) -> list[dict[str, Any]]:
    from nlp.evaluate import read_gold  # noqa: PLC0415 - slow to import
    from nlp.records import Item, TagFailure  # noqa: PLC0415 - slow to import
    from service.cli.tag import load_tagger  # noqa: PLC0415 - beside its only use

    items = [
        Item(id=one["id"], title=one.get("title"), text=one.get("text")) for one in read_gold(gold)
    ]
    records = []
    for record in load_tagger(model_directory).tag_stream(items):
        if isinstance(record, TagFailure):
            problems.words(f"item {record.id}: {record.error}")
        records.append(record.model_dump(by_alias=True))
    return records


def _tell(scores: Scores) -> None:
    from nlp.taxonomy import drivers  # noqa: PLC0415 - slow to import

    figures = scores.figures
    heading(f"{counted(scores.items, 'item')}, {scores.without_record:,} without a record")
    table(
        ("driver", "precision", "recall", "F1", "90% band"),
        [
            (
                one.name,
                *(
                    plain(figures[f"{kind}.{one.name}"].value, 3)
                    for kind in ("precision", "recall")
                ),
                *_cells(figures[f"f1.{one.name}"]),
            )
            for one in drivers()
        ],
    )
    others = [name for name in figures if name.count(".") == 1 and not _of_a_driver(name)]
    table(("figure", "value", "90% band"), [(name, *_cells(figures[name])) for name in others])
    for part, rows in scores.parts.items():
        titles = list(dict.fromkeys(name for row in rows.values() for name in row))
        table(
            (part, *titles),
            [
                (name, *(_part_cell(title, row.get(title)) for title in titles))
                for name, row in rows.items()
            ],
        )


def _of_a_driver(name: str) -> bool:
    kind, _, rest = name.partition(".")
    return kind in {"precision", "recall"} or (
        kind == "f1" and not rest.startswith(("core", "all"))
    )


def _cells(figure: Figure) -> tuple[str, str]:
    return plain(figure.value, 3), f"{plain(figure.lower, 3)} to {plain(figure.upper, 3)}"


def _part_cell(title: str, value: float | None) -> str:
    return plain(value, 0 if title == "items" else 3)
