"""The manifest of a model directory: what is in it, and proof that it is whole.

Layout of ``models/<name>/`` (layout version 2)::

    manifest.json      this manifest
    model.onnx         graph with int8 weights, for ONNX Runtime
    model.safetensors  the same weights in float16, for torch, with the factors and scales of the
                       products that are rounded (nlp/training/rounding.py)
    lexical.safetensors  the word-level head (nlp/lexical.py)
    config.json        encoder configuration of transformers
    tokenizer.json     tokenizer
    README.md          model card

Every file that is read is checked against its SHA-256 first. Nothing in it is ever unpickled.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from corpus.errors import ModelError
from corpus.records import Record, UtcDatetime

MANIFEST_FILE = "manifest.json"
ONNX_FILE = "model.onnx"
WEIGHTS_FILE = "model.safetensors"
LEXICAL_FILE = "lexical.safetensors"
CONFIG_FILE = "config.json"
TOKENIZER_FILE = "tokenizer.json"
CARD_FILE = "README.md"


class DriverHead(Record):
    """A driver's calibration and decision rule.

    Probability is ``sigmoid(network * network logit + lexical * lexical score + shift)``. The
    driver is tagged at or above ``threshold`` and "uncertain" where the probability lies in
    [``uncertain_from``, ``uncertain_to``).
    """

    name: str
    network: float
    lexical: float
    shift: float
    threshold: float
    uncertain_from: float
    uncertain_to: float


class Joint(Record):
    """How two sources of class logits are joined.

    ``network * first + lexical * second + shift``.
    """

    network: float
    lexical: float
    shift: tuple[float, float, float]


class LongText(Record):
    """How the windows of a long article are joined (:mod:`nlp.decide`)."""

    body_shift: float
    body_floor: float
    lead_weight: float


class Manifest(Record):
    """All that is needed to read a model's output, and where the model comes from."""

    layout: Literal[2] = 2
    name: str
    version: str
    published_at: UtcDatetime
    languages: tuple[str, ...]
    heads: tuple[DriverHead, ...]
    stance_temperature: float
    sentiment: Joint
    long_text: LongText
    relevance_threshold: float
    max_tokens: int
    files: dict[str, str] = Field(description="file name to SHA-256")
    data: dict[str, str] = Field(description="training and development file digests")
    training: dict[str, Any]
    metrics: dict[str, float]
    revision: str

    @property
    def identity(self) -> str:
        """``name@version``, as it stands in each tag record."""
        return f"{self.name}@{self.version}"


def digest_of(path: Path) -> str:
    """SHA-256 of a file as hexadecimal digits."""
    return sha256(path.read_bytes()).hexdigest()


def read_manifest(directory: Path) -> Manifest:
    """Read the manifest of a model directory.

    Raises :class:`ModelError` where there is none or it is damaged.
    """
    path = directory / MANIFEST_FILE
    if not path.is_file():
        raise ModelError(
            f"no model at {directory}",
            remedy="name a directory made by `undertow train`, or reinstall undertow",
        )
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except ValidationError as fault:
        first = fault.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ModelError(
            f"{path} is damaged or of another version: {where} {first['msg']}",
            remedy="restore the model directory, or train it again with this version",
        ) from fault


def verified(directory: Path, manifest: Manifest, name: str) -> Path:
    """The path of a model file whose digest is right; raises :class:`ModelError` otherwise."""
    path = directory / name
    expected = manifest.files.get(name)
    if expected is None or not path.is_file():
        raise ModelError(f"{path} is missing", remedy="restore the model directory")
    if digest_of(path) != expected:
        raise ModelError(
            f"{path} is not the file its manifest describes (SHA-256 differs)",
            remedy="it was changed or cut short: restore the model directory",
        )
    return path
