"""A worker process as its pool sees it, and the job it works on."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from qupel.runs.record import Record
from qupel.runs.task import Task

#: Problems that a worker keeps; the one used longest ago goes first.
SHELF = 8


def grace_seconds(budget: float) -> float:
    """Seconds beyond ``budget`` after which an attempt is killed: 5 %, at least 0.1.

    A solver may overrun its stop rule by 5 % or 0.05 s; the rest is for the answer.
    """
    return max(0.05 * budget, 0.1)


@dataclass(slots=True, eq=False)
class Job:
    """A task on its way.

    Attributes
    ----------
    asked
        The task as it was given.
    task
        What is being attempted: the primary, then the fallback.
    requested
        Readings of ``time.monotonic`` at the request of the whole, and of this attempt.
    first
        The primary's record while the fallback is at work, and why it is.
    record
        The record, once it is there, and when it was complete.
    """

    asked: Task
    task: Task
    requested: tuple[float, float] = (0.0, 0.0)
    first: tuple[Record, str] | None = None
    record: Record | None = None
    ended: float = 0.0

    @property
    def started(self) -> bool:
        """Whether this attempt was requested, not only prepared."""
        return self.requested[1] > 0

    @property
    def limit(self) -> float:
        """Reading of the clock at which the attempt is killed."""
        return self.requested[1] + self.task.seconds + grace_seconds(self.task.seconds)


@dataclass(slots=True, eq=False)
class Slot:
    """A worker process, and what it is doing.

    Attributes
    ----------
    number
        Its number, never used again.
    pipe
        Our end of its connection.
    log
        File of its output.
    shelf
        Marks of the problems it holds, the one used last at the end.
    prepared
        What it is prepared for: problem and solvers.
    cpu
        Processor seconds it had used before the attempt.
    job
        What it works on.
    patience
        Reading of the clock at which it is killed for not getting ready or tidy.
    """

    number: int
    pipe: Connection
    log: Path
    shelf: OrderedDict[str, None] = field(default_factory=OrderedDict)
    prepared: set[tuple[str, str]] = field(default_factory=set)
    cpu: float = 0.0
    job: Job | None = None
    patience: float = 0.0

    @property
    def deadline(self) -> float:
        """Reading of the clock at which it is killed."""
        job = self.job
        at_work = job is not None and job.started and job.record is None
        return job.limit if job is not None and at_work else self.patience

    def shelve(self, problem: str) -> tuple[str, ...]:
        """Take note of a problem it is sent; return those it is to forget."""
        self.shelf[problem] = None
        self.shelf.move_to_end(problem)
        forgotten = tuple(self.shelf)[:-SHELF]
        for known in forgotten:
            del self.shelf[known]
        return forgotten
