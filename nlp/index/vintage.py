"""The vintage of an index: a digest of inputs, parameters and the code that decides the numbers."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import Any


def vintage_of(digest: bytes, **parameters: Any) -> str:
    """SHA-256 over the digest of the inputs, the parameters by name, and the code."""
    told = {
        name: [moment.isoformat() for moment in value] if name == "base" else str(value)
        for name, value in parameters.items()
    }
    told["code"] = _code_digest()
    told["inputs"] = digest.hex()
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


@cache
def _code_digest() -> str:
    """Digest of the code and taxonomy that decide the numbers: a version no one can forget."""
    room = files("nlp")
    sources = [room / "taxonomy.toml", room / "recaps.py"]
    sources += sorted(
        (entry for entry in (room / "index").iterdir() if entry.name.endswith(".py")),
        key=lambda entry: entry.name,
    )
    whole = hashlib.sha256()
    for source in sources:
        whole.update(source.read_bytes())
    return whole.hexdigest()
