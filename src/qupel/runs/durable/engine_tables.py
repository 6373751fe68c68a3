"""Where the durable engine keeps its own tables, and how they are opened."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from qupel.errors import InputError
from qupel.runs.sqlite_file import write_ahead

#: Seconds to wait for another process that writes.
BUSY_SECONDS = 30
#: Name of the lock under which one process at a time starts on a PostgreSQL database.
_STARTING = 0x71757064


def engine_url(url: str | sa.URL) -> sa.URL:
    """Where the engine keeps its own tables, given the database whose work it does.

    Beside a SQLite file, so that polling never makes a payment wait for the lock; within a
    PostgreSQL database, in a schema of its own.
    """
    made = sa.make_url(url)
    if made.get_backend_name() != "sqlite":
        return made
    if not made.database or made.database == ":memory:":
        raise InputError("a durable engine needs a database in a file, not in memory")
    path = Path(made.database)
    return made.set(database=str(path.with_name(f"{path.stem}-engine{path.suffix}")))


def sql_engine(url: str | sa.URL, *, pool: int) -> sa.Engine:
    """Return SQLAlchemy's engine on the engine's own tables, with so many connections and again."""
    place = engine_url(url)
    if place.get_backend_name() != "sqlite":
        return sa.create_engine(
            place,
            pool_size=pool,
            max_overflow=pool,
            pool_pre_ping=True,
            connect_args={"connect_timeout": 10},
        )
    engine = sa.create_engine(
        place,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
        pool_size=pool,
        max_overflow=pool,
    )
    sa.event.listen(engine, "connect", _configure)
    return engine


@contextmanager
def one_at_a_time(engine: sa.Engine) -> Iterator[None]:
    """Let one process at a time make the engine's tables, which DBOS does not see to."""
    if engine.dialect.name != "sqlite":
        # Neither holding the lock nor waiting for it may keep a transaction open: what makes an
        # index concurrently waits for all of them.
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            taking = sa.select(sa.func.pg_try_advisory_lock(_STARTING))
            while not connection.execute(taking).scalar():
                time.sleep(0.05)
            try:
                yield
            finally:
                connection.execute(sa.select(sa.func.pg_advisory_unlock(_STARTING)))
        return
    try:
        file = os.open(f"{engine.url.database}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise InputError(f"{engine.url.database}: cannot be opened: {error.strerror}") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX)  # the system gives it back however a process ends
        yield
    finally:
        os.close(file)


def _configure(connection: Any, _: object) -> None:
    # Losing the last commits with the power is harmless here: steps are run again, and what
    # must not be done twice is committed at FULL in the other file.
    connection.isolation_level = "IMMEDIATE"
    connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    write_ahead(connection)
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
