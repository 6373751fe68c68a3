"""Spans through the API of OpenTelemetry: where they are sent, how they are named and written.

Nothing is recorded until the process sets up OpenTelemetry's SDK, or `begin` does it by the usual
variables.

A run of a pipeline is worked on by several processes, some of which die. The names of its spans
are therefore made from its id, so that all of them know the parent before it is written, and what
is written twice is one span. Whoever sets up the SDK without `begin` gives it `ids()`.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any

from qupel.errors import InputError
from qupel.runs.telemetry.secrets import redacted

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

    def end(
        self, at: float, attributes: Mapping[str, Any] | None = None, *, failed: str | None = None
    ) -> None:
        """End it at a time, UTC seconds, perhaps as failed, and why."""
        self.span.set_attributes(_plain(attributes or {}))
        if failed is not None:
            from opentelemetry.trace import Status, StatusCode

            self.span.set_status(Status(StatusCode.ERROR, _clean(failed)))
        self.span.end(_nanos(at))


def opened(name: str, at: float, attributes: Mapping[str, Any], context: Any = None) -> Opened:
    """Open a span at a time, UTC seconds; under the current one, unless a context is given."""
    from opentelemetry import trace

    span = trace.get_tracer("qupel").start_span(
        name, context=context, attributes=_plain(attributes), start_time=_nanos(at)
    )
    return Opened(_name_of(span), span)


def write(
    name: str,
    parent: str,
    start: float,
    end: float,
    attributes: Mapping[str, Any],
    *,
    failed: str = "",
    own: tuple[str, str] | None = None,
) -> str:
    """Write a span that is over; return its name, empty if it is not kept.

    Parameters
    ----------
    name, attributes
        What it says.
    parent
        Name of the span it belongs under; empty if it begins a trace.
    start, end
        UTC seconds.
    failed
        Why it failed; empty if it did not.
    own
        Run and stage of a pipeline, which name the span beforehand.
    """
    chosen = _chosen.set(None if own is None else _numbers(*own))
    try:
        made = opened(name, start, attributes, _context(parent))
    finally:
        _chosen.reset(chosen)
    made.end(max(start, end), failed=failed or None)
    return made.name


def _numbers(run_id: str, stage: str) -> tuple[int, int]:
    """Numbers of a run's trace and of a span in it; neither is zero."""
    trace_id = hashlib.sha256(f"run {run_id}".encode()).digest()[:16]
    span_id = hashlib.sha256(f"run {run_id} stage {stage}".encode()).digest()[:8]
    return int.from_bytes(trace_id) or 1, int.from_bytes(span_id) or 1


def _context(parent: str) -> Any:
    """Context in which a span of another process is the current one, or none is."""
    from opentelemetry.context import Context

    if not parent:
        return Context()
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator().extract({PARENT: parent}, Context())


def _name_of(span: Any) -> str:
    """W3C trace parent of a span that is kept, empty for one that is not."""
    found = span.get_span_context()
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
