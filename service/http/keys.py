"""API keys: only their hashes are kept, and comparing takes the same time for every wrong key."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence


def hash_key(key: str) -> str:
    """SHA-256 of a key, as ``ServeOptions.key_hashes`` wants it; keys should be long and random."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def key_of(authorization: str | None) -> str | None:
    """The key in an ``Authorization`` header: a bearer token, or the password of Basic.

    Basic lets a browser ask for the key, so that the pages are guarded as well.
    """
    scheme, _, value = (authorization or "").partition(" ")
    if scheme.lower() == "bearer" and value.strip():
        return value.strip()
    if scheme.lower() == "basic":
        try:
            pair = base64.b64decode(value.strip(), validate=True).decode()
        except (binascii.Error, ValueError):
            return None
        return pair.partition(":")[2] or None
    return None


def place_of(key: str | None, hashes: Sequence[str]) -> int | None:
    """The place of the key among those hashed, or None; every hash is compared."""
    given = hash_key(key or "")
    matches = [hmac.compare_digest(given, known) for known in hashes]
    return matches.index(True) if key is not None and any(matches) else None
