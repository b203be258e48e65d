"""Which crawler reads which source, so that several may share one store.

A crawler claims a source before it reads it, renews the claim while it reads, and gives it back.
A claim runs out by itself, so that a killed crawler holds nothing up for long; a dead one on the
same machine is recognised at once. On PostgreSQL claims lock their rows and skip those that another
crawler is just claiming (``FOR UPDATE SKIP LOCKED``), and its clock counts, not those of the
crawlers' machines; on SQLite one claim follows the other.
"""

from __future__ import annotations

import os
import secrets
import socket
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, or_, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from corpus.store.engine import Database
from corpus.store.schema import source_leases

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Leases:
    """The claims of one crawler. ``owner`` names it: machine, process and a random part.

    May be shared by threads. Every method raises :class:`StoreError` when the store fails.
    """

    def __init__(self, database: Database, seconds: float) -> None:
        self._database = database
        self._length = timedelta(seconds=seconds)
        self.owner = f"{_machine()}/{os.getpid()}/{secrets.token_hex(4)}"

    def claim(self, names: Sequence[str], *, limit: int) -> tuple[str, ...]:
        """Claim up to ``limit`` of the sources ``names``, earlier ones first; those had."""
        had: list[str] = []
        with self._database.write(in_turn=False) as connection:
            self._make_rows(connection, names)
            now = self._now(connection)
            left = list(names)
            while left and len(had) < limit:
                some, left = left[: limit - len(had)], left[limit - len(had) :]
                had += self._claim_some(connection, some, now)
        return tuple(had)

    def renew(self, names: Iterable[str]) -> frozenset[str]:
        """Prolong the claims on ``names``; those that are still this crawler's."""
        wanted = sorted(names)
        if not wanted:
            return frozenset()
        with self._database.write(in_turn=False) as connection:
            mine = select(source_leases.c.name).where(
                source_leases.c.name.in_(wanted), source_leases.c.owner == self.owner
            )
            kept = sorted(connection.execute(mine.with_for_update()).scalars())
            connection.execute(
                update(source_leases)
                .where(source_leases.c.name.in_(kept))
                .values(until=self._now(connection) + self._length)
            )
        return frozenset(kept)

    def release(self, names: Iterable[str]) -> None:
        """Give claims back; those that another crawler has taken over meanwhile stay."""
        with self._database.write(in_turn=False) as connection:
            connection.execute(
                delete(source_leases).where(
                    source_leases.c.name.in_(sorted(names)), source_leases.c.owner == self.owner
                )
            )

    def _make_rows(self, connection: Connection, names: Sequence[str]) -> None:
        insert: Any = sqlite.insert if self._database.is_sqlite else postgresql.insert
        rows = [{"name": name, "owner": "", "until": _LONG_AGO} for name in sorted(set(names))]
        if rows:
            connection.execute(insert(source_leases).on_conflict_do_nothing(), rows)

    def _claim_some(self, connection: Connection, names: list[str], now: datetime) -> list[str]:
        held = select(source_leases.c.owner).where(
            source_leases.c.name.in_(names), source_leases.c.until > now
        )
        dead = [owner for owner in set(connection.execute(held).scalars()) if _is_dead(owner)]
        free = select(source_leases.c.name).where(
            source_leases.c.name.in_(names),
            or_(source_leases.c.until <= now, source_leases.c.owner.in_(dead)),
        )
        had = set(connection.execute(free.with_for_update(skip_locked=True)).scalars())
        connection.execute(
            update(source_leases)
            .where(source_leases.c.name.in_(had))
            .values(owner=self.owner, until=now + self._length)
        )
        return [name for name in names if name in had]

    def _now(self, connection: Connection) -> datetime:
        if self._database.is_sqlite:
            return datetime.now(UTC)
        moment: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        return moment.astimezone(UTC)


def _machine() -> str:
    """This machine, and on Linux this container: process numbers mean something within it only."""
    try:
        numbers = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        numbers = ""
    return f"{socket.gethostname()} {numbers}".strip()


def _is_dead(owner: str) -> bool:
    machine, _, rest = owner.rpartition("/")[0].rpartition("/")
    if sys.platform == "win32" or machine != _machine() or not rest.isdecimal():
        return False
    try:
        os.kill(int(rest), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False  # it runs, under another user
    return False
