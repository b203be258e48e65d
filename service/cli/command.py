"""What all commands share: a command with examples, options of one meaning, kinds of values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from corpus.errors import InputError

if TYPE_CHECKING:
    from corpus.store import Store

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def common_options() -> list[click.Parameter]:
    """Options that the program and each command take; read before parsing, in ``run``."""
    return [
        click.Option(
            ["--log-json"], is_flag=True, expose_value=False, help="Log lines of JSON on stderr."
        ),
        click.Option(
            ["--debug"], is_flag=True, expose_value=False, help="Show the trace of a failure."
        ),
    ]


class Command(click.Command):
    """A command whose help ends in examples: lines that can be pasted."""

    def __init__(self, *arguments: Any, examples: Sequence[str] = (), **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.examples = tuple(examples)
        self.params.extend(common_options())

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, unwrapped."""
        if self.examples:
            with formatter.section("Examples"):
                for example in self.examples:
                    formatter.write(f"{'':{formatter.current_indent}}{example}\n")
        super().format_epilog(ctx, formatter)


def make_command(
    name: str, *examples: str, **options: Any
) -> Callable[[Callable[..., Any]], Command]:
    """Decorator that makes a :class:`Command`."""
    return click.command(name, cls=Command, examples=examples, **options)


def database_option(function: Decorated) -> Decorated:
    """``--db``: the store."""
    return click.option(
        "--db",
        metavar="URL",
        help="The store, as an SQLAlchemy address."
        "  [default: $UNDERTOW_DB, else sqlite:///undertow.db]",
    )(function)


def json_option(function: Decorated) -> Decorated:
    """``--json``: data instead of words."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of words.")(
        function
    )


def tags_of_option(function: Decorated) -> Decorated:
    """``--tags-of``: which model's tags are read from the store."""
    return click.option(
        "--tags-of",
        metavar="MODEL@VERSION",
        help="Read the tags of this model.  [default: the one that tagged last]",
    )(function)


def model_option(function: Decorated) -> Decorated:
    """``--model``: a model directory."""
    return click.option(
        "--model",
        "model_directory",
        metavar="DIRECTORY",
        type=click.Path(path_type=Path),
        help="Use this model.  [default: $UNDERTOW_MODEL, else the one that comes along]",
    )(function)


class UtcTime(click.ParamType[datetime]):
    """A moment in ISO 8601; a day is its first moment, and a time without a zone is UTC."""

    name = "TIME"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """The moment, aware and in UTC."""
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no time; write 2025-11-24 or 2025-11-24T06:00Z", param, ctx)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


UTC_TIME = UtcTime()
FILE = click.Path(path_type=Path, dir_okay=False)


def store_address(given: str | None) -> str:
    """The address of the store: as given, else of the settings."""
    from service.settings import load_settings  # noqa: PLC0415 - slow to import

    return given or load_settings().db


@contextmanager
def open_store(given: str | None, *, create: bool = False) -> Iterator[Store]:
    """Open the store for the time of a command; ``create`` for those that may begin a new one."""
    from corpus.store import Store  # noqa: PLC0415 - slow to import

    with Store.open(store_address(given), create=create) as store:
        yield store


def overwrite_option(function: Decorated) -> Decorated:
    """``--overwrite``: an output that exists is replaced."""
    return click.option("--overwrite", is_flag=True, help="Replace an output that exists.")(
        function
    )


def require_new(output: Path | None, *, overwrite: bool) -> None:
    """Raises :class:`InputError` when an output exists and is not to be replaced."""
    if output is not None and output.exists() and not overwrite:
        raise InputError(
            f"{output} exists", remedy="choose another name, or replace it with --overwrite"
        )
