"""``undertow teach``: an opinion of unlabelled news, for ``undertow train`` to learn from."""

from __future__ import annotations

from pathlib import Path

import click

from corpus.errors import ModelError, UsageError
from service.cli.command import FILE, json_option, make_command
from service.cli.failures import Interrupted
from service.cli.words import print_json


@make_command(
    "teach",
    "undertow teach --train train.jsonl --dev dev.jsonl --news news.parquet"
    " --encoder all-mpnet-base-v2 -o lessons.parquet",
    "undertow teach --train train.jsonl --dev dev.jsonl --news news.parquet"
    " --model models/first --model models/second -o lessons.parquet",
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
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Directory of a sentence-transformers model, larger than the one to be taught.",
)
@click.option(
    "--model",
    "models",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Instead of --encoder: a trained model to be asked; of several, their mean. Repeatable.",
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
    encoder: Path | None,
    models: tuple[Path, ...],
    pieces: int,
    output: Path,
    device: str | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Write down what a teacher thinks of unlabelled news.

    `undertow train --lessons` learns from that file. With --encoder, a larger teacher is first
    trained on the labelled items: minutes on a GPU, an hour or two on a CPU, and a run that was
    interrupted goes on from its last checkpoint. With --model, models that are trained already are
    asked, on the CPU: about three minutes each.
    """
    if (encoder is None) == (not models):
        raise UsageError("one of --encoder and --model is needed", remedy="give one of the two")
    try:
        from nlp.training.panel import consult  # noqa: PLC0415 - needs the train extra
        from nlp.training.teacher import teach  # noqa: PLC0415 - needs the train extra
    except ModuleNotFoundError as error:
        raise ModelError(
            f"teaching needs the package {error.name}", remedy="pip install 'undertow[train]'"
        ) from error
    try:
        if encoder is not None:
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
        else:
            scores = consult(
                train_file,
                dev_file,
                news,
                output,
                models=models,
                pieces=pieces,
                overwrite=overwrite,
            )
    except KeyboardInterrupt:
        raise Interrupted(
            "interrupted; training a teacher goes on from its last checkpoint when run again"
        ) from None
    if as_json:
        print_json(scores.model_dump(mode="json"))
        return
    click.echo(
        f"The teacher's stance is right on {scores.stance_accuracy:.1%} of the development items'"
        f" tags, its sentiment on {scores.sentiment_accuracy:.1%} of {scores.items:,} items."
    )
    click.echo(f"Lessons: {output} ({scores.pieces:,} pieces of news)")
