"""The database below the store: opening, migrating, transactions, and errors in plain words.

SQLite runs in WAL mode with a busy timeout (``?timeout=SECONDS`` in the URL, 30 unless told); a
writer takes its lock at the start of its transaction, so that it waits instead of failing halfway.
On PostgreSQL writers of articles take turns by an advisory lock.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from corpus.errors import StoreError, StoreVersionError
from corpus.store.schema import HEAD, VERSION_TABLE

_BUSY_SECONDS = 30
_WRITING_CACHE_KIB = 12_288  # the keys of stories are written all over their table
_READING_CACHE_KIB = 4_096
_WRITERS_LOCK = 0x756E6465  # any fixed number: the advisory lock of writers

# What an engine says, what it means, and what to do about it. The first that fits counts.
_FAILURES = (
    ("is full", "the disk that holds {} is full", "make room and run again"),
    ("no space left", "the disk that holds {} is full", "make room and run again"),
    ("readonly", "{} may not be written to", "check the rights of the file and its folder"),
    ("read-only", "{} may not be written to", "check the rights of the database"),
    ("permission denied", "{} may not be written to", "check the rights of the database user"),
    ("not a database", "{} is not a database", "check the path; Undertow did not write this file"),
    ("malformed", "{} is damaged", "restore it from a copy, or import its export anew"),
    ("locked", "{} is in use by another process", "run again when that one has finished"),
    ("unable to open", "{} cannot be opened", "check that its folder exists and its rights"),
    ("disk i/o error", "the disk that holds {} fails or is full", "check the disk and run again"),
    ("does not exist", "{} does not exist", "create the database, or check the URL"),
    ("authentication failed", "{} refuses the password", "check user and password in the URL"),
    ("failed to resolve", "{} cannot be reached", "check the host name in the URL"),
    ("connection", "{} cannot be reached", "check that the server runs, and the URL"),
)

_NO_ROOM = ("is full", "no space left", "disk i/o error")


class Database:
    """One database and its transactions; every failure comes out as a :class:`StoreError`."""

    def __init__(self, url: str, *, create: bool = True) -> None:
        self._url = _parsed(url)
        self.name = self._url.render_as_string(hide_password=True)
        self.is_sqlite = self._url.get_backend_name() == "sqlite"
        if not create:
            self._require_file()
        self._engine = self._create_engine(_READING_CACHE_KIB)
        # On SQLite connections of its own: the cache of a connection is void once another one has
        # written, and one that only reads needs less of it.
        self._writing_engine = (
            self._create_engine(_WRITING_CACHE_KIB) if self.is_sqlite else self._engine
        ).execution_options(writes=True)
        try:
            self._migrate(create)
        except BaseException:
            self.close()
            raise

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection to read with; nothing is kept."""
        with self._clear_errors(reading=True), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self, *, in_turn: bool = True) -> Iterator[Connection]:
        """A transaction: kept at the end of the block, undone when the block fails.

        Without ``in_turn`` writers on PostgreSQL do not wait for each other; for transactions that
        lock the rows that they change.
        """
        with self._clear_errors(), self._writing_engine.begin() as connection:
            if in_turn and not self.is_sqlite:
                connection.execute(text(f"SELECT pg_advisory_xact_lock({_WRITERS_LOCK})"))
            yield connection

    def close(self) -> None:
        """Give all connections back."""
        self._engine.dispose()
        self._writing_engine.dispose()

    def _create_engine(self, cache_kib: int) -> Engine:
        url, options = self._url, dict[str, Any]()
        if self.is_sqlite:
            # The last used first: others would only hold caches, which each writing makes void.
            options["pool_use_lifo"] = True
            options["connect_args"] = {"timeout": float(url.query.get("timeout", _BUSY_SECONDS))}  # type: ignore[arg-type]
        try:
            engine = create_engine(url, **options)
        except (NoSuchModuleError, ModuleNotFoundError):
            raise StoreError(
                f"{self.name} needs a database driver that is not installed",
                remedy="for PostgreSQL: pip install 'undertow[postgres]'",
            ) from None
        if self.is_sqlite:
            event.listen(engine, "connect", partial(_set_up_sqlite, cache_kib))
            event.listen(engine, "begin", _begin_sqlite)
        return engine

    def _require_file(self) -> None:
        """Connecting to a file of SQLite that is not there would make it."""
        path = self._url.database or ""
        if not self.is_sqlite or path.startswith("file:"):
            return
        if not Path(path).exists() or Path(path).stat().st_size == 0:
            raise self._no_store()

    def _no_store(self) -> StoreError:
        return StoreError(
            f"there is no store at {self.name}",
            remedy="check the address; `undertow import` or `undertow crawl` make a new store",
        )

    def _migrate(self, create: bool) -> None:
        with self.read() as connection:
            version = self._version(connection)
        if version == HEAD:
            return
        if version is None and not create:
            raise self._no_store()
        with self.write() as connection:
            if self._version(connection) != HEAD:  # another process may have been faster
                _upgrade(connection)

    def _version(self, connection: Connection) -> str | None:
        """The schema version; null for an empty database. Raises when it is not ours, or newer."""
        names = inspect(connection).get_table_names()
        if VERSION_TABLE not in names:
            if names:
                raise StoreError(
                    f"{self.name} belongs to another program (it has the table {names[0]})",
                    remedy="give an empty database or a new file",
                )
            return None
        version = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608 - a constant
        if version is not None and version > HEAD:
            raise StoreVersionError(
                f"{self.name} was written by a newer Undertow (its schema is {version}, this"
                f" program knows {HEAD})",
                remedy="upgrade: pip install --upgrade undertow",
            )
        return None if version is None else str(version)

    @contextmanager
    def _clear_errors(self, *, reading: bool = False) -> Iterator[None]:
        driver: Any = self._engine.dialect.dbapi  # COPY speaks to the driver itself
        try:
            yield
        except (DBAPIError, driver.Error) as problem:
            raise self._explained(problem, reading=reading) from None

    def _explained(self, problem: Exception, *, reading: bool) -> StoreError:
        lines = str(getattr(problem, "orig", problem)).strip().splitlines() or ["unknown fault"]
        said = " ".join(lines).lower()
        if reading and any(words in said for words in _NO_ROOM):
            # Reading keeps its index of the log beside the store, and sorts in temporary files.
            return StoreError(
                f"there is no room to read {self.name}, which itself is unharmed",
                remedy="make room on its disk and in the folder for temporary files",
            )
        for words, message, remedy in _FAILURES:
            if words in said:
                return StoreError(message.format(self.name), remedy=remedy)
        return StoreError(f"{self.name} failed: {lines[0]}")


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise StoreError(
            f"{re.sub('//.*@', '//...@', url)!r} is not a database URL",
            remedy="write sqlite:///FILE or postgresql://USER@HOST/DATABASE",
        ) from None
    backend = parsed.get_backend_name()
    if backend == "postgres" or parsed.drivername == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if backend not in ("sqlite", "postgresql"):
        raise StoreError(
            f"Undertow keeps no store in {backend}", remedy="use an sqlite or postgresql URL"
        )
    if backend == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise StoreError(
            "a store in memory would be gone at the end", remedy="write sqlite:///FILE"
        )
    return parsed


def _set_up_sqlite(cache_kib: int, connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions are begun below, not by the driver's guess
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys = ON")
    if cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        cursor.execute("PRAGMA journal_mode = WAL")
    # In WAL mode a crash of the program loses nothing so; a power cut may cost the last batches,
    # which a rerun brings back.
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute(f"PRAGMA cache_size = -{cache_kib}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _upgrade(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - only a new or older store needs it
    from alembic.config import Config  # noqa: PLC0415 - as above

    config = Config()
    config.set_main_option("script_location", "corpus:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
