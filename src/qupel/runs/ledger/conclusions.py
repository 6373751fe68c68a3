"""How jobs end: terminal states, bills, and what is learned too late to count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from qupel.backends.contract import JobStatus, State, Times
from qupel.model.money import NO_CURRENCY, Money
from qupel.runs.ledger import breaker as breaking
from qupel.runs.ledger import holds as budgets
from qupel.runs.ledger.accounts import Amounts
from qupel.runs.ledger.causes import Cause
from qupel.runs.ledger.jobs import AttemptState, JobState
from qupel.runs.ledger.naming import key_of
from qupel.runs.ledger.strays import ORPHAN
from qupel.runs.ledger.transaction import Transaction
from qupel.runs.tables import accounts, attempts, holds, jobs

#: When a job is due that nobody needs to look after.
NEVER = 1e18
#: Seconds after its end at which a missing bill is asked for, and at which it raises an alarm.
BILL_SECONDS, BILL_ALARM = 60.0, 86_400.0


def conclude(
    tx: Transaction,
    row: sa.Row[Any],
    state: JobState,
    *,
    why: str = "",
    cause: Cause | None = None,
    bill: Money | None = None,
    free: bool = False,
    alarm: bool = False,
    source: str = "",
    columns: Mapping[str, Any] | None = None,
) -> None:
    """End a job for good, and settle its bill if that is known.

    Parameters
    ----------
    tx, row
        The transaction, and the job under its lease.
    state, why, cause
        The end, and for a failure the reason.
    bill
        The final bill, None while it is not known.
    free
        Whether nothing is owed, because nothing was accepted or nothing is ever billed.
    alarm
        Whether a person should look.
    source
        Where the bill comes from, if not from the provider.
    columns
        Further columns to set.
    """
    tx.update(
        row,
        state=state.value,
        why=why,
        cause=cause.value if cause else "",
        concluded=tx.now,
        leased=0.0,
        due=tx.now + BILL_SECONDS,
        **(columns or {}),
    )
    tx.log(state.value, row, alarm=alarm, why=why, cause=cause.value if cause else "")
    if bill is None and (free or row.bound is None):
        bill = Money(0, row.currency or NO_CURRENCY)
    if bill is not None:
        settle(tx, row, state, bill, source)


def settle(
    tx: Transaction, row: sa.Row[Any], state: JobState, bill: Money, source: str = ""
) -> None:
    """Book a final bill; one beyond the bound freezes the provider and raises an alarm."""
    currency = row.currency or (bill.currency if bill.micros else "")
    clash = [] if not bill.micros else _other_currencies(tx, row, bill.currency)
    if bill.micros < 0 or (bill.micros and (bill.currency != currency or clash)):
        tx.update(row, due=NEVER)
        tx.log(
            "bill in another currency" if bill.micros > 0 else "bill below zero",
            row,
            alarm=True,
            bill=str(bill),
            bound=str(Money(row.bound or 0, row.currency or NO_CURRENCY)),
            accounts=clash,
        )
        return
    used = _used(row, state, bill)
    budgets.settle(tx.connection, row.id, used)
    tx.update(
        row,
        settled=True,
        billed=bill.micros,
        bill_currency=currency,
        currency=currency,
        due=NEVER,
    )
    shown = str(bill) if currency else ""
    tx.log("settled", row, bill=shown, source=source, shots=used.shots, runs=used.runs)
    if bill.micros > (row.bound or 0) and not row.key.startswith(ORPHAN):
        provider = row.backend.partition(":")[0]
        bound = Money(row.bound or 0, currency)
        why = f"job {row.id} was bound to {bound} and billed {bill}"
        tx.last.append(lambda: breaking.freeze(tx.connection, provider, why))
        tx.log("bill over bound", row, alarm=True, bill=str(bill), bound=str(bound), why=why)


def doubt(tx: Transaction, row: sa.Row[Any], why: str) -> None:
    """Leave a job to a person or a later look-up; its money stays held."""
    tx.update(
        row, state=JobState.AMBIGUOUS.value, why=why, leased=0.0, token=row.token + 1, due=NEVER
    )
    tx.log("ambiguous", row, alarm=True, why=why)


def adopt(tx: Transaction, row: sa.Row[Any], provider_job: str, number: int, how: str) -> bool:
    """Take a provider's job as this one's; False if it has another, or is over.

    What is learned is written whoever holds the lease: it only adds to what is certain. The
    token grows, so that nobody sends a request on what was known before.
    """
    state = JobState(row.state)
    if row.provider_job == provider_job:
        return True
    if row.provider_job or state.final or owner_of(tx, row, provider_job):
        return False
    tx.update(
        row,
        state=JobState.SUBMITTED.value,
        why="",
        provider_job=provider_job,
        submitted=tx.now,
        reported="",
        token=row.token + 1,
        leased=0.0,
        tries=0,
        due=tx.now,
    )
    if number:
        tx.update_attempt(
            row.id,
            number,
            state=AttemptState.ACCEPTED.value,
            provider_job=provider_job,
            answered=tx.now,
        )
    tx.log("adopted", row, attempt=number, job=provider_job, how=how)
    return True


def owner_of(tx: Transaction, row: sa.Row[Any], provider_job: str) -> str:
    """Another job of ours that has this name at the provider; empty if there is none.

    A gateway that repeats a reply, or a stranger's, would have two orders pay for one job and
    share its result.
    """
    chosen = sa.select(jobs.c.id).where(
        jobs.c.provider_job == provider_job, jobs.c.backend == row.backend, jobs.c.id != row.id
    )
    owner = tx.connection.execute(chosen.limit(1)).scalar() or ""
    if owner:
        tx.log("name of another job", row, alarm=True, job=provider_job, owner=owner)
    return owner


def told(status: JobStatus, row: sa.Row[Any], now: float) -> dict[str, Any]:
    """Columns that follow from what the provider says of a job."""
    values: dict[str, Any] = {"word": (status.word or status.state.value)[:200]}
    values |= stamps(status.times)
    if status.state is not State.UNKNOWN:
        values["odd_since"] = None
    elif row.odd_since is None:
        values["odd_since"] = now
    if status.state in {State.RUNNING, State.DONE} and row.seen_running is None:
        values["seen_running"] = now
    return values


def stamps(times: Times) -> dict[str, float]:
    """Columns of the provider's time stamps, those that it gave."""
    given = {
        "created_there": times.created,
        "queued_there": times.queued,
        "running_there": times.running,
        "finished_there": times.finished,
    }
    return {name: value for name, value in given.items() if value is not None}


def last_attempt(connection: sa.Connection, job: str) -> sa.Row[Any] | None:
    """The row of the newest attempt of a job."""
    chosen = sa.select(attempts).where(attempts.c.job_id == job)
    return connection.execute(chosen.order_by(attempts.c.number.desc()).limit(1)).first()


def fate_unknown(tx: Transaction, row: sa.Row[Any], but: int = 0) -> bool:
    """Whether an attempt of this series, ``but`` for one, may have been accepted."""
    chosen = sa.select(attempts.c.number).where(
        attempts.c.job_id == row.id,
        attempts.c.number != but,
        attempts.c.key == key_of(row.id, row.series),
        attempts.c.state.in_([AttemptState.INTENDED.value, AttemptState.UNKNOWN.value]),
    )
    return tx.connection.execute(chosen.limit(1)).first() is not None


def _used(row: sa.Row[Any], state: JobState, bill: Money) -> Amounts:
    """What a job used up: a run if it was accepted, its shots if it ran or was billed."""
    accepted = bool(row.provider_job)
    ran = state in {JobState.DONE, JobState.PAID_NO_RESULT} or bill.micros > 0
    counted = accepted and (ran or state is JobState.FAILED)
    return Amounts(bill.micros, row.shots if ran else 0, 1 if counted else 0)


def _other_currencies(tx: Transaction, row: sa.Row[Any], currency: str) -> list[str]:
    """Accounts of a job that count in another currency."""
    found = tx.connection.execute(_CURRENCIES, {"job": row.id})
    return [account.name for account in found if account.currency not in {"", currency}]


_CURRENCIES = (
    sa.select(accounts.c.name, accounts.c.currency)
    .join(holds, holds.c.account == accounts.c.name)
    .where(holds.c.job_id == sa.bindparam("job"))
)
