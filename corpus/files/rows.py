"""Rows of JSONL, CSV and Parquet files, streamed; a broken row is told and the rest goes on."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from math import isnan
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from pydantic_core import from_json

from corpus.errors import InputError, UsageError
from corpus.records import Record

SUFFIXES = (".jsonl", ".csv", ".parquet")
_LONGEST_LINE = 16 * 2**20  # bytes; a longer one is no row of news and must not fill the memory
_PARQUET_BATCH = 512  # rows
_FIRST_ROWS = 100  # of a JSONL file that show its columns


class Row(Record):
    """A row as read. ``number`` counts rows (broken ones too) from 1; ``line`` is where it starts.

    In a Parquet file, which has no lines, ``line`` is the row's number. CSV values are text. The
    ``NaN`` that some programs write into JSON is null.
    """

    number: int
    line: int
    values: dict[str, Any]


class RowProblem(Record):
    """A row that cannot be used, and why."""

    path: str
    number: int
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.reason}"


def expand(paths: Iterable[Path | str]) -> tuple[Path, ...]:
    """The files that ``paths`` name; a folder stands for its files of a known suffix, by name.

    Raises :class:`InputError` for what is missing or a folder without such files, and
    :class:`UsageError` for an unknown suffix.
    """
    files: list[Path] = []
    for given in map(Path, paths):
        if given.is_dir():
            inside = sorted(path for path in given.iterdir() if path.suffix.lower() in SUFFIXES)
            if not inside:
                raise InputError(
                    f"the folder {given} holds no {_alternatives()} file",
                    remedy="name the folder that holds them",
                )
            files.extend(inside)
        else:
            _require_readable(given)
            files.append(given)
    return tuple(files)


def rows(path: Path | str) -> Iterator[Row | RowProblem]:
    """The rows of a file in order; a broken one comes as a :class:`RowProblem` in its place.

    Raises :class:`UsageError` for an unknown suffix and :class:`InputError` when the file is
    missing, empty, unreadable or not of the kind that its suffix says.
    """
    path = Path(path)
    suffix = _require_readable(path)
    try:
        if suffix == ".jsonl":
            with path.open("rb") as stream:
                yield from _jsonl_rows(path, stream)
        elif suffix == ".csv":
            with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
                yield from _csv_rows(path, text)
        else:
            yield from _parquet_rows(path)
    except OSError as problem:
        raise _unreadable(path, problem) from None


def read_rows(path: Path | str, *, on_problem: Callable[[RowProblem], None]) -> Iterator[Row]:
    """The good rows of a file in order; ``on_problem`` is told of each broken one.

    Raises as :func:`rows` does.
    """
    for row in rows(path):
        if isinstance(row, RowProblem):
            on_problem(row)
        else:
            yield row


def column_names(path: Path | str) -> tuple[str, ...] | None:
    """The columns of a CSV or Parquet file; null for JSONL, whose rows each have their own.

    Raises as :func:`rows` does.
    """
    path = Path(path)
    suffix = _require_readable(path)
    try:
        if suffix == ".csv":
            with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
                return tuple(_csv_header(path, _LineSource(text))[0])
        if suffix == ".parquet":
            with _open_parquet(path) as file:
                return tuple(file.schema_arrow.names)
    except OSError as problem:
        raise _unreadable(path, problem) from None
    return None


def require_columns(path: Path | str, any_of: Sequence[str]) -> None:
    """Raises :class:`InputError` when a file has none of the columns ``any_of``.

    The rows of a JSONL file may differ; there, none of the first hundred has any.
    """
    names = column_names(path)
    where = "in the first line of a CSV file"
    if names is None:
        sound = [row for row in islice(rows(path), _FIRST_ROWS) if isinstance(row, Row)]
        names = tuple(dict.fromkeys(name for row in sound for name in row.values))
        where = "in every row"
        if not sound:
            return
    if not set(names) & set(any_of):
        wanted = " or ".join(repr(name) for name in any_of)
        raise InputError(
            f"{path} has no column {wanted}; it has {', '.join(names)[:300] or 'none'}",
            remedy=f"name the columns so, {where}",
        )


def require_suffix(path: Path) -> str:
    """The suffix of ``path`` in lower case; raises :class:`UsageError` when it is unknown."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(
            f"cannot tell the kind of {path} from its suffix {path.suffix!r}",
            remedy=f"use a file name that ends in {_alternatives()}",
        )
    return suffix


def _alternatives() -> str:
    return f"{', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"


def _require_readable(path: Path) -> str:
    suffix = require_suffix(path)
    try:
        size = path.stat().st_size
        empty = size == 0 and path.is_file()
    except FileNotFoundError:
        raise InputError(f"there is no file {path}", remedy="check the path") from None
    except OSError as problem:
        raise _unreadable(path, problem) from None
    if path.is_dir():
        raise InputError(f"{path} is a folder, not a file")
    if empty:
        raise InputError(f"{path} is empty", remedy="check how it was written")
    return suffix


def _unreadable(path: Path, problem: OSError) -> InputError:
    return InputError(
        f"cannot read {path}: {problem.strerror or problem}", remedy="check the file and its rights"
    )


def _jsonl_rows(path: Path, stream: BinaryIO) -> Iterator[Row | RowProblem]:
    line_number = number = 0
    while line := stream.readline(_LONGEST_LINE):
        line_number += 1
        start = line
        if not line.endswith(b"\n"):
            while line and not line.endswith(b"\n"):
                line = stream.readline(_LONGEST_LINE)
        content = start.removeprefix(b"\xef\xbb\xbf") if line_number == 1 else start
        if not content.strip():
            continue
        number += 1
        if len(start) == _LONGEST_LINE and not start.endswith(b"\n"):
            reason = f"the line is longer than {_LONGEST_LINE // 2**20} MiB"
        else:
            try:
                values = from_json(content)
            except ValueError as problem:
                reason = f"not valid JSON: {problem}"
            else:
                if isinstance(values, dict):
                    if b"NaN" in content:  # how Python's own writer tells that there is no value
                        values = {name: _unless_nan(value) for name, value in values.items()}
                    yield Row(number=number, line=line_number, values=values)
                    continue
                reason = f"not a JSON object but {_json_kind(values)}"
        yield RowProblem(path=str(path), number=number, line=line_number, reason=reason)


def _unless_nan(value: Any) -> Any:
    return None if isinstance(value, float) and isnan(value) else value


def _json_kind(value: object) -> str:
    kinds = {list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")


class _LineSource:
    """Lines of a text for the CSV reader; those of a broken record can be given back."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._returned: deque[str] = deque()
        self._taken: list[str] = []
        self.line = 0  # the line that was handed out last

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._returned:
            line = self._returned.popleft()
        else:
            line = self._stream.readline(_LONGEST_LINE)
            if not line:
                raise StopIteration
        self._taken.append(line)
        self.line += 1
        return line

    def start_record(self) -> None:
        self._taken.clear()

    def give_back_all_but_first(self) -> None:
        again = self._taken[1:]
        self._returned.extendleft(reversed(again))
        self.line -= len(again)
        self._taken.clear()


def _csv_header(path: Path, source: _LineSource) -> tuple[list[str], int]:
    csv.field_size_limit(_LONGEST_LINE)
    try:
        names = next(csv.reader(source, strict=True), [])
    except csv.Error as problem:
        raise InputError(f"the first line of {path} is not a CSV header: {problem}") from None
    names = [name.strip() for name in names]
    if not any(names):
        raise InputError(f"the first line of {path} names no columns")
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"the first line of {path} names the column {twice!r} twice")
    return names, source.line


def _csv_rows(path: Path, text: TextIO) -> Iterator[Row | RowProblem]:
    source = _LineSource(text)
    names, _ = _csv_header(path, source)
    number = 0
    while True:
        source.start_record()
        first_line = source.line + 1
        reason = ""
        fields: list[str] = []
        try:
            # A new reader for each record: after an error the old one may sit inside a quote.
            record = next(csv.reader(source, strict=True), None)
            if record is None:
                return
            fields = record
        except csv.Error as problem:
            reason = f"not valid CSV: {problem}"
        if not fields and not reason:
            continue  # a blank line
        number += 1
        if not reason and len(fields) != len(names):
            reason = f"{len(fields)} values for {len(names)} columns"
        if not reason and any(_has_undecoded(value) for value in fields):
            reason = "not UTF-8 text"
        if reason:
            # A quote that is never closed swallows the lines after it; they get a second chance.
            source.give_back_all_but_first()
            yield RowProblem(path=str(path), number=number, line=first_line, reason=reason)
        else:
            values = dict(zip(names, fields, strict=True))
            yield Row(number=number, line=first_line, values=values)


def _has_undecoded(value: str) -> bool:
    return not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value)


def _open_parquet(path: Path) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - heavy, and only Parquet needs it
    import pyarrow.parquet as pq  # noqa: PLC0415 - as above

    try:
        return pq.ParquetFile(path)
    except pa.ArrowException as problem:
        raise _not_parquet(path, problem) from None


def _not_parquet(path: Path, problem: Exception) -> InputError:
    lines = str(problem).splitlines() or ["unknown fault"]
    return InputError(
        f"{path} is not a sound Parquet file: {lines[0][:200]}", remedy="check how it was written"
    )


def _parquet_rows(path: Path) -> Iterator[Row | RowProblem]:
    import pyarrow as pa  # noqa: PLC0415 - heavy, and only Parquet needs it

    number = 0
    with _open_parquet(path) as file:
        try:
            for batch in file.iter_batches(batch_size=_PARQUET_BATCH):
                for values in batch.to_pylist():
                    number += 1
                    yield Row(number=number, line=number, values=values)
        except (pa.ArrowException, UnicodeDecodeError) as problem:
            raise _not_parquet(path, problem) from None
