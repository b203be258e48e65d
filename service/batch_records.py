"""From read rows to records: what both engines of ``undertow tag`` do with a chunk of rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json

from corpus.errors import UndertowError
from corpus.files import RowProblem
from nlp.records import Item, TagFailure, TagRecord
from service.batch_rows import ReadRow

if TYPE_CHECKING:
    from nlp.tagger import Tagger


@dataclass(frozen=True)
class Tagged:
    """A row with its record; ``problem`` where it has none but a failure."""

    row: ReadRow
    record: TagRecord | TagFailure
    problem: RowProblem | None = None

    @property
    def relevant(self) -> bool:
        """Whether the row bears on crypto."""
        return isinstance(self.record, TagRecord) and self.record.relevant is True

    def line(self) -> bytes:
        """The record as a line of JSON, with the carried columns behind its own fields."""
        line = self.record.to_json().encode()
        if self.row.carried:
            line = line[:-1] + b"," + carried_json(self.row.carried)[1:]
        return line + b"\n"


def carried_json(values: dict[str, Any]) -> bytes:
    """Carried columns as JSON; what JSON cannot hold becomes text or null."""
    return to_json(values, inf_nan_mode="null", bytes_mode="base64", fallback=str)


def tag_rows(taken: Sequence[ReadRow], tagger: Tagger) -> Iterator[Tagged]:
    """One record a row, in order; a row that cannot be tagged gives a failure in its place."""
    tagged = iter(_tag_each([one.item for one in taken if one.item is not None], tagger))
    for row in taken:
        if row.item is not None:
            record = next(tagged)
        else:
            record = TagFailure(id=row.id, model=tagger.identity, error=row.problem)
        if isinstance(record, TagFailure):
            problem = row.place.problem(record.error)
            told = record.model_copy(update={"error": f"{row.place}: {record.error}"})
            yield Tagged(row, told, problem)
        else:
            yield Tagged(row, record)


def _tag_each(items: Sequence[Item], tagger: Tagger) -> list[TagRecord | TagFailure]:
    try:
        return tagger.tag(items)
    except (UndertowError, MemoryError, OSError):
        raise  # of the model or the machine, not of an item
    except Exception as fault:  # one poisoned item must cost neither its neighbours nor the job
        if len(items) > 1:
            middle = len(items) // 2
            return _tag_each(items[:middle], tagger) + _tag_each(items[middle:], tagger)
        error = f"cannot be tagged: {type(fault).__name__}: {fault}"
        return [TagFailure(id=items[0].id, model=tagger.identity, error=error[:300])]
