"""Approvals and gates: what was passed, and who let it pass, under the hash of what it is."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Column, Float, Integer, String, Table, Text

from qupel.errors import InputError
from qupel.runs.database import Database
from qupel.runs.tables import metadata

#: The gate that a person opens.
APPROVAL = "approval"

#: Gates that a version of a route or of a stage has passed; rows are only added. Its name in the
#: database is that of its first users.
gates = Table(
    "route_gates",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("version", String, nullable=False, index=True),
    Column("gate", String, nullable=False),
    Column("at", Float, nullable=False),
    Column("who", String, nullable=False),
    Column("detail", Text, nullable=False),
)


def approve(
    connection: sa.Connection, version: str, *, owner: str, who: str, why: str, at: float
) -> None:
    """Write down that somebody other than the owner approves of a version.

    Parameters
    ----------
    connection
        A transaction that writes; what else follows from the approval belongs into it too.

    Raises
    ------
    InputError
        If it is the owner, or nobody.
    """
    if not who.strip():
        raise InputError(f"an approval is somebody's: name who gives it, got {who!r}")
    if who.strip().casefold() == owner.strip().casefold():
        raise InputError(f"{owner} owns it; somebody else has to approve it")
    values = {"version": version, "gate": APPROVAL, "at": at, "who": who.strip(), "detail": why}
    connection.execute(sa.insert(gates).values(**values))


def approved_by(database: Database, version: str) -> tuple[str, ...]:
    """Who approved of a version, by name."""
    chosen = sa.select(gates.c.who).where(gates.c.version == version, gates.c.gate == APPROVAL)
    with database.reading() as connection:
        return tuple(sorted(set(connection.execute(chosen).scalars())))
