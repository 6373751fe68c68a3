"""Spans of decisions, jobs and pipelines, through the API of OpenTelemetry.

Nothing is recorded until the process sets up OpenTelemetry's SDK, or `begin` does it by the usual
variables. Attempts, jobs and stages keep their times in their own records, so their spans are
written from these when they are over, with the times they had: tracing costs a decision next to
nothing while it is made, and what another process finishes later still hangs under the decision
that ordered it.

A run of a pipeline is worked on by several processes, some of which die. The names of its spans
are therefore made from its id, so that all of them know the parent before it is written, and what
is written twice is one span. Whoever sets up the SDK without `begin` gives it `ids()`.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from qupel.errors import InputError
from qupel.runs.telemetry.secrets import redacted

if TYPE_CHECKING:
    from qupel.runs.durable.run import Run, StageRow
    from qupel.runs.ledger.jobs import Event, Job
    from qupel.runs.record import Record
    from qupel.runs.routes.decision import Decision

#: Key of a job's purpose under which the span that ordered it stands.
PARENT = "traceparent"
#: Variables that name a collector; the first is ours, the others are OpenTelemetry's.
VARIABLES = ("QUPEL_OTLP", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
#: Seconds that one sending may take, unless ``OTEL_EXPORTER_OTLP_TIMEOUT`` says otherwise.
SENDING = 2
#: Numbers of the trace and the span that is begun next, where they are chosen beforehand.
_chosen: ContextVar[tuple[int, int] | None] = ContextVar("qupel_trace", default=None)


def begin() -> str:
    """Send spans where the environment says; return why that cannot be, empty if it can.

    Nothing is sent, and nothing loaded, where none of `VARIABLES` is set.
    """
    if are_kept() or not any(os.environ.get(name) for name in VARIABLES):
        return ""
    try:
        export(os.environ.get(VARIABLES[0], ""))
    except InputError as error:
        return str(error)
    return ""


def export(endpoint: str = "") -> None:
    """Send spans to an OpenTelemetry collector (OTLP over HTTP).

    Parameters
    ----------
    endpoint
        URL of the collector; unless given, what ``OTEL_EXPORTER_OTLP_ENDPOINT`` says.

    Raises
    ------
    InputError
        If the extra ``otel`` is not installed.
    """
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise InputError('sending traces needs: pip install "qupel[otel]"') from error
    named = Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME") or "qupel"})
    provider = TracerProvider(resource=named, id_generator=ids())
    timeout = None if os.environ.get("OTEL_EXPORTER_OTLP_TIMEOUT") else SENDING
    place = f"{endpoint.rstrip('/')}/v1/traces" if endpoint else None
    exporter = OTLPSpanExporter(endpoint=place, timeout=timeout)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)


def ids() -> Any:
    """Return the generator of ids for OpenTelemetry's ``TracerProvider(id_generator=...)``."""
    return _ids_type()()


@cache
def _ids_type() -> type[Any]:
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

    class Ids(RandomIdGenerator):
        """Numbers that were chosen beforehand, else random ones."""

        def generate_trace_id(self) -> int:
            chosen = _chosen.get()
            return super().generate_trace_id() if chosen is None else chosen[0]

        def generate_span_id(self) -> int:
            chosen = _chosen.get()
            return super().generate_span_id() if chosen is None else chosen[1]

    return Ids


def are_kept() -> bool:
    """Whether somebody set up an SDK; where nobody did, not even the API is loaded."""
    api = sys.modules.get("opentelemetry.trace")
    if api is None:
        return False
    provider = api.get_tracer_provider()
    return not isinstance(provider, api.ProxyTracerProvider | api.NoOpTracerProvider)


def reserved(run_id: str, stage: str = "") -> str:
    """Name of the span of a pipeline's run, or of one of its stages, before it is written.

    Empty where spans are not kept, or another SDK chooses their numbers.
    """
    if not are_kept():
        return ""
    from opentelemetry import trace

    provider: Any = trace.get_tracer_provider()
    if not isinstance(getattr(provider, "id_generator", None), _ids_type()):
        return ""
    number, span_id = _numbers(run_id, stage)
    # Whoever samples asks the trace's number alone, so that all processes agree.
    found = provider.sampler.should_sample(None, number, "pipeline")
    return f"00-{number:032x}-{span_id:016x}-{int(found.decision.is_sampled()):02x}"


def travelling(name: str) -> dict[str, str]:
    """What a job's purpose says of the span that ordered it; nothing where there is none."""
    return {PARENT: name} if name else {}


@dataclass(frozen=True, slots=True)
class Opened:
    """A span under way.

    Attributes
    ----------
    name
        Of it, for what belongs under it; empty if it is not kept.
    """

    name: str
    span: Any


def open_decision(route: str, at: float) -> Opened | None:
    """Open the span of a decision; None where nobody keeps spans.

    Parameters
    ----------
    at
        UTC seconds of the request.
    """
    if not are_kept():
        return None
    opened = _tracer().start_span(
        f"decision {route}", attributes=_plain({"route": route}), start_time=_nanos(at)
    )
    return Opened(_name_of(opened), opened)


def tell_decision(opened: Opened, decision: Decision) -> None:
    """Write the span of a decision and those of its attempts."""
    ended = decision.created + decision.seconds
    opened.span.set_attributes(
        _plain(
            {
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
        )
    )
    if not decision.feasible:
        _mark_failed(opened.span, decision.why)
    for role, record in (("primary", decision.primary), ("fallback", decision.fallback)):
        if record is not None:
            began = _begun(record, decision.created, ended)
            tell_record(record, began, parent=opened.name, role=role, until=ended)
    opened.span.end(_nanos(ended))


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
    name = _tell(f"attempt {role}", parent, started, end, about, failed=failed)
    at = started
    for part in fields(record.clocks):
        seconds = getattr(record.clocks, part.name)
        if seconds > 0 and name:
            after = min(end, at + seconds)
            _tell(f"stage {part.name}", name, min(at, end), after, {"seconds": seconds})
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
    name = _tell(f"job {job.backend}", parent, job.planned, end, about, failed=failed)
    if not name:
        return

    def tell(what: str, began: float, ended: float, said: Mapping[str, Any]) -> None:
        first = min(max(began, job.planned), end)
        _tell(what, name, first, min(max(ended, first), end), said)

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
    _tell(name, reserved(run.id), began, ended, about, failed=failed, own=(run.id, row.stage))


def tell_run(run: Run) -> None:
    """Write the span of a run of a pipeline that has ended."""
    about = {"pipeline": run.name, "run": run.id, "state": run.state, "revision": run.revision}
    failed = "" if run.state == "done" else run.state
    ended = run.created if run.ended is None else run.ended
    _tell(f"pipeline {run.name}", "", run.created, ended, about, failed=failed, own=(run.id, ""))


def _begun(record: Record, first: float, last: float) -> float:
    """UTC seconds at which an attempt began, within its decision's time."""
    if "ledger_job" in record.facts or not record.created:
        return first  # of several requests; their times follow each other from the first
    ended = datetime.fromisoformat(record.created).timestamp()  # a record is written at its end
    return min(max(ended - record.end_to_end, first), max(first, last - record.end_to_end))


def _tell(
    name: str,
    parent: str,
    start: float,
    end: float,
    attributes: Mapping[str, Any],
    *,
    failed: str = "",
    own: tuple[str, str] | None = None,
) -> str:
    """Write a span that is over; return its name, empty if it is not kept."""
    chosen = _chosen.set(None if own is None else _numbers(*own))
    try:
        opened = _tracer().start_span(
            name, context=_context(parent), attributes=_plain(attributes), start_time=_nanos(start)
        )
    finally:
        _chosen.reset(chosen)
    if failed:
        _mark_failed(opened, failed)
    opened.end(_nanos(max(start, end)))
    return _name_of(opened)


def _mark_failed(opened: Any, why: str) -> None:
    from opentelemetry.trace import Status, StatusCode

    opened.set_status(Status(StatusCode.ERROR, _clean(why)))


def _numbers(run_id: str, stage: str) -> tuple[int, int]:
    """Numbers of a run's trace and of a span in it; neither is zero."""
    trace_id = hashlib.sha256(f"run {run_id}".encode()).digest()[:16]
    span_id = hashlib.sha256(f"run {run_id} stage {stage}".encode()).digest()[:8]
    return int.from_bytes(trace_id) or 1, int.from_bytes(span_id) or 1


def _tracer() -> Any:
    from opentelemetry import trace

    return trace.get_tracer("qupel")


def _context(parent: str) -> Any:
    """Context in which a span of another process is the current one, or none is."""
    from opentelemetry.context import Context

    if not parent:
        return Context()
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator().extract({PARENT: parent}, Context())


def _name_of(opened: Any) -> str:
    """W3C trace parent of a span that is kept, empty for one that is not."""
    found = opened.get_span_context()
    if not (found.is_valid and found.trace_flags.sampled):
        return ""
    return f"00-{found.trace_id:032x}-{found.span_id:016x}-{int(found.trace_flags):02x}"


def _plain(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes under our names, without what is empty, and without secrets."""
    return {
        f"qupel.{name}": value if isinstance(value, bool | int | float) else _clean(str(value))
        for name, value in attributes.items()
        if value != ""
    }


def _clean(said: str) -> str:
    return str(redacted({"said": said})["said"])


def _nanos(seconds: float) -> int:
    return int(seconds * 1e9)
