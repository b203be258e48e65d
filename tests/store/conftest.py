"""Stores on both engines: SQLite in a file, and a PostgreSQL server started for the test run."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from corpus.records import FoundArticle
from corpus.store import Store

SEEN = datetime(2025, 11, 20, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def postgres() -> Iterator[int]:
    """The port of a PostgreSQL server of our own on loopback, stopped at the end."""
    programs = _postgres_programs()
    if programs is None:
        pytest.skip("needs PostgreSQL's programs: Debian package postgresql")
    pytest.importorskip("psycopg", reason="needs the extra undertow[postgres]")
    with ExitStack() as cleaning:
        folder = Path(tempfile.mkdtemp(prefix="undertow-postgres-"))
        cleaning.callback(shutil.rmtree, folder, ignore_errors=True)
        as_whom = _unprivileged(folder)
        data = folder / "data"
        subprocess.run(
            [programs / "initdb", "-D", data, "-U", "undertow", "-A", "trust", "-E", "UTF8", "-N"],
            check=True,
            capture_output=True,
            cwd=folder,
            **as_whom,
        )
        port = _free_port()
        log = cleaning.enter_context((folder / "log").open("w"))
        server = subprocess.Popen(
            # On loopback only: no socket file, and no waiting for the disk.
            [programs / "postgres", "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", "", "-F"],
            stdout=log,
            stderr=log,
            cwd=folder,
            **as_whom,
        )
        cleaning.callback(server.wait)
        cleaning.callback(server.terminate)
        _wait_until_ready(server, port)
        yield port


def _postgres_programs() -> Path | None:
    folders = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    on_path = shutil.which("initdb")
    if on_path is not None:
        folders.append(Path(on_path).parent)
    whole = [folder for folder in folders if (folder / "postgres").exists()]
    return max(whole, key=lambda folder: folder.parent.name, default=None)


def _unprivileged(folder: Path) -> dict[str, object]:
    """PostgreSQL refuses to run as root; then another user runs it, and owns its folder."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        os.chown(folder, user.pw_uid, user.pw_gid)
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise AssertionError("no unprivileged user to run PostgreSQL")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(server: subprocess.Popen[bytes], port: int) -> None:
    import psycopg

    deadline = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(f"postgresql://undertow@127.0.0.1:{port}/postgres").close()
        except psycopg.OperationalError:
            assert server.poll() is None, "PostgreSQL stopped at once"
            assert time.monotonic() < deadline, "PostgreSQL does not answer"
            time.sleep(0.1)
        else:
            return


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database on each engine."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/store.db"
        return
    import psycopg

    port = request.getfixturevalue("postgres")
    server = f"postgresql://undertow@127.0.0.1:{port}"
    name = f"test_{time.monotonic_ns()}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield f"{server}/{name}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """An empty store on each engine."""
    with Store.open(url) as opened:
        yield opened


@pytest.fixture
def found() -> Callable[..., FoundArticle]:
    """Makes a found article; numbered ones are all unlike each other."""

    def make(number: int = 0, **fields: object) -> FoundArticle:
        name = " ".join(f"{word}{number}" for word in ("copper", "lantern", "meadow", "violin"))
        given: dict[str, object] = {
            "url": f"https://wire.example/{number}",
            "title": f"Notice {name}",
            "text": f"Body of {name}.",
            "source": "Wire",
            "published_at": datetime(2025, 11, 10, number % 24, tzinfo=UTC),
            **fields,
        }
        return FoundArticle.model_validate(given)

    return make
