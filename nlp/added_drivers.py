"""Drivers that a user has added to a model: one JSON file each, beside the model, never inside it.

An added driver is linear in what is known of a window anyway, the mean token state of the frozen
encoder and the hashed token runs of :mod:`nlp.lexical`::

    probability = sigmoid(state_weights . mean state + word_weights . words + bias)

so that it costs two products a window and leaves the shipped heads untouched. A file holds for the
very model that it was learned on, told by the digest of the model's manifest, and carries a digest
of its own content: one for another model, changed or cut short, is refused. ``docs/own-driver.md``
is the user's guide.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, FiniteFloat, ValidationError

from corpus.errors import ModelError, StoreError, UsageError
from corpus.records import Record, UtcDatetime
from nlp.manifest import Manifest

SUFFIX = ".json"
DriverName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
Probability = Annotated[float, Field(ge=0, le=1)]


class CalibrationBin(Record):
    """Of the held-out news with a probability in [``lower``, ``upper``): how much there is, the
    mean probability, and the share that speaks of the driver, the latter two weighted as
    :attr:`AddedReport.share` says.
    """

    lower: float
    upper: float
    items: int
    probability: float
    share: float


class AddedReport(Record):
    """How well the driver is told apart, cross-validated: each figure is of items left out.

    All figures but ``auc`` hold for news of which ``share`` speaks of the driver. ``auc`` is the
    chance that news of the driver scores above other news, with a 90% bootstrap interval.
    ``stances`` counts the examples with a stance, ``stances_right`` those read so.
    ``resembles`` is the shipped driver that most examples are tagged with already, if half are.
    """

    positives: int
    negatives: int
    background: int
    folds: int
    share: Probability
    average_precision: Probability
    auc: Probability
    auc_lower: Probability
    auc_upper: Probability
    precision: Probability
    recall: Probability
    calibration_error: Probability
    bins: tuple[CalibrationBin, ...]
    stances: int
    stances_right: int
    resembles: str | None
    warnings: tuple[str, ...]


class AddedDriver(Record):
    """A driver learned from examples.

    ``state_weights`` (width of the encoder,) and ``word_weights``, those of the buckets ``words``
    of the word-level head and zero elsewhere, include the calibration, as does ``bias``.
    ``model`` and ``manifest`` tell the model it belongs to, ``examples`` and ``background`` are
    digests of what it was learned from.
    """

    layout: Literal[1] = 1
    name: DriverName
    title: str
    created_at: UtcDatetime
    model: str
    manifest: str
    examples: str
    background: str
    state_weights: tuple[FiniteFloat, ...]
    words: tuple[int, ...]
    word_weights: tuple[FiniteFloat, ...]
    bias: FiniteFloat
    threshold: Probability
    uncertain_from: Probability
    uncertain_to: Probability
    report: AddedReport

    @property
    def digest(self) -> str:
        """SHA-256 of the driver's content."""
        return sha256(self.model_dump_json().encode()).hexdigest()

    @property
    def identity(self) -> str:
        """``name.digits``: stands in the model's name of every record that it had a part in."""
        return f"{self.name}.{self.digest[:8]}"


def manifest_digest(manifest: Manifest) -> str:
    """SHA-256 of a manifest's content; through it, of each file of the model."""
    return sha256(manifest.model_dump_json().encode()).hexdigest()


def save_driver(driver: AddedDriver, folder: Path, *, overwrite: bool = False) -> Path:
    """Write a driver into a folder, whole or not at all, and give the file's path.

    Raises :class:`UsageError` when there is one of that name, :class:`StoreError` when it cannot be
    written.
    """
    path = folder / f"{driver.name}{SUFFIX}"
    if path.exists() and not overwrite:
        raise UsageError(
            f"there is a driver {driver.name!r} in {folder}",
            remedy="remove it first, choose another name, or pass --overwrite",
        )
    content = driver.model_dump(mode="json") | {"digest": driver.digest}
    fresh = path.with_name(f".{path.name}.new")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        fresh.write_text(json.dumps(content, ensure_ascii=False) + "\n", encoding="utf-8")
        fresh.replace(path)
    except OSError as fault:
        raise StoreError(
            f"cannot write {path}: {os.strerror(fault.errno or 0)}",
            remedy="check the folder and the space on its disk",
        ) from fault
    return path


def driver_files(folder: Path) -> tuple[Path, ...]:
    """The files of the drivers in a folder, by name; none when there is no such folder."""
    return tuple(sorted(folder.glob(f"[a-z]*{SUFFIX}")))


def remove_driver(name: str, folder: Path) -> Path:
    """Delete a driver's file; raises :class:`UsageError` naming those there are."""
    for path in driver_files(folder):
        if path.stem == name:
            path.unlink()
            return path
    known = ", ".join(path.stem for path in driver_files(folder)) or "none"
    raise UsageError(f"no driver {name!r} in {folder}", remedy=f"there: {known}")


def read_driver(path: Path) -> AddedDriver:
    """Read a driver's file; raises :class:`ModelError` when it is missing, damaged or changed."""
    if not path.is_file():
        raise ModelError(f"no added driver at {path}", remedy="see `undertow driver list`")
    try:
        content: dict[str, Any] = json.loads(path.read_bytes())
        stated = content.pop("digest")
        driver = AddedDriver.model_validate_json(json.dumps(content))
    except (ValueError, KeyError, AttributeError, TypeError) as fault:
        reason = (
            str(fault.errors()[0]["msg"]) if isinstance(fault, ValidationError) else "cut short"
        )
        raise ModelError(
            f"the added driver {path} is damaged or of another version: {reason}",
            remedy="add it again from its examples",
        ) from fault
    if driver.digest != stated or driver.name != path.stem:
        raise ModelError(
            f"the added driver {path} was changed after it was made",
            remedy="add it again from its examples",
        )
    return driver


def load_drivers(paths: Iterable[Path], manifest: Manifest) -> tuple[AddedDriver, ...]:
    """Read drivers for a model; a path without :data:`SUFFIX` is a folder and stands for its
    drivers, by name.

    Raises :class:`ModelError` for a damaged one, one of another model, or a name used twice.
    """
    files = [
        file for path in paths for file in ([path] if path.suffix == SUFFIX else driver_files(path))
    ]
    drivers = tuple(read_driver(file) for file in files)
    expected = manifest_digest(manifest)
    taken = {head.name for head in manifest.heads}
    for driver, file in zip(drivers, files, strict=True):
        if driver.manifest != expected:
            raise ModelError(
                f"the added driver {file} was learned on another model ({driver.model})",
                remedy=f"add it again on {manifest.identity} from its examples, or leave it out",
            )
        if driver.name in taken:
            raise ModelError(f"two drivers are named {driver.name!r}", remedy="leave out one")
        taken.add(driver.name)
    return drivers


def require_free_name(name: str, known: Sequence[str]) -> None:
    """Raise :class:`UsageError` for a name that cannot be an added driver's."""
    if name in known:
        raise UsageError(f"the model has a driver {name!r}", remedy="choose another name")
    try:
        _NameOnly(name=name)
    except ValidationError:
        raise UsageError(
            f"{name!r} is no name for a driver",
            remedy="2 to 40 small letters, digits and underscores, a letter first",
        ) from None


class _NameOnly(Record):
    name: DriverName
