"""Post changes to a webhook: signed, retried, and each one once.

Messages follow the Standard Webhooks scheme, so that any of its libraries can verify them: headers
``webhook-id`` (the same for the same change: the key by which a receiver knows a repetition),
``webhook-timestamp`` (seconds since 1970) and ``webhook-signature``, which is ``v1,`` and the
base64 of HMAC-SHA256 over ``id.timestamp.body``.

What was told and what is yet to be posted stand in one file, replaced as a whole: changes are
written there before the first is posted, and each is struck off when the receiver has taken it. A
run that dies goes on with the rest; at most the message that was in flight comes again, under its
old ``webhook-id``.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import hashlib
import hmac
import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from pydantic import ValidationError

from corpus.errors import InputError, UndertowError, UsageError
from corpus.records import Record
from service.changes import Change, Told

if TYPE_CHECKING:
    import httpx

SECRET_PREFIX = "whsec_"  # noqa: S105 - how a secret begins, not one
ATTEMPTS = 6
TIMEOUT_SECONDS = 10.0
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 60.0
# Answers after which a later attempt may be taken.
_PASSING = frozenset({408, 425, 429})
_HOW_TO_MAKE_ONE = (
    'make one with: python -c "import base64, os;'
    " print('whsec_' + base64.b64encode(os.urandom(32)).decode())\""
)


class Outbox(Record):
    """What one webhook was told, and the changes that it has not taken yet, the oldest first."""

    layout: Literal[1] = 1
    told: Told | None = None
    waiting: tuple[Change, ...] = ()


class Books(Record):
    """The state file: an outbox a webhook, under a digest of its address."""

    layout: Literal[1] = 1
    webhooks: dict[str, Outbox]


class Webhook:
    """A receiver at ``url``; ``secret`` is ``whsec_`` and the base64 of 24 to 64 bytes.

    Neither the secret nor anything of the address but its host is ever told or logged. Raises
    :class:`UsageError` when one of them is wrong.
    """

    def __init__(
        self,
        url: str,
        secret: str | None,
        *,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._url = url
        self.host = _checked_host(url)
        self._key = _key_bytes(secret)
        self._sleep = sleep
        self._jitter = jitter

    @property
    def digest(self) -> str:
        """Stands for the address in the state file, which may hold a token."""
        return hashlib.sha256(self._url.encode()).hexdigest()[:16]

    def post(self, change: Change) -> None:
        """Post one change and return when it was taken (any 2xx answer).

        Tried up to :data:`ATTEMPTS` times, with waits that double from a second to a minute, half
        of each by chance, or as long as ``Retry-After`` asks for (a minute at most). Raises
        :class:`UndertowError` when it was not taken.
        """
        import httpx  # noqa: PLC0415 - only for posting

        body = change.model_dump_json(by_alias=True).encode()
        with httpx.Client(timeout=TIMEOUT_SECONDS, follow_redirects=False) as client:
            for attempt in range(1, ATTEMPTS + 1):
                wait = min(_FIRST_WAIT * 2 ** (attempt - 1), _LONGEST_WAIT)
                wait *= 0.5 + 0.5 * self._jitter()
                try:
                    # The answer's body is not read: nothing in it is of use.
                    with client.stream(
                        "POST", self._url, content=body, headers=self._headers(change.id, body)
                    ) as answer:
                        if answer.is_success:
                            return
                        problem = _told_status(answer)
                        passing = answer.status_code >= 500 or answer.status_code in _PASSING
                        wait = max(wait, _asked_wait(answer))
                except httpx.HTTPError as error:
                    problem, passing = _told_error(error), True
                if not passing:
                    break
                if attempt < ATTEMPTS:
                    self._sleep(wait)
        raise UndertowError(
            f"the webhook at {self.host} did not take the message: {problem}",
            remedy="it is kept and goes out with the next run",
        )

    def _headers(self, identity: str, body: bytes) -> dict[str, str]:
        seconds = int(time.time())
        return {
            "content-type": "application/json",
            "user-agent": f"undertow/{version('undertow')}",
            "webhook-id": identity,
            "webhook-timestamp": str(seconds),
            "webhook-signature": signature(self._key, identity, seconds, body),
        }


def signature(key: bytes, identity: str, seconds: int, body: bytes) -> str:
    """The value of ``webhook-signature``; ``key`` are the bytes behind ``whsec_``."""
    signed = f"{identity}.{seconds}.".encode() + body
    mac = hmac.new(key, signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(mac).decode()}"


def post_changes(
    webhook: Webhook,
    state: Path,
    find: Callable[[Told | None], tuple[tuple[Change, ...], Told]],
    *,
    on_posted: Callable[[Change], None],
) -> bool:
    """Find what has changed and post it behind what still waits; whether this was the first time.

    ``find`` gets what the webhook was told last and gives the changes and what is told after them;
    ``state`` is the state file, which one run at a time may use. Raises :class:`UndertowError` when
    a message was not taken (it and those behind it wait in the file) and :class:`InputError` when
    the file is none of ours.
    """
    with _held(state):
        books = _read(state)
        outbox = books.webhooks.get(webhook.digest, Outbox())
        first = outbox.told is None
        found, told = find(outbox.told)
        outbox = Outbox(told=told, waiting=(*outbox.waiting, *found))
        books = _kept(state, books, webhook.digest, outbox)
        for change in outbox.waiting:
            webhook.post(change)
            outbox = outbox.model_copy(update={"waiting": outbox.waiting[1:]})
            books = _kept(state, books, webhook.digest, outbox)
            on_posted(change)
    return first


def _checked_host(url: str) -> str:
    remedy = "write it like https://host.example/path"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise UsageError("--webhook is no address", remedy=remedy) from None
    if parts.scheme not in ("http", "https") or not host:
        raise UsageError("--webhook is no http or https address", remedy=remedy)
    return f"{host}:{port}" if port else host


def _key_bytes(secret: str | None) -> bytes:
    if not secret:
        raise UsageError("UNDERTOW_WEBHOOK_SECRET is not set", remedy=_HOW_TO_MAKE_ONE)
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(SECRET_PREFIX) or not 24 <= len(key) <= 64:
        raise UsageError(
            "UNDERTOW_WEBHOOK_SECRET is not whsec_ and the base64 of 24 to 64 bytes",
            remedy=_HOW_TO_MAKE_ONE,
        )
    return key


def _told_status(answer: httpx.Response) -> str:
    if answer.is_redirect:
        return f"it answered {answer.status_code}, and redirects are not followed"
    return f"it answered {answer.status_code}"


def _told_error(error: httpx.HTTPError) -> str:
    import httpx  # noqa: PLC0415 - only for posting

    if isinstance(error, httpx.TimeoutException):
        return f"no answer within {TIMEOUT_SECONDS:.0f} seconds"
    return "the connection failed"


def _asked_wait(answer: httpx.Response) -> float:
    """Seconds that ``Retry-After`` asks for, a minute at most; 0 where it says nothing usable."""
    asked = answer.headers.get("retry-after", "")
    return min(float(asked), _LONGEST_WAIT) if asked.isascii() and asked.isdigit() else 0.0


@contextmanager
def _held(state: Path) -> Iterator[None]:
    """The state file for this run alone."""
    lock = state.with_name(f"{state.name}.lock")
    try:
        held = lock.open("w")
    except OSError as error:
        raise _unwritable(state, error) from error
    with held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UndertowError(
                f"another run posts with {state}", remedy="wait until it has ended"
            ) from None
        yield


def _read(state: Path) -> Books:
    try:
        return Books.model_validate_json(state.read_bytes())
    except FileNotFoundError:
        return Books(webhooks={})
    except (ValidationError, OSError) as error:
        raise InputError(
            f"{state} is no state file of webhooks",
            remedy="give another --state, or remove it and begin anew",
        ) from error


def _kept(state: Path, books: Books, digest: str, outbox: Outbox) -> Books:
    """Replace the file as a whole, on disk before anything is posted."""
    changed = Books(webhooks={**books.webhooks, digest: outbox})
    part = state.with_name(f"{state.name}.part")
    try:
        with part.open("w", encoding="utf-8") as file:
            file.write(changed.model_dump_json(indent=1, by_alias=True) + "\n")
            file.flush()
            os.fsync(file.fileno())
        part.replace(state)
    except OSError as error:
        raise _unwritable(state, error) from error
    return changed


def _unwritable(state: Path, error: OSError) -> InputError:
    return InputError(
        f"{state} cannot be written: {(error.strerror or str(error)).lower()}",
        remedy="check --state and its folder",
    )
