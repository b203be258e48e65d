"""Rows out to JSONL, CSV and Parquet, atomically.

Rows go to a temporary file next to the target, which takes the target's name only when all is
written; after an error or Ctrl-C the old target stands as it was. CSV and Parquet need all columns
and their types before the first row, so that rows wait as JSONL until the end; memory stays
constant.

- JSONL keeps nested values; CSV and Parquet hold them as JSON text in one cell.
- Columns come in the order of their first appearance; a row that lacks one leaves it empty.
- CSV: text that a spreadsheet would run as a formula (it begins with ``=``, ``+``, ``-``, ``@``, a
  tab or a carriage return) gets an apostrophe in front, since texts come from outside. Numbers are
  left alone, also those that are given as text.
"""

from __future__ import annotations

import csv
import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from pydantic_core import from_json, to_json

from corpus.errors import InputError
from corpus.files.rows import require_suffix

_FORMULA_START = re.compile(r"\s*[=+\-@]|[\t\r]")
_NUMBER = re.compile(r"[+-]?\d[\d.,]*(e[+-]?\d+)?%?", re.IGNORECASE)
_PARQUET_BATCH = 1024  # rows


class RowWriter:
    """Takes rows for one file; see :func:`open_writer`."""

    def __init__(self, path: Path, spool: BinaryIO) -> None:
        self._path = path
        self._spool = spool
        self._kinds: dict[str, set[str]] = {}
        self.count = 0

    @property
    def kinds(self) -> Mapping[str, set[str]]:
        """For each column so far, the kinds of value seen in it."""
        return self._kinds

    def write(self, values: Mapping[str, Any]) -> None:
        """Add one row. Values are text, numbers, truth values, times, null, or lists and maps."""
        for name, value in values.items():
            seen = self._kinds.setdefault(name, set())
            if value is not None:
                seen.add(_kind(value))
        with _clear_errors(self._path):
            self._spool.write(to_json(values, inf_nan_mode="null") + b"\n")
        self.count += 1


@contextmanager
def open_writer(path: Path | str, suffix: str | None = None) -> Iterator[RowWriter]:
    """A :class:`RowWriter` whose rows are at ``path`` once the block has ended without error.

    ``suffix`` (such as ``.csv``) tells the kind where the name of ``path`` does not. Raises
    :class:`UsageError` for an unknown suffix and :class:`InputError` when ``path`` cannot be
    written; then nothing is left behind.
    """
    path = Path(path)
    kind = require_suffix(path if suffix is None else Path(f"rows{suffix}"))
    leftovers: list[str] = []
    try:
        with _clear_errors(path):
            spool_path = _temporary_file(path, leftovers)
            spool = Path(spool_path).open("wb")  # noqa: SIM115 - closed below, in any case
        try:
            writer = RowWriter(path, spool)
            yield writer
        finally:
            with _clear_errors(path):
                spool.close()
        with _clear_errors(path):
            finished_path = spool_path
            if kind != ".jsonl":
                finished_path = _temporary_file(path, leftovers)
                convert = _write_csv if kind == ".csv" else _write_parquet
                convert(spool_path, finished_path, writer.kinds)
            _take_place(finished_path, path)
    finally:
        for leftover in leftovers:
            Path(leftover).unlink(missing_ok=True)


@contextmanager
def _clear_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        raise InputError(
            f"cannot write {path}: {problem.strerror or problem}",
            remedy="check that the folder exists, may be written to and has room",
        ) from None


def _temporary_file(path: Path, leftovers: list[str]) -> str:
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(descriptor)
    leftovers.append(name)
    return name


def _take_place(finished: str, path: Path) -> None:
    descriptor = os.open(finished, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    mask = os.umask(0)
    os.umask(mask)
    Path(finished).chmod(0o666 & ~mask)  # temporary files are private; the result is not
    Path(finished).replace(path)


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "bool"
    for kind, types in (("int", int), ("float", float), ("text", str), ("time", datetime)):
        if isinstance(value, types):
            return kind
    return "nested"


def _spooled(spool_path: str) -> Iterator[dict[str, Any]]:
    with Path(spool_path).open("rb") as spool:
        for line in spool:
            yield from_json(line)


def _as_cell(value: object) -> Any:
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return value


def _guarded(value: object) -> Any:
    if isinstance(value, str) and _FORMULA_START.match(value) and not _NUMBER.fullmatch(value):
        return "'" + value
    return value


def _write_csv(spool_path: str, path: str, kinds: Mapping[str, set[str]]) -> None:
    with Path(path).open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow([_guarded(name) for name in kinds])
        for values in _spooled(spool_path):
            writer.writerow([_csv_cell(values.get(name)) for name in kinds])


def _csv_cell(value: object) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return _guarded(_as_cell(value))


def _write_parquet(spool_path: str, path: str, kinds: Mapping[str, set[str]]) -> None:
    import pyarrow as pa  # noqa: PLC0415 - heavy, and only Parquet needs it
    import pyarrow.parquet as pq  # noqa: PLC0415 - as above

    types = {
        "bool": pa.bool_(),
        "int": pa.int64(),
        "float": pa.float64(),
        "time": pa.timestamp("us", tz="UTC"),
    }

    def type_of(seen: set[str]) -> Any:
        if seen == {"int", "float"}:
            return types["float"]
        return types.get(next(iter(seen)), pa.string()) if len(seen) == 1 else pa.string()

    schema = pa.schema([(name, type_of(seen)) for name, seen in kinds.items()])

    def cell(value: object, wanted: Any) -> Any:
        if value is None:
            return None
        if wanted == types["time"]:
            return datetime.fromisoformat(str(value)).astimezone(UTC)
        if wanted == pa.string() and not isinstance(value, str):
            return _as_cell(value) if isinstance(value, (dict, list)) else json.dumps(value)
        return float(value) if wanted == types["float"] else value  # type: ignore[arg-type]

    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        waiting: list[dict[str, Any]] = []

        def flush() -> None:
            columns = [
                pa.array([cell(row.get(field.name), field.type) for row in waiting], field.type)
                for field in schema
            ]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))
            waiting.clear()

        for values in _spooled(spool_path):
            waiting.append(values)
            if len(waiting) == _PARQUET_BATCH:
                flush()
        if waiting:
            flush()
