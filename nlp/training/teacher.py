"""A larger network that teaches the small one: trained on labelled items, then asked about news.

Distillation (Hinton et al. 2015, arXiv:1503.02531): the small network learns from the larger one's
probabilities on news that nobody labelled. Only the upper half of the larger encoder is trained,
which costs half and keeps what the lower half knows of language.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import AutoModel
from transformers.modeling_outputs import BaseModelOutput

from corpus.errors import ModelError, UsageError
from corpus.records import Record
from nlp.encoding import TextEncoder
from nlp.manifest import TOKENIZER_FILE
from nlp.taxonomy import drivers
from nlp.training.config import TrainingConfig
from nlp.training.dataset import NO_STANCE, LabelledItems, read_labelled
from nlp.training.lessons import drawn_pieces, write_lessons
from nlp.training.loop import Trainer, predict
from nlp.training.network import DriverNetwork, NetworkShape
from nlp.training.targets import Targets, hard_targets

# What is past 72 tokens says little more to the teacher and costs it much.
TEACHER = TrainingConfig(
    seed=7, epochs=2, encoder_rate=5e-5, head_rate=5e-4, average_decay=0.995, max_tokens=72
)


class TeacherScores(Record):
    """How well the teacher does on the development items, uncalibrated."""

    items: int
    stance_accuracy: float
    sentiment_accuracy: float
    pieces: int


class UpperHalf(nn.Module):
    """An encoder of transformers whose embeddings and lower half are left as they are."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.config = model.config
        self.model = model
        layers = model.encoder.layer
        frozen = [model.embeddings, *layers[: len(layers) // 2]]
        for parameter in (one for part in frozen for one in part.parameters()):
            parameter.requires_grad_(False)

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor
    ) -> BaseModelOutput:
        """States of the last layer; segments are left out, which not every encoder has."""
        del token_type_ids
        found: BaseModelOutput = self.model(input_ids=input_ids, attention_mask=attention_mask)
        return found


def teach(
    train_file: Path,
    dev_file: Path,
    news: Sequence[Path],
    output: Path,
    *,
    encoder: Path,
    pieces: int = 25_000,
    device: str | None = None,
    config: TrainingConfig = TEACHER,
    overwrite: bool = False,
) -> TeacherScores:
    """Train a teacher on ``train_file`` and write its opinion of news to ``output`` (Parquet).

    ``encoder`` is a directory of a sentence-transformers model, ``news`` are Parquet files with the
    columns ``title`` and ``text``. An interrupted run goes on from ``<output>.checkpoints``.

    Raises :class:`UsageError` when ``output`` exists, :class:`InputError` for unusable files,
    :class:`ModelError` when ``encoder`` is no encoder.
    """
    if output.exists() and not overwrite:
        raise UsageError(f"{output} exists", remedy="choose another name, or pass --overwrite")
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    names = [driver.name for driver in drivers()]
    items, dev = read_labelled(train_file, names), read_labelled(dev_file, names)
    taken = drawn_pieces(news, seed=config.seed, without={t for t in dev.titles if t}, most=pieces)
    text_encoder = TextEncoder(encoder / TOKENIZER_FILE, max_tokens=config.max_tokens)
    network = _network(encoder, config.seed)
    checkpoints = output.with_name(f"{output.name}.checkpoints")
    Trainer(network, config, checkpoints, device).run(
        hard_targets(items, config.label_smoothing), text_encoder.encode(items.pairs)
    )
    scores = scores_of(_opinions(network, text_encoder, dev.pairs, device), dev, len(taken))
    pairs = [*items.pairs, *taken]
    ids = [*items.ids, *(f"piece-{number}" for number in range(len(taken)))]
    write_lessons(output, ids, pairs, _opinions(network, text_encoder, pairs, device))
    for part in checkpoints.iterdir():
        part.unlink()
    checkpoints.rmdir()
    return scores


def _network(encoder: Path, seed: int) -> DriverNetwork:
    torch.manual_seed(seed)
    try:
        model = AutoModel.from_pretrained(encoder, add_pooling_layer=False, local_files_only=True)
        return DriverNetwork(UpperHalf(model), NetworkShape(drivers=len(drivers())))
    except (OSError, ValueError, AttributeError) as fault:
        raise ModelError(
            f"{encoder} holds no encoder: {fault}",
            remedy="name the directory of a sentence-transformers model (docs/training.md)",
        ) from fault


def _opinions(
    network: DriverNetwork,
    encoder: TextEncoder,
    pairs: Sequence[tuple[str | None, str | None]],
    device: str,
) -> Targets:
    """The network's probabilities for each pair."""
    items, count = len(pairs), network.shape.drivers
    found = Targets(
        driver=np.zeros((items, count), np.float32),
        stance=np.zeros((items, count, 3), np.float32),
        sentiment=np.zeros((items, 3), np.float32),
        relevant=np.zeros(items, np.float32),
    )
    for rows, outputs in predict(network, encoder.encode(pairs), device, progress=True):
        found.driver[rows] = outputs.driver.float().sigmoid().cpu().numpy()
        found.stance[rows] = outputs.stance.float().softmax(-1).cpu().numpy()
        found.sentiment[rows] = outputs.sentiment.float().softmax(-1).cpu().numpy()
        found.relevant[rows] = outputs.relevance.float().sigmoid().cpu().numpy()
    return found


def scores_of(found: Targets, dev: LabelledItems, pieces: int) -> TeacherScores:
    """How often an opinion of the development items agrees with their labels."""
    there, rated = dev.stance != NO_STANCE, dev.sentiment != NO_STANCE
    return TeacherScores(
        items=len(dev),
        stance_accuracy=float((found.stance.argmax(-1)[there] == dev.stance[there]).mean()),
        sentiment_accuracy=float(
            (found.sentiment.argmax(-1)[rated] == dev.sentiment[rated]).mean()
        ),
        pieces=pieces,
    )
