"""``undertow teach``: a larger network's opinion of news, for ``undertow train`` to learn from."""

from __future__ import annotations

from pathlib import Path

import click

from corpus.errors import ModelError
from service.cli.command import FILE, json_option, make_command
from service.cli.failures import Interrupted
from service.cli.words import print_json


@make_command(
    "teach",
    "undertow teach --train train.jsonl --dev dev.jsonl --news news.parquet"
    " --encoder all-mpnet-base-v2 -o lessons.parquet",
)
@click.option("--train", "train_file", type=FILE, required=True, help="Labelled items (JSONL).")
@click.option("--dev", "dev_file", type=FILE, required=True, help="Development items (JSONL).")
@click.option(
    "--news",
    type=FILE,
    multiple=True,
    required=True,
    help="Unlabelled news (Parquet with title and text); repeatable.",
)
@click.option(
    "--encoder",
    required=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Directory of a sentence-transformers model, larger than the one to be taught.",
)
@click.option(
    "--pieces", default=25_000, show_default=True, help="Pieces of news to be judged, at most."
)
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="Lessons (Parquet)."
)
@click.option(
    "--device", type=click.Choice(["cpu", "cuda"]), help="[default: cuda if there is one]"
)
@click.option("--overwrite", is_flag=True, help="Replace a file that is there.")
@json_option
def command(
    *,
    train_file: Path,
    dev_file: Path,
    news: tuple[Path, ...],
    encoder: Path,
    pieces: int,
    output: Path,
    device: str | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Train a larger teacher on labelled items and write down what it thinks of other news.

    `undertow train --lessons` learns from that file. Minutes on a GPU, an hour or two on a CPU. A
    run that was interrupted goes on from its last checkpoint.
    """
    try:
        from nlp.training.teacher import teach  # noqa: PLC0415 - needs the train extra
    except ModuleNotFoundError as error:
        raise ModelError(
            f"teaching needs the package {error.name}", remedy="pip install 'undertow[train]'"
        ) from error
    try:
        scores = teach(
            train_file,
            dev_file,
            news,
            output,
            encoder=encoder,
            pieces=pieces,
            device=device,
            overwrite=overwrite,
        )
    except KeyboardInterrupt:
        raise Interrupted(
            "interrupted; teaching goes on from its last checkpoint when run again"
        ) from None
    if as_json:
        print_json(scores.model_dump(mode="json"))
        return
    click.echo(
        f"The teacher's stance is right on {scores.stance_accuracy:.1%} of the development items'"
        f" tags, its sentiment on {scores.sentiment_accuracy:.1%} of {scores.items:,} items."
    )
    click.echo(f"Lessons: {output} ({scores.pieces:,} pieces of news)")
