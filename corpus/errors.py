"""Every error that Undertow raises on purpose, in one tree.

::

    UndertowError                 a clear, expected failure: one line, and what to do about it
    ├── UsageError                the call itself is wrong (unknown suffix, driver, week, span)
    ├── InputError                what was given to read cannot be read at all
    │   ├── SourceListError       a source list has errors (file, line, field)
    │   └── RowError              one row of an input is unusable; the others go on
    ├── FetchError                a feed or page could not be had (network, status, limits)
    │   ├── ForbiddenAddressError an address that a crawler must not reach
    │   └── TemporaryFetchError   it may work later; says when, if the server did
    ├── StoreError                the store cannot be opened, read or written
    │   └── StoreVersionError     the store was written by a newer version of Undertow
    ├── ModelError                a model is missing, damaged or does not fit this version
    └── StudyError                data that cannot bear the statistic asked of it

The command line prints ``message`` and ``remedy`` on one line and exits with ``exit_code``; the
HTTP service turns the same error into a problem document. No other exception reaches a user.
"""

from __future__ import annotations


class UndertowError(Exception):
    """A clear, expected failure.

    ``message`` says what is wrong, with the name and value concerned; ``remedy`` says what to do.
    """

    exit_code = 1

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} ({self.remedy})" if self.remedy else self.message


class UsageError(UndertowError):
    """The call itself is wrong: an unknown suffix, driver, week or span."""

    exit_code = 2


class InputError(UndertowError):
    """What was given to read cannot be read at all."""


class SourceListError(InputError):
    """A source list has errors; the message names file, line and field."""


class RowError(InputError):
    """One row of an input is unusable; the others go on."""


class FetchError(UndertowError):
    """A feed or page could not be had. ``status`` is the HTTP status, if there was an answer."""

    def __init__(self, message: str, *, remedy: str = "", status: int | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.status = status


class ForbiddenAddressError(FetchError):
    """The address is one that a crawler must not reach."""


class TemporaryFetchError(FetchError):
    """It may work later. ``retry_after`` is the server's own wish in seconds, if it stated one."""

    def __init__(
        self,
        message: str,
        *,
        remedy: str = "",
        status: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, remedy=remedy, status=status)
        self.retry_after = retry_after


class StoreError(UndertowError):
    """The store cannot be opened, read or written."""


class StoreVersionError(StoreError):
    """The store was written by a newer version of Undertow."""


class ModelError(UndertowError):
    """A model is missing, damaged or does not fit this version."""


class StudyError(UndertowError):
    """The data cannot bear the statistic asked of it."""
