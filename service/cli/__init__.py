"""The command line. ``main`` is the console script; each command is a module of its own here."""

from __future__ import annotations

from service.cli.program import main

__all__ = ["main"]
