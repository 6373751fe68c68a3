"""What a ledger tells of its jobs, written to the log and into traces as it happens."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from qupel.runs.database import Database
from qupel.runs.ledger.jobs import FINAL, Event, Job, job_of
from qupel.runs.ledger.queries import events_where
from qupel.runs.record import Record
from qupel.runs.tables import jobs
from qupel.runs.telemetry import logs, spans, traces

if TYPE_CHECKING:
    from qupel.runs.durable.log import RunLog

_ENDS = frozenset(state.value for state in FINAL)


@dataclass(frozen=True, slots=True)
class Listening:
    """A ledger's listener.

    It looks at the database only where a job has ended and somebody logs or traces; whatever
    breaks in it is kept from the ledger.

    Attributes
    ----------
    database
        The ledger's.
    """

    database: Database

    def __call__(self, event: Event) -> None:
        """Write down one event."""
        traced = traces.are_kept()
        if not (logs.is_on() or traced):
            return
        with contextlib.suppress(Exception):
            if event.kind not in _ENDS:
                logs.say_event(event)
                return
            job, happened = self._ended(event.job)
            logs.say_event(event, job)
            if traced:
                spans.tell_job(job, happened)

    def _ended(self, job_id: str) -> tuple[Job, list[Event]]:
        """The job and everything that happened to it."""
        with self.database.reading() as connection:
            row = connection.execute(sa.select(jobs).where(jobs.c.id == job_id)).one()
            return job_of(row), events_where(connection, job_id)


def tell_late(decision: str, role: str, record: Record, job: Job, *, at: float) -> None:
    """Log and trace what a quantum step came to after its decision.

    Parameters
    ----------
    decision, role
        Which decision it belongs to, and how: ``late`` or ``trial``.
    at
        UTC seconds at which it was judged.
    """
    if not (logs.is_on() or traces.are_kept()):
        return
    with contextlib.suppress(Exception):
        logs.say(
            f"{role} answer",
            at=at,
            correlation=decision,
            decision=decision,
            job=job.id,
            backend=job.backend,
            status=str(record.status),
            objective=record.objective,
            seconds=record.end_to_end,
            why=record.why,
        )
        if traces.are_kept():
            parent = str(job.purpose.get(traces.PARENT, ""))
            spans.tell_record(record, at - record.end_to_end, parent=parent, role=role, until=at)


def tell_cancelled(log: RunLog, run_id: str) -> None:
    """Log and trace a run of a pipeline that somebody has cancelled."""
    run = log.run(run_id)
    logs.say("run cancelled", level="warning", run=run.id, pipeline=run.name)
    if traces.are_kept():
        for row in log.stages(run_id):
            if row.state == "cancelled" and row.started is not None:
                spans.tell_stage(run, row)
        spans.tell_run(run)
