"""Examples from which a driver of one's own is learned, and the news that they are set against.

An example is a row of a JSONL, CSV or Parquet file: ``title`` and/or ``text``, ``label`` (true when
absent: the news speaks of the driver) and ``stance`` (optional; only compared with what is read).
Where few examples are of label false, the sample's articles (:mod:`corpus.sample`) stand for the
news at large.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from corpus.errors import InputError
from corpus.records import Record
from nlp.records import STANCES, Item, Stance

FEWEST = 8
MOST = 50
# Of each sample article: its title, its title with the opening, and so many passages.
_PASSAGES = 1
_LABELS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


class Example(Record):
    """A piece of news, and whether it speaks of the driver that is to be learned."""

    item: Item
    label: bool
    stance: Stance | None = None


class Examples(Record):
    """Examples with the SHA-256 of the file that they are from."""

    all: tuple[Example, ...]
    digest: str

    @property
    def positives(self) -> tuple[Example, ...]:
        """Those that speak of the driver."""
        return tuple(example for example in self.all if example.label)

    @property
    def negatives(self) -> tuple[Example, ...]:
        """Those that do not."""
        return tuple(example for example in self.all if not example.label)


def read_examples(path: Path) -> Examples:
    """Read and check examples.

    Raises :class:`InputError` naming the line of a broken or repeated one, and when fewer than
    :data:`FEWEST` or more than :data:`MOST` of them speak of the driver: a set of eight is too
    small to lose one unsaid.
    """
    from corpus.files import RowProblem, rows  # noqa: PLC0415 - needed when a driver is added only

    found: list[Example] = []
    seen: dict[tuple[str | None, str | None], int] = {}
    for row in rows(path):
        if isinstance(row, RowProblem):
            raise InputError(str(row), remedy="mend or drop the line")
        try:
            example = _example(row.line, row.values)
        except ValueError as fault:
            raise InputError(
                f"{path}:{row.line}: {fault}", remedy="mend or drop the line"
            ) from None
        words = (example.item.title, example.item.text)
        if words in seen:
            # It would be learned from and tested on at once.
            raise InputError(
                f"{path}:{row.line}: the same words as in line {seen[words]}", remedy="drop it"
            )
        seen[words] = row.line
        found.append(example)
    examples = Examples(all=tuple(found), digest=sha256(path.read_bytes()).hexdigest())
    number = len(examples.positives)
    if not FEWEST <= number <= MOST:
        raise InputError(
            f"{path} has {number} examples of the driver, not {FEWEST} to {MOST}",
            remedy="give more of them" if number < FEWEST else "beyond that, train a model",
        )
    return examples


def background_items() -> tuple[Item, ...]:
    """News of our own writing in the shapes that news comes in: headlines, openings, passages."""
    from corpus.sample.archive import load_archive  # noqa: PLC0415 - as in `read_examples`

    found: list[Item] = []
    for article in load_archive().articles:
        if article.language != "en" or article.copy_of is not None:
            continue
        opening, *rest = article.paragraphs
        found.append(Item(id=f"{article.slug}/title", title=article.title))
        found.append(Item(id=f"{article.slug}/opening", title=article.title, text=opening))
        found += [
            Item(id=f"{article.slug}/{number}", text=paragraph)
            for number, paragraph in enumerate(rest[:_PASSAGES], start=1)
        ]
    return tuple(found)


def digest_of_items(items: Sequence[Item]) -> str:
    """SHA-256 over the words of items."""
    return sha256("\n".join(item.model_dump_json() for item in items).encode()).hexdigest()


def _example(line: int, values: dict[str, Any]) -> Example:
    title, text = _words(values, "title"), _words(values, "text")
    if not any(character.isalnum() for character in f"{title or ''}{text or ''}"):
        raise ValueError("no words in title or text")
    stance = values.get("stance") or None
    if stance is not None and stance not in STANCES:
        raise ValueError(f"unknown stance {stance!r}; it is one of {', '.join(STANCES)}")
    return Example(
        item=Item(id=str(line), title=title, text=text), label=_label(values), stance=stance
    )


def _words(values: dict[str, Any], field: str) -> str | None:
    given = values.get(field)
    if given is not None and not isinstance(given, str):
        raise ValueError(f"{field} is not text")
    return given or None


def _label(values: dict[str, Any]) -> bool:
    given = values.get("label")
    if given is None or given == "":
        return True
    # CSV has text only.
    label = _LABELS.get(str(given).strip().lower())
    if label is None:
        raise ValueError(f"label {given!r} is neither true nor false")
    return label
