"""When a source is read again: soon where news is frequent, later where it fails."""

from __future__ import annotations

import random
import re
from datetime import datetime, timedelta

from corpus.records import SourceState

FIRST_INTERVAL = timedelta(minutes=30)
SHORTEST_INTERVAL = timedelta(minutes=10)
LONGEST_INTERVAL = timedelta(hours=6)
LONGEST_WISH = timedelta(hours=24)
_FIRST_BACKOFF = timedelta(minutes=5)
_LONGEST_BACKOFF = timedelta(hours=24)


def due_after_success(
    state: SourceState | None,
    *,
    now: datetime,
    new: int,
    ttl_minutes: int | None = None,
    max_age_seconds: int | None = None,
    skip_hours: frozenset[int] = frozenset(),
) -> datetime:
    """When to read a source next that was read at ``now`` and brought ``new`` articles.

    The interval halves with news and grows by half without, within bounds. The feed's own wishes
    (``ttl``, ``max-age``, ``skipHours`` in UTC) are kept, up to a day.
    """
    interval = FIRST_INTERVAL
    if state is not None and state.failures == 0 and state.next_due_at and state.last_attempt_at:
        interval = (state.next_due_at - state.last_attempt_at) * (0.5 if new else 1.5)
    interval = min(max(interval, SHORTEST_INTERVAL), LONGEST_INTERVAL)
    wish = max(timedelta(minutes=ttl_minutes or 0), timedelta(seconds=max_age_seconds or 0))
    due = now + max(interval, min(wish, LONGEST_WISH))
    for _ in range(24):
        if due.hour not in skip_hours:
            break
        due = due.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    return due


def due_after_failure(
    failures: int, *, now: datetime, retry_after_seconds: float | None = None
) -> datetime:
    """When to try a source again that failed ``failures`` times in a row, at ``now`` last.

    The pause doubles from five minutes to a day, spread by a quarter either way so that sources
    that failed together are not tried together; a server's Retry-After is a lower bound, up to a
    day.
    """
    doublings: int = 2 ** min(failures - 1, 10)
    backoff = min(_FIRST_BACKOFF * doublings, _LONGEST_BACKOFF)
    spread = backoff * random.uniform(0.75, 1.25)  # noqa: S311 - no secret
    wish = min(timedelta(seconds=min(retry_after_seconds or 0, 1e6)), LONGEST_WISH)
    return now + max(spread, wish)


def max_age_seconds(cache_control: str) -> int | None:
    """The ``max-age`` of a Cache-Control header."""
    match = re.search(r"(?:^|[\s,])max-age\s*=\s*\"?(\d{1,9})", cache_control, re.IGNORECASE)
    return int(match.group(1)) if match else None
