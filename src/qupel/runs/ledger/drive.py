"""Driving many jobs: whoever calls this, in however many processes, they share the work."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa

from qupel.backends.contract import Backend
from qupel.runs.ledger.jobs import FINAL, JobState
from qupel.runs.ledger.lease import is_dead
from qupel.runs.ledger.ledger import Ledger
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
    """
    actions = 0
    opened: dict[str, Backend] = {}
    while not (until() if until is not None else all_still(ledger, bills=bills)):
        ids = due(ledger, BATCH)
        for job_id, name in ids:
            if name not in opened:
                opened[name] = backend_of(name)
            ledger.advance(job_id, opened[name])
            actions += 1
            if until is not None and until():
                return actions
        if not ids:
            ledger.clock.sleep(_pause(ledger))
    return actions


def due(ledger: Ledger, limit: int = BATCH) -> list[tuple[str, str]]:
    """Id and backend of jobs to be looked after now that nobody living works on.

    They come in an order that differs from worker to worker, so that they seldom meet.
    """
    now = ledger.clock.now()
    chosen = (
        sa.select(jobs.c.id, jobs.c.backend, jobs.c.owner, jobs.c.leased)
        .where(jobs.c.due <= now)
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


def all_still(ledger: Ledger, *, bills: bool = False) -> bool:
    """Whether nothing more will happen to any job by itself."""
    still = [*FINAL, JobState.AMBIGUOUS.value]
    unsettled = sa.and_(jobs.c.state.in_([*FINAL]), jobs.c.settled.is_(False), jobs.c.due < 1e17)
    open_jobs = sa.or_(jobs.c.state.not_in(still), unsettled if bills else sa.false())
    with ledger.database.reading() as connection:
        return connection.execute(sa.select(jobs.c.id).where(open_jobs).limit(1)).first() is None


def _pause(ledger: Ledger) -> float:
    """Seconds until something is due, a little at least and not too long."""
    now = ledger.clock.now()
    with ledger.database.reading() as connection:
        chosen = sa.select(sa.func.min(jobs.c.due)).where(jobs.c.due > now)
        soonest = connection.execute(chosen).scalar()
    return min(PAUSE, max(0.005, PAUSE if soonest is None else soonest - now))
