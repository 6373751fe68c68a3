"""What the ledger knows of a job: its state, its attempts, its clocks and its bill."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from qupel.backends.contract import Times
from qupel.model.money import Money
from qupel.runs.ledger.causes import Cause


class JobState(StrEnum):
    """Where a job stands in our books."""

    PLANNED = "planned"  # money is held, nothing was sent
    INTENDED = "intended"  # a request may have been sent
    SUBMITTED = "submitted"  # the provider has accepted it
    RUNNING = "running"  # the provider says that it runs, or is over
    DONE = "done"  # the result is here, and checked
    FAILED = "failed"
    CANCELLED = "cancelled"
    REFUSED = "refused"  # nothing was accepted, and never will be
    AMBIGUOUS = "ambiguous"  # money is held, and only a person or a look-up can tell
    PAID_NO_RESULT = "paid_no_result"  # done and owed, but no usable result: claim a refund

    @property
    def final(self) -> bool:
        """Whether it never changes again."""
        return self in FINAL

    @property
    def still(self) -> bool:
        """Whether nothing will happen by itself: final, or ambiguous."""
        return self in FINAL or self is JobState.AMBIGUOUS


FINAL = frozenset(
    {
        JobState.DONE,
        JobState.FAILED,
        JobState.CANCELLED,
        JobState.REFUSED,
        JobState.PAID_NO_RESULT,
    }
)


class AttemptState(StrEnum):
    """What is known of one request to accept an order."""

    INTENDED = "intended"  # written down; it may or may not have been sent
    UNKNOWN = "unknown"  # it was sent, and no whole reply came
    ACCEPTED = "accepted"
    NOTHING_DONE = "nothing done"
    REFUSED = "refused"
    ABSENT = "absent"  # looked for after the settle window, and not found


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request to accept an order.

    Attributes
    ----------
    number
        From 1, within its job.
    key, tag
        Idempotency key and label it was sent under.
    state
        What is known of it.
    intended, answered
        UTC seconds when it was written down, and when its fate was known; ``answered`` is None
        before.
    seconds
        How long the request took, None if we never saw its end.
    provider_job
        The provider's name of what it accepted.
    cause, why
        Of a failure.
    """

    number: int
    key: str
    tag: str
    state: AttemptState
    intended: float
    answered: float | None
    seconds: float | None
    provider_job: str
    cause: Cause | None
    why: str


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened.

    Attributes
    ----------
    number, at
        Place in the log, and UTC seconds.
    kind
        A word such as ``submitted``, ``retry``, ``bill over bound``.
    job, attempt
        What it is about; empty and 0 for none.
    correlation
        The job's.
    seconds
        How long a call took, None if it was no call.
    alarm
        Whether a person should look.
    detail
        Plain data.
    backend
        The job's; empty where the event was read back without its job.
    """

    number: int
    at: float
    kind: str
    job: str
    attempt: int
    correlation: str
    seconds: float | None
    alarm: bool
    detail: Mapping[str, Any]
    backend: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of paid work.

    Attributes
    ----------
    id
        Our name for it, made from its key.
    key
        The idempotency key it was planned under.
    backend
        ``provider:device``.
    state, why, cause
        Where it stands; for a failure the reason and its cause.
    correlation, purpose
        What it belongs to.
    shots
        Of all its programs together.
    bound, billed
        Money held at most, and the final bill; None where nothing is billed or not known yet.
    planned, submitted, concluded
        UTC seconds by our clock; None before.
    deadline
        UTC seconds after which it is to be cancelled, None for never.
    due
        UTC seconds when somebody should call `Ledger.advance` next.
    attempts
        Requests to accept it so far.
    provider_job, word
        The provider's name of it, and its last word on where it stands.
    times
        The provider's time stamps.
    seen_running
        UTC seconds when we first heard that it runs.
    settled
        Whether the bill is final and nothing is held any more.
    result_hash
        Name of the stored result, empty for none.
    owner, token
        Who worked on it last, and the number of that lease.
    """

    id: str
    key: str
    backend: str
    state: JobState
    why: str
    cause: Cause | None
    correlation: str
    purpose: Mapping[str, Any]
    shots: int
    bound: Money | None
    billed: Money | None
    planned: float
    submitted: float | None
    concluded: float | None
    deadline: float | None
    due: float
    attempts: int
    provider_job: str
    word: str
    times: Times
    seen_running: float | None
    settled: bool
    result_hash: str
    owner: str
    token: int

    @property
    def queue_seconds(self) -> float | None:
        """Seconds it waited at the provider: by its time stamps, else as we saw it."""
        if (told := self.times.queue_seconds) is not None:
            return told
        if self.submitted is None or self.seen_running is None:
            return None
        return max(0.0, self.seen_running - self.submitted)

    @property
    def run_seconds(self) -> float | None:
        """Seconds on the device by the provider's time stamps, else as we saw it."""
        if (told := self.times.run_seconds) is not None:
            return told
        if self.seen_running is None or self.concluded is None:
            return None
        return max(0.0, self.concluded - self.seen_running)

    def document(self) -> dict[str, Any]:
        """The job as plain data."""
        return {
            "id": self.id,
            "key": self.key,
            "backend": self.backend,
            "state": self.state.value,
            "why": self.why,
            "cause": self.cause.value if self.cause else None,
            "correlation": self.correlation,
            "purpose": dict(self.purpose),
            "shots": self.shots,
            "bound": None if self.bound is None else str(self.bound),
            "billed": None if self.billed is None else str(self.billed),
            "settled": self.settled,
            "planned": self.planned,
            "submitted": self.submitted,
            "concluded": self.concluded,
            "deadline": self.deadline,
            "attempts": self.attempts,
            "provider_job": self.provider_job,
            "word": self.word,
            "queue_seconds": self.queue_seconds,
            "run_seconds": self.run_seconds,
            "result_hash": self.result_hash,
        }


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a job stands after one action.

    Attributes
    ----------
    job
        The job as it is now.
    wait
        Seconds after which to call `Ledger.advance` again; None if nothing more will happen by
        itself, because the job is final or ambiguous.
    """

    job: Job
    wait: float | None


def job_of(row: sa.Row[Any]) -> Job:
    """The job of a row of the table of jobs."""
    return Job(
        id=row.id,
        key=row.key,
        backend=row.backend,
        state=JobState(row.state),
        why=row.why,
        cause=Cause(row.cause) if row.cause else None,
        correlation=row.correlation,
        purpose=json.loads(row.purpose),
        shots=row.shots,
        bound=_money(row.bound, row.currency),
        billed=_money(row.billed, row.bill_currency or row.currency),
        planned=row.planned,
        submitted=row.submitted,
        concluded=row.concluded,
        deadline=row.deadline,
        due=row.due,
        attempts=row.attempts,
        provider_job=row.provider_job,
        word=row.word,
        times=Times(row.created_there, row.queued_there, row.running_there, row.finished_there),
        seen_running=row.seen_running,
        settled=row.settled,
        result_hash=row.result_hash,
        owner=row.owner,
        token=row.token,
    )


def attempt_of(row: sa.Row[Any]) -> Attempt:
    """The attempt of a row of the table of attempts."""
    return Attempt(
        number=row.number,
        key=row.key,
        tag=row.tag,
        state=AttemptState(row.state),
        intended=row.intended,
        answered=row.answered,
        seconds=row.seconds,
        provider_job=row.provider_job,
        cause=Cause(row.cause) if row.cause else None,
        why=row.why,
    )


def event_of(row: sa.Row[Any]) -> Event:
    """The event of a row of the table of events."""
    return Event(
        number=row.number,
        at=row.at,
        kind=row.kind,
        job=row.job_id,
        attempt=row.attempt,
        correlation=row.correlation,
        seconds=row.seconds,
        alarm=row.alarm,
        detail=json.loads(row.detail),
    )


def _money(micros: int | None, currency: str) -> Money | None:
    return None if micros is None or not currency else Money(micros, currency)
