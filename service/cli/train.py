"""``undertow train``: a model from labelled news."""

from __future__ import annotations

from pathlib import Path

import click

from corpus.errors import ModelError
from service.cli.command import FILE, json_option, make_command
from service.cli.failures import Interrupted
from service.cli.words import print_json


@make_command(
    "train",
    "undertow train --train train.jsonl --dev dev.jsonl -o models/mine",
    "undertow train --train train.jsonl --dev dev.jsonl --lessons news.parquet -o models/mine",
    "undertow train --train mine.jsonl --dev dev.jsonl --start models/undertow-drivers"
    " -o models/mine",
)
@click.option("--train", "train_file", type=FILE, required=True, help="Labelled items (JSONL).")
@click.option("--dev", "dev_file", type=FILE, required=True, help="Development items (JSONL).")
@click.option("--lessons", type=FILE, help="An opinion of news (made by `undertow teach`).")
@click.option(
    "--start",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Go on from this model instead of the bare encoder: one gentle round over everything.",
)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="Directory of the model; its name is the model's name.",
)
@click.option("--version", default="1", show_default=True, help="Version of the model.")
@click.option(
    "--device", type=click.Choice(["cpu", "cuda"]), help="[default: cuda if there is one]"
)
@click.option("--overwrite", is_flag=True, help="Replace a model that is there.")
@json_option
def command(
    *,
    train_file: Path,
    dev_file: Path,
    lessons: Path | None,
    start: Path | None,
    output: Path,
    version: str,
    device: str | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Train a model on labelled items; tune thresholds and calibration on development items.

    Needs the extra packages of `pip install 'undertow[train]'`. A run that was interrupted goes on
    from its last checkpoint.
    """
    try:
        from nlp.training import train  # noqa: PLC0415 - needs the train extra
    except ModuleNotFoundError as error:
        raise ModelError(
            f"training needs the package {error.name}", remedy="pip install 'undertow[train]'"
        ) from error
    try:
        scores = train(
            train_file,
            dev_file,
            output,
            version=version,
            device=device,
            lessons=lessons,
            start=start,
            overwrite=overwrite,
        )
    except KeyboardInterrupt:
        raise Interrupted(
            "interrupted; training goes on from its last checkpoint when run again"
        ) from None
    if as_json:
        print_json(scores.model_dump(mode="json"))
        return
    core = scores.figures["f1.core"].value
    click.echo(f"Trained {output.name}@{version}: core F1 {core:.3f} on {scores.items:,} items.")
    click.echo(f"Model: {output}")
