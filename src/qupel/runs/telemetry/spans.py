"""What is told of decisions, attempts, paid jobs and pipelines, each a span or several.

Attempts, jobs and stages keep their times in their own records, so their spans are written from
these when they are over, with the times they had: tracing costs a decision next to nothing while
it is made, and what another process finishes later still hangs under the decision that ordered it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING, Any

from qupel.runs.telemetry.traces import PARENT, Opened, are_kept, opened, reserved, write

if TYPE_CHECKING:
    from qupel.runs.durable.run import Run, StageRow
    from qupel.runs.ledger.jobs import Event, Job
    from qupel.runs.record import Record
    from qupel.runs.routes.decision import Decision


def open_decision(route: str, at: float) -> Opened | None:
    """Open the span of a decision; None where nobody keeps spans.

    Parameters
    ----------
    at
        UTC seconds of the request.
    """
    if not are_kept():
        return None
    return opened(f"decision {route}", at, {"route": route})


def tell_decision(span: Opened, decision: Decision) -> None:
    """Write the span of a decision and those of its attempts."""
    ended = decision.created + decision.seconds
    for role, record in (("primary", decision.primary), ("fallback", decision.fallback)):
        if record is not None:
            began = _begun(record, decision.created, ended)
            tell_record(record, began, parent=span.name, role=role, until=ended)
    about = {
        "decision": decision.id,
        "version": decision.version,
        "mode": str(decision.mode),
        "answered_by": str(decision.answered_by),
        "why": decision.why,
        "quantum": decision.quantum,
        "on_time": decision.on_time,
        "job": decision.job,
        "deadline_seconds": decision.deadline_seconds,
    }
    span.end(ended, about, failed=None if decision.feasible else decision.why)


def tell_record(
    record: Record, started: float, *, parent: str, role: str, until: float = float("inf")
) -> None:
    """Write the span of an attempt, with one for each stage it went through.

    Parameters
    ----------
    record
        Of the attempt.
    started
        UTC seconds at its request.
    parent
        Name of the span it belongs under.
    role
        ``primary``, ``fallback`` or ``late``.
    until
        UTC seconds at which what it belongs under ended.
    """
    about = {
        "status": str(record.status),
        "why": record.why,
        "solver": str(record.solver.get("solver", "")),
        "evidence": str(record.evidence),
    }
    end = min(until, started + record.end_to_end)
    failed = "" if record.feasible else record.why or str(record.status)
    name = write(f"attempt {role}", parent, started, end, about, failed=failed)
    at = started
    for part in fields(record.clocks):
        seconds = getattr(record.clocks, part.name)
        if seconds > 0 and name:
            after = min(end, at + seconds)
            write(f"stage {part.name}", name, min(at, end), after, {"seconds": seconds})
        at += seconds


def tell_job(job: Job, happened: Sequence[Event]) -> None:
    """Write the span of a paid job that is over, with one for each call and each wait of it.

    Providers' clocks differ from ours: queue and run are moved within the job's time, and say in
    an attribute how long they were.
    """
    end = job.planned if job.concluded is None else job.concluded
    about = {
        "backend": job.backend,
        "state": job.state.value,
        "job": job.id,
        "correlation": job.correlation,
        "attempts": job.attempts,
        "shots": job.shots,
        "cause": "" if job.cause is None else job.cause.value,
        "why": job.why,
        **({} if job.billed is None else {"spend": float(job.billed.amount)}),
    }
    failed = "" if job.state.value == "done" else job.why or job.state.value
    parent = str(job.purpose.get(PARENT, ""))
    name = write(f"job {job.backend}", parent, job.planned, end, about, failed=failed)
    if not name:
        return

    def tell(what: str, began: float, ended: float, said: Mapping[str, Any]) -> None:
        first = min(max(began, job.planned), end)
        write(what, name, first, min(max(ended, first), end), said)

    for event in happened:
        if event.seconds is not None:
            said = {"attempt": event.attempt, "alarm": event.alarm, "seconds": event.seconds}
            tell(f"call {event.kind}", event.at - event.seconds, event.at, said)
    if job.submitted is not None and job.queue_seconds is not None:
        began = job.submitted + job.queue_seconds
        tell("queue", job.submitted, began, {"seconds": job.queue_seconds})
        if job.run_seconds is not None:
            tell("run", began, began + job.run_seconds, {"seconds": job.run_seconds})


def tell_stage(run: Run, row: StageRow) -> None:
    """Write the span of a stage of a pipeline that has ended."""
    if row.started is None and row.ended is None:
        return
    ended = row.ended or row.started or 0.0
    about = {
        "pipeline": run.name,
        "run": run.id,
        "stage": row.stage,
        "state": row.state,
        "why": row.why,
        "attempts": row.attempts,
        "reused": row.reused,
        "executor": row.executor,
        "job": row.job,
    }
    failed = row.why or row.state if row.state in {"failed", "cancelled"} else ""
    began = ended if row.started is None else row.started
    name = f"stage {row.stage}"
    write(name, reserved(run.id), began, ended, about, failed=failed, own=(run.id, row.stage))


def tell_run(run: Run) -> None:
    """Write the span of a run of a pipeline that has ended."""
    about = {"pipeline": run.name, "run": run.id, "state": run.state, "revision": run.revision}
    failed = "" if run.state == "done" else run.state
    ended = run.created if run.ended is None else run.ended
    write(f"pipeline {run.name}", "", run.created, ended, about, failed=failed, own=(run.id, ""))


def _begun(record: Record, first: float, last: float) -> float:
    """UTC seconds at which an attempt began, within its decision's time."""
    if "ledger_job" in record.facts or not record.created:
        return first  # of several requests; their times follow each other from the first
    ended = datetime.fromisoformat(record.created).timestamp()  # a record is written at its end
    return min(max(ended - record.end_to_end, first), max(first, last - record.end_to_end))
