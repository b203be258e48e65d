"""The drivers that Undertow knows, read from ``taxonomy.toml``."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

from corpus.errors import UsageError
from corpus.records import Record


class Driver(Record):
    """A force that moves the market; ``core`` drivers make the composite index.

    ``needs_crypto``: only news that names a coin, a crypto fund or the crypto market can have it.
    """

    name: str
    title: str
    core: bool
    needs_crypto: bool = False
    means: str
    color: str


@cache
def drivers() -> tuple[Driver, ...]:
    """All drivers, in the order of the taxonomy file."""
    table = tomllib.loads(files("nlp").joinpath("taxonomy.toml").read_text(encoding="utf-8"))
    return tuple(Driver(**row) for row in table["driver"])


def core_drivers() -> tuple[Driver, ...]:
    """The drivers of the composite index."""
    return tuple(driver for driver in drivers() if driver.core)


def driver_named(name: str) -> Driver:
    """The driver of that name; raises :class:`UsageError` naming those there are."""
    for driver in drivers():
        if driver.name == name:
            return driver
    known = ", ".join(driver.name for driver in drivers())
    raise UsageError(f"unknown driver {name!r}", remedy=f"choose one of {known}")
