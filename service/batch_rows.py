"""The rows of a tagging job: what of each is read, what is carried through, what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from corpus.dates import parse_date
from corpus.errors import InputError
from corpus.files import Row, RowProblem, require_columns, rows
from nlp.records import Item, TagRecord

One = TypeVar("One")
# Text that is tagged at once: whole articles, too, must not fill the memory.
_CHARACTERS = 250_000
_PEEK = 100  # rows of a JSONL file that show its fields
_NEVER_REPEATED = frozenset({"id", "title", "text"})
RECORD_FIELDS = frozenset(one.alias or name for name, one in TagRecord.model_fields.items()) | {
    "error"
}


@dataclass(frozen=True)
class Place:
    """Where a row stands."""

    path: Path
    number: int
    line: int

    def __str__(self) -> str:
        return f"{self.path.name}:{self.line}"

    def problem(self, reason: str) -> RowProblem:
        """The problem of this row."""
        return RowProblem(path=str(self.path), number=self.number, line=self.line, reason=reason)


@dataclass(frozen=True)
class ReadRow:
    """A row as read: its item, or the problem that leaves it without; columns to carry through."""

    id: str
    place: Place
    item: Item | None = None
    problem: str = ""
    carried: dict[str, Any] = field(default_factory=dict)
    undated: bool = False

    @property
    def length(self) -> int:
        """Characters that the model has to read."""
        return len(self.item.title or "") + len(self.item.text or "") if self.item else 0


def in_chunks(
    items: Iterable[One], *, most: int, length: Callable[[One], int]
) -> Iterator[list[One]]:
    """Lists of up to ``most`` items, fewer where they are long (``length``: characters)."""
    taken: list[One] = []
    characters = 0
    for item in items:
        taken.append(item)
        characters += length(item)
        if len(taken) >= most or characters >= _CHARACTERS:
            yield taken
            taken, characters = [], 0
    if taken:
        yield taken


def read_all(paths: Iterable[Path], *, skip: int) -> Iterator[ReadRow]:
    """The rows of all inputs in order, numbered through from 1, after the first ``skip``."""
    everything = ((path, row) for path in paths for row in rows(path))
    for number, (path, row) in enumerate(everything, start=1):
        if number > skip:
            yield read_row(path, row, number)


def read_row(path: Path, row: Row | RowProblem, number: int) -> ReadRow:
    """What a row is to the tagger; ``number`` counts over all inputs from 1."""
    place = Place(path, row.number, row.line)
    if isinstance(row, RowProblem):
        # Nobody can tell its id; its place is none that another row has.
        return ReadRow(str(place), place, problem=row.reason)
    values = row.values
    identity = _identity(values.get("id")) or str(number)
    carried = _carried(values)
    try:
        moment = _moment(values.get("published_at"))
        undated = moment is None and values.get("published_at") not in (None, "")
        item = Item(
            id=identity,
            title=_words(values, "title"),
            text=_words(values, "text"),
            published_at=moment,
        )
    except ValueError as error:
        return ReadRow(identity, place, problem=str(error), carried=carried)
    return ReadRow(identity, place, item=item, carried=carried, undated=undated)


def _identity(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value)


def _words(values: dict[str, Any], name: str) -> str | None:
    value = values.get(name)
    if value is None or isinstance(value, str):
        return value
    raise ValueError(f"{name} is {type(value).__name__}, not text")


def _moment(value: object) -> datetime | None:
    """A publication time as files give it; None for none or one that cannot be read."""
    if isinstance(value, str):
        parsed = parse_date(value)
        return parsed.time if parsed else None
    if isinstance(value, datetime):
        return _in_utc(value)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    return None


def _in_utc(moment: datetime) -> datetime:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def _carried(values: dict[str, Any]) -> dict[str, Any]:
    """The columns that go through: those of a record's own names as ``input_<name>``."""
    carried: dict[str, Any] = {}
    for name, value in values.items():
        if name in _NEVER_REPEATED:
            continue
        told = name
        while told in RECORD_FIELDS or (told != name and told in values):
            told = f"input_{told}"
        carried[told] = _in_utc(value) if isinstance(value, datetime) else value
    return carried


def require_fields(path: Path) -> None:
    """Refuse a file whose rows have neither title nor text, before a model is loaded for it."""
    require_columns(path, ("title", "text"))
    if path.suffix.lower() != ".jsonl":
        return
    seen: dict[str, None] = {}
    for row in islice(rows(path), _PEEK):
        if isinstance(row, Row):
            seen.update(dict.fromkeys(row.values))
    if seen and not {"title", "text"} & seen.keys():
        raise InputError(
            f"the rows of {path} have neither 'title' nor 'text'; they have"
            f" {', '.join(seen)[:300]}",
            remedy="name the fields so",
        )


def count_rows(paths: Iterable[Path]) -> int:
    """About how many rows the inputs have, for a progress bar: lines, or a Parquet file's count."""
    total = 0
    for path in paths:
        if path.suffix.lower() == ".parquet":
            import pyarrow.parquet as pq  # noqa: PLC0415 - heavy, and only Parquet needs it

            total += pq.read_metadata(path).num_rows
        else:
            with path.open("rb") as file:
                while block := file.read(2**20):
                    total += block.count(b"\n")
    return total
