from __future__ import annotations

import os
import re
import signal
import threading
import time
from typing import Any

import pytest

from qupel.errors import InputError, TransientError
from qupel.model.evidence import Evidence
from qupel.model.money import Money
from qupel.problems.maxcut import MaxCut
from qupel.runs.contract import Contract
from qupel.runs.description import family_name
from qupel.runs.errand import Errand
from qupel.runs.ledger.jobs import JobState
from qupel.runs.routes import arms, orders
from qupel.runs.routes.decision import TRIED, Answerer, Decision, Kept
from qupel.runs.routes.desk import FALLBACK, PRIMARY
from qupel.runs.routes.profile import Profile, Rule
from qupel.runs.routes.rescue import Rescue
from qupel.runs.routes.route import Arm, Budget, Mode
from qupel.runs.routes.service import Routes
from qupel.runs.task import Task
from tests.runs.routes.conftest import BRISK, CUT, GREEDY, Decide, put_in_force, route_to, unhurried
from tests.runs.routes.providers import Rogue
from tests.runs.toy import SMALL, Slow


def test_the_quantum_step_answers_where_it_is_in_time(decide: Decide) -> None:
    rogue = Rogue()
    decision = decide(rogue)
    assert decision.answered_by is Answerer.PRIMARY
    assert (decision.quantum, decision.why) == (TRIED, "")
    assert decision.on_time
    assert decision.primary is not None
    assert decision.primary.evidence is Evidence.EMULATOR
    assert decision.objective == CUT.judge(CUT.read_answer(decision.solution)).objective
    assert len(rogue.accepted) == 1


def test_a_result_that_was_there_in_time_is_not_late(decide: Decide, routes: Routes) -> None:
    decision = decide(Rogue())
    assert decision.answered_by is Answerer.PRIMARY
    assert decision.job
    assert routes[decision.route].status().unjudged == 0
    assert routes.late(decision.id) is None
    assert decision.id not in {made.id for made in routes.desk.book().open_jobs()}


def test_a_decision_has_the_clocks_of_both(decide: Decide) -> None:
    decision = decide(Rogue())
    assert decision.primary is not None
    assert decision.fallback is not None
    for record in (decision.primary, decision.fallback):
        assert record.clocks.total == pytest.approx(record.end_to_end, rel=0.01)
        assert 0 < record.end_to_end <= decision.seconds


def test_a_decision_survives_json(decide: Decide) -> None:
    decision = decide(Rogue())
    assert Decision.from_json(decision.to_json()) == decision


def test_what_was_decided_stands_in_the_database(decide: Decide, routes: Routes) -> None:
    decision = decide(Rogue())
    assert decision.kept is Kept.DATABASE
    assert routes.desk.book().decision(decision.id[:10]) == decision


#: Misdeeds of providers, and words of which the reason then says one.
REASONS = {
    "queue": "not over yet|no answer within",
    "slow": "no answer within",
    "malformed": "not over yet|paid_no_result|no answer within",
    "dead": "no answer within|not over yet|attempts failed",
    "silent": "not over yet|no answer within",
    "refusing": "no more orders from you",
    "odd": "not over yet|no answer within",
    "broken": "not over yet|no answer within|ambiguous",
    "hung": "no answer within",
}
QUICK = {"queue", "refusing", "hung"}


@pytest.mark.parametrize(
    ("misdeed", "reason"),
    [
        pytest.param(misdeed, reason, marks=() if misdeed in QUICK else pytest.mark.slow)
        for misdeed, reason in REASONS.items()
    ],
)
def test_the_fallback_answers_in_time_whatever_the_provider_does(
    decide: Decide, misdeed: str, reason: str
) -> None:
    begun = time.monotonic()
    decision = decide(Rogue(misdeed))
    assert time.monotonic() - begun < decision.deadline_seconds + 1.0
    assert decision.on_time
    assert decision.answered_by is Answerer.FALLBACK
    assert any(word in decision.why for word in reason.split("|")), decision.why
    assert decision.kept is Kept.DATABASE


def test_a_flaky_provider_still_answers(decide: Decide) -> None:
    decision = decide(Rogue("flaky"))
    assert decision.answered_by is Answerer.PRIMARY


def test_what_breaks_in_the_rescue_costs_the_primary_nothing(
    decide: Decide, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Rescue, "_fell_back", breaks)
    decision = decide(Rogue())
    assert (decision.answered_by, decision.quantum) == (Answerer.PRIMARY, TRIED)
    assert decision.seconds < decision.deadline_seconds / 2


def test_a_fallback_that_breaks_is_stood_in_for_by_a_last_resort(
    decide: Decide, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Rescue, "_fell_back", breaks)
    decision = decide(Rogue("refusing"))
    assert decision.answered_by in {Answerer.LAST_RESORT, Answerer.LAST_KNOWN}
    assert "no more orders from you" in decision.why
    assert "the fallback: KeyError: 'a surprise'" in decision.why
    assert decision.seconds < decision.deadline_seconds / 2


def test_where_no_thread_can_be_started_a_worker_builds_the_last_resort(
    decide: Decide, routes: Routes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crowded(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(Rescue, "_fell_back", breaks)
    monkeypatch.setattr(routes.desk.thinker, "leave", crowded)
    monkeypatch.setattr(Errand, "begin", crowded)
    decision = decide(Rogue("refusing"))
    assert decision.answered_by is Answerer.LAST_RESORT
    assert decision.seconds < decision.deadline_seconds / 2


def breaks(*_: object, **__: object) -> None:
    raise KeyError("a surprise")


def test_a_lie_is_judged_by_the_data_and_the_better_answer_goes_out(decide: Decide) -> None:
    decision = decide(Rogue("lying"))
    assert decision.primary is not None
    assert decision.primary.objective == 0.0  # no edge is cut with all nodes on one side
    assert decision.answered_by is Answerer.FALLBACK
    assert "the judge finds the fallback's answer better" in decision.why


@pytest.mark.slow
def test_four_failures_give_the_same_fallback_answer_and_their_cause(
    decide: Decide, routes: Routes
) -> None:
    routes.desk.ledger().set_budget("team:poor", money=Money.of("0.01"))
    poor = Budget(("team:poor",), "0.50 USD")
    cases: list[tuple[Rogue, dict[str, Any], str]] = [
        (Rogue(), {"budget": poor}, "team:poor"),
        (Rogue("queue"), {}, "not over yet|no answer within"),
        (Rogue("silent"), {}, "not over yet|no answer within"),
        (Rogue("refusing"), {}, "no more orders"),
    ]
    answers = set()
    for rogue, changed, cause in cases:
        for again in (rogue, Rogue(rogue.misdeed)):
            decision = decide(again, **changed)
            assert decision.answered_by is Answerer.FALLBACK
            assert re.search(cause, decision.why)
            answers.add(decision.solution)
    assert len(answers) == 1


def test_an_order_that_is_written_down_is_followed_whatever_breaks_next(
    decide: Decide, routes: Routes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "follow", breaks)  # while the decision waits for it
    decision = decide(Rogue())
    assert (decision.answered_by, decision.quantum) == (Answerer.FALLBACK, TRIED)
    assert decision.why == "ordered, but not followed in time: KeyError: 'a surprise'"
    until = time.monotonic() + 240
    while not (job := routes.desk.ledger().job(decision.job)).state.final:
        assert time.monotonic() < until, job.state
        time.sleep(0.05)
    assert job.state is JobState.DONE


def test_an_order_above_what_a_decision_may_cost_is_not_placed(decide: Decide) -> None:
    rogue = Rogue(price=Money.of(2))
    decision = decide(rogue)
    assert "the order may cost 2.00 USD, and one decision at most 0.50 USD" in decision.quantum
    assert rogue.accepted == []


def test_an_open_breaker_sends_the_decision_the_classical_way(decide: Decide) -> None:
    rogue = Rogue("dead")
    for _ in range(4):
        decision = decide(rogue, classical=Arm("tabu", rounds=50))
        if "breaker" in decision.quantum:
            break
    assert "is open after" in decision.quantum
    assert decision.answered_by is Answerer.CLASSICAL
    assert decision.stood_in
    assert decision.primary is not None
    assert decision.primary.solver["solver"] == "tabu"


def test_a_provider_that_cannot_be_asked_opens_its_breaker_and_is_left_alone(
    decide: Decide,
) -> None:
    rogue = Rogue("unreachable")
    reasons = [decide(rogue).quantum for _ in range(6)]
    assert all("nothing was sent" in reason for reason in reasons[:3])
    assert rogue.asked == sum("nothing was sent" in reason for reason in reasons)
    assert any("is open after" in decide(rogue).quantum for _ in range(100))


def test_a_provider_that_is_back_is_found_out_by_a_decision(decide: Decide) -> None:
    rogue = Rogue("unreachable")
    while "is open" not in decide(rogue).quantum:
        pass
    rogue.misdeed = "none"
    time.sleep(BRISK.probe)
    assert decide(rogue).quantum == TRIED
    assert decide(rogue).answered_by is Answerer.PRIMARY


@pytest.mark.parametrize(("most", "ordered"), [(8, 1), (7, 0)])
def test_the_profile_decides_whether_an_instance_goes_to_quantum(
    decide: Decide, most: int, ordered: int
) -> None:
    rogue = Rogue()
    decision = decide(rogue, profile=Profile((Rule("variables", at_most=most),)))
    assert len(rogue.accepted) == ordered
    assert decision.quantum == (TRIED if ordered else "profile: variables is 8, above 7")


TOO_LARGE = Profile((Rule("variables", at_most=7),))


@pytest.mark.parametrize(
    ("changed", "wanted", "answered_by"),
    [
        ({"profile": TOO_LARGE}, Answerer.FALLBACK, Answerer.FALLBACK),
        ({"profile": TOO_LARGE, "classical": GREEDY}, Answerer.CLASSICAL, Answerer.CLASSICAL),
    ],
)
def test_an_instance_that_the_profile_routes_to_classical_is_stood_in_for_by_nobody(
    decide: Decide, changed: dict[str, Any], wanted: Answerer, answered_by: Answerer
) -> None:
    decision = decide(Rogue(), **changed)
    assert (decision.wanted, decision.answered_by) == (wanted, answered_by)
    assert not decision.stood_in
    assert decision.why == decision.quantum == "profile: variables is 8, above 7"


def test_a_classical_arm_in_place_of_a_quantum_step_that_is_locked_stands_in(
    decide: Decide,
) -> None:
    decision = decide(Rogue(price=Money.of(2)), classical=GREEDY)
    assert (decision.wanted, decision.answered_by) == (Answerer.PRIMARY, Answerer.CLASSICAL)
    assert decision.stood_in
    assert "one decision at most 0.50 USD" in decision.why


def test_the_profile_is_asked_before_the_gates(routes: Routes, providers: dict[str, Rogue]) -> None:
    rogue = Rogue()
    providers[rogue.name] = rogue
    route = route_to(rogue, profile=TOO_LARGE)
    routes.desk.roster().deploy(route, mode=Mode.QUANTUM, who="Ada", why="", at=1.0)
    decision = routes[route.name].decide(CUT)
    assert decision.quantum == "profile: variables is 8, above 7"  # not: has passed no simulator


def test_a_classical_arm_that_fails_is_stood_in_for_by_the_fallback(routes: Routes) -> None:
    packs = Arm("tests.runs.toy:Packs", {"mischief": "raise"})
    route = put_in_force(routes, toy_route(Rogue(), primary=packs))
    decision = routes[route.name].decide(SMALL)
    assert (decision.wanted, decision.answered_by) == (Answerer.PRIMARY, Answerer.FALLBACK)
    assert decision.stood_in


@pytest.mark.parametrize(
    ("field", "contract"),
    [
        ("input", Contract(input={"required": ["colour"]})),
        ("ranges", Contract(input={"properties": {"nodes": {"maximum": 7}}})),
        ("max_qubits", Contract(max_qubits=7)),
        ("max_shots", Contract(max_shots=100)),
        ("max_payload_bytes", Contract(max_payload_bytes=10)),
        ("max_seconds", Contract(max_seconds=0.1)),
    ],
)
def test_nothing_is_ordered_against_the_contract(
    decide: Decide, field: str, contract: Contract
) -> None:
    rogue = Rogue()
    decision = decide(rogue, contract=contract)
    assert f"contract field '{field}'" in decision.quantum
    assert rogue.accepted == []
    assert decision.answered_by is Answerer.FALLBACK


def test_a_result_schema_that_answers_do_not_have_is_named_before_anything_is_ordered(
    decide: Decide,
) -> None:
    rogue = Rogue()
    decision = decide(rogue, contract=Contract(result={"required": ["tour"]}))
    assert "contract field 'result'" in decision.why
    assert rogue.accepted == []
    assert decision.answered_by is Answerer.NOBODY


def test_hardware_is_refused_without_an_approval_and_used_with_one(
    decide: Decide, routes: Routes
) -> None:
    rogue = Rogue(evidence=Evidence.HARDWARE)
    decision = decide(rogue, tier="hardware")
    assert "needs the approval of 1 person" in decision.quantum
    assert rogue.accepted == []
    routes.approve(decision.version, who="Grace", why="seen the pilot")
    routes[rogue.provider].decide(CUT)
    assert len(rogue.accepted) <= 1  # the ledger still wants its own simulator run


def test_a_tier_below_the_devices_is_refused(decide: Decide) -> None:
    rogue = Rogue()
    decision = decide(rogue, tier="local simulator")
    assert "the device is of tier cloud simulator" in decision.quantum
    assert rogue.accepted == []


def test_a_version_that_passed_no_simulator_orders_nothing(
    routes: Routes, providers: dict[str, Rogue]
) -> None:
    rogue = Rogue()
    providers[rogue.name] = rogue
    route = route_to(rogue)
    routes.desk.roster().deploy(route, mode=Mode.QUANTUM, who="Ada", why="", at=1.0)
    decision = routes[route.name].decide(CUT)
    assert "has not passed its simulator run" in decision.quantum
    assert rogue.accepted == []


def toy_route(rogue: Rogue, **changed: Any) -> Any:
    """A route by which a solver of this machine decides the toy knapsack."""
    base = {
        "family": family_name(SMALL),
        "primary": Arm("tests.runs.toy:Rows", {"rows": ((1, 0, 1),)}),
        "fallback": Arm("tests.runs.toy:Rows", {"rows": ((1, 0, 0),)}),
        "budget": Budget(),
        "deadline_seconds": 3.0,
        "fallback_seconds": 1.0,
    }
    return route_to(rogue, **{**base, **changed})


@pytest.mark.parametrize(
    "mischief",
    [
        *(pytest.param(what, marks=pytest.mark.slow) for what in ("sleep", "spin", "segfault")),
        "exit",
        "raise",
    ],
)
def test_the_fallback_answers_in_time_whatever_a_solver_here_does(
    routes: Routes, mischief: str
) -> None:
    packs = Arm("tests.runs.toy:Packs", {"mischief": mischief})
    route = put_in_force(routes, toy_route(Rogue(), primary=packs))
    decision = routes[route.name].decide(SMALL)
    assert decision.on_time
    assert (decision.answered_by, decision.objective) == (Answerer.FALLBACK, 5.0)
    assert decision.stood_in


def test_a_fallback_whose_worker_dies_is_tried_again_then_built_without_a_search(
    routes: Routes,
) -> None:
    packs = Arm("tests.runs.toy:Packs", {"mischief": "exit"})
    route = put_in_force(routes, toy_route(Rogue(), primary=packs, fallback=packs))
    decision = routes[route.name].decide(SMALL)
    assert decision.on_time
    assert decision.answered_by is Answerer.LAST_RESORT
    assert decision.objective == 0.0
    assert "the fallback: the worker process died" in decision.why


def test_an_answer_that_went_out_before_is_better_than_one_built_without_a_search(
    routes: Routes,
) -> None:
    rogue = Rogue()
    route = put_in_force(routes, toy_route(rogue))
    assert routes[route.name].decide(SMALL).objective == 8.0
    packs = Arm("tests.runs.toy:Packs", {"mischief": "raise"})
    put_in_force(routes, toy_route(rogue, primary=packs, fallback=packs))
    decision = routes[route.name].decide(SMALL)
    assert (decision.answered_by, decision.objective) == (Answerer.LAST_KNOWN, 8.0)


@pytest.mark.slow
def test_killed_workers_and_their_parents_stop_no_decision(routes: Routes) -> None:
    route = put_in_force(routes, toy_route(Rogue()))
    for role in (FALLBACK, PRIMARY):
        workers = routes.desk.seat(role)._workers
        assert workers is not None
        os.kill(workers._process.pid, signal.SIGKILL)
    decision = routes[route.name].decide(SMALL)
    assert decision.seconds < decision.deadline_seconds + 1.0
    assert decision.feasible
    for role in (FALLBACK, PRIMARY):
        assert routes.desk.seat(role).wait_until_warm(240)
    again = [routes[route.name].decide(SMALL).objective for _ in range(3)]
    assert again[-1] == 8.0


@pytest.mark.slow
def test_without_a_database_the_fallback_answers_and_nothing_is_ordered(
    decide: Decide, routes: Routes
) -> None:
    rogue = Rogue()
    decide(rogue)
    routes.catch_up()  # with what a test before this one could not write down

    def gone() -> None:
        raise TransientError("the database is down")

    routes.desk.reach = gone
    try:
        decision = routes[rogue.provider].decide(CUT)
    finally:
        routes.desk.reach = lambda: None
    assert decision.answered_by is Answerer.FALLBACK
    assert decision.quantum == "the database cannot be used: the database is down"
    assert decision.kept is Kept.SPOOL
    assert len(rogue.accepted) == 1
    caught_up = routes.catch_up()
    assert (caught_up.taken_over, caught_up.ordered) == (1, 1)
    assert routes.desk.book().decision(decision.id).job
    assert len(set(rogue.accepted)) <= 2


def test_without_database_and_disk_the_answer_still_goes_out(
    decide: Decide, routes: Routes, monkeypatch: pytest.MonkeyPatch
) -> None:
    rogue = Rogue()
    decide(rogue)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("qupel.runs.routes.spool.os.write", full)
    monkeypatch.setattr("qupel.runs.routes.book.Book.keep", full)
    decision = routes[rogue.provider].decide(CUT)
    assert decision.on_time
    assert decision.kept is Kept.NOWHERE


@pytest.mark.slow
def test_a_database_that_hangs_delays_no_answer(
    decide: Decide, routes: Routes, monkeypatch: pytest.MonkeyPatch
) -> None:
    rogue = Rogue()
    decide(rogue, deadline_seconds=4.0, fallback_seconds=1.0)
    monkeypatch.setattr(routes.desk, "reach", lambda: time.sleep(2.5))
    begun = time.monotonic()
    with unhurried(0.5):  # seconds, as a process has it
        decision = routes[rogue.provider].decide(CUT)
    assert time.monotonic() - begun < decision.deadline_seconds
    assert decision.answered_by is Answerer.FALLBACK
    assert decision.kept is Kept.SPOOL
    monkeypatch.undo()
    time.sleep(2.5)
    routes.catch_up()


def test_a_problem_that_takes_for_ever_to_be_rebuilt_is_answered_here(routes: Routes) -> None:
    slow = {"family": "tests.runs.toy:Slow"}
    route = put_in_force(routes, toy_route(Rogue(), **slow))
    decision = routes[route.name].decide(Slow(SMALL.worth, SMALL.weights, SMALL.limit))
    assert decision.on_time
    assert decision.answered_by is Answerer.LAST_RESORT


def test_a_problem_that_takes_long_to_be_written_down_is_answered_before_it_is(
    routes: Routes, monkeypatch: pytest.MonkeyPatch
) -> None:
    route = put_in_force(routes, toy_route(Rogue(), deadline_seconds=1.0, fallback_seconds=0.2))
    out, write = threading.Event(), arms.task_of

    def slowly(*of: Any) -> Task:
        out.wait(60)
        return write(*of)

    monkeypatch.setattr(arms, "task_of", slowly)
    decision = routes[route.name].decide(SMALL)
    assert decision.on_time
    assert (decision.answered_by, decision.problem_hash) == (Answerer.LAST_RESORT, "")
    assert decision.why.startswith("the problem was not written down in time")
    out.set()
    book, until = routes.desk.book(), time.monotonic() + 60
    while not (hashed := book.decision(decision.id).problem_hash) and time.monotonic() < until:
        time.sleep(0.02)
    assert routes.desk.inputs().of(hashed) is not None


def test_a_problem_that_cannot_be_written_down_is_refused(
    routes: Routes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> Task:
        raise InputError("a weight is not finite")

    route = put_in_force(routes, toy_route(Rogue()))
    monkeypatch.setattr(arms, "task_of", refuse)
    with pytest.raises(InputError, match="a weight is not finite"):
        routes[route.name].decide(SMALL)


@pytest.mark.slow
def test_a_late_result_is_judged_and_kept_beside_the_answer(decide: Decide, routes: Routes) -> None:
    rogue = Rogue("queue")
    decision = decide(rogue, deadline_seconds=3.0)
    assert routes.late(decision.id) is None
    rogue.misdeed = "none"
    until = time.monotonic() + 240
    while (late := routes.late(decision.id)) is None and time.monotonic() < until:
        time.sleep(0.05)
    assert late is not None
    assert late.feasible
    assert late.evidence is Evidence.EMULATOR
    assert routes.desk.book().decision(decision.id).solution == decision.solution
    assert len(rogue.accepted) == 1


def test_another_mode_asks_no_provider(decide: Decide, routes: Routes) -> None:
    rogue = Rogue()
    decide(rogue, approximate=Arm("bifurcation", rounds=20), classical=GREEDY)
    for mode, solver in ((Mode.CLASSICAL, "greedy"), (Mode.APPROXIMATE, "bifurcation")):
        routes[rogue.provider].set_mode(mode, who="Ada", why="")
        decision = routes[rogue.provider].decide(CUT)
        assert decision.mode is mode
        assert decision.feasible
        assert decision.primary is not None
        assert decision.primary.solver["solver"] == solver
    assert len(rogue.accepted) == 1


def test_instances_of_another_family_are_refused(routes: Routes) -> None:
    route = put_in_force(routes, toy_route(Rogue()))
    with pytest.raises(InputError, match="not maxcut"):
        routes[route.name].decide(MaxCut.random(1, nodes=4)[0])
