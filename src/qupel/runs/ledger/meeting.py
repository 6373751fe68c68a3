"""Meeting a backend: what it can do is asked once, and the breaker counts that call like others.

An adapter keeps what it was told, so that later questions cost no call. Until then every question
is one, and a provider that is dead must not be asked by every worker for every job: unless the
device has answered lately, they ask one after the other.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from qupel.backends.contract import Backend, Capabilities
from qupel.errors import QupelError, RefusedError, TransientError
from qupel.runs.ledger import breaker as breaking
from qupel.runs.ledger.decisions import overdue
from qupel.runs.ledger.hands import PASSING, count_failure, one_line, writing
from qupel.runs.ledger.jobs import JobState
from qupel.runs.ledger.ledger import Ledger
from qupel.runs.ledger.taking import drop, is_held
from qupel.runs.ledger.transaction import Transaction


def meet(ledger: Ledger, backend: Backend) -> Capabilities:
    """What a backend can do, asked of it as often as its breaker lets.

    Raises
    ------
    TransientError
        If the breaker holds the call back, or nobody answers now.
    UnknownOutcomeError, RefusedError
        As the backend answers.
    """
    if ledger.met.get(id(backend)) is backend:
        return backend.capabilities()
    with ledger.database.reading() as connection:
        breaker = breaking.breaker_of(connection, backend.provider, backend.device)
    proven = breaker.is_proven(ledger.clock.now(), ledger.patience)
    if not proven:
        _take_turn(ledger, breaker)
    try:
        able = backend.capabilities()
    except PASSING:
        with writing(ledger, durable=False) as tx:
            count_failure(tx, backend, ledger.patience)
        raise
    except Exception:
        _pass_on(ledger, backend)
        raise
    if not proven:
        _pass_on(ledger, backend)  # some adapters know it without a call: it proves nothing
    ledger.met[id(backend)] = backend
    return able


def meet_for(ledger: Ledger, seen: sa.Row[Any], backend: Backend) -> Capabilities | None:
    """What a backend can do; None if that cannot be known now, and the job has been put off."""
    if ledger.met.get(id(backend)) is not backend and _is_busy(ledger, seen):
        return None
    try:
        return meet(ledger, backend)
    except (*PASSING, RefusedError) as error:
        _put_off(ledger, seen, error)
        return None


def _is_busy(ledger: Ledger, seen: sa.Row[Any]) -> bool:
    """Whether somebody else has the job, or it is not its time."""
    with writing(ledger, durable=False) as tx:
        row = tx.job(seen.id)
        return is_held(ledger, row, tx.now) or tx.now < row.due


def _take_turn(ledger: Ledger, breaker: breaking.Breaker) -> None:
    """Take the one call that is let through, or raise `HeldBackError`."""
    with writing(ledger, durable=False) as tx:
        wait = breaking.admit(tx.connection, breaker, tx.now, ledger.patience)
    if wait:
        name = f"{breaker.provider}:{breaker.device}"
        raise HeldBackError(
            f"the breaker of {name} is open after {breaker.failures} failures"
            if breaker.is_open
            else f"another call to {name} has to show first that it answers",
            wait=wait,
        )


def _pass_on(ledger: Ledger, backend: Backend) -> None:
    with writing(ledger, durable=False) as tx:
        breaking.pass_on(tx.connection, backend.provider, backend.device)


class HeldBackError(TransientError):
    """No call was made: another one's outcome decides first."""


def _put_off(ledger: Ledger, seen: sa.Row[Any], error: QupelError) -> None:
    """Have the job looked at again later."""
    wait = getattr(error, "wait", None) or 0.0
    if not isinstance(error, HeldBackError):
        usual = ledger.retry.backoff(1, float(ledger.rng.random()))
        wait = max(wait, usual if isinstance(error, PASSING) else ledger.patience.longest)
    with writing(ledger, durable=False) as tx:
        row = tx.job(seen.id)
        if not is_held(ledger, row, tx.now):
            _later(tx, row, wait)
        if not isinstance(error, HeldBackError):
            tx.log("backend not met", row, why=one_line(error))


def _later(tx: Transaction, row: sa.Row[Any], wait: float) -> None:
    """Put a job off; one that nobody wants any more ends, since nothing of it was sent."""
    if row.state == JobState.PLANNED and (why := overdue(row, tx.now)):
        drop(tx, row, why)
        return
    due = tx.now + min(wait, 3_600.0)
    if row.deadline is not None and row.deadline > tx.now:
        due = min(due, row.deadline)
    tx.update(row, due=due)
