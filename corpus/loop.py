"""The event loop of a crawl: uvloop's, where there is one."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

_Result = TypeVar("_Result")


def run_loop(coroutine: Coroutine[Any, Any, _Result]) -> _Result:
    """As ``asyncio.run()``, on uvloop, which spends half the time on connections and pipes."""
    try:
        import uvloop  # noqa: PLC0415 - not on every system
    except ImportError:
        return asyncio.run(coroutine)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(coroutine)
