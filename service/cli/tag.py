"""``undertow tag``: files of news into a file of tags, or the store's untagged articles."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from corpus.errors import ModelError, UsageError
from service.cli.command import database_option, json_option, make_command, model_option
from service.cli.failures import DONE, PARTIAL, Interrupted
from service.cli.words import Problems, counted, print_json, progress, stopwatch, told_rate

if TYPE_CHECKING:
    from nlp.tagger import Tagger
    from service.batch import Counts

Device = Literal["cpu", "openvino", "cuda"]


@make_command(
    "tag",
    "undertow tag news.jsonl -o tags.jsonl",
    "undertow tag 2024.parquet 2025.parquet -o tags.parquet",
    "undertow tag news.csv -o tags.csv --resume     go on after Ctrl-C or a crash",
    "undertow tag --db sqlite:///undertow.db        what the store has untagged",
    "undertow tag --engine ray --address head:6379 s3://news/2025 -o s3://tags/2025",
)
@click.argument("inputs", nargs=-1, metavar="[IN]...")
@click.option("-o", "--output", metavar="FILE", help="Where the tags go: .jsonl, .csv or .parquet.")
@click.option("--resume", is_flag=True, help="Go on with an unfinished output.")
@click.option("--overwrite", is_flag=True, help="Replace an output that exists.")
@click.option(
    "--device",
    type=click.Choice(["cpu", "openvino", "cuda"]),
    default="cpu",
    help="Where the network runs: openvino is the CPU too, faster for many items, with the"
    " openvino extra; cuda in bfloat16, with the train extra.  [default: cpu]",
)
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    help="ray: on many machines, into a folder of Parquet parts.  [default: local]",
)
@click.option("--address", metavar="HOST:PORT", help="The Ray cluster.  [default: this machine]")
@click.option(
    "--workers", type=click.IntRange(1), help="Copies of the model.  [default: one a core]"
)
@database_option
@model_option
@json_option
def command(
    *,
    inputs: tuple[str, ...],
    output: str | None,
    resume: bool,
    overwrite: bool,
    device: Device,
    engine: str,
    address: str | None,
    workers: int | None,
    db: str | None,
    model_directory: Path | None,
    as_json: bool,
) -> int:
    """Tag news with drivers, stances, sentiment, evidence, amounts and entities.

    Files (JSONL, CSV, Parquet; a folder stands for its files) need a column `title`, `text` or
    both. The output has one record for each row, in order, under the row's `id`, else its number
    over all inputs; other columns are carried through, `input_` before a name that a record has
    itself. A row that cannot be tagged gives an error record, is named, and makes the exit code 3.

    Without files, the articles of the store that this model has not tagged are tagged and kept
    there, chunk by chunk; running it again goes on.

    With --engine ray, files and folders may also be addresses (s3://...), and OUT is a folder of
    Parquet parts in the order of the inputs.
    """
    if engine == "local" and (address or workers):
        raise UsageError(
            "--address and --workers were given without --engine ray", remedy="give --engine ray"
        )
    if inputs and db:
        raise UsageError("files and --db were both given", remedy="give one of them")
    if not inputs:
        if output or resume or overwrite:
            raise UsageError(
                "no input file was given", remedy="name files, as in: undertow tag IN -o OUT"
            )
        if engine == "ray":
            raise UsageError("--engine ray reads files", remedy="name some, or export the store")
        return _tag_store(db, model_directory, device, as_json)
    if output is None:
        raise UsageError("no output was given", remedy="name it with -o, as in: -o tags.jsonl")
    if engine == "ray":
        return _tag_on_ray(
            inputs,
            output,
            resume=resume,
            overwrite=overwrite,
            device=device,
            address=address,
            workers=workers,
            model_directory=model_directory,
            as_json=as_json,
        )
    far = [one for one in (*inputs, output) if "://" in one]
    if far:
        raise UsageError(
            f"{far[0]} is an address, not a file", remedy="addresses need --engine ray"
        )
    return _tag_files(
        tuple(map(Path, inputs)),
        Path(output),
        resume=resume,
        overwrite=overwrite,
        device=device,
        model_directory=model_directory,
        as_json=as_json,
    )


def _tag_files(
    inputs: tuple[Path, ...],
    output: Path,
    *,
    resume: bool,
    overwrite: bool,
    device: Device,
    model_directory: Path | None,
    as_json: bool,
) -> int:
    from service.batch import prepare, tag_files  # noqa: PLC0415 - slow to import
    from service.batch_rows import count_rows  # noqa: PLC0415 - slow to import
    from service.journal import part_of  # noqa: PLC0415 - beside its only use

    batch = prepare(inputs, output, resume=resume, overwrite=overwrite)
    if batch is None:
        click.echo(f"{output} is there and nothing beside it is unfinished: nothing to resume.")
        return DONE
    problems, seconds = Problems(), stopwatch()
    try:
        tagger = load_tagger(model_directory, device)
        total = count_rows(batch.inputs) if sys.stderr.isatty() else None
        with progress(total, "rows") as advance:
            counts = tag_files(batch, tagger, on_problem=problems.row, on_progress=advance)
    except KeyboardInterrupt:
        raise Interrupted(
            f"interrupted; what was tagged is kept beside {output}"
            " (run it again with --resume to go on)"
            if part_of(output).exists()
            else "interrupted before the first rows were tagged (run it again)"
        ) from None
    except MemoryError as fault:
        raise ModelError(
            "too little memory is free to tag here",
            remedy="free about 1 GiB, then run it again with --resume",
        ) from fault
    _tell(counts, seconds(), str(output), as_json)
    return PARTIAL if counts.failed else DONE


def _tag_on_ray(
    inputs: tuple[str, ...],
    output: str,
    *,
    resume: bool,
    overwrite: bool,
    device: Device,
    address: str | None,
    workers: int | None,
    model_directory: Path | None,
    as_json: bool,
) -> int:
    from service.ray_engine import (  # noqa: PLC0415 - slow to import
        ModelChoice,
        connected,
        prepare,
        tag_pieces,
    )
    from service.settings import load_settings  # noqa: PLC0415 - slow to import

    job = prepare(inputs, output, resume=resume, overwrite=overwrite)
    if job is None:
        click.echo(f"{output} is whole: nothing to resume.")
        return DONE
    settings = load_settings()
    model = ModelChoice(
        model_directory or settings.model,
        (settings.drivers.absolute(),),
        device=device,
        threads=settings.threads or 1,
    )
    model.identity()  # a missing or damaged model is told before a cluster is asked
    problems, seconds = Problems(), stopwatch()
    try:
        with connected(address, workers) as size, progress(None, "rows") as advance:
            counts = tag_pieces(
                job, model, workers=size, on_problem=problems.row, on_progress=advance
            )
    except KeyboardInterrupt:
        raise Interrupted(
            f"interrupted; finished parts are kept in {output}"
            " (run it again with --resume to go on)"
        ) from None
    _tell(counts, seconds(), output, as_json)
    return PARTIAL if counts.failed else DONE


def _tag_store(db: str | None, model_directory: Path | None, device: Device, as_json: bool) -> int:
    from service.batch import tag_store  # noqa: PLC0415 - slow to import
    from service.cli.command import open_store  # noqa: PLC0415 - beside its only use

    problems, seconds = Problems(), stopwatch()
    with open_store(db) as store:
        tagger = load_tagger(model_directory, device)
        with progress(None, "articles") as advance:
            counts = tag_store(store, tagger, on_problem=problems.words, on_progress=advance)
    _tell(counts, seconds(), None, as_json)
    return PARTIAL if counts.failed else DONE


def load_tagger(model_directory: Path | None, device: Device = "cpu") -> Tagger:
    """The tagger of a model directory, else of the settings, else the one that comes along."""
    from nlp.backends import backend_of  # noqa: PLC0415 - slow to import
    from nlp.tagger import Tagger  # noqa: PLC0415 - slow to import
    from service.settings import load_settings  # noqa: PLC0415 - slow to import

    settings = load_settings()
    return Tagger.load(
        model_directory or settings.model,
        backend=backend_of(device),
        device=device,
        threads=settings.threads,
        added=[settings.drivers],
    )


def _tell(counts: Counts, seconds: float, output: str | None, as_json: bool) -> None:
    if as_json:
        print_json(counts.model_dump() | {"seconds": round(seconds, 3), "output": output})
        return
    if counts.rows == 0:
        click.echo(
            "Nothing to tag: the input has no rows."
            if output
            else f"Nothing to tag: {counts.model} has tagged every article of the store."
        )
        return
    noun = "row" if output else "article"
    done = counts.rows - counts.resumed
    words = f"Tagged {counted(done, noun)} with {counts.model} {told_rate(done, seconds)}"
    if counts.resumed:
        words += f", after {counts.resumed:,} of an earlier run"
    click.echo(f"{words}.")
    click.echo(f"{counts.relevant:,} bear on crypto; {counts.failed:,} could not be tagged.")
    if counts.undated:
        click.echo(
            f"{counted(counts.undated, noun)} have a published_at that is no time; days such as"
            ' "Thursday" in them stay open.'
        )
    if output:
        click.echo(f"Records: {output}")
