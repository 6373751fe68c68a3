"""Records of attempts that did not end with an answer in time, and how their workers ended."""

from __future__ import annotations

import contextlib
import signal
from pathlib import Path

from qupel.runs.description import plain
from qupel.runs.nursery import Reply
from qupel.runs.record import Clocks, Record, Status
from qupel.runs.slot import Job, Slot, grace_seconds
from qupel.runs.usage import WHOLE_LIFE, peak_method


def without_answer(slot: Slot, job: Job, end: Reply, status: Status, why: str) -> Record:
    """Record of an attempt whose worker could not make one."""
    elapsed = job.ended - job.requested[1] if job.started else 0.0
    return job.task.record(
        status,
        why=why,
        solver=plain(job.task.solver),
        clocks=Clocks(execute=elapsed),  # what it was at is not known
        end_to_end=elapsed,
        cpu_seconds=max(0.0, end.cpu - slot.cpu),
        peak_memory=end.peak,
        peak_memory_by=peak_method() if status is Status.KILLED else WHOLE_LIFE,
        log=_tail(slot.log),
    )


def late(job: Job, at: float) -> Record:
    """Record of an attempt whose answer came when it was no longer wanted."""
    elapsed = at - job.requested[1]
    return job.task.record(
        Status.KILLED,
        why=f"the answer came after {elapsed:.3g} s, later than {over(job)}",
        solver=plain(job.task.solver),
        clocks=Clocks(execute=elapsed),
        end_to_end=elapsed,
    )


def over(job: Job) -> str:
    """What an attempt overran, in words."""
    budget = job.task.seconds
    return f"its budget of {budget:g} s and {grace_seconds(budget):.3g} s of grace"


def manner(status: int) -> str:
    """How a process ended, in words."""
    if status >= 0:
        return f"exit code {status}"
    with contextlib.suppress(ValueError):
        return f"signal {-status} ({signal.Signals(-status).name})"
    return f"signal {-status}"


def _tail(log: Path, size: int = 4000) -> str:
    """Return the last of what a worker printed."""
    try:
        return log.read_bytes()[-size:].decode(errors="replace")
    except OSError:
        return ""
