"""Opening a store: migrations, and everything that can be wrong with a database."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from corpus.errors import StoreError, StoreVersionError
from corpus.store import Store
from corpus.store.schema import HEAD, VERSION_TABLE, metadata


def refused(url: str, kind: type[StoreError] = StoreError) -> str:
    with pytest.raises(kind) as caught:
        Store.open(url)
    assert "\n" not in str(caught.value)
    assert caught.value.remedy
    return caught.value.message


def test_migrations_build_exactly_the_tables_that_the_program_uses(url):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    Store.open(url).close()
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": VERSION_TABLE, "compare_type": True}
        )
        assert compare_metadata(context, metadata) == []
    engine.dispose()
    folder = Path(__file__).parents[2] / "corpus" / "migrations"
    assert ScriptDirectory(str(folder)).get_current_head() == HEAD == Store.schema_version


def test_a_store_opens_again_with_what_it_had(url, found):
    with Store.open(url) as store:
        store.add([found(1)])
        (before,) = store.articles()
    with Store.open(url) as store:
        assert list(store.articles()) == [before]


def test_a_newer_store_is_refused_and_left_alone(url, found):
    with Store.open(url) as store:
        store.add([found(1)])
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.execute(sa.text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    message = refused(url, StoreVersionError)
    assert "its schema is 9999" in message
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM articles")).scalar() == 1
    engine.dispose()


def test_sqlite_is_in_wal_mode(tmp_path):
    path = tmp_path / "store.db"
    Store.open(f"sqlite:///{path}").close()
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_what_is_no_database_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "notes.db"
    path.write_text("These are notes, and no database at all. " * 50)
    before = path.read_bytes()
    assert "is not a database" in refused(f"sqlite:///{path}")
    assert path.read_bytes() == before


def test_another_programs_database_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.commit()
    connection.close()
    assert "it has the table recipes" in refused(f"sqlite:///{path}")


def test_a_damaged_store_is_a_clear_error(tmp_path, found):
    path = tmp_path / "store.db"
    with Store.open(f"sqlite:///{path}") as store:
        store.add([found(n, text="word " * 400) for n in range(300)])
    with path.open("r+b") as stream:
        stream.seek(8192)
        stream.write(b"\xff" * (path.stat().st_size - 8192))
    with pytest.raises(StoreError, match="damaged"), Store.open(f"sqlite:///{path}") as store:
        list(store.articles())


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("undertow.db", "is not a database URL"),
        ("mysql://host/name", "keeps no store in mysql"),
        ("sqlite://", "store in memory"),
        ("sqlite:////no/such/folder/store.db", "cannot be opened"),
        ("postgresql://user:secret@127.0.0.1:1/none", "cannot be reached"),
    ],
)
def test_urls_that_lead_nowhere_are_clear_errors_without_passwords(url, words):
    message = refused(url)
    assert words in message
    assert "secret" not in message


def test_a_missing_postgres_database_is_a_clear_error(postgres):
    message = refused(f"postgresql://undertow@127.0.0.1:{postgres}/missing")
    assert message.endswith("does not exist")


def test_a_locked_store_is_a_clear_error(tmp_path, found):
    url = f"sqlite:///{tmp_path}/store.db?timeout=0.1"
    with Store.open(url) as store:
        other = sqlite3.connect(tmp_path / "store.db")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="in use by another process"):
            store.add([found(1)])
        assert list(store.articles()) == []
        other.rollback()
        other.close()
        assert store.add([found(1)]).new == 1


def test_a_store_that_may_not_be_written_to_is_a_clear_error(tmp_path, found):
    path = tmp_path / "store.db"
    with Store.open(f"sqlite:///{path}") as store:
        store.add([found(1)])
    with (
        Store.open(f"sqlite:///file:{path}?mode=ro&uri=true") as store,
        pytest.raises(StoreError, match="may not be written to"),
    ):
        store.add([found(2)])


def test_a_full_disk_is_a_clear_error_and_what_was_kept_stays(tmp_path, found):
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("needs root and mount, to make a small disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", disk], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("needs the right to mount a tmpfs, to make a small disk")
    try:
        given = [found(n, text=f"word{n} " * 300) for n in range(2000)]
        with Store.open(f"sqlite:///{disk}/store.db") as store:
            with pytest.raises(StoreError, match="is full") as caught:
                store.add(given)
            assert "\n" not in str(caught.value)
            assert store.counts().articles % 500 == 0
            assert store.check() == ()
    finally:
        subprocess.run(["umount", disk], check=True)


def test_several_threads_and_stores_add_the_same_without_doubles(url, found):
    given = [found(n) for n in range(60)]
    problems: list[BaseException] = []

    def work(start: int) -> None:
        try:
            with Store.open(url) as store:
                store.add(given[start:] + given[:start])
        except BaseException as problem:
            problems.append(problem)

    Store.open(url).close()
    threads = [threading.Thread(target=work, args=(start,)) for start in (0, 20, 40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    with Store.open(url) as store:
        assert store.counts().articles == 60
        assert store.check() == ()


def test_two_processes_that_build_one_new_store_do_not_collide(url):
    program = "import sys; from corpus.store import Store; Store.open(sys.argv[1]).close()"
    running = [
        subprocess.Popen([sys.executable, "-c", program, url], stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    said = [process.communicate()[1] for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], said
    with Store.open(url) as store:
        assert store.counts().articles == 0
