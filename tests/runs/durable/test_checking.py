from __future__ import annotations

from typing import Any

import pytest

from qupel.errors import InputError
from qupel.runs.durable.checking import check, faults
from qupel.runs.durable.pipeline import Pipeline, Stage
from tests.runs.durable.conftest import SHOP, function

LOAD = Stage("graph", "load", {}, {"file": "g.txt"})
HOSTED = {"solver": "qupel.solvers.quantum.hosted:HostedQaoa", "backend": "local:statevector"}


def paid(**more: Any) -> Stage:
    settings = {"solver": HOSTED, "fallback": "tabu", **more.pop("settings", {})}
    given = {"needs": {"problem": "graph"}, "quantum": True, **more}
    return Stage(given.pop("name", "paid"), "quantum", given.pop("needs"), settings, **given)


def told(*stages: Stage) -> list[str]:
    return [str(fault) for fault in faults(Pipeline("p", stages))]


def test_a_sound_pipeline_has_no_faults() -> None:
    judge = Stage("judge", "judge", {"problem": "graph", "answer": "paid"})
    assert told(LOAD, paid(), judge) == []


@pytest.mark.parametrize(
    ("stage", "said"),
    [
        (Stage("x", "sovle"), "unknown kind of stage 'sovle'; did you mean 'solve'?"),
        (Stage("x", "load", {}, {"file": "g", "famly": "m"}), "did you mean 'family'?"),
        (Stage("x", "load"), "stage 'x', file: is missing"),
        (Stage("x", "load", {}, {"file": 3}), "stage 'x', file: got 3;"),
        (Stage("x", "load", {}, {"file": "g"}, role="ingst"), "did you mean 'ingest'?"),
        (Stage("x", "judge", {"problem": "graph"}), "input 'answer' is missing"),
        (Stage("x", "solve", {"problem": "grap"}, {"solver": "tabu"}), "did you mean 'graph'?"),
        (
            Stage("x", "judge", {"problem": "graph", "answer": "graph"}),
            "needs.answer: wants answer, and stage 'graph' gives problem",
        ),
        (
            Stage("x", "solve", {"problem": "graph.problm"}, {"solver": "tabu"}),
            "did you mean 'problem'?",
        ),
        (
            Stage("x", "solve", {"problem": "graph", "grpah": "graph"}, {"solver": "tabu"}),
            "unknown input 'grpah'",
        ),
        (Stage("x", "solve", {"problem": "graph"}, {"solver": "tabo"}), "did you mean 'tabu'?"),
        (
            Stage("x", "solve", {"problem": "graph"}, {"solver": "tabu", "seconds": -1.0}),
            "seconds: must be above 0",
        ),
        (function("x", "nothing"), "cannot be imported"),
        (function("x", "total"), "missing a required argument"),
        (function("x", "rows", arguments={"count": 3}, outputs={"t": "tabel"}), "'table'"),
        (function("x", "rows", arguments={"count": 3}, outputs={}), "at least one output"),
    ],
)
def test_every_fault_names_stage_field_and_remedy(stage: Stage, said: str) -> None:
    [fault] = told(LOAD, stage)
    assert said in fault
    assert "stage 'x'" in fault


def test_a_cycle_is_told_stage_by_stage() -> None:
    one = function("one", "total", {"numbers": "three"})
    two = function("two", "total", {"numbers": "one"})
    three = function("three", "total", {"numbers": "two"})
    assert told(one, two, three) == [
        "stage 'one', needs: waits for itself: one -> three -> two -> one; "
        "take one of these needs away"
    ]


def test_types_of_functions_are_compared_by_their_schemas() -> None:
    table = function("rows", "rows", arguments={"count": 3}, outputs={"table": "table"})
    numbers = {"type": "array", "items": {"type": "number"}}
    wrong = function("sum", "total", {"numbers": "rows"}, inputs={"numbers": numbers})
    assert "wants a schema of array, and stage 'rows' gives table" in told(table, wrong)[0]


def test_a_stage_of_several_outputs_is_named_with_one() -> None:
    numbers = function("n", "scored", arguments={"table": []}, outputs={"out": "document"})
    both = function("both", "both", {"numbers": "n"}, outputs={"least": "number", "most": "number"})
    assert (
        "say both.<output>" in told(numbers, both, function("x", "total", {"numbers": "both"}))[0]
    )


def test_quantum_without_label_is_refused() -> None:
    assert "does not say so" in told(LOAD, paid(quantum=False))[0]
    solve = Stage("s", "solve", {"problem": "graph"}, {"solver": "qaoa", "fallback": "tabu"})
    assert "does not say so" in told(LOAD, solve)[0]


@pytest.mark.parametrize("fallback", [None, "qaoa"])
def test_quantum_without_a_classical_fallback_is_refused(fallback: str | None) -> None:
    assert "needs a classical fallback" in told(LOAD, paid(settings={"fallback": fallback}))[0]


@pytest.mark.parametrize("role", ["ingest", "features", "governance", "inference", "routing"])
def test_roles_that_stay_classical_take_no_quantum(role: str) -> None:
    assert any(f"may not be for {role!r}" in fault for fault in told(LOAD, paid(role=role)))


def test_inference_does_not_wait_for_quantum() -> None:
    scores = function("scores", "checked", {"problem": "paid"}, role="inference")
    [fault] = told(LOAD, paid(), scores)
    assert "inference would wait for the quantum stage 'paid'" in fault


def test_quantum_stands_behind_governance() -> None:
    cleared = function("cleared", "checked", {"problem": "graph"}, role="governance",
                       inputs={"problem": "problem"}, outputs={"problem": "problem"})  # fmt: skip
    assert "stands before governance" in told(LOAD, cleared, paid())[0]
    assert told(LOAD, cleared, paid(needs={"problem": "cleared"})) == []


def test_a_solver_that_is_not_split_cannot_be_ordered() -> None:
    assert "not split around its order" in told(LOAD, paid(settings={"solver": "qaoa"}))[0]


def test_check_raises_with_every_fault() -> None:
    stages = (LOAD, Stage("x", "sovle"), Stage("y", "load"))
    with pytest.raises(InputError, match=r"(?s)stage 'x'.*stage 'y'"):
        check(Pipeline("p", stages))


def test_functions_are_looked_for_by_name() -> None:
    odd = Stage("x", "function", {}, {"call": SHOP, "outputs": {"a": "number"}})
    assert "package.module:function" in told(odd)[0]


@pytest.mark.parametrize("fallback", ["", f"{SHOP}:total"])
def test_a_function_is_no_way_round_the_gates_of_an_order(fallback: str) -> None:
    stages = (
        function("rows", "scored", arguments={"table": []}, outputs={"out": "document"}),
        function("own", "total", {"numbers": "rows"}, quantum=True, fallback=fallback),
    )
    [fault] = told(*stages)
    assert fault.startswith("stage 'own', quantum: a 'function' stage runs no quantum program")
    assert "use the kind 'quantum' for what is ordered, or 'solve'" in fault


def test_a_simulator_of_this_machine_stands_in_a_labelled_solve_stage() -> None:
    given = {"solver": "qaoa", "fallback": "tabu"}
    assert told(LOAD, Stage("s", "solve", {"problem": "graph"}, given, quantum=True)) == []
