"""``undertow tag --engine ray``: the inputs shared out over the machines of a Ray cluster.

Ray Data scans the files, maps their pieces (:mod:`service.ray_pieces`) over a pool of actors that
each hold the model, and does the piece of a killed actor again. Into the output folder each actor
writes its parts itself; ``_undertow.json`` there says what they are made of and, once it is
``whole``, that all are there. Only counts and problems come back to the driver.
"""

from __future__ import annotations

import json
import logging
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from corpus.errors import InputError, StoreError, UndertowError, UsageError
from corpus.files import RowProblem
from nlp.added_drivers import load_drivers
from nlp.backends import backend_of, processors
from nlp.manifest import read_manifest
from nlp.tagger import SHIPPED, Tagger
from service.batch import CHUNK, Counts
from service.batch_records import Tagged, tag_rows
from service.batch_rows import in_chunks
from service.light_start import leave_torch_out_of_spacy
from service.ray_pieces import (
    PIECE_ROWS,
    Piece,
    expand_addresses,
    open_place,
    place,
    read_piece,
    scan,
    summary_of,
    told,
    write_part,
)

MARK = "_undertow.json"
# What an actor holds: the process with its libraries, the model, a piece and its records.
ACTOR_MEMORY = 900 * 2**20  # bytes
REACH = 5.0  # seconds that a cluster has to answer
OnProblem = Callable[[RowProblem], None]
OnProgress = Callable[[int], None]


@dataclass(frozen=True)
class ModelChoice:
    """Which tagger the actors load; ``device`` is ``cpu``, ``openvino`` or ``cuda``."""

    directory: Path | None
    added: tuple[Path, ...]
    device: str = "cpu"
    threads: int = 1

    def identity(self) -> str:
        """What :attr:`nlp.tagger.Tagger.identity` will be, without loading the weights."""
        manifest = read_manifest(self.directory or SHIPPED)
        added = load_drivers(self.added, manifest)
        return "+".join([manifest.identity, *(driver.identity for driver in added)])

    def load(self) -> Tagger:
        """The tagger."""
        return Tagger.load(
            self.directory,
            backend=backend_of(self.device),
            device=self.device,
            threads=self.threads,
            added=self.added,
        )


@dataclass(frozen=True)
class Job:
    """A checked job: addresses of the files, and an output folder that may be written."""

    inputs: tuple[str, ...]
    output: str
    resume: bool


def prepare(
    inputs: Sequence[str], output: str, *, resume: bool = False, overwrite: bool = False
) -> Job | None:
    """Check inputs and output before a cluster is asked; None when nothing is left to resume.

    Raises :class:`UsageError` for an output that exists or is unfinished and nothing was said
    about it, and :class:`InputError` for inputs that are missing or unreadable.
    """
    if resume and overwrite:
        raise UsageError(
            "--resume and --overwrite were both given",
            remedy="go on with --resume, or start anew with --overwrite",
        )
    files = expand_addresses(tuple(inputs))
    system, folder = open_place(output)
    mark = _mark_in(output)
    if mark is None:
        if _holds_something(system, folder):
            raise UsageError(
                f"{output} exists and is no output of --engine ray", remedy="choose another name"
            )
        return Job(files, output, resume)
    if overwrite:
        system.delete_dir_contents(folder)
        return Job(files, output, resume=False)
    if mark["whole"] and resume:
        return None
    if not resume:
        state = "exists" if mark["whole"] else "is there, unfinished"
        raise UsageError(
            f"{output} {state}", remedy="choose another name, or give --resume or --overwrite"
        )
    return Job(files, output, resume)


@contextmanager
def connected(address: str | None, workers: int | None) -> Iterator[int]:
    """A Ray cluster for the time of a job: that at ``address``, else one on this machine.

    Gives how many actors it bears. Raises :class:`UsageError` when Ray is not installed, the
    cluster cannot be reached, or the memory is too little for ``workers``.
    """
    # Ray's processes tell their own affairs on standard error unless told not to.
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    try:
        import psutil  # noqa: PLC0415 - an extra
        import ray  # noqa: PLC0415 - an extra
        from ray.data import DataContext  # noqa: PLC0415 - as above
    except ImportError as fault:
        raise UsageError(
            f"Ray is not installed ({fault.name} is missing)", remedy="pip install 'undertow[ray]'"
        ) from None
    if address is None:
        # Ray's workers stand back behind every other process of the machine unless told not to: a
        # job beside busy ones then hardly moves.
        os.environ.setdefault("RAY_worker_niceness", "0")
        workers = workers or processors()
        _require_memory(workers, psutil.virtual_memory().available)
        ray.init(
            address="local",  # also where the environment names a cluster
            num_cpus=workers,
            include_dashboard=False,
            log_to_driver=False,
            logging_level="error",
        )
    else:
        _require_answer(address)
        try:
            ray.init(address=address, log_to_driver=False, logging_level="error")
        except (ConnectionError, OSError, RuntimeError, ValueError) as fault:
            raise _no_cluster(address, str(fault).splitlines()[0][:200]) from None
    try:
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        context = DataContext.get_current()
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        yield workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
    finally:
        ray.shutdown()


def _require_memory(workers: int, free: int) -> None:
    if workers * ACTOR_MEMORY > free:
        raise UsageError(
            f"{workers} workers need about {workers * ACTOR_MEMORY / 2**30:.1f} GiB of memory and"
            f" {free / 2**30:.1f} GiB are free",
            remedy="give fewer --workers",
        )


def _require_answer(address: str) -> None:
    """Ask the port first: Ray itself would try for a minute before it says that nobody is there."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon or not port.isdigit():
        if address != "auto":
            raise UsageError(
                f"{address!r} is no address of a cluster",
                remedy="write HOST:6379, ray://HOST:10001 or auto",
            )
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=REACH).close()
    except (OSError, OverflowError) as fault:
        raise _no_cluster(address, getattr(fault, "strerror", None) or str(fault)) from None


def _no_cluster(address: str, why: str) -> UsageError:
    return UsageError(
        f"no Ray cluster answers at {address}: {why}",
        remedy="start one with `ray start --head`, or leave --address out to use this machine",
    )


def tag_pieces(
    job: Job,
    model: ModelChoice,
    *,
    workers: int,
    on_problem: OnProblem,
    on_progress: OnProgress,
    piece_rows: int = PIECE_ROWS,
) -> Counts:
    """Tag every row of the inputs, in pieces, on the cluster that is :func:`connected`.

    Raises :class:`InputError` for a damaged file before anything is tagged, and
    :class:`UsageError` when inputs or model differ from those that an output was begun with.
    """
    identity = model.identity()
    pieces = place(_scanned(job.inputs, piece_rows))
    _begin(job, pieces, identity)
    rows = relevant = failed = undated = resumed = 0
    for done in _results(job, pieces, model, workers):
        if "fault" in done:
            raise StoreError(**done["fault"])
        rows += done["rows"]
        relevant += done["relevant"]
        failed += done["failed"]
        undated += done["undated"]
        resumed += done["rows"] if done["before"] else 0
        for problem in done["problems"]:
            on_problem(RowProblem(**problem))
        on_progress(done["rows"])
    _write_mark(job, pieces, identity, whole=True)
    return Counts(
        model=identity,
        rows=rows,
        relevant=relevant,
        failed=failed,
        undated=undated,
        resumed=resumed,
    )


def _scanned(inputs: Sequence[str], most: int) -> list[list[Piece]]:
    import ray.data  # noqa: PLC0415 - an extra

    addresses = [
        {"number": number, "address": address, "most": most}
        for number, address in enumerate(inputs)
    ]
    found: dict[int, Any] = {}
    for row in ray.data.from_items(addresses).map(_scan_row).iter_rows():
        found[row["number"]] = json.loads(row["found"])
    for number in range(len(inputs)):
        if "fault" in found[number]:
            raise InputError(**found[number]["fault"])
    return [[Piece(**one) for one in found[number]["pieces"]] for number in range(len(inputs))]


def _scan_row(row: dict[str, Any]) -> dict[str, Any]:
    try:
        found: dict[str, Any] = {
            "pieces": [asdict(piece) for piece in scan(row["address"], most=int(row["most"]))]
        }
    except UndertowError as fault:
        found = {"fault": told(fault)}
    return {"number": row["number"], "found": json.dumps(found)}


def _results(
    job: Job, pieces: Sequence[Piece], model: ModelChoice, workers: int
) -> Iterator[dict[str, Any]]:
    """What came of each piece, in the order in which they are done."""
    if not pieces:
        return
    import ray.data  # noqa: PLC0415 - an extra
    from ray.data import ActorPoolStrategy  # noqa: PLC0415 - as above
    from ray.exceptions import RayError  # noqa: PLC0415 - as above

    size = min(workers, len(pieces))
    data = ray.data.from_items(
        [{"piece": piece.to_json()} for piece in pieces], override_num_blocks=len(pieces)
    )
    mapped = data.map_batches(
        PieceTagger,
        fn_constructor_args=(job.output, job.resume, model),
        batch_size=1,
        compute=ActorPoolStrategy(size=size, max_tasks_in_flight_per_actor=2),
        num_cpus=0 if model.device == "cuda" else model.threads,
        num_gpus=1 if model.device == "cuda" else 0,
    )
    try:
        for row in mapped.iter_rows():
            yield json.loads(row["done"])
    except RayError as fault:
        raise StoreError(
            f"the cluster gave up: {str(fault).splitlines()[-1][:200]}",
            remedy="run it again with --resume: finished parts are kept",
        ) from None


class PieceTagger:
    """An actor: holds the model, tags pieces and writes their parts."""

    def __init__(self, output: str, resume: bool, model: ModelChoice) -> None:
        self._output = output
        self._resume = resume
        leave_torch_out_of_spacy()
        self._tagger = model.load()

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Tag each piece of a batch; gives its counts and problems as JSON."""
        return {"done": [json.dumps(self._done(json.loads(one))) for one in batch["piece"]]}

    def _done(self, fields: dict[str, Any]) -> dict[str, Any]:
        piece = Piece(**fields)
        try:
            summary = summary_of(self._output, piece) if self._resume else None
            if summary is not None:
                return summary | {"problems": [], "before": True}
            tagged: list[Tagged] = []
            chunks = in_chunks(read_piece(piece), most=CHUNK, length=lambda row: row.length)
            for chunk in chunks:
                tagged += tag_rows(chunk, self._tagger)
            summary = {
                "rows": len(tagged),
                "relevant": sum(one.relevant for one in tagged),
                "failed": sum(one.problem is not None for one in tagged),
                "undated": sum(one.row.undated for one in tagged),
            }
            write_part(self._output, piece, tagged, summary)
        except UndertowError as fault:
            return {"fault": told(fault)}
        except OSError as fault:
            return {
                "fault": {
                    "message": f"cannot write {self._output}: {fault.strerror or fault}",
                    "remedy": "free some space, then run it again with --resume",
                }
            }
        problems = [one.problem.model_dump() for one in tagged if one.problem is not None]
        return summary | {"problems": problems, "before": False}


def _holds_something(system: Any, folder: str) -> bool:
    from pyarrow import fs  # noqa: PLC0415 - heavy

    what = system.get_file_info(folder)
    if what.type == fs.FileType.Directory:
        return bool(system.get_file_info(fs.FileSelector(folder)))
    return bool(what.type != fs.FileType.NotFound)


def _mark_in(output: str) -> dict[str, Any] | None:
    from pyarrow import fs  # noqa: PLC0415 - heavy

    system, folder = open_place(output)
    path = f"{folder}/{MARK}"
    if system.get_file_info(path).type != fs.FileType.File:
        return None
    with system.open_input_stream(path) as stream:
        try:
            mark: dict[str, Any] = json.loads(stream.read())
        except ValueError:
            raise InputError(f"{path} is damaged", remedy="start anew with another name") from None
    return mark


def _begin(job: Job, pieces: Sequence[Piece], identity: str) -> None:
    mark = _mark_in(job.output) if job.resume else None
    if mark is not None and mark["model"] != identity:
        raise UsageError(
            f"the unfinished {job.output} was tagged by {mark['model']}, not by {identity}",
            remedy="name that model, or start anew with --overwrite",
        )
    if mark is not None and mark["pieces"] != [asdict(piece) for piece in pieces]:
        raise UsageError(
            f"the unfinished {job.output} was made from other inputs",
            remedy="give the same files in the same order, or start anew with --overwrite",
        )
    if mark is None:
        _write_mark(job, pieces, identity, whole=False)


def _write_mark(job: Job, pieces: Sequence[Piece], identity: str, *, whole: bool) -> None:
    system, folder = open_place(job.output)
    mark = {
        "layout": 1,
        "whole": whole,
        "model": identity,
        "written_at": datetime.now(UTC).isoformat(),
        "pieces": [asdict(piece) for piece in pieces],
    }
    try:
        system.create_dir(folder, recursive=True)
        with system.open_output_stream(f"{folder}/{MARK}.new") as stream:
            stream.write(json.dumps(mark).encode())
        system.move(f"{folder}/{MARK}.new", f"{folder}/{MARK}")
    except OSError as fault:
        raise StoreError(
            f"cannot write {job.output}: {fault.strerror or fault}",
            remedy="check that it may be written to and has room",
        ) from None
