"""Models that are made already, asked about news: their mean opinion, as lessons.

A network that learns from the mean of its elders comes out better than each of them (born-again
networks: Furlanello et al. 2018, arXiv:1805.04770).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from tokenizers import Encoding
from tqdm import tqdm

from corpus.errors import ModelError, UsageError
from nlp.backends import Logits, OnnxBackend, run_batch, width_of
from nlp.decide import Judgement, Scores, judge
from nlp.encoding import TextEncoder
from nlp.lexical import load_lexical_head
from nlp.manifest import LEXICAL_FILE, TOKENIZER_FILE, read_manifest, verified
from nlp.taxonomy import drivers
from nlp.training.dataset import read_labelled
from nlp.training.lessons import drawn_pieces, write_lessons
from nlp.training.targets import Targets
from nlp.training.teacher import TeacherScores, scores_of

BATCH_ITEMS = 32
SEED = 77


def consult(
    train_file: Path,
    dev_file: Path,
    news: Sequence[Path],
    output: Path,
    *,
    models: Sequence[Path],
    pieces: int = 25_000,
    overwrite: bool = False,
) -> TeacherScores:
    """Write what the model directories ``models`` think, on average, of labelled items and news.

    ``news`` are Parquet files with the columns ``title`` and ``text``; the file at ``output`` is
    that of :mod:`nlp.training.lessons`. Runs on the CPU.

    Raises :class:`UsageError` when ``output`` exists, :class:`InputError` for unusable files,
    :class:`ModelError` for a model that is not whole or has other drivers.
    """
    if output.exists() and not overwrite:
        raise UsageError(f"{output} exists", remedy="choose another name, or pass --overwrite")
    names = [driver.name for driver in drivers()]
    items, dev = read_labelled(train_file, names), read_labelled(dev_file, names)
    taken = drawn_pieces(news, seed=SEED, without={t for t in dev.titles if t}, most=pieces)
    pairs = [*items.pairs, *taken]
    ids = [*items.ids, *(f"piece-{number}" for number in range(len(taken)))]
    scores = scores_of(_mean_opinion(models, dev.pairs, names), dev, len(taken))
    write_lessons(output, ids, pairs, _mean_opinion(models, pairs, names))
    return scores


def _mean_opinion(
    models: Sequence[Path], pairs: Sequence[tuple[str | None, str | None]], names: list[str]
) -> Targets:
    opinions = [_opinion(model, pairs, names) for model in models]
    return Targets(
        driver=np.mean([one.driver for one in opinions], axis=0),
        stance=np.mean([one.stance for one in opinions], axis=0),
        sentiment=np.mean([one.sentiment for one in opinions], axis=0),
        relevant=np.mean([one.relevant for one in opinions], axis=0),
    )


def _opinion(
    model: Path, pairs: Sequence[tuple[str | None, str | None]], names: list[str]
) -> Targets:
    """The calibrated probabilities of one model for each pair."""
    manifest = read_manifest(model)
    if [head.name for head in manifest.heads] != names:
        raise ModelError(f"{model} has other drivers than the taxonomy", remedy="leave it out")
    backend = OnnxBackend(model, manifest)
    lexical = load_lexical_head(verified(model, manifest, LEXICAL_FILE))
    tokenizer = verified(model, manifest, TOKENIZER_FILE)
    encodings = TextEncoder(tokenizer, max_tokens=manifest.max_tokens).encode(pairs)
    found: dict[int, Judgement] = {}
    progress = tqdm(total=len(pairs), desc=f"asking {manifest.identity}", unit="piece")
    batches = list(_batches(encodings))
    with ThreadPoolExecutor(backend.lanes) as lanes:
        runs = lanes.map(lambda some: run_batch(backend, [encodings[one] for one in some]), batches)
        for numbers, logits in zip(batches, runs, strict=True):
            words = lexical.scores([encodings[one] for one in numbers]).astype(np.float64)
            for row, number in enumerate(numbers):
                found[number] = judge(_scores(logits.row(row), words[row : row + 1]), manifest)
            progress.update(len(numbers))
    progress.close()
    judged = [found[number] for number in range(len(pairs))]
    return Targets(
        driver=np.stack([one.driver for one in judged]).astype(np.float32),
        stance=np.stack([one.stance for one in judged]).astype(np.float32),
        sentiment=np.stack([one.sentiment for one in judged]).astype(np.float32),
        relevant=np.array([one.relevance for one in judged], np.float32),
    )


def _batches(encodings: Sequence[Encoding]) -> Iterator[list[int]]:
    """Numbers of encodings of one width, :data:`BATCH_ITEMS` at most together."""
    by_width: dict[int, list[int]] = defaultdict(list)
    for number, encoding in enumerate(encodings):
        by_width[width_of(encoding)].append(number)
    for _, same in sorted(by_width.items()):
        for start in range(0, len(same), BATCH_ITEMS):
            yield same[start : start + BATCH_ITEMS]


def _scores(logits: Logits, words: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Scores:
    """Logits of one window as those of an item that has no other."""
    return Scores(
        driver=logits.driver[None].astype(np.float64),
        stance=logits.stance[None].astype(np.float64),
        sentiment=logits.sentiment[None].astype(np.float64),
        relevance=np.array([float(logits.relevance)]),
        lexical=words,
    )
