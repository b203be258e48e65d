"""The model card, written from the manifest and the measured figures."""

from __future__ import annotations

from nlp.evaluate import COVERAGES, Figure, Scores
from nlp.manifest import Manifest
from nlp.taxonomy import drivers

SMALLEST_PART = 15  # items; figures of smaller groups say nothing


def model_card(manifest: Manifest, scores: Scores) -> str:
    """The card as Markdown."""
    config = manifest.training
    lines = [
        f"# {manifest.identity}",
        "",
        "Tags English crypto-market news with seven drivers, a stance for each, and an overall"
        " sentiment.",
        "",
        "## What it is",
        "all-MiniLM-L6-v2 (Apache-2.0), fine-tuned with attention queries for each question, joined"
        " with a word-level linear model over hashed token runs (`nlp/training/network.py`,"
        " `nlp/lexical.py`). `model.onnx` holds int8 weights, `model.safetensors` the same numbers"
        " in float16.",
        *_teaching(manifest),
        "",
        "## Data",
        f"{config['items']} labelled news items (headlines, headlines with openings, passages; most"
        f" of 2022, 2023 and 2025), {config['own_items']} sentences of our own about direction,"
        f" {scores.items} development items for calibration and"
        " thresholds. Third-party text: it is not distributed; SHA-256 of the files:",
        "",
        *(f"- {name}: `{digest}`" for name, digest in manifest.data.items()),
        "",
        "## Intended use",
        "Tagging crypto and macro news in English, as input to an index or for reading. Not for"
        " trading on a single tag, and not for social-media chatter, other languages or other asset"
        " classes.",
        "",
        "## Figures on the development items",
        "Point and 90% bootstrap interval. Thresholds and calibration were fitted on the same"
        " items, so expect a little less on unseen news.",
        "",
        "| figure | value | 90% interval |",
        "|---|---|---|",
        *(_figure_row(name, scores.figures[name]) for name in _main_figures(scores)),
        "",
        "Core F1 when the least certain items are left undecided:",
        "",
        "| decided | core F1 | 90% interval |",
        "|---|---|---|",
        *(
            _figure_row(f"{coverage:.0%}", scores.figures[f"f1.core@{coverage:.0%}coverage"])
            for coverage in COVERAGES
        ),
        "",
        "| driver | precision | recall | F1 | threshold |",
        "|---|---|---|---|---|",
        *(_driver_row(manifest, scores, driver.name) for driver in drivers()),
        "",
    ]
    for part, groups in scores.parts.items():
        lines += [
            f"| {part} | items | core F1 | all F1 | stance | sentiment F1 |",
            "|---|---|---|---|---|---|",
            *(
                _part_row(name, group)
                for name, group in groups.items()
                if (group["items"] or 0) >= SMALLEST_PART
            ),
            "",
        ]
    lines += [
        "## Limits and known failure kinds",
        "- Stance is harder than topic: direction told by numbers alone, by irony, or against the"
        " usual reading of a word is missed more often than the topic is.",
        "- News from after September 2025 is scarce in training; expect a few points less on it.",
        "- Adoption is the widest and vaguest driver, and the least certain.",
        "- An article is read in windows of about 100 tokens; what hangs on a sentence far away is"
        " missed.",
        "",
        f"Trained at revision `{manifest.revision}`, seed {config['seed']},"
        f" {config['epochs']} epochs.",
        "",
    ]
    return "\n".join(lines)


def _teaching(manifest: Manifest) -> list[str]:
    """What the model learned from beside labels, if anything."""
    told = []
    if "start" in manifest.data:
        share = manifest.training["start_share"]
        told.append(
            f"Training went on from an earlier model; the weights are {share:.0%} that model's and"
            f" {1 - share:.0%} those after."
        )
    if "lessons" in manifest.data:
        told.append(
            "The opinion that teachers (a larger network, or earlier models) have of unlabelled"
            " news was learned too (`docs/training.md`)."
        )
    return ["", " ".join(told)] if told else []


def _main_figures(scores: Scores) -> list[str]:
    wanted = ["f1.core", "f1.all", "f1.core@80%coverage", "stance.accuracy", "stance.macro_f1"]
    wanted += ["sentiment.accuracy", "sentiment.macro_f1", "calibration.ece"]
    return [name for name in wanted if name in scores.figures]


def _figure_row(name: str, figure: Figure) -> str:
    return (
        f"| {name} | {_number(figure.value)} | {_number(figure.lower)} to {_number(figure.upper)} |"
    )


def _driver_row(manifest: Manifest, scores: Scores, name: str) -> str:
    head = next(head for head in manifest.heads if head.name == name)
    figures = [scores.figures[f"{kind}.{name}"] for kind in ("precision", "recall", "f1")]
    told = " | ".join(_number(figure.value) for figure in figures)
    interval = f"{_number(figures[2].lower)} to {_number(figures[2].upper)}"
    return f"| {name} | {told} ({interval}) | {head.threshold:.2f} |"


def _part_row(name: str, group: dict[str, float | None]) -> str:
    told = ("f1.core", "f1.all", "stance.accuracy", "sentiment.macro_f1")
    return (
        f"| {name} | {group['items']:.0f} | "
        + " | ".join(_number(group[key]) for key in told)
        + " |"
    )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
