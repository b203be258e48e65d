"""``undertow model``: what the model is and how well it reads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.cli.command import json_option, make_command, model_option
from service.cli.words import counted, day, heading, plain, print_json, table

if TYPE_CHECKING:
    from nlp.manifest import Manifest

_HEADLINES = {
    "f1.core": "F1, mean of the core drivers",
    "f1.all": "F1, mean of all drivers",
    "stance.accuracy": "stance right, where a driver was found",
    "sentiment.macro_f1": "sentiment, macro F1",
    "calibration.ece": "calibration error",
}


@make_command("model", "undertow model", "undertow model --model models/mine --json")
@model_option
@json_option
def command(*, model_directory: Path | None, as_json: bool) -> None:
    """Show what the model is: version, languages, drivers with thresholds, measured quality.

    The figures were measured on the development items when it was trained; its README.md says how.
    """
    from nlp.manifest import CARD_FILE, read_manifest  # noqa: PLC0415 - slow to import
    from nlp.tagger import SHIPPED  # noqa: PLC0415 - slow to import
    from service.settings import load_settings  # noqa: PLC0415 - slow to import

    place = model_directory or load_settings().model or SHIPPED
    manifest = read_manifest(place)
    if as_json:
        print_json(manifest.model_dump(mode="json") | {"directory": str(place)})
        return
    _tell(manifest)
    card = place / CARD_FILE
    if card.is_file():
        click.echo(f"Model card: {card}")


def _tell(manifest: Manifest) -> None:
    heading(f"{manifest.identity}, of {day(manifest.published_at)}")
    click.echo(
        f"Reads {', '.join(manifest.languages)}, up to {counted(manifest.max_tokens, 'token')} at a"
        " time; longer texts by windows."
    )
    figures = manifest.metrics
    table(
        ("driver", "threshold", "uncertain", "precision", "recall", "F1"),
        [
            (
                head.name,
                plain(head.threshold),
                f"{plain(head.uncertain_from)} to {plain(head.uncertain_to)}",
                *(
                    plain(figures.get(f"{kind}.{head.name}"), 3)
                    for kind in ("precision", "recall", "f1")
                ),
            )
            for head in manifest.heads
        ],
    )
    for name, words in _HEADLINES.items():
        if name in figures:
            click.echo(f"  {figures[name]:.3f}  {words}")
