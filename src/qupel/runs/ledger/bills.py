"""Bills that a provider changed after they were booked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from qupel.backends.contract import Backend
from qupel.errors import RefusedError
from qupel.model.money import Money
from qupel.runs.ledger import breaker as breaking
from qupel.runs.ledger import holds as budgets
from qupel.runs.ledger.hands import writing
from qupel.runs.ledger.ledger import Ledger
from qupel.runs.ledger.transaction import Transaction
from qupel.runs.tables import jobs


@dataclass(frozen=True, slots=True)
class Revision:
    """A bill that is no longer what was booked.

    Attributes
    ----------
    job
        Ours.
    was, now
        What was booked before, and what the provider says today.
    """

    job: str
    was: Money
    now: Money

    def document(self) -> dict[str, str]:
        """The revision as plain data."""
        return {"job": self.job, "was": str(self.was), "now": str(self.now)}


def audit_bills(ledger: Ledger, backend: Backend, since: float) -> tuple[Revision, ...]:
    """Ask for the bills of settled jobs again, and book those that have changed.

    One question a job. A bill beyond the job's bound freezes the provider, as a first bill would.

    Parameters
    ----------
    ledger, backend
        Whose books, and whose bills.
    since
        UTC seconds; jobs that ended before are left alone.

    Raises
    ------
    TransientError, UnknownOutcomeError
        If the provider cannot be asked now; what was learned until then is kept.
    """
    with ledger.database.reading() as connection:
        rows = connection.execute(
            _SETTLED, {"backend": f"{backend.provider}:{backend.device}", "since": since}
        ).all()
    revised = []
    for row in rows:
        try:
            bill = backend.status(row.provider_job).billed
        except RefusedError as error:
            with writing(ledger) as tx:
                tx.log("bill not told", row, why=f"refused: {error}")
            continue
        if bill is None or (bill.micros, bill.currency) == (row.billed, row.currency):
            continue
        with writing(ledger) as tx:
            fresh = tx.job(row.id)
            if fresh.billed == row.billed and _revise(tx, fresh, bill):
                revised.append(Revision(row.id, Money(row.billed, row.currency), bill))
    return tuple(revised)


def _revise(tx: Transaction, row: sa.Row[Any], bill: Money) -> bool:
    """Book a changed bill in all accounts of its job; False if it cannot be one."""
    was, bound = Money(row.billed, row.currency), Money(row.bound or 0, row.currency)
    if bill.micros < 0 or bill.currency != row.currency:
        tx.log("revised bill is odd", row, alarm=True, was=str(was), bill=str(bill))
        return False
    budgets.revise(tx.connection, row.id, bill.micros, bound.micros)
    tx.update(row, billed=bill.micros)
    tx.log("bill revised", row, alarm=True, was=str(was), bill=str(bill))
    if bill.micros > bound.micros >= was.micros:
        why = f"job {row.id} was bound to {bound}, and its bill was raised from {was} to {bill}"
        breaking.freeze(tx.connection, row.backend.partition(":")[0], why)
        tx.log("bill over bound", row, alarm=True, bill=str(bill), bound=str(bound), why=why)
    return True


_SETTLED = (
    sa.select(jobs)
    .where(
        jobs.c.backend == sa.bindparam("backend"),
        jobs.c.settled,
        jobs.c.provider_job != "",
        jobs.c.currency != "",
        jobs.c.concluded >= sa.bindparam("since"),
    )
    .order_by(jobs.c.id)
)
