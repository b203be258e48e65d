"""How a run ends: every failure becomes one line on standard error and a documented exit code."""

from __future__ import annotations

import errno
import os
import sys

import click

from corpus.errors import UndertowError
from service.logs import logger

DONE, FAILED, WRONG_CALL, PARTIAL, INTERRUPTED = 0, 1, 2, 3, 130
EXIT_CODES = {
    DONE: "done",
    FAILED: "failed; one line says why and what to do",
    WRONG_CALL: "the call itself is wrong",
    PARTIAL: "done in part: some rows or outlets failed, and each is named",
    INTERRUPTED: "interrupted; what was finished is kept and a rerun goes on",
}
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Interrupted(KeyboardInterrupt):
    """Ctrl-C during a command that says itself how to go on."""


def exit_code_of(error: BaseException, *, debug: bool) -> int:
    """Tell the error in one line (with ``debug`` its trace too) and give the exit code for it."""
    if isinstance(error, click.exceptions.Exit):
        return int(error.exit_code)
    if isinstance(error, BrokenPipeError):
        # Whoever read the output has had enough of it; that is not a failure.
        _drop_output()
        return DONE
    if debug and not isinstance(error, click.ClickException):
        import traceback  # noqa: PLC0415 - only for a failure

        traceback.print_exception(error)
    if isinstance(error, KeyboardInterrupt | click.Abort):
        told = str(error) if isinstance(error, Interrupted) else ""
        return _tell(told or "interrupted; what was finished is kept, run it again", INTERRUPTED)
    if isinstance(error, UndertowError | click.ClickException):
        words = str(error) if isinstance(error, UndertowError) else _call_words(error)
        return _tell(words, error.exit_code)
    if isinstance(error, OSError) and error.errno is not None:
        return _tell(_system_words(error), FAILED)
    return _tell(f"{_bug_words(error)} (run it with --debug to see the trace)", FAILED)


def _tell(line: str, code: int) -> int:
    logger.error(" ".join(line.split()), extra={"exit_code": code})
    return code


def _call_words(error: click.ClickException) -> str:
    words = error.format_message().rstrip(".")
    context = getattr(error, "ctx", None)
    return f"{words} (see {context.command_path} --help)" if context else words


def _system_words(error: OSError) -> str:
    if error.errno in _FULL:
        _drop_output()
        place = f" while writing {error.filename}" if error.filename else ""
        return f"no space left{place} (free some space, then run it again: what was done is kept)"
    reason = os.strerror(error.errno or 0)
    if error.filename:
        return f"{error.filename}: {reason} (check the path and its permissions)"
    return f"the system refused: {reason}"


def _bug_words(error: BaseException) -> str:
    import tempfile  # noqa: PLC0415 - only for a failure
    import traceback  # noqa: PLC0415 - only for a failure

    told = f"this is a bug in Undertow: {type(error).__name__}: {error}"
    try:
        descriptor, name = tempfile.mkstemp(prefix="undertow-", suffix=".log", text=True)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            traceback.print_exception(error, file=file)
    except OSError:
        return told
    return f"{told}; the trace is in {name}"


def _drop_output() -> None:
    """Send what is still buffered for standard output nowhere, lest it fail again at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
