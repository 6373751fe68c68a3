"""Jobs that were run when they came, kept for as long as the process lives."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from qupel.backends.contract import JobStatus, State
from qupel.errors import ResultError

Held = TypeVar("Held")


@dataclass(slots=True, eq=False)
class Kept(Generic[Held]):
    """What a vendor's local mode gave, by the name of the job and under its tag.

    Attributes
    ----------
    jobs
        Tag and result of each.
    """

    jobs: dict[str, tuple[str, Held]] = field(default_factory=dict)

    def keep(self, tag: str, held: Held) -> str:
        """Keep a result under a tag; return the name of its job."""
        job = str(uuid.uuid4())
        self.jobs[job] = tag, held
        return job

    def find(self, tag: str) -> list[str]:
        """Jobs under a tag."""
        return [job for job, (held, _) in self.jobs.items() if held == tag]

    def listed(self, prefix: str) -> list[tuple[str, str]]:
        """Jobs whose tag begins so, each with it."""
        return [(job, held) for job, (held, _) in self.jobs.items() if held.startswith(prefix)]

    def status(self, job: str) -> JobStatus:
        """Done, if it is known."""
        return JobStatus(State.DONE if job in self.jobs else State.UNKNOWN)

    def of(self, job: str, tag: str) -> Held:
        """The result of a job; `ResultError` if it is not under this tag."""
        if job not in self.jobs or self.jobs[job][0] != tag:
            raise ResultError(f"job {job!r:.80} was not filed under the order's tag")
        return self.jobs[job][1]
