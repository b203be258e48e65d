"""From labelled items to a model directory: train, calibrate, export, measure, describe."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Encoding

from corpus.errors import ModelError, StoreError, UsageError
from nlp.backends import BackendName
from nlp.encoding import TextEncoder
from nlp.evaluate import Scores, evaluate
from nlp.lexical import LexicalHead
from nlp.manifest import (
    CARD_FILE,
    CONFIG_FILE,
    LEXICAL_FILE,
    MANIFEST_FILE,
    ONNX_FILE,
    TOKENIZER_FILE,
    WEIGHTS_FILE,
    LongText,
    Manifest,
    digest_of,
    read_manifest,
    verified,
)
from nlp.records import Item, TagRecord
from nlp.tagger import Tagger
from nlp.taxonomy import drivers
from nlp.training.base import encoder_directory, load_encoder
from nlp.training.calibrate import (
    calibrate_driver,
    calibrate_sentiment,
    head_with_threshold,
    in_a_gap,
    stance_temperature,
)
from nlp.training.card import model_card
from nlp.training.config import SECOND_ROUND, TrainingConfig
from nlp.training.dataset import LabelledItems, as_items, read_labelled
from nlp.training.direction import direction_items
from nlp.training.export import write_weights
from nlp.training.lessons import Lessons, read_lessons, weighed
from nlp.training.lexical import fit_lexical_head, write_lexical_head
from nlp.training.loop import Trainer, predict
from nlp.training.network import DriverNetwork, NetworkShape, load_network
from nlp.training.targets import Targets, hard_targets, mixed, one_after_the_other

RELEVANCE_THRESHOLD = 0.5
BACKENDS: tuple[BackendName, BackendName] = ("onnx", "torch")


def train(
    train_file: Path,
    dev_file: Path,
    output: Path,
    *,
    version: str = "1",
    device: str | None = None,
    config: TrainingConfig | None = None,
    start: Path | None = None,
    lessons: Path | None = None,
    own_items: bool = True,
    overwrite: bool = False,
) -> Scores:
    """Train on ``train_file``, calibrate and measure on ``dev_file``, write a model directory at
    ``output``.

    The directory's name is the model's name. A run that was interrupted goes on from its last
    checkpoint, kept in ``<output>.checkpoints`` until the model is whole. ``device`` is ``cuda``
    where there is one, else ``cpu``.

    ``start`` is a model directory to go on from instead of the bare encoder. ``lessons`` is an
    opinion of news (:mod:`nlp.training.teacher`, :mod:`nlp.training.panel`); ``own_items`` adds the
    sentences of :mod:`nlp.training.direction`. ``config`` is by default ``TrainingConfig()``, or
    :data:`~nlp.training.config.SECOND_ROUND` with a ``start``.

    Raises :class:`UsageError` when ``output`` exists, :class:`InputError` naming the line for
    unusable items, :class:`ModelError` when the encoder is not to be had or ``start`` is no whole
    model with these drivers, :class:`StoreError` when the disk is full.
    """
    if output.exists() and not overwrite:
        raise UsageError(f"{output} exists", remedy="choose another name, or pass --overwrite")
    config = config or (SECOND_ROUND if start else TrainingConfig())
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    names = [driver.name for driver in drivers()]
    items, dev = read_labelled(train_file, names), read_labelled(dev_file, names)
    base = encoder_directory()
    encoder = TextEncoder(base / TOKENIZER_FILE, max_tokens=config.max_tokens)
    dev_encodings = encoder.encode(dev.pairs)
    lexical = fit_lexical_head(items, encoder.encode(items.pairs))
    data = {"train": items.digest, "dev": dev.digest}
    own = as_items(direction_items(), names, digest="") if own_items else None
    taught = read_lessons(lessons, len(names)) if lessons else None
    if taught is not None:
        data["lessons"] = taught.digest
    pairs, targets = curriculum(items, own, taught, config)
    checkpoints = output.with_name(f"{output.name}.checkpoints")
    torch.manual_seed(config.seed)
    network = _network(base, start, names)
    if start:
        data["start"] = digest_of(start / WEIGHTS_FILE)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    encodings = encoder.encode(pairs)
    Trainer(network, config, checkpoints, device).run(targets, encodings)
    for name, tensor in network.state_dict().items():
        tensor.lerp_(before[name].to(tensor.device), config.start_share)

    fresh = output.with_name(f"{output.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        fresh.mkdir(parents=True)
        write_weights(network, fresh / ONNX_FILE, fresh / WEIGHTS_FILE, encodings)
        write_lexical_head(lexical, fresh / LEXICAL_FILE)
        for name in (CONFIG_FILE, TOKENIZER_FILE):
            shutil.copyfile(base / name, fresh / name)
        files = (ONNX_FILE, WEIGHTS_FILE, LEXICAL_FILE, CONFIG_FILE, TOKENIZER_FILE)
        manifest = Manifest(
            name=output.name,
            version=version,
            published_at=datetime.now(tz=UTC).replace(microsecond=0),
            languages=("en",),
            **_calibration(network.to(device), lexical, dev, dev_encodings, device),
            long_text=LongText(
                body_shift=config.body_shift,
                body_floor=config.body_floor,
                lead_weight=config.lead_weight,
            ),
            relevance_threshold=RELEVANCE_THRESHOLD,
            max_tokens=config.max_tokens,
            files={name: digest_of(fresh / name) for name in files},
            data=data,
            training=config.model_dump()
            | {
                "items": len(items),
                "own_items": len(own) if own else 0,
                "torch": torch.__version__,
            },
            metrics={},
            revision=_revision(),
        )
        manifest, scores = _measured(manifest, fresh, dev_file, dev)
        (fresh / CARD_FILE).write_text(model_card(manifest, scores), encoding="utf-8")
        if overwrite:
            shutil.rmtree(output, ignore_errors=True)
        fresh.replace(output)
    except OSError as fault:
        raise StoreError(
            f"cannot write {fault.filename or output}: {os.strerror(fault.errno or 0)}",
            remedy="free some space and run again: training goes on from its checkpoint",
        ) from fault
    shutil.rmtree(checkpoints)
    return scores


def _network(base: Path, start: Path | None, names: list[str]) -> DriverNetwork:
    """A network around the encoder in ``base``, or that of the model in ``start``, to be trained.

    Rare words keep the places they have from far more text than there is here.
    """
    if start is None:
        network = DriverNetwork(load_encoder(base), NetworkShape(drivers=len(names)))
    else:
        manifest = read_manifest(start)
        if [head.name for head in manifest.heads] != names:
            raise ModelError(
                f"{start} has other drivers than the taxonomy",
                remedy="leave --start out, or name a model of this version",
            )
        weights = verified(start, manifest, WEIGHTS_FILE)
        network = load_network(verified(start, manifest, CONFIG_FILE), weights, drivers=len(names))
    encoder: Any = network.encoder
    encoder.embeddings.word_embeddings.weight.requires_grad_(False)
    return network


def curriculum(
    items: LabelledItems,
    own: LabelledItems | None,
    taught: Lessons | None,
    config: TrainingConfig,
) -> tuple[list[tuple[str | None, str | None]], Targets]:
    """What is learned, as pairs of title and text, and towards which targets.

    Labelled items, with the teacher's opinion mixed in where ``taught`` has one; then our own
    sentences; then the pieces of news that only the teacher has judged.
    """
    pairs, targets = items.pairs, hard_targets(items, config.label_smoothing)
    if taught is not None:
        place = {identity: row for row, identity in enumerate(items.ids)}
        known = np.array([identity in place for identity in taught.ids])
        rows = np.array([place[identity] for identity in taught.ids if identity in place], int)
        targets = mixed(targets, taught.targets.rows(known), rows, config.teacher_share)
    if own is not None:
        pairs = pairs + own.pairs
        targets = one_after_the_other(targets, hard_targets(own, config.label_smoothing))
    if taught is not None:
        pairs = pairs + [pair for pair, old in zip(taught.pairs, known, strict=True) if not old]
        targets = one_after_the_other(targets, weighed(taught.targets.rows(~known)))
    return pairs, targets


def _calibration(
    network: DriverNetwork,
    lexical: LexicalHead,
    dev: LabelledItems,
    encodings: list[Encoding],
    device: str,
) -> dict[str, Any]:
    """The calibrated fields of the manifest, fitted on development items."""
    names = [driver.name for driver in drivers()]
    driver, stance, sentiment = _raw_scores(network, encodings, len(names), device)
    words = lexical.scores(encodings).astype(np.float64)
    heads = tuple(
        calibrate_driver(
            name, driver[:, column], words[:, column], dev.driver[:, column].astype(np.float64)
        )
        for column, name in enumerate(names)
    )
    return {
        "heads": heads,
        "stance_temperature": stance_temperature(stance, dev.stance),
        "sentiment": calibrate_sentiment(sentiment, words[:, len(names) :], dev),
    }


def _raw_scores(
    network: DriverNetwork, encodings: list[Encoding], count: int, device: str
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    items = len(encodings)
    driver, stance = np.zeros((items, count)), np.zeros((items, count, 3))
    sentiment = np.zeros((items, 3))
    for rows, outputs in predict(network, encodings, device):
        driver[rows] = outputs.driver.float().cpu().numpy()
        stance[rows] = outputs.stance.float().cpu().numpy()
        sentiment[rows] = outputs.sentiment.float().cpu().numpy()
    return driver, stance, sentiment


def _measured(
    manifest: Manifest, directory: Path, dev_file: Path, dev: LabelledItems
) -> tuple[Manifest, Scores]:
    """Measure the files as they will be used, and write the manifest with the figures.

    Before that, thresholds are moved to where both backends decide alike.
    """
    _write_manifest(manifest, directory)
    items = [
        Item(id=identity, title=title, text=text)
        for identity, title, text in zip(dev.ids, dev.titles, dev.texts, strict=True)
    ]
    onnx, torch_ = (_probabilities(directory, backend, items) for backend in BACKENDS)
    heads = tuple(
        head_with_threshold(
            head, in_a_gap(head.threshold, onnx[:, row], torch_[:, row]), onnx[:, row]
        )
        for row, head in enumerate(manifest.heads)
    )
    manifest = manifest.model_copy(update={"heads": heads})
    _write_manifest(manifest, directory)
    tags: list[Mapping[str, Any]] = [
        record.model_dump(by_alias=True) for record in Tagger.load(directory).tag(items)
    ]
    scores = evaluate(dev_file, tags, by=("kind", "year", "source"))
    figures = {
        name: round(figure.value, 4)
        for name, figure in scores.figures.items()
        if figure.value is not None
    }
    measured = manifest.model_copy(update={"metrics": figures})
    _write_manifest(measured, directory)
    return measured, scores


def _probabilities(directory: Path, backend: BackendName, items: list[Item]) -> NDArray[np.float64]:
    """Probabilities (items, drivers) as tag records have them; 0 where an item is not read."""
    records = Tagger.load(directory, backend=backend).tag(items)
    count = len(drivers())
    return np.array(
        [
            list(record.probabilities.values()) if isinstance(record, TagRecord) else [0.0] * count
            for record in records
        ]
    )


def _write_manifest(manifest: Manifest, directory: Path) -> None:
    text = manifest.model_dump_json(indent=1) + "\n"
    (directory / MANIFEST_FILE).write_text(text, encoding="utf-8")


def _revision() -> str:
    """Git revision of the code, or that there is none to tell."""
    try:
        found = subprocess.run(
            ["git", "rev-parse", "HEAD"],  # noqa: S607 - whichever git the user has
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "not in a git checkout"
    return found.stdout.strip()
