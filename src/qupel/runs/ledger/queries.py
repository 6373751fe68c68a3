"""What the books hold of jobs, their attempts and what happened to them."""

from __future__ import annotations

import sqlalchemy as sa

from qupel.backends.contract import Order
from qupel.errors import InputError
from qupel.runs.ledger.accounts import MOST
from qupel.runs.ledger.jobs import (
    Attempt,
    Event,
    Job,
    JobState,
    attempt_of,
    event_of,
    job_of,
)
from qupel.runs.ledger.payloads import order_from
from qupel.runs.ledger.transaction import payload
from qupel.runs.tables import attempts, events, jobs


def job_named(connection: sa.Connection, beginning: str) -> Job:
    """The one job whose id begins so; `InputError` if there is none, or several are."""
    chosen = sa.select(jobs).where(jobs.c.id.startswith(beginning, autoescape=True)).limit(2)
    found = connection.execute(chosen).all()
    if len(found) != 1:
        what = "several jobs have" if found else "no job has"
        raise InputError(f"{what} an id that begins with {beginning!r}; see `qupel jobs list`")
    return job_of(found[0])


def jobs_where(
    connection: sa.Connection,
    state: JobState | str | None,
    backend: str | None,
    correlation: str | None,
    due: float | None,
    limit: int | None,
) -> list[Job]:
    """Jobs, those due first at the front; of those that are over, the newest."""
    chosen = sa.select(jobs).order_by(jobs.c.due, jobs.c.planned.desc(), jobs.c.id)
    if state is not None:
        chosen = chosen.where(jobs.c.state == JobState(state).value)
    if backend is not None:
        chosen = chosen.where(jobs.c.backend == backend)
    if correlation is not None:
        chosen = chosen.where(jobs.c.correlation == correlation)
    if due is not None:
        chosen = chosen.where(jobs.c.due <= due)
    most = None if limit is None else min(limit, MOST)
    return [job_of(row) for row in connection.execute(chosen.limit(most))]


def attempts_at(connection: sa.Connection, job_id: str) -> list[Attempt]:
    """Every request to accept a job, in their order."""
    chosen = sa.select(attempts).where(attempts.c.job_id == job_id)
    return [attempt_of(row) for row in connection.execute(chosen.order_by(attempts.c.number))]


def events_where(
    connection: sa.Connection,
    job_id: str | None = None,
    kind: str | None = None,
    *,
    alarms: bool = False,
) -> list[Event]:
    """What happened, the oldest first; to one job, of one kind, or only alarms."""
    chosen = sa.select(events).order_by(events.c.number)
    if job_id is not None:
        chosen = chosen.where(events.c.job_id == job_id)
    if kind is not None:
        chosen = chosen.where(events.c.kind == kind)
    if alarms:
        chosen = chosen.where(events.c.alarm)
    return [event_of(row) for row in connection.execute(chosen)]


def order_of(connection: sa.Connection, job_id: str) -> Order:
    """The order that a job was planned with; `InputError` if none is known."""
    chosen = sa.select(jobs.c.order_hash).where(jobs.c.id == job_id)
    name = connection.execute(chosen).scalar_one_or_none()
    if not name:
        raise InputError(f"no order of a job {job_id!r} is known")
    return order_from(payload(connection, name))
