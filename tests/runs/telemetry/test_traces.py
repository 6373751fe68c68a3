from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from qupel.runs.durable.run import Run, StageRow
from qupel.runs.telemetry import spans, traces
from tests.data import ROOT

RUN = Run("paid-1", "paid", "done", 100.0, 130.0, {}, "h", Path("/"), (), {}, "abc")
STAGE = StageRow("fit", "done", "k", {}, {}, {}, "", False, 1, "w", 101.0, 129.0, "")


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(id_generator=traces.ids(), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    return exporter


def test_nothing_is_kept_or_reserved_where_nobody_set_up_an_sdk() -> None:
    assert not traces.are_kept()
    assert spans.open_decision("cuts", 1.0) is None
    assert traces.reserved("paid-1", "fit") == ""
    assert traces.travelling("") == {}


def test_two_processes_that_tell_the_same_run_tell_the_same_spans(
    kept: InMemorySpanExporter,
) -> None:
    for _ in range(2):  # the second took over from the first, which died after telling
        spans.tell_stage(RUN, STAGE)
        spans.tell_run(RUN)
    told = kept.get_finished_spans()
    assert len(told) == 4
    assert len({(s.context.trace_id, s.context.span_id) for s in told}) == 2
    stage, run = told[:2]
    assert stage.parent is not None
    assert stage.parent.span_id == run.context.span_id
    assert (run.start_time, run.end_time) == (100 * 10**9, 130 * 10**9)


def test_what_is_ordered_travels_under_the_name_that_its_stage_will_have(
    kept: InMemorySpanExporter,
) -> None:
    ordered = traces.reserved("paid-1", "fit")
    spans.tell_stage(RUN, STAGE)
    [stage] = kept.get_finished_spans()
    assert ordered == f"00-{stage.context.trace_id:032x}-{stage.context.span_id:016x}-01"


def test_a_trace_that_is_not_sampled_is_not_sampled_in_another_process_either(
    kept: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = TracerProvider(sampler=ALWAYS_OFF, id_generator=traces.ids(), shutdown_on_exit=False)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    assert traces.reserved("paid-1").endswith("-00")


def test_another_sdk_with_numbers_of_its_own_gets_no_parents_that_do_not_exist(
    kept: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    spans.tell_stage(RUN, STAGE)
    [stage] = kept.get_finished_spans()
    assert stage.parent is None


SENDING = """
from qupel.runs.telemetry import spans, traces
from tests.runs.telemetry.test_traces import RUN
assert traces.begin() == "", traces.begin()
spans.tell_run(RUN)
"""


@pytest.fixture
def collector() -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    received: list[tuple[str, bytes]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((self.path, body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", received
        server.shutdown()
        thread.join()


@pytest.mark.slow
@pytest.mark.parametrize("variable", ["QUPEL_OTLP", "OTEL_EXPORTER_OTLP_ENDPOINT"])
def test_spans_are_sent_where_the_environment_says(
    collector: tuple[str, list[tuple[str, bytes]]], variable: str
) -> None:
    address, received = collector
    environment = {**os.environ, variable: address, "PYTHONPATH": str(ROOT)}
    subprocess.run(
        [sys.executable, "-c", SENDING], cwd=ROOT, env=environment, check=True, timeout=60
    )
    [(path, body)] = received
    assert path == "/v1/traces"
    assert b"pipeline paid" in body
