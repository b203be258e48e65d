"""The command line. ``main`` is the console script; each command is a module of its own here."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line and exit with its code; Ctrl-C is one line even while it starts."""
    try:
        from service.cli.program import run  # noqa: PLC0415 - so that Ctrl-C is caught meanwhile
        from service.light_start import leave_torch_out_of_spacy  # noqa: PLC0415 - as above

        leave_torch_out_of_spacy()
    except KeyboardInterrupt:
        sys.stderr.write("undertow: interrupted before anything was done\n")
        sys.exit(130)
    sys.exit(run(sys.argv[1:]))
