"""Bills that a provider changed after they were booked, and those that people enter."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from qupel.backends.contract import Backend, Bills
from qupel.errors import InputError, RefusedError, UnreadableReplyError
from qupel.model.money import Money
from qupel.runs.ledger import breaker as breaking
from qupel.runs.ledger import holds as budgets
from qupel.runs.ledger.conclusions import NEVER, settle
from qupel.runs.ledger.hands import writing
from qupel.runs.ledger.jobs import Job, JobState, job_of
from qupel.runs.ledger.ledger import Ledger
from qupel.runs.ledger.transaction import Transaction
from qupel.runs.tables import accounts, events, holds, jobs


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


def audit_bills(
    ledger: Ledger,
    backend: Backend,
    since: float,
    until: float = math.inf,
    *,
    stopping: Callable[[], bool] = lambda: False,
) -> tuple[Revision, ...]:
    """Ask for the bills of settled jobs again, and book those that have changed.

    One question a job. A bill beyond the job's bound freezes the provider, as a first bill would.

    Parameters
    ----------
    ledger, backend
        Whose books, and whose bills.
    since, until
        UTC seconds; only jobs that ended from the one to before the other are asked about.
    stopping
        Asked before each question; once it says yes, the rest is left.

    Raises
    ------
    TransientError, UnknownOutcomeError
        If the provider cannot be asked now; what was learned until then is kept.
    """
    with ledger.database.reading() as connection:
        rows = connection.execute(
            _SETTLED,
            {
                "backend": f"{backend.provider}:{backend.device}",
                "since": since,
                "until": min(until, NEVER),
            },
        ).all()
        by_hand = set(connection.execute(_BY_HAND).scalars())
    revised = []
    for row in rows:
        if stopping():
            break
        try:
            bill = backend.status(row.provider_job).billed
        except (RefusedError, UnreadableReplyError) as error:
            said = "refused" if isinstance(error, RefusedError) else "unreadable"
            with writing(ledger) as tx:
                tx.log("bill not told", row, why=f"{said}: {error}")
            continue
        if bill is None or (bill.micros, bill.currency) == (row.billed, row.currency):
            continue
        if row.id in by_hand and (
            bill.currency != row.currency or backend.capabilities().bills is Bills.COMPUTED
        ):
            continue  # a person has converted it, or read the invoice
        with writing(ledger) as tx:
            fresh = tx.job(row.id)
            if fresh.billed == row.billed and _revise(tx, fresh, bill):
                revised.append(Revision(row.id, Money(row.billed, row.currency), bill))
    return tuple(revised)


def settle_by_hand(ledger: Ledger, job_id: str, bill: Money, who: str) -> Job:
    """Book the bill of a job that is over, as a person read it off the provider's invoice.

    For bills that a provider never tells, or tells in a way that cannot be booked: in another
    currency, or below zero. What was held beyond the bill is free again.

    Parameters
    ----------
    ledger, job_id
        Which job; it must be over, and its bill not booked, or computed, or its bound booked in
        place of one.
    bill
        What was charged for it, in the currency that its accounts count in: whoever converts an
        invoice in another one says at what rate by saying how much.
    who
        Who read the invoice; it is written down.

    Raises
    ------
    InputError
        If the job is not over, its bill is booked already, or this one cannot be booked.
    """
    if not who.strip():
        raise InputError("a bill that is entered by hand needs the name of who enters it")
    if bill.micros < 0:
        raise InputError(f"a bill is at least 0, got {bill}; enter 0 for what was refunded whole")
    with writing(ledger) as tx:
        row = tx.job(job_id)
        state = JobState(row.state)
        if not state.final:
            raise InputError(f"job {job_id} is {state}; a bill is entered for a job that is over")
        if row.settled and _source_of(tx, row):
            tx.log("settled by hand", row, who=who.strip(), bill=str(bill))
            if not _revise(tx, row, bill):
                raise InputError(f"job {job_id} counts in {row.currency}, the bill is {bill}")
            return job_of(tx.job(job_id))
        if row.settled:
            billed = Money(row.billed or 0, row.currency) if row.currency else "nothing"
            raise InputError(
                f"the bill of job {job_id} is booked already: {billed}; what a provider changed "
                f"since is found by: qupel jobs bills {row.backend}"
            )
        tx.log("settled by hand", row, who=who.strip(), bill=str(bill))
        # A worker that has just asked for the bill must not book its answer on top.
        tx.update(row, token=row.token + 1, leased=0.0)
        settle(tx, tx.job(job_id), state, bill)
        booked = tx.job(job_id)
        if not booked.settled:  # the transaction is rolled back, and what was written with it
            raise InputError(
                f"job {job_id} and its accounts count in {_currency_of(tx, row)}, the bill is "
                f"{bill}; enter what that came to in {_currency_of(tx, row)}"
            )
        return job_of(booked)


def _source_of(tx: Transaction, row: sa.Row[Any]) -> str:
    """Where a booked bill came from; empty if from the provider, or from a person at once."""
    sources = [str(detail.get("source", "")) for detail in _details(tx, row, "settled")]
    return sources[-1] if sources else ""


def _details(tx: Transaction, row: sa.Row[Any], kind: str) -> list[dict[str, Any]]:
    """Details of a job's events of one kind, in their order."""
    chosen = sa.select(events.c.detail).where(events.c.job_id == row.id, events.c.kind == kind)
    found = tx.connection.execute(chosen.order_by(events.c.number)).scalars()
    return [json.loads(held) for held in found]


def _currency_of(tx: Transaction, row: sa.Row[Any]) -> str:
    """The currency that the accounts of a job count in."""
    charged = (
        sa.select(accounts.c.currency)
        .join(holds, holds.c.account == accounts.c.name)
        .where(holds.c.job_id == row.id, accounts.c.currency != "")
    )
    return str(row.currency or tx.connection.execute(charged.limit(1)).scalar() or "")


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
        jobs.c.concluded < sa.bindparam("until"),
    )
    .order_by(jobs.c.id)
)
_BY_HAND = sa.select(events.c.job_id).where(events.c.kind == "settled by hand")
