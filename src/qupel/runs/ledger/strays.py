"""Provider jobs of ours that no attempt accounts for: second jobs, and orphans.

Both become rows of their own, so that they are followed, cancelled if need be, and their bills
booked: nothing the provider charges is missing from the books.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from qupel.runs.database import insert_new
from qupel.runs.ledger.jobs import JobState
from qupel.runs.ledger.naming import job_id_of
from qupel.runs.ledger.transaction import Transaction
from qupel.runs.tables import holds, jobs

#: How the keys of second jobs begin; they are cancelled, and a bill for one is to be reclaimed.
SECOND = "second:"
#: How the keys of orphans begin, until somebody plans their order again.
ORPHAN = "orphan:"


def file_second(tx: Transaction, row: sa.Row[Any], provider_job: str) -> bool:
    """File a second provider job of one of our jobs, to be cancelled; False if it is known.

    One that another of our jobs has is no second: a repeated reply must not cancel it.
    """
    known = sa.select(jobs.c.id).where(
        jobs.c.provider_job == provider_job, jobs.c.backend == row.backend
    )
    if tx.connection.execute(known.limit(1)).first() is not None:
        return False
    key = f"{SECOND}{row.backend}:{provider_job}"
    made = _file(tx, job_id_of(key), key, row.backend, provider_job, row.correlation, tx.now)
    if made:
        for account in tx.connection.execute(
            sa.select(holds.c.account).where(holds.c.job_id == row.id)
        ).scalars():
            tx.connection.execute(
                sa.insert(holds).values(
                    job_id=job_id_of(key), account=account, held_money=0, held_shots=0, held_runs=0
                )
            )
        tx.log("second job at the provider", row, alarm=True, job=provider_job)
    return made


def file_orphan(tx: Transaction, job: str, backend: str, provider_job: str) -> bool:
    """File a provider job whose tag is ours and whose job is not; False if it is known.

    It gets the id that the tag names: whoever plans that order again finds it accepted.
    """
    made = _file(tx, job, f"{ORPHAN}{job}", backend, provider_job, job, None)
    if made:
        tx.log("orphan adopted", tx.job(job), alarm=True, job=provider_job)
    return made


def is_second(row: sa.Row[Any]) -> bool:
    """Whether a row stands for a second job of another."""
    return row.key.startswith(SECOND)


def _file(
    tx: Transaction,
    job: str,
    key: str,
    backend: str,
    provider_job: str,
    correlation: str,
    cancel_asked: float | None,
) -> bool:
    return insert_new(
        tx.connection,
        jobs,
        id=job,
        key=key,
        backend=backend,
        state=JobState.SUBMITTED.value,
        correlation=correlation,
        planned=tx.now,
        submitted=tx.now,
        provider_job=provider_job,
        cancel_asked=cancel_asked,
        due=tx.now,
    )
