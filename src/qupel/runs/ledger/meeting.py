"""Meeting a backend: what it can do is asked once, and the breaker counts that call like others.

An adapter keeps what it was told, so that later questions cost no call. Until then every question
is one, and a provider that is dead must not be asked by every worker for every job: unless the
device has answered lately, they ask one after the other.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from qupel.backends.contract import Backend, Capabilities
from qupel.errors import QupelError, RefusedError
from qupel.runs.ledger import breaker as breaking
from qupel.runs.ledger.decisions import overdue
from qupel.runs.ledger.hands import PASSING, count_failure, one_line, writing
from qupel.runs.ledger.jobs import JobState
from qupel.runs.ledger.ledger import Ledger
from qupel.runs.ledger.taking import drop, is_held
from qupel.runs.ledger.transaction import Transaction


def meet(ledger: Ledger, seen: sa.Row[Any], backend: Backend) -> Capabilities | None:
    """What a backend can do; None if that cannot be known now, and the job has been put off."""
    if ledger.met.get(id(backend)) is backend:
        return backend.capabilities()
    with ledger.database.reading() as connection:
        breaker = breaking.breaker_of(connection, backend.provider, backend.device)
    proven = breaker.is_proven(ledger.clock.now(), ledger.patience)
    if not proven and not _is_admitted(ledger, seen, breaker):
        return None
    try:
        able = backend.capabilities()
    except (*PASSING, RefusedError) as error:
        _put_off(ledger, seen, backend, error)
        return None
    if not proven:
        # Some adapters know the answer without a call, so that it proves nothing.
        with writing(ledger, durable=False) as tx:
            breaking.pass_on(tx.connection, backend.provider, backend.device)
    ledger.met[id(backend)] = backend
    return able


def _is_admitted(ledger: Ledger, seen: sa.Row[Any], breaker: breaking.Breaker) -> bool:
    """Whether the one call that is let through is ours; else the job is put off."""
    with writing(ledger, durable=False) as tx:
        row = tx.job(seen.id)
        if is_held(ledger, row, tx.now) or tx.now < row.due:
            return False
        wait = breaking.admit(tx.connection, breaker, tx.now, ledger.patience)
        if wait:
            _later(tx, row, wait)
        return not wait


def _put_off(ledger: Ledger, seen: sa.Row[Any], backend: Backend, error: QupelError) -> None:
    """Count a failure, and have the job looked at again later."""
    passing = isinstance(error, PASSING)
    usual = ledger.retry.backoff(1, float(ledger.rng.random()))
    wait = max(getattr(error, "wait", None) or 0.0, usual if passing else ledger.patience.longest)
    with writing(ledger, durable=False) as tx:
        row = tx.job(seen.id)
        if not is_held(ledger, row, tx.now):
            _later(tx, row, wait)
        tx.log("backend not met", row, why=one_line(error))
        if passing:
            count_failure(tx, backend, ledger.patience)
        else:
            breaking.pass_on(tx.connection, backend.provider, backend.device)


def _later(tx: Transaction, row: sa.Row[Any], wait: float) -> None:
    """Put a job off; one that nobody wants any more ends, since nothing of it was sent."""
    if row.state == JobState.PLANNED and (why := overdue(row, tx.now)):
        drop(tx, row, why)
        return
    due = tx.now + min(wait, 3_600.0)
    if row.deadline is not None and row.deadline > tx.now:
        due = min(due, row.deadline)
    tx.update(row, due=due)
