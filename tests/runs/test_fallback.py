from __future__ import annotations

from typing import Any

import pytest

from qupel.errors import InputError
from qupel.model.evidence import Evidence
from qupel.runs.contract import Contract
from qupel.runs.fallback import solve_route
from qupel.runs.pool import Workers
from qupel.runs.record import Record, Share, Status
from qupel.runs.slot import grace_seconds
from tests.clocked import quickest
from tests.runs.toy import SMALL, Packs, Rows, Shots

#: Finds the feasible answer of worth 5.
FALLBACK = Rows(((1, 0, 0),))
FEW_SHOTS = Contract(max_shots=1)
#: Of routes that are timed; others have time enough on any machine.
SOON = {"seconds": 1.0, "fallback_seconds": 0.2}


def route(workers: Workers, primary: Any, **more: Any) -> Record:
    more = {"seconds": 60.0, "fallback_seconds": 20.0, **more}
    return solve_route(SMALL, primary, more.pop("fallback", FALLBACK), workers=workers, **more)


def test_a_primary_that_answers_needs_no_fallback(workers: Workers) -> None:
    record = route(workers, Shots())
    assert (record.status, record.answered_by) == (Status.ANSWERED, "primary")
    assert record.objective == 8.0
    assert record.attempts == ()
    assert record.why == ""


@pytest.mark.parametrize(
    ("primary", "why", "more"),
    [
        (Packs("raise"), "the primary was unable to answer: KeyError: 'a surprise'", {}),
        (Packs("exit"), "the primary was unable to answer: the worker process died", {}),
        (Packs("segfault"), "the primary was unable to answer: the worker process died", {}),
        (Packs("sleep"), "the primary was killed: no answer within its budget", {}),
        (Shots(), "the primary was refused: contract field 'max_shots'", {"contract": FEW_SHOTS}),
        (Rows(((1, 1, 1),)), "the primary was infeasible: no sample is", {"repair": False}),
        (Rows(), "the primary was infeasible: The search found no feasible point", {}),
        ({"solver": "none-such"}, "the primary was unable to answer: unknown solver", {}),
    ],
)
def test_the_fallback_answers_when_the_primary_does_not(
    workers: Workers, primary: Any, why: str, more: dict[str, Any]
) -> None:
    timed = quickest(
        lambda: route(workers, primary, **SOON, **more),
        within=1.0 + 0.1,
        fine=lambda record: record.answered_by == "fallback" and record.why.startswith(why),
    )
    record, around = timed.value, timed.seconds
    assert around < 1.0 + 0.1, "the route keeps its deadline"
    assert (record.status, record.answered_by) == (Status.ANSWERED, "fallback")
    assert record.why.startswith(why)
    assert record.objective == 5.0
    assert record.feasible
    assert record.violations == ()
    assert record.solution == "0\n"
    assert [attempt["role"] for attempt in record.attempts] == ["primary", "fallback"]
    assert record.attempts[1]["status"] == "answered"
    assert record.clocks.total == pytest.approx(record.end_to_end, rel=0.01)
    assert record.end_to_end == pytest.approx(around, abs=0.1)


def test_evidence_and_counts_stay_the_primarys(workers: Workers) -> None:
    record = route(workers, Shots(shots=1, evidence="hardware"), repair=False, seed=4)
    while record.answered_by == "primary":
        record = route(
            workers, Shots(shots=1, evidence="hardware"), repair=False, seed=record.seed + 1
        )
    assert record.evidence is Evidence.HARDWARE
    assert record.raw == Share(0, 1)
    assert record.raw_objective is None
    assert record.solver["solver"] == "tests.runs.toy:Shots"


def test_a_route_ends_even_if_both_fail(workers: Workers) -> None:
    timed = quickest(
        lambda: route(workers, Packs("exit"), fallback=Packs("sleep"), **SOON),
        within=1.0 + 0.2,
        fine=lambda record: "exit code 7" in record.why,
    )
    record = timed.value
    assert timed.seconds < 1.0 + 0.2
    assert record.status is Status.FAILED
    assert record.answered_by == ""
    assert "exit code 7; the fallback was killed: no answer" in record.why
    assert record.objective is None


def test_an_infeasible_answer_is_told_if_the_fallback_fails_too(workers: Workers) -> None:
    record = route(workers, Rows(((1, 1, 1),)), fallback=Packs("raise"), repair=False)
    assert record.status is Status.INFEASIBLE
    assert record.objective == 10.0
    assert not record.feasible


def test_the_result_schema_holds_for_the_fallback_too(workers: Workers) -> None:
    empty = {"properties": {"items": {"maxItems": 0}}}
    record = route(workers, Packs("raise"), contract=Contract(result=empty))
    assert record.status is Status.FAILED
    assert "the fallback was unable to answer: contract field 'result'" in record.why


def test_a_route_hires_a_worker_if_it_is_given_none() -> None:
    record = solve_route(SMALL, Packs("exit"), FALLBACK, seconds=60.0)
    assert record.answered_by == "fallback"


def test_a_route_without_time_for_the_primary_is_refused(workers: Workers) -> None:
    with pytest.raises(InputError, match="leave no time for the primary"):
        route(workers, Shots(), seconds=0.2, fallback_seconds=0.2)


@pytest.mark.parametrize("seconds", [0.5, 3.0, 100.0])
def test_primary_fallback_and_both_graces_fit_in_the_routes_seconds(seconds: float) -> None:
    taken: list[Any] = []

    class Spy:
        def run(self, tasks: list[Any]) -> Any:
            taken.extend(tasks)
            return iter(tasks)

    solve_route(SMALL, Shots(), FALLBACK, seconds=seconds, workers=Spy())  # type: ignore[arg-type]
    [task] = taken
    parts = (task.seconds, task.fallback_seconds)
    total = sum(part + grace_seconds(part) for part in parts)
    assert total <= seconds + 1e-9
    assert total >= 0.9 * seconds
