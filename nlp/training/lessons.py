"""Lessons: pieces of news with a teacher's opinion of them, as one Parquet file.

Columns (version 1): ``id``, ``title``, ``text``, and lists of probabilities ``driver`` (drivers),
``stance`` (drivers x 3, by driver), ``sentiment`` (3), ``relevant`` (1). A row whose ``id`` is that
of a labelled item holds the teacher's opinion of that item.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from pathlib import Path
from random import Random

import numpy as np

from corpus.errors import InputError
from nlp.records import STANCES
from nlp.training.targets import Targets

# Stances are learned from a piece only as far as the teacher sees the driver there.
LEAST_DRIVER = 0.3
HEADLINES_OF_TEN, OPENINGS_OF_TEN = 5, 3
OPENING_LENGTH = 260  # characters
PASSAGE_LENGTH = 320


@dataclass(frozen=True)
class Lessons:
    """Pieces of news and what the teacher thinks of each."""

    ids: tuple[str, ...]
    pairs: tuple[tuple[str | None, str | None], ...]
    targets: Targets
    digest: str


def pieces_of(
    articles: Iterable[tuple[str, str]], *, seed: int, without: Collection[str] = ()
) -> Iterator[tuple[str | None, str | None]]:
    """One piece of each article ``(title, text)``: its headline, its opening, or a passage.

    Titles in ``without`` are left out: those of the items that judge the model.
    """
    random = Random(seed)  # noqa: S311 - choice of pieces, no secret
    known = {_plain(title) for title in without}
    for title, text in articles:
        draw = random.randrange(10)
        if not title or _plain(title) in known:
            continue
        known.add(_plain(title))
        if draw < HEADLINES_OF_TEN or len(text) < OPENING_LENGTH:
            yield title, None
        elif draw < HEADLINES_OF_TEN + OPENINGS_OF_TEN:
            yield title, _cut(text, 0, OPENING_LENGTH)
        else:
            start = random.randrange(max(1, len(text) - PASSAGE_LENGTH))
            yield None, _cut(text, start, PASSAGE_LENGTH)


def drawn_pieces(
    news: Sequence[Path], *, seed: int, without: Collection[str], most: int
) -> list[tuple[str | None, str | None]]:
    """At most ``most`` :func:`pieces_of` the articles of Parquet files, shuffled by ``seed``.

    Raises :class:`InputError` for a file without the columns ``title`` and ``text``.
    """
    articles = [article for path in news for article in _articles(path)]
    np.random.default_rng(seed).shuffle(articles)
    return list(islice(pieces_of(articles, seed=seed, without=without), most))


def _articles(path: Path) -> list[tuple[str, str]]:
    import pandas as pd  # noqa: PLC0415 - only where lessons are made

    try:
        table = pd.read_parquet(path, columns=["title", "text"]).fillna("")
    except (OSError, ValueError, KeyError) as fault:
        raise InputError(
            f"{path} is no news file: {fault}", remedy="give Parquet with columns title and text"
        ) from fault
    return list(zip(table["title"], table["text"], strict=True))


def write_lessons(
    path: Path, ids: Sequence[str], pairs: Sequence[tuple[str | None, str | None]], taught: Targets
) -> None:
    """Write the file, through a temporary one."""
    import pandas as pd  # noqa: PLC0415 - only here and where lessons are read

    table = pd.DataFrame(
        {
            "id": list(ids),
            "title": [title for title, _ in pairs],
            "text": [text for _, text in pairs],
            "driver": list(taught.driver),
            "stance": list(taught.stance.reshape(len(taught), -1)),
            "sentiment": list(taught.sentiment),
            "relevant": taught.relevant,
        }
    )
    fresh = path.with_name(f"{path.name}.new")
    table.to_parquet(fresh, index=False)
    fresh.replace(path)


def read_lessons(path: Path, drivers: int) -> Lessons:
    """Read a lesson file.

    Raises :class:`InputError` for a file that cannot be read or is not of this shape.
    """
    import pandas as pd  # noqa: PLC0415 - only where lessons are given

    try:
        table = pd.read_parquet(path)
        targets = Targets(
            driver=np.stack(table["driver"].tolist()).astype(np.float32),
            stance=np.stack(table["stance"].tolist())
            .reshape(len(table), drivers, len(STANCES))
            .astype(np.float32),
            sentiment=np.stack(table["sentiment"].tolist()).astype(np.float32),
            relevant=table["relevant"].to_numpy(np.float32),
        )
        words = table[["title", "text"]].astype(object)
        pairs = tuple(words.where(words.notna(), None).itertuples(index=False, name=None))
        ids = tuple(table["id"])
    except (OSError, ValueError, KeyError) as fault:
        raise InputError(
            f"{path} is no lesson file: {fault}", remedy="make one with `undertow teach`"
        ) from fault
    return Lessons(ids, pairs, targets, sha256(path.read_bytes()).hexdigest())


def weighed(taught: Targets) -> Targets:
    """The teacher's stances weighed by its drivers, and sentiment by relevance, for the loss."""
    seen = np.where(taught.driver >= LEAST_DRIVER, taught.driver, 0)
    return Targets(
        driver=taught.driver,
        stance=taught.stance * seen[:, :, None],
        sentiment=taught.sentiment * taught.relevant[:, None],
        relevant=taught.relevant,
    )


def _plain(title: str) -> str:
    return " ".join(title.casefold().split())


def _cut(text: str, start: int, length: int) -> str:
    """``length`` characters from the first sentence that begins at or after ``start``."""
    if start:
        stop = text.find(". ", start)
        start = stop + 2 if 0 <= stop < len(text) - length // 2 else start
    piece = text[start : start + length]
    end = piece.rfind(". ")
    return piece[: end + 1] if end > length // 2 else piece.rpartition(" ")[0] or piece
