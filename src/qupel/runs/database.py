"""The database of records, ledger and budgets: SQLite in a file, or PostgreSQL by URL.

Whatever stands in it is written inside one transaction or not at all, and several processes may
write at once: they wait for each other.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa

from qupel.errors import InputError, RunError, StoreError
from qupel.model.home import home
from qupel.runs.sqlite_file import BUSY_SECONDS, check_disk, engine_on

#: The migration that this code needs; `Database.open` brings older databases up to it.
REVISION = "0008"
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
                check_disk(Path(opened.place), said, error)
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
        StoreError
            If it stays locked, is full, or gone. After that nothing, or on a lost connection to
            PostgreSQL possibly everything, was committed.
        RunError
            If it is damaged; nothing was committed.
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
            return StoreError(f"{self.place}: could not be {what}: {cause}")
        if type(error) in {sa.exc.DatabaseError, sqlite3.DatabaseError}:
            return RunError(self._damaged(str(cause)))
        return None  # a mistake of the caller's: a constraint that was broken, say

    def _damaged(self, said: str) -> str:
        said = " ".join(said.split())
        return f"{self.place}: is damaged ({said}); stop all that use it and restore a backup"

    def _crowded(self) -> StoreError:
        """The error where more threads at once want a connection than there are."""
        return StoreError(f"{self.place}: no connection was free; too many threads use it at once")

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
    return str(place), place.parent, engine_on(place)


def _by_url(text: str) -> tuple[str, Path, sa.Engine]:
    """Name, folder and engine of a database that a URL names."""
    try:
        url = sa.make_url(text)
    except (sa.exc.ArgumentError, ValueError) as error:  # the latter of a port that is no number
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
    return _without_secrets(url), home(), engine


def _without_secrets(url: sa.URL) -> str:
    """A URL to be shown: its password is hidden, in its query too, and taken out of other texts."""
    from qupel.backends.secrets import HIDDEN, NAMED, keep_secret  # no first second for SQLite

    secret = {name: value for name, value in url.query.items() if NAMED.search(name)}
    for value in [url.password, *secret.values()]:
        if isinstance(value, str):
            keep_secret(value)
    shown = url.update_query_dict(dict.fromkeys(secret, HIDDEN))
    return shown.render_as_string(hide_password=True)


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
