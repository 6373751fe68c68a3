"""The database of records, ledger and budgets: SQLite in a file, or PostgreSQL by URL.

Whatever stands in it is written inside one transaction or not at all, and several processes may
write at once: they wait for each other.
"""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa

from qupel.errors import InputError, RunError
from qupel.model.home import home

#: The migration that this code needs; `Database.open` brings older databases up to it.
REVISION = "0007"
#: Seconds to wait for another process that writes.
BUSY_SECONDS = 30
#: Seconds of the first and of the longest wait between two looks at SQLite's lock.
_FIRST_WAIT, _LONGEST_WAIT = 0.0005, 0.008
#: Bytes that opening a SQLite file needs on its disk.
_ROOM = 1 << 18
#: Name of the lock under which one process at a time migrates a PostgreSQL database.
_MIGRATING = 0x71757065


@dataclass(frozen=True, slots=True, eq=False)
class Database:
    """Tables of this code's revision, in SQLite or PostgreSQL.

    Attributes
    ----------
    place
        The SQLite file, or the URL without its password: what messages name.
    folder
        Where files that belong to it lie: beside the SQLite file, else `home`.
    engine
        SQLAlchemy's engine on it.
    """

    place: str
    folder: Path
    engine: sa.Engine

    @classmethod
    def open(cls, where: Path | str | None = None) -> Self:
        """Open a database, made and migrated as need be.

        Parameters
        ----------
        where
            A SQLite file, a folder that holds ``qupel.db``, or a URL such as
            ``postgresql+psycopg://user@host/name``; unless given the URL in ``QUPEL_DATABASE``,
            else the folder `home`.

        Raises
        ------
        InputError
            If it cannot be opened, is no database of Qupel, or was made by a newer Qupel.
        RunError
            If it is damaged, or its disk is full.
        """
        chosen = where if where is not None else os.environ.get("QUPEL_DATABASE") or home()
        text = str(chosen)
        opened = cls(*(_by_url(text) if "://" in text else _by_path(Path(chosen))))
        try:
            opened._migrate()
        except sa.exc.DBAPIError as error:
            opened.close()
            said = " ".join(str(error.orig).split())
            if "malformed" in said:
                raise RunError(opened._damaged(said)) from error
            if opened.is_sqlite:
                _check_disk(Path(opened.place), said, error)
            raise InputError(
                f"{opened.place}: is not a store of Qupel, or cannot be reached: {said}"
            ) from error
        return opened

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a SQLite file, where one process writes at a time."""
        return self.engine.dialect.name == "sqlite"

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Return a connection that sees one state of the database."""
        try:
            with self.engine.connect() as connection:
                yield connection
        except (sa.exc.DatabaseError, sqlite3.DatabaseError) as error:
            if (told := self._told("read", error)) is None:
                raise
            raise told from error
        except sa.exc.TimeoutError as error:
            raise self._crowded() from error

    @contextmanager
    def writing(self, *, durable: bool = True) -> Iterator[sa.Connection]:
        """Return a connection that may write; committed at the end, rolled back on an error.

        Parameters
        ----------
        durable
            Whether the commit must be on the disk when this returns. A killed process loses no
            commit either way; a power failure may take the latest of those that need not be.

        Raises
        ------
        RunError
            If it stays locked, is full, damaged, or gone. After that nothing, or on a lost
            connection to PostgreSQL possibly everything, was committed.
        """
        options = {"qupel_writes": True, "qupel_durable": durable}
        try:
            writer = self.engine.connect().execution_options(**options)
            with writer as connection, connection.begin():
                yield connection
        except (sa.exc.DatabaseError, sqlite3.DatabaseError) as error:
            if (told := self._told("written", error)) is None:
                raise
            raise told from error
        except sa.exc.TimeoutError as error:
            raise self._crowded() from error

    def check(self) -> None:
        """Look whether a SQLite file holds together: for long-running work, before it begins.

        Reads every page; it sees torn and overwritten structure, not every changed value.
        PostgreSQL checks its pages itself, where its administrator has it do so.

        Raises
        ------
        RunError
            If the file is damaged.
        """
        if not self.is_sqlite:
            return
        with self.reading() as connection:
            found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
        if found != "ok":
            raise RunError(self._damaged(str(found)))

    def _told(
        self, what: str, error: sa.exc.DatabaseError | sqlite3.DatabaseError
    ) -> RunError | None:
        """What to raise for an error of SQLAlchemy, or from below it; None to let it through."""
        cause = error.orig if isinstance(error, sa.exc.DatabaseError) else error
        if "Could not decode" in str(cause):  # what it says goes on with the text itself
            return RunError(self._damaged("a text in it is no UTF-8"))
        if isinstance(error, sa.exc.OperationalError | sqlite3.OperationalError):
            return RunError(f"{self.place}: could not be {what}: {cause}")
        if type(error) in {sa.exc.DatabaseError, sqlite3.DatabaseError}:
            return RunError(self._damaged(str(cause)))
        return None  # a mistake of the caller's: a constraint that was broken, say

    def _damaged(self, said: str) -> str:
        said = " ".join(said.split())
        return f"{self.place}: is damaged ({said}); stop all that use it and restore a backup"

    def _crowded(self) -> RunError:
        """The error where more threads at once want a connection than there are."""
        return RunError(f"{self.place}: no connection was free; too many threads use it at once")

    def _migrate(self) -> None:
        """Bring the tables up to `REVISION`; nothing to do in all but the first opening."""
        with self.engine.connect() as connection:
            standing = _standing(connection)
        if standing == REVISION:
            return
        from alembic import command
        from alembic.config import Config
        from alembic.script import ScriptDirectory

        config = Config()
        config.set_main_option("script_location", "qupel.runs:migrations")
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        with self.writing() as connection:
            if not self.is_sqlite:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATING)))
            standing = _standing(connection)  # another process may have been first
            if standing is not None and standing not in known:
                raise InputError(f"{self.place} was made by a newer Qupel; update this one")
            if standing != REVISION:
                config.attributes["connection"] = connection
                command.upgrade(config, REVISION)


def insert_into(table: sa.Table, where: sa.Connection | str) -> Any:
    """Insertion into a table that knows ``on_conflict_do_nothing``, in a connection's dialect."""
    dialect = where if isinstance(where, str) else where.dialect.name
    if dialect == "sqlite":
        from sqlalchemy.dialects import sqlite

        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)


def insert_new(connection: sa.Connection, table: sa.Table, **values: Any) -> bool:
    """Insert a row; False if one with its key is there, which then stays as it is.

    The row is asked for, since the driver of PostgreSQL does not count what an insertion inserts.
    """
    made = insert_into(table, connection).values(**values).on_conflict_do_nothing()
    return connection.execute(made.returning(*table.primary_key)).first() is not None


def _by_path(place: Path) -> tuple[str, Path, sa.Engine]:
    """Name, folder and engine of a SQLite file."""
    if place.is_dir() or not place.suffix:
        place = place / "qupel.db"
    place = place.absolute()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{place.parent}: the store's folder cannot be made: {error.strerror}"
        ) from error
    engine = sa.create_engine(f"sqlite:///{place}", connect_args={"timeout": BUSY_SECONDS})
    file = _File(place)
    sa.event.listen(engine, "connect", _configure)
    sa.event.listen(engine, "connect", file.remember)
    sa.event.listen(engine, "begin", file.check)
    sa.event.listen(engine, "begin", _begin)
    return str(place), place.parent, engine


def _by_url(text: str) -> tuple[str, Path, sa.Engine]:
    """Name, folder and engine of a database that a URL names."""
    try:
        url = sa.make_url(text)
    except sa.exc.ArgumentError as error:
        raise InputError(
            "a database is a path or a URL such as postgresql+psycopg://user@host/name"
        ) from error
    if url.get_backend_name() == "sqlite":
        if not url.database or url.database == ":memory:":
            raise InputError("a SQLite database needs a file, so that other processes can share it")
        return _by_path(Path(url.database))
    if url.get_backend_name() != "postgresql":
        raise InputError(f"a database is SQLite or PostgreSQL, got {url.get_backend_name()!r}")
    try:
        engine = sa.create_engine(
            url.set(drivername="postgresql+psycopg"),
            pool_pre_ping=True,
            connect_args={"connect_timeout": BUSY_SECONDS},
        )
    except ModuleNotFoundError as error:
        raise InputError('PostgreSQL needs: pip install "qupel[postgres]"') from error
    sa.event.listen(engine, "begin", _begin_postgresql)
    return url.render_as_string(hide_password=True), home(), engine


def _check_disk(place: Path, said: str, error: Exception) -> None:
    """Name what keeps a SQLite file from being opened, where it is the disk and not the file."""
    for needed in (place.parent, place):
        if needed.exists() and not os.access(needed, os.W_OK):
            raise InputError(
                f"{needed}: cannot be written, which opening a store needs; copy {place.name} to a "
                f"folder that can be, and name that ({said})"
            ) from error
    if "full" in said or shutil.disk_usage(place.parent).free < _ROOM:
        raise RunError(
            f"{place}: its disk is full; nothing was changed, make room and go on ({said})"
        ) from error


def write_ahead(connection: sqlite3.Connection) -> None:
    """Have a SQLite file log ahead of writing, so that readers do not block writers.

    While one process switches a new file, SQLite lets the others fail in place of waiting.
    """
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


def _configure(connection: sqlite3.Connection, _: object) -> None:
    """Set a new connection up: we begin transactions ourselves, readers do not block writers."""
    connection.isolation_level = None
    write_ahead(connection)
    connection.execute("PRAGMA foreign_keys = ON")


@dataclass(slots=True)
class _File:
    """The file at a path, as the first connection found it.

    Attributes
    ----------
    place
        Where it was.
    found
        Device and number of the file; None before the first connection.
    """

    place: Path
    found: tuple[int, int] | None = None

    def remember(self, *_: object) -> None:
        """Take down which file it is."""
        self.found = self.found or self._standing()

    def check(self, _: sa.Connection) -> None:
        """Refuse to go on where another file stands at the path, after a restore say.

        What is written in the old one is lost, and orders paid from it are unknown to the books
        at the path.
        """
        if self.found != self._standing():
            raise sqlite3.OperationalError("its file was replaced or removed; start anew")

    def _standing(self) -> tuple[int, int] | None:
        try:
            standing = self.place.stat()
        except OSError:
            return None
        return standing.st_dev, standing.st_ino


def _begin(connection: sa.Connection) -> None:
    """Begin; writers take the lock at once, so that they wait instead of failing later."""
    options = connection.get_execution_options()
    if options.get("qupel_writes", False):
        level = "FULL" if options.get("qupel_durable", True) else "NORMAL"
        held: Any = connection.connection.dbapi_connection
        held.execute(f"PRAGMA synchronous = {level}")
        _begin_writing(held)
    else:
        connection.exec_driver_sql("BEGIN")


def _begin_writing(connection: Any) -> None:
    """Take the lock for writing, waiting for whoever has it.

    SQLite's own wait grows to a tenth of a second while most transactions take a few tenths of a
    millisecond; short waits of random length let several processes share the lock.
    """
    try:
        connection.execute("PRAGMA busy_timeout = 0")
        deadline = time.monotonic() + BUSY_SECONDS
        longest = _FIRST_WAIT
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
                if time.monotonic() >= deadline:
                    raise
            time.sleep(random.uniform(0.0, longest))  # noqa: S311  a wait, not a secret
            longest = min(2.0 * longest, _LONGEST_WAIT)
    finally:
        connection.execute(f"PRAGMA busy_timeout = {int(1000 * BUSY_SECONDS)}")


def _begin_postgresql(connection: sa.Connection) -> None:
    """Wait as long for a lock as SQLite does, and for the disk only where it matters."""
    options = connection.get_execution_options()
    if options.get("qupel_writes", False):
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{int(BUSY_SECONDS * 1000)}ms'")
        if not options.get("qupel_durable", True):
            connection.exec_driver_sql("SET LOCAL synchronous_commit = off")


def _standing(connection: sa.Connection) -> str | None:
    """Migration that a database is at, None for an empty one."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").first()
    return None if found is None else str(found[0])
