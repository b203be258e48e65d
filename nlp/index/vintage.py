"""The vintage of an index: a digest of inputs, parameters and the code that decides the numbers."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib.metadata import version
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
    # The index asks the grammar of amounts which days are trading days and which flows believable.
    sources = [
        entry
        for part in (room, room / "index", room / "amounts")
        for entry in sorted(part.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith((".py", ".toml"))
    ]
    whole = hashlib.sha256()
    for source in sources:
        whole.update(source.read_bytes())
    # Which days are trading days is that library's knowledge.
    whole.update(version("holidays").encode())
    return whole.hexdigest()
