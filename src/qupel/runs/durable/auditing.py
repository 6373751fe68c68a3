"""Comparing our books with the providers' while a worker runs: lost jobs, and changed bills."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa

from qupel.runs.durable.host import Host, one_line
from qupel.runs.ledger import breaker as breaking
from qupel.runs.ledger.bills import audit_bills
from qupel.runs.ledger.breaker import Breaker
from qupel.runs.ledger.facts import (
    bills_audited,
    claim_audit,
    note_bills_audited,
    quarantined_since,
)
from qupel.runs.ledger.hands import PASSING, count_failure, writing
from qupel.runs.tables import jobs

#: Seconds between two reconciliations with a device, whichever worker makes them.
INTERVAL = 3_600.0
#: Seconds for which no other worker begins a round with a device.
CLAIM = 50.0
#: Seconds after its end when a job's bill is asked for once more.
BILL_AGE = 86_400.0
#: Seconds for which a device that was ordered from is reconciled with.
MEMORY = 30 * 86_400.0


def reconcile_due(host: Host, stopping: Callable[[], bool] = lambda: False) -> list[str]:
    """Reconcile with every device that was ordered from lately and not compared within the hour.

    What the provider lists under our tags and no job accounts for is adopted; bills of jobs that
    ended a day ago are asked for again, each once. One worker at a time takes a device on, and
    none asks past a breaker; a provider that does not answer is asked again in a later round.

    Parameters
    ----------
    stopping
        Asked between devices and between bills; once it says yes, the rest is left to others.

    Returns
    -------
    Devices whose round went through.
    """
    done, now = [], host.clock.now()
    with host.database.reading() as connection:
        quarantine = quarantined_since(connection) or 0.0
    for name in _paid_lately(host, now - MEMORY):
        if stopping():
            break
        provider, _, device = name.partition(":")
        breaker = host.ledger.breaker(provider, device)
        with host.database.reading() as connection:
            audited = bills_audited(connection, name)
        compared = _is_late(breaker.reconciled, max(now - INTERVAL, quarantine), now)
        billed = _is_late(audited, now - BILL_AGE - INTERVAL, now - BILL_AGE)
        if (compared or billed) and _audit(host, name, breaker, audited, stopping, compared):
            done.append(name)
    return done


def _audit(
    host: Host,
    name: str,
    breaker: Breaker,
    audited: float | None,
    stopping: Callable[[], bool],
    compared: bool,
) -> bool:
    """Make a round with one device; False if it did not go through, or is not ours to make."""
    ledger, now = host.ledger, host.clock.now()
    try:
        backend = host.backend(name)
        if not _taken_on(host, name, breaker):
            return False
    except Exception as error:  # noqa: BLE001  an adapter may raise anything
        host.say("reconciliation waits", level="warning", backend=name, why=one_line(error))
        return False
    counts = {}
    try:
        if compared:
            found = ledger.reconcile(backend)
            counts = {"adopted": len(found.adopted), "orphans": len(found.orphans)}
            counts |= {"second": len(found.seconds), "ambiguous": len(found.ambiguous)}
        since = max(now - MEMORY, audited or 0.0)
        revised = audit_bills(ledger, backend, since, now - BILL_AGE, stopping=stopping)
    except Exception as error:  # noqa: BLE001  it may be away; a later round asks again
        if isinstance(error, PASSING):
            with writing(ledger, durable=False) as tx:
                count_failure(tx, backend, ledger.patience)
        host.say("reconciliation waits", level="warning", backend=name, why=one_line(error))
        return False
    if stopping():
        return False
    with writing(ledger) as tx:
        note_bills_audited(tx.connection, name, now - BILL_AGE)
    host.say("reconciled", backend=name, **counts, revised=len(revised))
    return True


def _taken_on(host: Host, name: str, breaker: Breaker) -> bool:
    """Whether a round with a device is ours to make, and its breaker lets a call through."""
    ledger = host.ledger
    with writing(ledger, durable=False) as tx:
        if not claim_audit(tx.connection, name, tx.now, CLAIM):
            return False
        # One that is closed needs no turn: a round takes long, and orders are not to wait for it.
        held = breaker.is_open and breaking.admit(tx.connection, breaker, tx.now, ledger.patience)
        return not held


def _is_late(mark: float | None, since: float, until: float) -> bool:
    """Whether a mark lies outside of a span; one after it was set by a clock that was wrong."""
    return mark is None or not since < mark <= until


def _paid_lately(host: Host, since: float) -> list[str]:
    """Backends of billed jobs that were planned since a time."""
    chosen = sa.select(jobs.c.backend).where(jobs.c.planned >= since, jobs.c.currency != "")
    with host.database.reading() as connection:
        return sorted(connection.execute(chosen.distinct()).scalars())
