"""A SQLite file that several processes write: engine, lock, and what may befall it."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from qupel.errors import InputError, RunError

#: Seconds to wait for another process that writes.
BUSY_SECONDS = 30
#: Seconds of the first and of the longest wait between two looks at SQLite's lock.
_FIRST_WAIT, _LONGEST_WAIT = 0.0005, 0.008
#: Bytes that opening a SQLite file needs on its disk.
_ROOM = 1 << 18

#: Of waits alone: whoever seeds the `random` module draws what he would have drawn without us.
_RANDOM = random.Random()  # noqa: S311  waits are no secret


def engine_on(place: Path) -> sa.Engine:
    """Engine on a file; its connections are set up by us, and its transactions begun."""
    engine = sa.create_engine(f"sqlite:///{place}", connect_args={"timeout": BUSY_SECONDS})
    file = _File(place)
    sa.event.listen(engine, "connect", _configure)
    sa.event.listen(engine, "connect", file.remember)
    sa.event.listen(engine, "begin", file.check)
    sa.event.listen(engine, "begin", _begin)
    return engine


def check_disk(place: Path, said: str, error: Exception) -> None:
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
            time.sleep(_RANDOM.uniform(0.0, longest))
            longest = min(2.0 * longest, _LONGEST_WAIT)
    finally:
        connection.execute(f"PRAGMA busy_timeout = {int(1000 * BUSY_SECONDS)}")
