"""Pieces of the inputs that machines share out: planned, read and written apart from each other.

A piece is some thousand rows of one file. Whoever tags it reads it from where the file lies and
writes one part, so that news pass through no driver and no object store; a part appears whole or
not at all, and tagging a piece again gives the same bytes. Files lie in a folder that every machine
sees, or under an address that pyarrow or fsspec knows (``s3://...``).
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic_core import from_json, to_json

from corpus.errors import InputError, UndertowError, UsageError
from corpus.files import Row, RowProblem, rows
from nlp.records import TagRecord
from service.batch_records import Tagged, carried_json
from service.batch_rows import ReadRow, read_row, require_fields

PIECE_ROWS = 2048
KINDS = (".jsonl", ".parquet")
_BLOCK = 8 * 2**20  # bytes read at once while lines are counted
_PEEK = 256 * 2**10  # bytes that show the fields of a JSONL file
RECORD_COLUMNS = tuple(one.alias or name for name, one in TagRecord.model_fields.items())


@dataclass(frozen=True)
class Piece:
    """Rows of one input file.

    ``begin`` and ``end`` are bytes of a JSONL file, rows (from 0) of a Parquet file.
    ``rows_before`` and ``lines_before`` count in the file, ``numbers_before`` over all inputs.
    ``part`` is the path of its part below the output.
    """

    address: str
    begin: int
    end: int
    rows_before: int
    lines_before: int
    rows: int
    numbers_before: int = 0
    part: str = ""

    def to_json(self) -> str:
        """As text, for the way to a worker."""
        return to_json(asdict(self)).decode()


def open_place(address: str | Path) -> tuple[Any, str]:
    """The pyarrow file system that an address or path is of, and the path in it.

    Raises :class:`UsageError` for an address of a kind that neither pyarrow nor fsspec knows.
    """
    from pyarrow import fs  # noqa: PLC0415 - heavy

    text = str(address)
    if "://" not in text:
        return fs.LocalFileSystem(), str(Path(text).resolve())
    try:
        found: tuple[Any, str] = fs.FileSystem.from_uri(text)
    except Exception:  # pyarrow does not know it: fsspec may
        try:
            import fsspec  # noqa: PLC0415 - only for such addresses

            system, path = fsspec.core.url_to_fs(text)
        except Exception as fault:  # fsspec and its kinds raise what they like
            raise UsageError(
                f"cannot open {text}: {fault}",
                remedy="check the address; some kinds need a package of their own, as s3fs",
            ) from None
        return fs.PyFileSystem(fs.FSSpecHandler(system)), path
    return found


def expand_addresses(inputs: tuple[str, ...]) -> tuple[str, ...]:
    """Files that the inputs name; a folder stands for its JSONL and Parquet files, by name.

    Raises :class:`InputError` for what is missing, unreadable or a folder without such files, and
    :class:`UsageError` for another kind of file.
    """
    from pyarrow import fs  # noqa: PLC0415 - heavy

    found: list[str] = []
    for given in inputs:
        system, path = open_place(given)
        try:
            what = system.get_file_info(path)
            if what.type == fs.FileType.NotFound:
                raise InputError(f"there is no file {given}", remedy="check the path")
            if what.type == fs.FileType.Directory:
                inside = sorted(
                    PurePosixPath(one.path).name
                    for one in system.get_file_info(fs.FileSelector(path))
                    if one.type == fs.FileType.File
                )
                files = [name for name in inside if PurePosixPath(name).suffix.lower() in KINDS]
                if not files:
                    raise InputError(f"the folder {given} holds no .jsonl or .parquet file")
                found += [f"{given.rstrip('/')}/{name}" for name in files]
                continue
        except OSError as fault:
            raise _unreadable(given, fault) from None
        if PurePosixPath(path).suffix.lower() not in KINDS:
            raise UsageError(
                f"{given} is neither .jsonl nor .parquet", remedy="--engine ray reads these two"
            )
        found.append(given)
    return tuple(found)


def _unreadable(address: str, fault: Exception) -> InputError:
    told = getattr(fault, "strerror", None) or str(fault).splitlines()[0][:200]
    return InputError(f"cannot read {address}: {told}", remedy="check the file and its rights")


def is_parquet(address: str) -> bool:
    """Whether the file is Parquet by its name, else JSONL."""
    return PurePosixPath(address).suffix.lower() == ".parquet"


def scan(address: str, *, most: int) -> list[Piece]:
    """The pieces of one file, not yet placed among the others; reads a JSONL file once.

    Raises :class:`InputError` when the file cannot be read or its rows have no text.
    """
    system, path = open_place(address)
    try:
        if is_parquet(address):
            return _scan_parquet(address, system, path, most)
        return _scan_jsonl(address, system, path, most)
    except OSError as fault:
        raise _unreadable(address, fault) from None


def _scan_parquet(address: str, system: Any, path: str, most: int) -> list[Piece]:
    with system.open_input_file(path) as stream, _opened_parquet(address, stream) as file:
        names = file.schema_arrow.names
        total = file.metadata.num_rows
    if not {"title", "text"} & set(names):
        raise InputError(
            f"{address} has no column 'title' or 'text'; it has {', '.join(names)[:300]}",
            remedy="name the columns so",
        )
    return [
        Piece(address, begin, min(begin + most, total), begin, begin, min(most, total - begin))
        for begin in range(0, total, most)
    ]


def _opened_parquet(address: str, stream: Any) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - heavy
    import pyarrow.parquet as pq  # noqa: PLC0415 - as above

    try:
        return pq.ParquetFile(stream)
    except (pa.ArrowException, OSError) as fault:
        lines = str(fault).splitlines() or ["unknown fault"]
        raise InputError(
            f"{address} is not a sound Parquet file: {lines[0][:200]}",
            remedy="check how it was written",
        ) from None


def _scan_jsonl(address: str, system: Any, path: str, most: int) -> list[Piece]:
    pieces: list[Piece] = []
    begin = position = counted = lines = rows_before = lines_before = 0
    with system.open_input_stream(path) as stream:
        rest = b""
        while block := stream.read(_BLOCK):
            *whole, rest = (rest + block).split(b"\n")
            for line in whole:
                position += len(line) + 1
                lines += 1
                counted += bool(line.strip(b" \t\r\v\f\xef\xbb\xbf"))
                if counted == most:
                    pieces.append(
                        Piece(address, begin, position, rows_before, lines_before, counted)
                    )
                    begin, counted = position, 0
                    rows_before, lines_before = rows_before + most, lines
    if rest:
        position += len(rest)
        counted += bool(rest.strip(b" \t\r\v\f\xef\xbb\xbf"))
    if position == 0:
        raise InputError(f"{address} is empty", remedy="check how it was written")
    if counted:
        pieces.append(Piece(address, begin, position, rows_before, lines_before, counted))
    if pieces:
        _require_jsonl_fields(address, system, path)
    return pieces


def _require_jsonl_fields(address: str, system: Any, path: str) -> None:
    with system.open_input_stream(path) as stream:
        head = stream.read(_PEEK)
    if b"\n" in head:
        head = head[: head.rindex(b"\n") + 1]
    with _as_local_file(address, head) as copy:
        try:
            require_fields(copy)
        except InputError as fault:
            told = fault.message.replace(str(copy), address)
            raise InputError(told, remedy=fault.remedy) from None


def place(scanned: list[list[Piece]]) -> list[Piece]:
    """Pieces of all files, numbered through and each with the path of its part."""
    placed: list[Piece] = []
    numbers = 0
    for file, pieces in enumerate(scanned):
        for count, piece in enumerate(pieces):
            name = PurePosixPath(piece.address).name
            part = f"input={file:05d}-{name}/part-{count:06d}.parquet"
            placed.append(replace(piece, numbers_before=numbers, part=part))
            numbers += piece.rows
    return placed


def read_piece(piece: Piece) -> Iterator[ReadRow]:
    """The rows of a piece, under the ids and line numbers that they have in the whole."""
    path = Path(PurePosixPath(piece.address).name)
    found = _parquet_rows(piece) if is_parquet(piece.address) else _jsonl_rows(piece)
    for count, row in enumerate(found, start=1):
        told = row.model_copy(
            update={
                "number": piece.rows_before + row.number,
                "line": piece.lines_before + row.line,
            }
        )
        yield read_row(path, told, piece.numbers_before + count)


def _parquet_rows(piece: Piece) -> Iterator[Row | RowProblem]:
    import pyarrow as pa  # noqa: PLC0415 - heavy

    system, path = open_place(piece.address)
    with (
        system.open_input_file(path) as stream,
        _opened_parquet(piece.address, stream) as file,
    ):
        groups: list[int] = []
        skip = before = 0
        for group in range(file.num_row_groups):
            size = file.metadata.row_group(group).num_rows
            if before < piece.end and before + size > piece.begin:
                skip = skip if groups else piece.begin - before
                groups.append(group)
            before += size
        number = 0
        try:
            for batch in file.iter_batches(batch_size=512, row_groups=groups):
                for values in batch.to_pylist():
                    skip -= 1
                    if skip < 0 and number < piece.rows:
                        number += 1
                        yield Row(number=number, line=number, values=values)
        except (pa.ArrowException, UnicodeDecodeError) as fault:
            raise InputError(f"{piece.address} is damaged: {str(fault)[:200]}") from None


def _jsonl_rows(piece: Piece) -> Iterator[Row | RowProblem]:
    system, path = open_place(piece.address)
    with system.open_input_file(path) as stream:
        stream.seek(piece.begin)
        content = stream.read(piece.end - piece.begin)
    with _as_local_file(piece.address, content) as copy:
        yield from rows(copy)


class _as_local_file:  # noqa: N801 - used as a function
    """Bytes of a file that may lie far away, as a local file of its name."""

    def __init__(self, address: str, content: bytes) -> None:
        from tempfile import TemporaryDirectory  # noqa: PLC0415 - beside its only use

        self._folder = TemporaryDirectory(prefix="undertow-piece-")
        self._path = Path(self._folder.name) / PurePosixPath(address).name
        self._path.write_bytes(content)

    def __enter__(self) -> Path:
        return self._path

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()


def write_part(output: str, piece: Piece, tagged: list[Tagged], summary: dict[str, Any]) -> None:
    """Write a part; it takes its name when it is whole. ``summary`` is kept in its metadata."""
    import pyarrow as pa  # noqa: PLC0415 - heavy
    import pyarrow.parquet as pq  # noqa: PLC0415 - as above

    cells = [_cells(one) for one in tagged]
    schema = part_schema().with_metadata({"undertow": to_json(summary)})
    table = pa.Table.from_pylist(cells, schema=schema)
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    system, folder = open_place(output)
    path = f"{folder}/{piece.part}"
    system.create_dir(path.rpartition("/")[0], recursive=True)
    # Readers of a data set pass over names that begin with an underscore.
    name = path.rpartition("/")[2]
    fresh = f"{path.rpartition('/')[0]}/_{name}.new"
    with system.open_output_stream(fresh) as stream:
        stream.write(buffer.getvalue())
    system.move(fresh, path)


def part_schema() -> Any:
    """Columns of a part: those of a record (nested ones as JSON text), error, carried columns."""
    import pyarrow as pa  # noqa: PLC0415 - heavy

    kinds = {"schema": pa.int64(), "relevant": pa.bool_()}
    names = (*RECORD_COLUMNS, "error", "carried")
    return pa.schema([(name, kinds.get(name, pa.string())) for name in names])


def _cells(one: Tagged) -> dict[str, Any]:
    values = from_json(one.record.to_json())
    cells = {
        name: to_json(value).decode() if isinstance(value, (dict, list)) else value
        for name, value in values.items()
    }
    return cells | {"carried": carried_json(one.row.carried).decode() if one.row.carried else None}


def summary_of(output: str, piece: Piece) -> dict[str, Any] | None:
    """What the part of a piece says of itself; None where there is none yet."""
    import pyarrow.parquet as pq  # noqa: PLC0415 - heavy
    from pyarrow import fs  # noqa: PLC0415 - as above

    system, folder = open_place(output)
    path = f"{folder}/{piece.part}"
    if system.get_file_info(path).type != fs.FileType.File:
        return None
    with system.open_input_file(path) as stream:
        metadata = pq.read_schema(stream).metadata or {}
    found: dict[str, Any] = from_json(metadata[b"undertow"])
    return found


def told(fault: UndertowError) -> dict[str, str]:
    """An expected failure, for the way back from a worker."""
    return {"message": fault.message, "remedy": fault.remedy}
