"""Limits and guards of the endpoint, with the documented defaults."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from corpus.records import Record

KeyHash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class ServeOptions(Record):
    """What bounds a request and the work that waits.

    ``key_hashes`` are SHA-256 digests of the keys that are let in (see :func:`hash_key`); none
    means that no key is asked for. ``rate_limit`` bounds what each key may ask for: items and
    other requests a second, None without bound (see :class:`service.http.rate.TokenBuckets`).

    ``queue_items`` bounds the items that wait or are being tagged over all requests: past it a
    request is refused at once. ``batch_items`` is the most that one run of the model takes,
    ``deadline_seconds`` how long a request may wait for its tags or figures, and how long its body
    or the next line of a stream may take to arrive. ``requests`` bounds the requests that are being
    answered, ``streams`` the open streams among them, ``line_bytes`` a line of a stream.
    ``drain_seconds`` is how long requests in flight may take to end when the server is told to
    stop.
    """

    key_hashes: tuple[KeyHash, ...] = ()
    rate_limit: float | None = Field(default=None, gt=0, le=1e6)
    request_items: int = Field(default=256, ge=1)
    body_bytes: int = Field(default=8 * 1024 * 1024, ge=1024)
    line_bytes: int = Field(default=2 * 1024 * 1024, ge=1024)
    queue_items: int = Field(default=512, ge=1)
    batch_items: int = Field(default=64, ge=1)
    requests: int = Field(default=1024, ge=1)
    streams: int = Field(default=16, ge=1)
    deadline_seconds: float = Field(default=30.0, gt=0)
    drain_seconds: int = Field(default=30, ge=1)
