from __future__ import annotations

from typing import Any

import pytest

from qupel.errors import InputError
from qupel.runs.attempt import attempt
from qupel.runs.contract import Contract
from qupel.runs.record import Status
from qupel.runs.task import Task
from tests.runs.toy import SMALL, Climb, Knapsack, Packing, Rows, Shots, Within

INPUT = {
    "type": "object",
    "required": ["worth", "weights", "limit"],
    "properties": {
        "limit": {"type": "number", "exclusiveMinimum": 0},
        "weights": {"type": "array", "items": {"type": "number", "minimum": 0}},
    },
}
RESULT = {
    "type": "object",
    "required": ["items"],
    "properties": {"items": {"type": "array", "items": {"type": "integer", "maximum": 2}}},
}
KEPT = Contract(
    input=INPUT,
    max_variables=3,
    max_qubits=4,
    max_shots=64,
    max_payload_bytes=1000,
    max_seconds=2.0,
    result=RESULT,
    needs_fallback=True,
)


def made(contract: Contract, solver: Any = Shots(), problem: Knapsack = SMALL, **more: Any) -> Any:  # noqa: B008  a frozen value
    more = {"seconds": 2.0, "fallback": Climb(), **more}
    return attempt(Task.of(problem, solver, contract=contract, **more))


def test_an_attempt_that_keeps_its_contract_is_made() -> None:
    assert made(KEPT).status is Status.ANSWERED


@pytest.mark.parametrize(
    ("field", "contract", "more"),
    [
        ("input", Contract(input={**INPUT, "required": ["depot"]}), {}),
        ("input", Contract(input={"typ": "object"}), {}),
        ("ranges", KEPT, {"problem": Knapsack((5.0, 2.0), (4.0, -3.0), 7.0)}),
        ("max_variables", Contract(max_variables=2), {}),
        ("max_variables", Contract(max_variables=5), {"solver": Climb()}),  # slack bits count
        ("max_qubits", Contract(max_qubits=2), {}),
        ("max_qubits", Contract(max_qubits=3), {"solver": Within(Shots(), size=4)}),
        ("max_shots", Contract(max_shots=63), {}),
        ("max_shots", Contract(max_shots=63), {"solver": Within(Within(Shots(64)))}),
        ("max_payload_bytes", Contract(max_payload_bytes=20), {}),
        ("max_seconds", Contract(max_seconds=1.0), {}),
        ("result", Contract(result={**RESULT, "required": ["boxes"]}), {}),
        ("result", Contract(result={"type": "thing"}), {}),
        ("fallback", Contract(needs_fallback=True), {"fallback": None}),
    ],
)
def test_a_broken_field_refuses_the_attempt_by_its_name(
    field: str, contract: Contract, more: dict[str, Any]
) -> None:
    record = made(contract, **more)
    assert record.status is Status.REFUSED
    assert record.why.startswith(f"contract field {field!r}: ")
    assert record.clocks.execute == 0.0, "the solver was not called"
    assert record.objective is None


def test_qubits_are_those_of_quantum_steps_alone() -> None:
    rows = Rows(((1, 0, 0),))
    assert made(Contract(max_qubits=2), rows).status is Status.ANSWERED


def test_an_answer_outside_the_result_schema_does_not_go_out() -> None:
    narrow = {**RESULT, "properties": {"items": {"type": "array", "maxItems": 1}}}
    record = made(Contract(result=narrow))
    assert record.status is Status.FAILED
    assert record.why == ("contract field 'result': items must have at most 1 items, got 2")


def test_an_answer_that_its_file_does_not_hold_does_not_go_out() -> None:
    class Forgetful(Knapsack):
        def write_answer(self, answer: Packing) -> str:
            return super().write_answer(Packing(answer.items[:1]))

    problem = Forgetful(SMALL.worth, SMALL.weights, SMALL.limit)
    task = Task.of(SMALL, Shots(), seconds=1.0, contract=Contract())
    record = attempt(task, problem=problem)
    assert record.status is Status.FAILED
    assert "written as a solution file it is worth 5.0, as it was found 8.0" in record.why


def test_limits_must_be_above_zero() -> None:
    with pytest.raises(InputError, match="max_shots must be above 0"):
        Contract(max_shots=0)
