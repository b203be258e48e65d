"""How much each key may ask for: one token bucket a key, shared by all processes of a server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from multiprocessing.context import BaseContext
from typing import Any

# Seconds of its rate that a key may save up, and so ask for at once.
SAVED_SECONDS = 10.0


class TokenBuckets:
    """A bucket for each of ``keys`` keys, filled with ``rate`` tokens a second.

    A request takes one token when there is one, and what it turns out to cost beyond that is
    charged afterwards, below zero if need be: so a list is never refused for its length, and what
    follows it waits longer. With ``context`` the levels lie in memory that the processes started
    from it share, so that all together hold a key to one rate.
    """

    def __init__(
        self,
        keys: int,
        rate: float,
        *,
        context: BaseContext | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rate = rate
        self._most = max(1.0, rate * SAVED_SECONDS)
        self._clock = clock
        # Level and time of the last look, by turns.
        start = [value for _ in range(keys) for value in (self._most, clock())]
        self._state: Any = start if context is None else context.Array("d", start, lock=False)
        self._lock: Any = threading.Lock() if context is None else context.Lock()

    def take(self, key: int) -> float:
        """Take a token of the key; zero when there was one, else the seconds until there is."""
        with self._lock:
            level = self._filled(key)
            if level < 1:
                return (1 - level) / self._rate
            self._state[2 * key] = level - 1
            return 0.0

    def charge(self, key: int, tokens: int) -> None:
        """Take tokens whether they are there or not."""
        with self._lock:
            self._state[2 * key] = self._filled(key) - tokens

    def _filled(self, key: int) -> float:
        now = self._clock()
        level: float = self._state[2 * key] + (now - self._state[2 * key + 1]) * self._rate
        level = min(self._most, level)
        self._state[2 * key], self._state[2 * key + 1] = level, now
        return level
