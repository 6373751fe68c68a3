"""A decision again, from its log alone."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from qupel.errors import InputError
from qupel.problems.maxcut import MaxCut
from qupel.runs.database import Database
from qupel.runs.routes.decision import Answerer, Decision
from qupel.runs.routes.inputs import Inputs
from qupel.runs.routes.replaying import Step, decision_log, replay
from qupel.runs.routes.route import Arm, Mode
from qupel.runs.routes.service import Routes
from tests.runs.routes.conftest import CUT, Decide, put_in_force, route_to
from tests.runs.routes.providers import Rogue


def logged(routes: Routes, decision: Decision) -> dict[str, Any]:
    """The log of a decision, as it is after being written to a file."""
    database: Database = routes.desk.database()
    until = time.monotonic() + 240
    while Inputs(database).of(decision.problem_hash) is None and time.monotonic() < until:
        time.sleep(0.01)  # the data are kept after the answer has gone out
    found: dict[str, Any] = json.loads(json.dumps(decision_log(database, decision)))
    return found


def checked(document: dict[str, Any]) -> list[Step]:
    """The steps of a replay but the last, which tells what no log can show."""
    *steps, rest = replay(document)
    assert rest.equal is None
    assert rest.why.startswith("taken on trust: when it was made")
    return steps


@pytest.fixture
def paid(decide: Decide, routes: Routes) -> dict[str, Any]:
    decision = decide(Rogue())
    assert decision.answered_by is Answerer.PRIMARY
    return logged(routes, decision)


def test_an_ordered_decision_is_repeated_from_what_was_measured(paid: dict[str, Any]) -> None:
    assert [(step.name, step.equal) for step in replay(paid)] == [
        ("data", True),
        ("judgement", True),
        ("records", True),
        ("answer", True),
        ("the rest", None),
    ]


def test_a_fallbacks_answer_is_repeated(decide: Decide, routes: Routes) -> None:
    decision = decide(Rogue("refusing"))
    assert decision.answered_by is Answerer.FALLBACK
    assert all(step.equal for step in checked(logged(routes, decision)))


def test_a_search_ended_by_rounds_is_repeated(routes: Routes) -> None:
    route = route_to(Rogue(), name="tabu-alone", primary=Arm("tabu", rounds=20), seed=3)
    put_in_force(routes, route, Mode.CLASSICAL)
    decision = routes["tabu-alone"].decide(CUT)
    assert all(step.equal for step in checked(logged(routes, decision)))


def test_data_that_were_changed_are_told(paid: dict[str, Any]) -> None:
    paid["problem"]["document"] = MaxCut.random(2, nodes=8)[0].document()
    data, judgement, _, answer = checked(json.loads(json.dumps(paid, default=lambda a: a.tolist())))
    assert (data.equal, data.within(1e9)) == (False, False)
    assert data.why.startswith("data or route are not those")
    assert not judgement.equal
    assert not answer.equal


def test_an_objective_that_was_changed_is_told_with_its_size(paid: dict[str, Any]) -> None:
    paid["decision"]["objective"] *= 1 + 1e-10
    _, judgement, _, _ = checked(paid)
    assert judgement.equal is False
    assert judgement.within(1e-9)
    assert not judgement.within(1e-12)


def test_without_what_was_measured_the_answer_is_judged_alone(paid: dict[str, Any]) -> None:
    _, judgement, _, answer = checked({**paid, "result": ""})
    assert (judgement.equal, answer.equal) == (True, None)
    assert answer.why == "what was measured is not in the log"


def test_what_is_no_log_is_told(decide: Decide, routes: Routes) -> None:
    with pytest.raises(InputError, match="no log of a decision of version 1"):
        replay({"log": 1})
    decision = Decision.from_json({**decide(Rogue()).to_json(), "problem_hash": "0" * 64})
    with pytest.raises(InputError, match="its data are not kept"):
        decision_log(routes.desk.database(), decision)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (("answered_by",), "fallback"),
        (("quantum",), "switched off"),
        (("seconds",), 99.0),
        (("answer",), None),
        (("primary",), None),
        (("primary", "objective"), 1.0),
        (("fallback", "objective"), 999.0),
        (("primary", "problem_hash"), "0" * 64),
        (("job",), "another"),
    ],
    ids=lambda part: ".".join(part) if isinstance(part, tuple) else "",
)
def test_what_was_changed_in_a_log_is_told(
    paid: dict[str, Any], field: tuple[str, ...], value: object
) -> None:
    held = paid["decision"]
    for name in field[:-1]:
        held = held[name]
    held[field[-1]] = value
    assert any(step.equal is False for step in checked(paid))


@pytest.mark.parametrize("part", ["decision", "route", "problem"])
def test_a_damaged_log_is_refused(paid: dict[str, Any], part: str) -> None:
    with pytest.raises(InputError):
        replay({**paid, part: 3})
