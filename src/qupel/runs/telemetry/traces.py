"""Spans of decisions, jobs and pipelines, through the API of OpenTelemetry.

Nothing is recorded until the process sets up OpenTelemetry's SDK, or `export` does it by the usual
variables. Attempts and jobs keep their times in their own records, so their spans are written from
these when they are over, with the times they had: tracing costs a decision nothing while it is
made, and what another process finishes later still hangs under the decision that ordered it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from qupel.errors import InputError

if TYPE_CHECKING:
    from qupel.runs.ledger.jobs import Event, Job
    from qupel.runs.record import Record

#: Key of a job's purpose under which the span that ordered it stands.
PARENT = "traceparent"


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
    provider = TracerProvider(resource=Resource.create({"service.name": "qupel"}))
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces" if endpoint else None)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)


@contextmanager
def span(name: str, *, parent: str = "", **attributes: Any) -> Iterator[str]:
    """Time what happens inside, as a span; yields its name for `parent`, empty if none is kept.

    Parameters
    ----------
    name
        Of the span.
    parent
        What `span` gave in this or another process; the span around this one unless given.
    attributes
        Strings, numbers and truth values.
    """
    with _tracer().start_as_current_span(
        name, context=_context(parent), attributes=_plain(attributes)
    ) as opened:
        yield _name_of(opened)


def tell_record(record: Record, started: float, *, parent: str, role: str) -> None:
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
        ``primary`` or ``fallback``.
    """
    about = {"status": str(record.status), "solver": str(record.solver.get("solver", ""))}
    end = started + record.end_to_end
    name = _tell(f"attempt {role}", parent, started, end, {**about, "evidence": record.evidence})
    at = started
    for part in fields(record.clocks):
        seconds = getattr(record.clocks, part.name)
        if seconds > 0 and name:
            _tell(f"stage {part.name}", name, at, at + seconds, {})
        at += seconds


def tell_job(job: Job, happened: Sequence[Event]) -> None:
    """Write the span of a paid job that is over, with one for each call and each wait of it."""
    end = job.planned if job.concluded is None else job.concluded
    about = {
        "backend": job.backend,
        "state": job.state.value,
        "correlation": job.correlation,
        "attempts": job.attempts,
        "cause": "" if job.cause is None else job.cause.value,
        "spend": 0.0 if job.billed is None else float(job.billed.amount),
    }
    name = _tell(f"job {job.backend}", str(job.purpose.get(PARENT, "")), job.planned, end, about)
    if not name:
        return
    for event in happened:
        if event.seconds is not None:
            _tell(event.kind, name, event.at - event.seconds, event.at, {"alarm": event.alarm})
    if job.submitted is not None and job.queue_seconds is not None:
        began = job.submitted + job.queue_seconds
        _tell("queue", name, job.submitted, began, {})
        if job.run_seconds is not None:
            _tell("run", name, began, began + job.run_seconds, {})


def tell_stage(
    pipeline: str, stage: str, started: float, ended: float, *, parent: str, **about: Any
) -> str:
    """Write the span of a pipeline's stage; return its name."""
    return _tell(f"stage {stage}", parent, started, ended, {"pipeline": pipeline, **about})


def _tell(name: str, parent: str, start: float, end: float, attributes: Mapping[str, Any]) -> str:
    opened = _tracer().start_span(
        name, context=_context(parent), attributes=_plain(attributes), start_time=_nanos(start)
    )
    opened.end(_nanos(max(start, end)))
    return _name_of(opened)


def _tracer() -> Any:
    from opentelemetry import trace

    return trace.get_tracer("qupel")


def _context(parent: str) -> Any:
    """Context in which a span of another process is the current one; ours if there is none."""
    if not parent:
        return None
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator().extract({PARENT: parent})


def _name_of(opened: Any) -> str:
    """W3C trace parent of a span that is kept, empty for one that is not."""
    found = opened.get_span_context()
    if not (found.is_valid and found.trace_flags.sampled):
        return ""
    return f"00-{found.trace_id:032x}-{found.span_id:016x}-{int(found.trace_flags):02x}"


def _plain(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {
        f"qupel.{name}": value if isinstance(value, bool | int | float) else str(value)
        for name, value in attributes.items()
    }


def _nanos(seconds: float) -> int:
    return int(seconds * 1e9)
