"""What is true of a ledger as a whole: its name at providers, a quarantine, how far audits are."""

from __future__ import annotations

import secrets

import sqlalchemy as sa

from qupel.runs.database import insert_into, insert_new
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


def set_quarantine(connection: sa.Connection, since: float) -> None:
    """Begin a quarantine; it ends device by device, as each is reconciled with."""
    connection.execute(sa.delete(ledger_facts).where(ledger_facts.c.name == "quarantine"))
    connection.execute(sa.insert(ledger_facts).values(name="quarantine", value=repr(since)))


def bills_audited(connection: sa.Connection, backend: str) -> float | None:
    """UTC seconds before whose end jobs had their bills asked for again; None for never."""
    told = _fact(connection, f"bills:{backend}")
    return float(told) if told else None


def note_bills_audited(connection: sa.Connection, backend: str, until: float) -> None:
    """Note that the bills of all jobs of a backend that ended before a time were asked for."""
    row = insert_into(ledger_facts, connection).values(name=f"bills:{backend}", value=repr(until))
    connection.execute(
        row.on_conflict_do_update(index_elements=["name"], set_={"value": repr(until)})
    )


def claim_audit(connection: sa.Connection, backend: str, now: float, seconds: float) -> bool:
    """Take on a round of comparing books with a backend's; False if somebody just has.

    Parameters
    ----------
    now, seconds
        UTC seconds, and for how long nobody else begins a round.
    """
    name, mine = f"auditing:{backend}", repr(now)
    told = _fact(connection, name)
    if told is None:
        return insert_new(connection, ledger_facts, name=name, value=mine)
    if now - seconds < float(told) <= now:
        return False
    here = (ledger_facts.c.name == name, ledger_facts.c.value == told)
    done = connection.execute(sa.update(ledger_facts).where(*here).values(value=mine))
    return bool(done.rowcount)


def _fact(connection: sa.Connection, name: str) -> str | None:
    return connection.execute(_FACT, {"fact": name}).scalar_one_or_none()


_FACT = sa.select(ledger_facts.c.value).where(ledger_facts.c.name == sa.bindparam("fact"))
