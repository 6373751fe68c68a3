"""Comparing our books with the providers' while a worker runs: lost jobs, and changed bills."""

from __future__ import annotations

import sqlalchemy as sa

from qupel.errors import QupelError
from qupel.runs.durable.host import Host, one_line
from qupel.runs.ledger.facts import quarantined_since
from qupel.runs.tables import jobs

#: Seconds between two reconciliations with a device, whichever worker makes them.
INTERVAL = 3_600.0
#: Seconds after its end when a job's bill is asked for once more.
BILL_AGE = 86_400.0
#: Seconds for which a device that was ordered from is reconciled with.
MEMORY = 30 * 86_400.0


def reconcile_due(host: Host) -> list[str]:
    """Reconcile with every device that was ordered from lately and not compared within the hour.

    What the provider lists under our tags and no job accounts for is adopted; bills of jobs that
    ended a day ago are asked for again, each once.

    Returns
    -------
    Devices that were reconciled with.
    """
    done, now = [], host.clock.now()
    with host.database.reading() as connection:
        quarantine = quarantined_since(connection) or 0.0
    for name in _paid_lately(host, now - MEMORY):
        provider, _, device = name.partition(":")
        try:
            before = host.ledger.breaker(provider, device).reconciled
            if before is not None and max(now - INTERVAL, quarantine) < before <= now:
                continue
            backend = host.backend(name)
            found = host.ledger.reconcile(backend)
            since = now - MEMORY if before is None else before - BILL_AGE
            revised = host.ledger.audit_bills(backend, since, now - BILL_AGE)
        except QupelError as error:  # it may be away; the next round asks again
            host.say("reconciliation waits", level="warning", backend=name, why=one_line(error))
            continue
        done.append(name)
        counts = {"adopted": len(found.adopted), "orphans": len(found.orphans)}
        counts |= {"second": len(found.seconds), "ambiguous": len(found.ambiguous)}
        host.say("reconciled", backend=name, **counts, revised=len(revised))
    return done


def _paid_lately(host: Host, since: float) -> list[str]:
    """Backends of billed jobs that were planned since a time."""
    chosen = sa.select(jobs.c.backend).where(jobs.c.planned >= since, jobs.c.currency != "")
    with host.database.reading() as connection:
        return sorted(connection.execute(chosen.distinct()).scalars())
