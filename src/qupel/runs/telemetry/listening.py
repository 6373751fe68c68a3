"""What a ledger tells of its jobs, written to the log and into traces as it happens."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import sqlalchemy as sa

from qupel.runs.database import Database
from qupel.runs.ledger.jobs import FINAL, Event, Job, event_of, job_of
from qupel.runs.tables import events, jobs
from qupel.runs.telemetry import logs, traces

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
                traces.tell_job(job, happened)

    def _ended(self, job_id: str) -> tuple[Job, list[Event]]:
        """The job and everything that happened to it."""
        with self.database.reading() as connection:
            row = connection.execute(sa.select(jobs).where(jobs.c.id == job_id)).one()
            chosen = sa.select(events).where(events.c.job_id == job_id).order_by(events.c.number)
            return job_of(row), [event_of(each) for each in connection.execute(chosen)]
