"""Log lines on standard error: plain for people, one JSON object a line for machines."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# The packages whose own lines are told; libraries speak up only from a warning on.
_ROOMS: Sequence[str] = ("corpus", "nlp", "service")
logger = logging.getLogger("service")
_told = {"as_json": False, "debug": False}


class _Handler(logging.Handler):
    """Writes whole lines, above a progress bar where one is drawn."""

    def emit(self, record: logging.LogRecord) -> None:
        line = self.format(record)
        if "tqdm" in sys.modules:
            from tqdm import tqdm  # noqa: PLC0415 - loaded already by whoever draws a bar

            tqdm.write(line, file=sys.stderr)
        else:
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()


def configure_logs(*, as_json: bool = False, debug: bool = False) -> None:
    """Send log records to standard error, from warnings on; with ``as_json`` from progress on.

    A JSON line has ``time`` (ISO 8601, UTC), ``level``, ``logger``, ``message`` and the record's
    own fields.
    """
    _told.update(as_json=as_json, debug=debug)
    handler = _Handler()
    if as_json:
        from pythonjsonlogger.json import JsonFormatter  # noqa: PLC0415 - only when asked for

        names = {"levelname": "level", "name": "logger"}
        handler.setFormatter(
            JsonFormatter(
                "{levelname}{name}{message}", style="{", rename_fields=names, timestamp="time"
            )
        )
    else:
        handler.setFormatter(logging.Formatter("undertow: {message}", style="{"))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    level = logging.DEBUG if debug else logging.INFO if as_json else logging.WARNING
    for room in _ROOMS:
        logging.getLogger(room).setLevel(level)


def configured() -> dict[str, bool]:
    """What logs were last configured with, for processes that are started from this one."""
    return dict(_told)
