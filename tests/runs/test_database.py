from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from qupel.backends.secrets import cleaned
from qupel.cli.exits import Exit
from qupel.errors import InputError, RunError
from qupel.runs import sqlite_file
from qupel.runs.access import access_events
from qupel.runs.approvals import gates
from qupel.runs.database import Database, insert_into
from qupel.runs.routes import tables as route_tables
from qupel.runs.store import Store
from qupel.runs.tables import metadata, runs
from tests.acceptance.command import qupel
from tests.postgres import why_not


def add(database: Database, name: str, *, durable: bool = True) -> None:
    with database.writing(durable=durable) as connection:
        connection.execute(
            insert_into(runs, connection)
            .values(id=name, created="", status="", charter_hash="", charter="")
            .on_conflict_do_nothing()
        )


def break_off(database: Database, name: str) -> None:
    """Write a row, and fail before the end."""
    with database.writing() as connection:
        row = {"id": name, "created": "", "status": "", "charter_hash": "", "charter": ""}
        connection.execute(sa.insert(runs).values(row))
        raise ZeroDivisionError


def fill(database: Database) -> None:
    """Write more rows than the file may have pages for."""
    with database.writing() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1")
        for number in range(1000):
            row = {"id": f"{number}{'x' * 5000}", "created": "", "status": ""}
            connection.execute(sa.insert(runs).values(charter_hash="", charter="", **row))


def names(database: Database) -> list[str]:
    with database.reading() as connection:
        return list(connection.execute(sa.select(runs.c.id).order_by(runs.c.id)).scalars())


def test_a_transaction_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    with Database.open(tmp_path) as database:
        add(database, "kept")
        with pytest.raises(ZeroDivisionError):
            break_off(database, "x")
        assert names(database) == ["kept"]


@pytest.mark.parametrize(("durable", "level"), [(True, 2), (False, 1)])
def test_what_must_be_on_the_disk_waits_for_it(tmp_path: Path, durable: bool, level: int) -> None:
    with Database.open(tmp_path) as database, database.writing(durable=durable) as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == level
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


def test_the_environment_names_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUPEL_DATABASE", f"sqlite:///{tmp_path / 'named.db'}")
    with Database.open() as database:
        assert (database.place, database.is_sqlite) == (str(tmp_path / "named.db"), True)
    monkeypatch.delenv("QUPEL_DATABASE")
    monkeypatch.setenv("QUPEL_HOME", str(tmp_path / "home"))
    with Database.open() as database:
        assert database.folder == tmp_path / "home"


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("mysql://localhost/x", "SQLite or PostgreSQL, got 'mysql'"),
        ("sqlite://", "needs a file"),
        ("://", "a path or a URL"),
        ("postgresql://ada@127.0.0.1:bad/none", "a path or a URL"),
        ("postgresql://nobody@127.0.0.1:1/none", "cannot be reached"),
    ],
)
def test_a_place_that_is_none_is_told(where: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Database.open(where)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://ada:planted-5ecret@127.0.0.1:1/db",
        "postgresql+psycopg://127.0.0.1:1/db?user=ada&password=planted-5ecret",
        "postgresql+psycopg://127.0.0.1:1/db?sslpassword=planted-5ecret",
    ],
)
def test_a_password_is_never_shown(url: str) -> None:
    with pytest.raises(InputError) as told:
        Database.open(url)
    assert "planted" not in str(told.value)
    assert "127.0.0.1:1/db" in str(told.value)
    assert cleaned("over planted-5ecret") == "over ***"


@pytest.mark.parametrize("writes", [False, True])
def test_a_thread_too_many_is_told(tmp_path: Path, *, writes: bool) -> None:
    with Database.open(tmp_path) as database:
        pool = database.engine.pool
        assert isinstance(pool, sa.QueuePool)
        pool._timeout = 0.01
        held = [database.engine.connect() for _ in range(15)]
        with (
            pytest.raises(RunError, match="no connection was free"),
            database.writing() if writes else database.reading(),
        ):
            pass
        for connection in held:
            connection.close()


@pytest.mark.parametrize("what", ["replaced", "removed"])
def test_a_process_does_not_go_on_in_a_file_that_is_no_longer_there(
    tmp_path: Path, what: str
) -> None:
    path = tmp_path / "qupel.db"
    with Database.open(path) as database:
        path.rename(tmp_path / "old.db")
        if what == "replaced":
            Database.open(path).close()
        with pytest.raises(RunError, match="replaced or removed"), database.writing():
            pass
        with pytest.raises(RunError, match="replaced or removed"):
            names(database)


def test_a_full_disk_is_told_and_writes_nothing(tmp_path: Path) -> None:
    with Database.open(tmp_path) as database:
        with pytest.raises(RunError, match="could not be written: database or disk is full"):
            fill(database)
        with database.writing() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 1073741823")
        assert names(database) == []


def test_a_database_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_file, "BUSY_SECONDS", 0.05)
    database, other = Database.open(tmp_path), Database.open(tmp_path)
    with other.writing(), pytest.raises(RunError, match="could not be written"):
        add(database, "x")
    add(database, "x")
    database.close()
    other.close()


OPEN = """
import sys
from qupel.runs.database import Database
print("ready", flush=True)
sys.stdin.readline()
Database.open(sys.argv[1]).close()
"""


def open_at_once(where: str, processes: int) -> None:
    """Open a new database in several processes in the same moment."""
    command = [sys.executable, "-c", OPEN, where]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    running = [subprocess.Popen(command, **pipes) for _ in range(processes)]  # type: ignore[call-overload]
    for one in running:
        assert one.stdout.readline() == "ready\n"
    for one in running:
        one.stdin.write("go\n")
        one.stdin.flush()
    for one in running:
        one.communicate()
        assert one.returncode == 0


@pytest.mark.slow
def test_several_processes_may_open_a_new_database_at_once(tmp_path: Path) -> None:
    open_at_once(str(tmp_path), 5)
    with Database.open(tmp_path) as database:
        assert names(database) == []


@pytest.mark.slow
@pytest.mark.skipif(bool(why_not()), reason=why_not() or "PostgreSQL is here")
def test_postgresql_is_migrated_written_and_opened_by_several_at_once(tmp_path: Path) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from tests.postgres import server

    for table in (route_tables.routes, access_events, gates):
        assert table.metadata is metadata
    with server() as url:
        open_at_once(url, 4)
        with Database.open(url) as database:
            add(database, "a")
            add(database, "a")
            add(database, "b", durable=False)
            assert names(database) == ["a", "b"]
            with database.reading() as connection:
                assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        with Store.open(url) as store:
            store.set_status("run", "running")
            store.lock_charter("run", {"margin": 0.1})
            assert store.run("run").status == "running"
            assert store.charter("run") == {"margin": 0.1}


def damaged(folder: Path) -> Path:
    """A database of several pages, all but the first two of them overwritten."""
    path = folder / "qupel.db"
    with Database.open(path) as database, database.writing() as connection:
        for number in range(200):
            row = {"id": f"{number:03}{'x' * 2000}", "created": "", "status": ""}
            connection.execute(sa.insert(runs).values(charter_hash="", charter="", **row))
    body = bytearray(path.read_bytes())
    for start in range(len(body) // 2, len(body), 4096):
        body[start : start + 64] = b"\xa5" * 64
    path.write_bytes(body)
    return path


def test_a_damaged_file_says_so_where_it_is_read(tmp_path: Path) -> None:
    with Database.open(damaged(tmp_path)) as database:
        with pytest.raises(RunError, match=r"qupel\.db: is damaged \(.*restore a backup"):
            names(database)
        with pytest.raises(RunError, match="is damaged"), database.writing() as connection:
            connection.execute(sa.update(runs).values(status="new"))


def test_a_check_finds_damage_that_no_command_met(tmp_path: Path) -> None:
    with Database.open(tmp_path / "sound.db") as database:
        database.check()
    with (
        Database.open(damaged(tmp_path)) as database,
        pytest.raises(RunError, match="is damaged"),
    ):
        database.check()


def test_a_worker_does_not_begin_on_a_damaged_database(tmp_path: Path) -> None:
    ended = qupel("worker", "--once", "--database", damaged(tmp_path))
    assert (ended.code, "is damaged" in ended.err) == (Exit.RUN, True)


def test_a_broken_constraint_stays_what_it_is(tmp_path: Path) -> None:
    with Database.open(tmp_path) as database:
        add(database, "x")
        row = {"id": "x", "created": "", "status": "", "charter_hash": "", "charter": ""}
        with pytest.raises(sa.exc.IntegrityError), database.writing() as connection:
            connection.execute(sa.insert(runs).values(row))


def test_a_store_that_cannot_be_written_is_not_called_a_strange_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Database.open(tmp_path).close()

    def refuses(*_: object) -> None:
        raise sqlite3.OperationalError("unable to open database file")

    monkeypatch.setattr(sqlite_file, "write_ahead", refuses)
    with monkeypatch.context() as read_only:
        read_only.setattr(os, "access", lambda *_: False)
        with pytest.raises(InputError, match="cannot be written, which opening a store needs"):
            Database.open(tmp_path)
    with monkeypatch.context() as full:
        usage = shutil.disk_usage(tmp_path)._replace(free=0)
        full.setattr(shutil, "disk_usage", lambda _: usage)
        with pytest.raises(RunError, match="its disk is full"):
            Database.open(tmp_path)
    with pytest.raises(InputError, match="is not a store of Qupel"):
        Database.open(tmp_path)
