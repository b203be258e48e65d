"""The journal of an unfinished output: how much of it is whole, and what it is made of.

Beside ``OUT`` stand, until it is whole, ``OUT.part`` (records as JSON lines) and ``OUT.journal``.
The journal is replaced after each chunk, once the chunk is on disk, so that after any ending the
first ``bytes`` of the part are whole records of the first ``rows`` input rows; what may follow them
is cut off.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from corpus.errors import InputError
from corpus.records import Record

_ENDS = 65_536  # bytes


class InputFile(Record):
    """An input as it was: its size in bytes and SHA-256 over its first and last 64 KiB."""

    path: str
    size: int
    digest: str


class Journal(Record):
    """What of a part is whole, and from which inputs and model it comes.

    ``failed`` counts rows with an error record, ``undated`` those whose ``published_at`` is no
    time, ``times`` are the carried columns that hold times; ``whole`` is set after the last row.
    """

    layout: Literal[1] = 1
    inputs: tuple[InputFile, ...]
    model: str
    rows: int = 0
    bytes: int = 0
    relevant: int = 0
    failed: int = 0
    undated: int = 0
    times: tuple[str, ...] = ()
    whole: bool = False


def part_of(output: Path) -> Path:
    """Where the records of ``output`` grow."""
    return output.with_name(f"{output.name}.part")


def journal_of(output: Path) -> Path:
    """Where the journal of ``output`` stands."""
    return output.with_name(f"{output.name}.journal")


def describe_inputs(paths: Iterable[Path]) -> tuple[InputFile, ...]:
    """The inputs as they are now."""
    found = []
    for path in paths:
        with path.open("rb") as file:
            ends = hashlib.sha256(file.read(_ENDS))
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _ENDS))
            ends.update(file.read(_ENDS))
        found.append(InputFile(path=str(path), size=size, digest=ends.hexdigest()))
    return tuple(found)


def read_journal(output: Path) -> Journal:
    """The journal of an unfinished ``output``; raises :class:`InputError` when it is damaged."""
    path = journal_of(output)
    try:
        return Journal.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise InputError(
            f"{path} is damaged or of another version of Undertow",
            remedy="start anew with --overwrite",
        ) from error


def write_journal(output: Path, journal: Journal) -> None:
    """Put the journal in place, whole or not at all."""
    fresh = _fresh(output)
    with fresh.open("wb") as file:
        file.write(journal.model_dump_json().encode())
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(journal_of(output))


def remove_traces(output: Path) -> None:
    """Remove journal and part of ``output``; a part without a journal counts for nothing."""
    journal_of(output).unlink(missing_ok=True)
    _fresh(output).unlink(missing_ok=True)
    part_of(output).unlink(missing_ok=True)


def _fresh(output: Path) -> Path:
    return output.with_name(f"{output.name}.journal.new")
