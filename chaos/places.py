"""Empty databases to work on: SQLite always, PostgreSQL where it is installed."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import sqlalchemy as sa

from chaos.options import Options

Place = Callable[[], AbstractContextManager[str]]


@contextmanager
def sqlite(folder: str = "") -> Iterator[str]:
    """Path of a SQLite file in a folder of its own, removed afterwards."""
    place = Path(tempfile.mkdtemp(prefix="qupel-chaos-", dir=folder or None))
    try:
        yield str(place / "qupel.db")
    finally:
        shutil.rmtree(place, ignore_errors=True)


@contextmanager
def on_server(url: str) -> Iterator[str]:
    """URL of an empty database on a PostgreSQL server, dropped afterwards."""
    name = f"chaos{secrets.token_hex(6)}"
    server = sa.create_engine(sa.make_url(url), isolation_level="AUTOCOMMIT")
    try:
        with server.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        yield sa.make_url(url).set(database=name).render_as_string(hide_password=False)
        with contextlib.suppress(sa.exc.DBAPIError), server.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        server.dispose()


@contextmanager
def postgresql() -> Iterator[str]:
    """URL of an empty database on a server of our own, ended afterwards."""
    from tests.postgres import server

    with server() as url:
        yield url


def places(options: Options, *, both: bool = True) -> dict[str, Place]:
    """Databases by what they are called; the one that was asked for alone, if one was."""
    url = options.database
    if "://" in url and not url.startswith("sqlite"):
        return {"PostgreSQL": lambda: on_server(url)}
    found: dict[str, Place] = {"SQLite": lambda: sqlite(url.removeprefix("sqlite:///"))}
    if both and not url and not options.quick and not why_no_postgresql():
        found["PostgreSQL"] = postgresql
    return found


def why_no_postgresql() -> str:
    """Why no PostgreSQL server can be started here; empty if one can."""
    from tests.postgres import why_not

    return why_not()
