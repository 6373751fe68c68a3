"""One transaction of the ledger: rows, what happened, and who may write."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import sqlalchemy as sa

from qupel.errors import InputError
from qupel.runs.database import Database, insert_into
from qupel.runs.ledger.jobs import Event
from qupel.runs.ledger.payloads import compressed, decompressed, name_of
from qupel.runs.tables import attempts, events, jobs, payloads

_JOB = sa.select(jobs).where(jobs.c.id == sa.bindparam("job")).with_for_update()
_EVENT = sa.insert(events)
_UPDATE = sa.update(jobs).where(
    jobs.c.id == sa.bindparam("b_id"), jobs.c.token == sa.bindparam("b_token")
)

_ATTEMPT = sa.update(attempts).where(
    attempts.c.job_id == sa.bindparam("b_job"), attempts.c.number == sa.bindparam("b_number")
)
_PAYLOAD = sa.select(payloads.c.body).where(payloads.c.hash == sa.bindparam("b_hash"))

#: What is told of every event, once it is committed.
Listener = Callable[[Event], None]


class FencedError(Exception):
    """Another worker holds the job now; nothing of this transaction was written."""


@dataclass(slots=True)
class Transaction:
    """Writes rows of the ledger, all of them or none.

    Attributes
    ----------
    connection
        Of the database.
    now
        UTC seconds, for every row it writes.
    told
        Events it wrote.
    last
        What is done right before the commit. Rows of breakers are locked then, after those of
        jobs and accounts, so that transactions never wait for each other in a ring.
    """

    connection: sa.Connection
    now: float
    told: list[Event] = field(default_factory=list)
    last: list[Callable[[], None]] = field(default_factory=list)

    def job(self, job_id: str) -> sa.Row[Any]:
        """The row of a job, locked where rows can be."""
        # SQLite knows no row locks, and leaves the words out.
        row = self.connection.execute(_JOB, {"job": job_id}).first()
        if row is None:
            raise InputError(f"no job {job_id!r}; `qupel jobs list` shows them")
        return row

    def update(self, row: sa.Row[Any], **values: Any) -> None:
        """Change a job under the lease that its row was read under.

        Raises
        ------
        FencedError
            If somebody has taken it up since.
        """
        done = self.connection.execute(_UPDATE, {"b_id": row.id, "b_token": row.token, **values})
        if not done.rowcount:
            raise FencedError(row.id)

    def update_attempt(self, job_id: str, number: int, **values: Any) -> None:
        """Change an attempt."""
        self.connection.execute(_ATTEMPT, {"b_job": job_id, "b_number": number, **values})

    def log(
        self,
        kind: str,
        row: sa.Row[Any] | None = None,
        *,
        attempt: int = 0,
        seconds: float | None = None,
        alarm: bool = False,
        **detail: Any,
    ) -> None:
        """Write down that something happened."""
        job_id = "" if row is None else row.id
        correlation = "" if row is None else row.correlation
        done = self.connection.execute(
            _EVENT,
            {
                "at": self.now,
                "kind": kind,
                "job_id": job_id,
                "attempt": attempt,
                "correlation": correlation,
                "seconds": seconds,
                "alarm": alarm,
                "detail": json.dumps(detail, default=str),
            },
        )
        [number] = done.inserted_primary_key or [0]
        backend = "" if row is None else row.backend
        happened = Event(
            number, self.now, kind, job_id, attempt, correlation, seconds, alarm, detail, backend
        )
        self.told.append(happened)

    def keep(self, body: bytes) -> str:
        """Keep a payload under its hash, and return that."""
        name = name_of(body)
        self.connection.execute(
            _keeping(self.connection.dialect.name), {"hash": name, "body": compressed(body)}
        )
        return name


@cache
def _keeping(dialect: str) -> Any:
    """Insertion of a payload that may be there already, in a dialect."""
    return insert_into(payloads, dialect).on_conflict_do_nothing()


@contextmanager
def transaction(
    database: Database, now: float, listener: Listener | None, *, durable: bool = True
) -> Iterator[Transaction]:
    """Return a transaction; what it wrote is told to the listener once it is committed."""
    with database.writing(durable=durable) as connection:
        opened = Transaction(connection, now)
        yield opened
        for action in opened.last:
            action()
    if listener is not None:
        for event in opened.told:
            listener(event)


def payload(connection: sa.Connection, name: str) -> bytes:
    """The payload of this hash; `InputError` if there is none or it was changed."""
    body = connection.execute(_PAYLOAD, {"b_hash": name}).scalar_one_or_none()
    if body is None:
        raise InputError(f"no payload of hash {name[:12]} in the database")
    return decompressed(bytes(body), name)
