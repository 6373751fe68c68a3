"""The data contract of a quantum stage: each field violated in turn stops it before it is sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from qupel.runs.durable.checking import faults
from qupel.runs.durable.hands import Hands
from qupel.runs.durable.pipeline import Pipeline, Stage
from tests.runs.durable.test_paying import Bench, bench_of

KEPT: dict[str, Any] = {
    "input": {"type": "object", "properties": {"nodes": {"type": "integer", "maximum": 8}}},
    "max_qubits": 8,
    "max_shots": 50,
    "result": {"type": "object"},
    "needs_fallback": True,
}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with Hands() as real, bench_of(real, tmp_path_factory.mktemp("contract")) as made:
        yield made


def test_a_stage_that_keeps_its_contract_is_ordered_and_answered(bench: Bench) -> None:
    orders = len(bench.fake.jobs)
    row = bench.run(contract=KEPT)
    assert (row.state, len(bench.fake.jobs)) == ("done", orders + 1)


@pytest.mark.parametrize(
    ("field", "broken"),
    [
        ("input", {"input": {"required": ["depot"]}}),
        ("ranges", {"input": {"properties": {"nodes": {"maximum": 7}}}}),
        ("max_qubits", {"max_qubits": 7}),
        ("max_shots", {"max_shots": 49}),
        ("max_variables", {"max_variables": 7}),
        ("max_payload_bytes", {"max_payload_bytes": 20}),
        ("max_seconds", {"max_seconds": 59.0}),
    ],
)
def test_a_broken_field_is_named_and_nothing_is_ordered(
    bench: Bench, field: str, broken: dict[str, Any]
) -> None:
    orders, calls = len(bench.fake.jobs), bench.fake.calls["submit"]
    row = bench.run(contract=broken)
    assert row.state == "fallback"
    assert row.why.startswith(f"nothing was ordered: contract field {field!r}: ")
    assert (len(bench.fake.jobs), bench.fake.calls["submit"], row.job) == (orders, calls, "")


def test_a_result_schema_that_answers_do_not_have_is_named_before_anything_is_ordered(
    bench: Bench,
) -> None:
    orders = len(bench.fake.jobs)
    row = bench.run(contract={"result": {"required": ["tour"]}})
    assert row.state == "failed"  # nor has the fallback an answer of that shape
    assert "contract field 'result'" in row.why
    assert (len(bench.fake.jobs), row.job) == (orders, "")


def test_a_quantum_stage_without_a_fallback_is_not_run_at_all(bench: Bench) -> None:
    [fault] = faults(bench.pipeline(fallback=None))
    assert (fault.stage, fault.field) == ("paid", "fallback")


@pytest.mark.parametrize(
    ("contract", "said"),
    [
        ({"max_qubit": 3}, "did you mean 'max_qubits'?"),
        ({"max_qubits": 0}, "max_qubits must be above 0"),
        ({"max_qubits": "many"}, "limits of a contract are numbers"),
        ({"input": {"typ": "object"}}, "typ"),
    ],
)
@pytest.mark.parametrize("kind", ["quantum", "solve"])
def test_a_contract_that_makes_no_sense_is_refused_as_the_file_is_read(
    bench: Bench, kind: str, contract: dict[str, Any], said: str
) -> None:
    stage = bench.stage(contract=contract)
    if kind == "solve":
        given = {"solver": "tabu", "contract": contract}
        stage = Stage("paid", "solve", {"problem": "graph"}, given)
    graph = Stage("graph", "load", {}, {"file": "graph.qupel.json"})
    [fault] = faults(Pipeline("bad", (graph, stage)))
    assert (fault.field, said in fault.message) == ("contract", True)


def test_a_solve_stage_keeps_its_contract_too(bench: Bench) -> None:
    graph = Stage("graph", "load", {}, {"file": "graph.qupel.json"})
    given = {"solver": "tabu", "rounds": 5, "contract": {"max_variables": 7}}
    cut = Stage("cut", "solve", {"problem": "graph"}, given)
    run_id = bench.host.log.submit(Pipeline("kept", (graph, cut)), bench.folder)
    for name in ("graph", "cut"):
        bench.host.log.release(run_id)
        bench.host.perform(run_id, name)
    row = bench.host.log.stage(run_id, "cut")
    assert (row.state, "contract field 'max_variables'" in row.why) == ("failed", True)
