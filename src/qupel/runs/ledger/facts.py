"""What is true of a ledger as a whole: its name at providers, and whether it is in quarantine."""

from __future__ import annotations

import secrets

import sqlalchemy as sa

from qupel.runs.database import insert_into
from qupel.runs.tables import ledger_facts


def installation(connection: sa.Connection) -> str:
    """Name of this ledger at providers; empty before it has one."""
    return _fact(connection, "installation") or ""


def ensure_installation(connection: sa.Connection) -> None:
    """Give the ledger its name, once and for ever."""
    connection.execute(
        insert_into(ledger_facts, connection)
        .values(name="installation", value=secrets.token_hex(4))
        .on_conflict_do_nothing()
    )


def quarantined_since(connection: sa.Connection) -> float | None:
    """UTC seconds since when nothing is paid before its backend is reconciled; None if it is."""
    told = _fact(connection, "quarantine")
    return float(told) if told else None


def set_quarantine(connection: sa.Connection, since: float | None) -> None:
    """Begin a quarantine, or end it."""
    connection.execute(sa.delete(ledger_facts).where(ledger_facts.c.name == "quarantine"))
    if since is not None:
        connection.execute(sa.insert(ledger_facts).values(name="quarantine", value=repr(since)))


def _fact(connection: sa.Connection, name: str) -> str | None:
    return connection.execute(_FACT, {"fact": name}).scalar_one_or_none()


_FACT = sa.select(ledger_facts.c.value).where(ledger_facts.c.name == sa.bindparam("fact"))
