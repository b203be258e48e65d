"""Tag files of any length into one output, and the store's untagged articles, in chunks.

Memory does not grow with the input. A files' output grows as ``OUT.part`` beside a journal and
takes its name when it is whole (see :mod:`service.journal`), so that a run that was cut off goes on
to the very same bytes; CSV and Parquet are made from the finished part in one pass.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from pydantic_core import from_json

from corpus.errors import InputError, StoreError, UsageError
from corpus.files import RowProblem, expand, open_writer
from corpus.files.rows import require_suffix
from corpus.records import Article, PublishedFlag, Record
from nlp.records import TAG_SCHEMA, Item, TagFailure
from service.batch_records import tag_rows
from service.batch_rows import ReadRow, in_chunks, read_all, require_fields
from service.journal import (
    InputFile,
    Journal,
    describe_inputs,
    journal_of,
    part_of,
    read_journal,
    remove_traces,
    write_journal,
)

if TYPE_CHECKING:
    from corpus.store import Store
    from nlp.tagger import Tagger

# Items a chunk: enough for batches of one width, little enough to lose at most some seconds.
CHUNK = 1024
OnProblem = Callable[[RowProblem], None]
OnProgress = Callable[[int], None]


class Counts(Record):
    """What a run came to, an earlier part of it included; ``resumed`` rows were done before.

    ``relevant`` bear on crypto, ``failed`` could not be tagged, ``undated`` have a
    ``published_at`` that is no time.
    """

    model: str
    rows: int
    relevant: int
    failed: int
    undated: int = 0
    resumed: int = 0


@dataclass(frozen=True)
class Batch:
    """A checked job: inputs that can be read, an output that may be written."""

    inputs: tuple[Path, ...]
    output: Path
    described: tuple[InputFile, ...]


def prepare(
    inputs: Sequence[Path], output: Path, *, resume: bool = False, overwrite: bool = False
) -> Batch | None:
    """Check inputs and output before anything is loaded; None when ``resume`` has nothing left.

    Raises :class:`UsageError` for an unknown suffix, an output that exists or an unfinished one
    that nothing was said about, and :class:`InputError` for a file that cannot be read or has
    neither title nor text.
    """
    if resume and overwrite:
        raise UsageError(
            "--resume and --overwrite were both given",
            remedy="go on with --resume, or start anew with --overwrite",
        )
    require_suffix(output)
    files = expand(inputs)
    for path in files:
        require_fields(path)
    if any(path.resolve() == output.resolve() for path in files):
        raise UsageError(f"{output} is also an input", remedy="choose another output")
    if not output.parent.is_dir():
        raise UsageError(f"there is no folder {output.parent}", remedy="make it first")
    batch = Batch(files, output, describe_inputs(files))
    if journal_of(output).exists():
        if resume and not _finished_but_for_its_journal(output):
            return batch
        if not resume and not overwrite:
            raise UsageError(
                f"an unfinished {output.name} is there",
                remedy="go on with --resume, or start anew with --overwrite",
            )
        remove_traces(output)
    if output.exists() and not overwrite:
        if resume:
            return None
        raise UsageError(
            f"{output} exists", remedy="choose another name, or replace it with --overwrite"
        )
    return batch


def tag_files(
    batch: Batch,
    tagger: Tagger,
    *,
    on_problem: OnProblem,
    on_progress: OnProgress,
    chunk: int = CHUNK,
) -> Counts:
    """Tag every row of the inputs, in order; the output has one record a row.

    ``on_problem`` is told of each row that could not be tagged, ``on_progress`` the number of rows
    just done. Raises :class:`UsageError` when inputs or model differ from those of the part that
    is to be resumed, and :class:`StoreError` when the output cannot be written.
    """
    journal = _begin(batch, tagger.identity)
    resumed = journal.rows
    on_progress(resumed)
    try:
        with _opened_part(batch.output, journal) as part, ThreadPoolExecutor(1) as reader:
            waiting = read_all(batch.inputs, skip=journal.rows)
            chunks = in_chunks(waiting, most=chunk, length=lambda one: one.length)
            # The next chunk is read and parsed while the model works on this one.
            coming = reader.submit(next, chunks, None)
            while taken := coming.result():
                coming = reader.submit(next, chunks, None)
                journal = _write_chunk(part, journal, taken, tagger, on_problem)
                write_journal(batch.output, journal)
                on_progress(len(taken))
        _finish(batch.output, journal)
    except OSError as error:
        raise StoreError(
            f"cannot write {batch.output}: {error.strerror or error}",
            remedy="free some space, then run it again with --resume: what was tagged is kept",
        ) from error
    return Counts(
        model=journal.model,
        rows=journal.rows,
        relevant=journal.relevant,
        failed=journal.failed,
        undated=journal.undated,
        resumed=resumed,
    )


def tag_store(
    store: Store,
    tagger: Tagger,
    *,
    on_problem: Callable[[str], None],
    on_progress: OnProgress,
    chunk: int = CHUNK,
) -> Counts:
    """Tag the articles that have no tags of this model yet, each chunk kept as soon as it is done.

    Tags in an older schema are made anew.
    Former contents of revised articles are tagged too, for readings as of their time. What is read
    of an article is its title and its text, else its summary. ``on_problem`` is told of each
    article that cannot be tagged; it is kept so and not tried again.
    """
    model = tagger.identity
    articles = chain(
        store.untagged(model, schema=TAG_SCHEMA),
        store.untagged_revisions(model, schema=TAG_SCHEMA),
    )
    rows = relevant = failed = 0
    for taken in in_chunks(articles, most=chunk, length=lambda one: len(one.text or "")):
        records = tagger.tag([article_item(article) for article in taken])
        lines = [record.to_json() for record in records]
        store.put_tags(model, zip(taken, lines, strict=True))
        for one in records:
            if isinstance(one, TagFailure):
                failed += 1
                on_problem(f"article {one.id}: {one.error}")
            else:
                relevant += one.relevant is True
        rows += len(taken)
        on_progress(len(taken))
    return Counts(model=model, rows=rows, relevant=relevant, failed=failed)


def article_item(article: Article) -> Item:
    """What the tagger reads of an article; a time that nobody stated resolves no "yesterday"."""
    stated = article.published_flag in (PublishedFlag.EXACT, PublishedFlag.DAY_ONLY)
    return Item(
        id=article.id,
        title=article.title,
        text=article.readable_text,
        published_at=article.published_at if stated else None,
    )


def _begin(batch: Batch, model: str) -> Journal:
    if not journal_of(batch.output).exists():
        return Journal(inputs=batch.described, model=model)
    journal = read_journal(batch.output)
    if journal.model != model:
        raise UsageError(
            f"the unfinished {batch.output.name} was tagged by {journal.model}, not by {model}",
            remedy="name that model, or start anew with --overwrite",
        )
    if _contents(journal.inputs) != _contents(batch.described):
        raise UsageError(
            f"the unfinished {batch.output.name} was made from other inputs",
            remedy="give the same files in the same order, or start anew with --overwrite",
        )
    return journal


def _contents(inputs: Iterable[InputFile]) -> list[tuple[int, str]]:
    return [(one.size, one.digest) for one in inputs]


def _finished_but_for_its_journal(output: Path) -> bool:
    """Whether a run ended after its output took its name and before its journal went."""
    return output.exists() and not part_of(output).exists() and read_journal(output).whole


@contextmanager
def _opened_part(output: Path, journal: Journal) -> Iterator[BinaryIO]:
    """The part, cut to what the journal holds for whole."""
    path = part_of(output)
    if journal.rows and (not path.exists() or path.stat().st_size < journal.bytes):
        raise InputError(
            f"{path} is missing or shorter than its journal says",
            remedy="start anew with --overwrite",
        )
    with path.open("r+b" if journal.rows else "wb") as part:
        part.truncate(journal.bytes)
        part.seek(journal.bytes)
        yield part


def _write_chunk(
    part: BinaryIO,
    journal: Journal,
    taken: Sequence[ReadRow],
    tagger: Tagger,
    on_problem: OnProblem,
) -> Journal:
    """Tag a chunk and put it on disk; gives the journal that holds it."""
    relevant = failed = 0
    times = set(journal.times)
    lines = []
    for one in tag_rows(taken, tagger):
        if one.problem is not None:
            failed += 1
            on_problem(one.problem)
        relevant += one.relevant
        lines.append(one.line())
        carried = one.row.carried.items()
        times.update(name for name, value in carried if isinstance(value, datetime))
    block = b"".join(lines)
    part.write(block)
    part.flush()
    os.fsync(part.fileno())
    return journal.model_copy(
        update={
            "rows": journal.rows + len(taken),
            "bytes": journal.bytes + len(block),
            "relevant": journal.relevant + relevant,
            "failed": journal.failed + failed,
            "undated": journal.undated + sum(one.undated for one in taken),
            "times": tuple(sorted(times)),
        }
    )


def _finish(output: Path, journal: Journal) -> None:
    """Let the output take its name, made from the part that is now whole."""
    write_journal(output, journal.model_copy(update={"whole": True}))
    part = part_of(output)
    if output.suffix.lower() == ".jsonl":
        part.replace(output)
    else:
        times = _true_times(part, journal.times)
        with open_writer(output) as writer, part.open("rb") as lines:
            for line in lines:
                writer.write(_with_times(from_json(line), times))
    remove_traces(output)


def _true_times(part: Path, times: Iterable[str]) -> tuple[str, ...]:
    """The columns in which every file has times or nothing; another file may hold words."""
    left = set(times)
    with part.open("rb") as lines:
        for line in lines if left else ():
            values = from_json(line)
            left -= {name for name in left if not _is_time(values.get(name))}
    return tuple(name for name in times if name in left)


def _is_time(value: object) -> bool:
    if value is None or value == "":
        return True
    try:
        datetime.fromisoformat(str(value))
    except ValueError:
        return False
    return True


def _with_times(values: dict[str, Any], times: Iterable[str]) -> dict[str, Any]:
    for name in times:
        if isinstance(values.get(name), str):
            values[name] = datetime.fromisoformat(values[name]) if values[name] else None
    return values
