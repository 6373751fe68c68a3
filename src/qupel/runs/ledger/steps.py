"""One step of one job: decide, take the lease, act, and say when to come again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa

from qupel.backends.contract import Backend, Capabilities
from qupel.errors import InputError
from qupel.runs.ledger import following, submitting
from qupel.runs.ledger.decisions import Action, Do
from qupel.runs.ledger.hands import Hands
from qupel.runs.ledger.jobs import FINAL, JobState, Progress, job_of
from qupel.runs.ledger.ledger import Ledger
from qupel.runs.ledger.meeting import meet_for
from qupel.runs.ledger.taking import take
from qupel.runs.ledger.transaction import FencedError
from qupel.runs.tables import jobs

#: Seconds after which to look again at a job that another worker has in its hands.
_MOMENT = 0.05


def advance(ledger: Ledger, job_id: str, backend: Backend) -> Progress:
    """Do the next single thing about a job; see `Ledger.advance`."""
    with ledger.database.reading() as connection:
        seen = connection.execute(sa.select(jobs).where(jobs.c.id == job_id)).first()
    if seen is None:
        raise InputError(f"no job {job_id!r}; `qupel jobs list` shows them")
    if seen.state == JobState.AMBIGUOUS or (seen.state in FINAL and seen.settled):
        return Progress(job_of(seen), None)
    if seen.backend != f"{backend.provider}:{backend.device}":
        raise InputError(
            f"job {job_id} is for {seen.backend}, not for {backend.provider}:{backend.device}"
        )
    with ledger.alone(job_id) as alone:
        if not alone:  # another thread of this process is at it
            return Progress(job_of(seen), _MOMENT)
        able = meet_for(ledger, seen, backend)
        if able is None:
            return _progress(ledger, seen.id, _MOMENT)
        return _step(ledger, seen, backend, able)


def _step(ledger: Ledger, seen: sa.Row[Any], backend: Backend, able: Capabilities) -> Progress:
    """Take the job up, act, and say when to come again."""
    taken = take(ledger, seen, backend, able)
    if isinstance(taken, float):
        return _progress(ledger, seen.id, taken)
    hands, action = taken
    try:
        _ACTIONS[action.do](hands, action)
    except FencedError:
        with hands.writing() as tx:
            tx.log("fenced", hands.row, action=action.do.value, token=hands.row.token)
    except Exception:
        hands.give_back()
        raise
    hands.give_back()
    ledger.reached(f"{action.do.value}: over")
    return _progress(ledger, seen.id)


def _progress(ledger: Ledger, job_id: str, least: float = 0.0) -> Progress:
    with ledger.database.reading() as connection:
        row = connection.execute(sa.select(jobs).where(jobs.c.id == job_id)).one()
    job = job_of(row)
    if job.state.still:
        return Progress(job, None)
    return Progress(job, max(least, row.due - ledger.clock.now()))


_ACTIONS: Mapping[Do, Callable[[Hands, Action], None]] = {
    Do.SUBMIT: submitting.submit,
    Do.LOOK: submitting.look,
    Do.POLL: following.poll,
    Do.FETCH: following.fetch,
    Do.CANCEL: following.cancel,
    Do.ASK_BILL: following.ask_bill,
}
