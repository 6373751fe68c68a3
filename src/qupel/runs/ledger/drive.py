"""Driving many jobs: whoever calls this, in however many processes, they share the work."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import sqlalchemy as sa

from qupel.backends.contract import Backend
from qupel.errors import QupelError
from qupel.runs.ledger.hands import one_line, writing
from qupel.runs.ledger.jobs import FINAL, JobState
from qupel.runs.ledger.lease import is_dead
from qupel.runs.ledger.ledger import Ledger
from qupel.runs.ledger.taking import is_held
from qupel.runs.tables import jobs

#: Jobs that are looked up at once, and the longest pause between two look-ups.
BATCH, PAUSE = 32, 1.0


def drive(
    ledger: Ledger,
    backend_of: Callable[[str], Backend],
    until: Callable[[], bool] | None = None,
    *,
    bills: bool = False,
) -> int:
    """Advance all jobs that are due, again and again.

    Parameters
    ----------
    ledger
        Whose jobs; its clock is slept on when nothing is due.
    backend_of
        Opens the backend that ``provider:device`` names.
    until
        Stop when this is true; by default when every job is final or ambiguous.
    bills
        Whether to wait by default for every bill to be settled, too.

    Returns
    -------
    int
        How many actions were taken.

    Raises
    ------
    QupelError
        What keeps a job from being advanced at all, such as credentials that are not there, once
        all others are over; given ``until``, it is written down and tried again.
    """
    actions = 0
    opened: dict[str, Backend] = {}
    stuck: dict[str, QupelError] = {}
    while not (until() if until is not None else all_still(ledger, bills=bills, but=[*stuck])):
        ids = due(ledger, BATCH)
        for job_id, name in ids:
            try:
                if name not in opened:
                    opened[name] = backend_of(name)
                ledger.advance(job_id, opened[name])
                stuck.pop(job_id, None)
            except QupelError as error:
                stuck[job_id] = error
                put_off(ledger, job_id, error)
            actions += 1
            if until is not None and until():
                return actions
        if not ids:
            ledger.clock.sleep(_pause(ledger))
    if stuck:
        raise next(iter(stuck.values()))
    return actions


def put_off(ledger: Ledger, job_id: str, error: QupelError) -> None:
    """Have a job that cannot be advanced looked at later, and say why in the books."""
    with writing(ledger, durable=False) as tx:
        row = tx.job(job_id)
        if JobState(row.state).final or is_held(ledger, row, tx.now):
            return
        why = one_line(error)
        if row.why != why:
            tx.log("cannot be advanced", row, alarm=True, why=why)
        tx.update(row, why=why, leased=0.0, due=tx.now + ledger.patience.longest)


def due(ledger: Ledger, limit: int = BATCH) -> list[tuple[str, str]]:
    """Id and backend of jobs to be looked after now that nobody living works on.

    They come in an order that differs from worker to worker, so that they seldom meet.
    """
    now = ledger.clock.now()
    chosen = (
        sa.select(jobs.c.id, jobs.c.backend, jobs.c.owner, jobs.c.leased)
        .where(jobs.c.due <= now, jobs.c.state != JobState.AMBIGUOUS.value)
        .order_by(jobs.c.due)
        .limit(4 * limit)
    )
    with ledger.database.reading() as connection:
        rows = connection.execute(chosen).all()
    free = [
        (row.id, row.backend)
        for row in rows
        if row.leased <= now or row.owner == ledger.owner or is_dead(row.owner)
    ]
    order = ledger.rng.permutation(len(free))
    return [free[place] for place in order[:limit]]


def all_still(ledger: Ledger, *, bills: bool = False, but: Sequence[str] = ()) -> bool:
    """Whether nothing more will happen to any job by itself, some aside."""
    still = [*FINAL, JobState.AMBIGUOUS.value]
    unsettled = sa.and_(jobs.c.state.in_([*FINAL]), jobs.c.settled.is_(False), jobs.c.due < 1e17)
    open_jobs = sa.or_(jobs.c.state.not_in(still), unsettled if bills else sa.false())
    with ledger.database.reading() as connection:
        found = sa.select(jobs.c.id).where(open_jobs, jobs.c.id.not_in(but)).limit(1)
        return connection.execute(found).first() is None


def _pause(ledger: Ledger) -> float:
    """Seconds until something is due, a little at least and not too long."""
    now = ledger.clock.now()
    with ledger.database.reading() as connection:
        chosen = sa.select(sa.func.min(jobs.c.due)).where(jobs.c.due > now)
        soonest = connection.execute(chosen).scalar()
    return min(PAUSE, max(0.005, PAUSE if soonest is None else soonest - now))
