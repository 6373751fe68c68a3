"""What routes promise, on both databases."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from qupel.backends.checks.locks import FileCanaries, Lock
from qupel.errors import AccessError
from qupel.governance import Identity
from qupel.model.evidence import Evidence
from qupel.model.money import Money
from qupel.runs.reader import Reader
from qupel.runs.routes.decision import TRIED, Answerer, Decision, Kept
from qupel.runs.routes.replaying import replay
from qupel.runs.routes.route import Budget, Route
from qupel.runs.routes.service import Routes
from tests.data import ROOT
from tests.runs.routes.conftest import (
    ACCOUNT,
    BOTH,
    BRISK,
    CUT,
    GREEDY,
    at_rest,
    place_of,
    put_in_force,
    route_to,
)
from tests.runs.routes.providers import Rogue
from tests.runs.routes.test_replaying import logged


@dataclass(frozen=True)
class Stand:
    """Routes on a database of their own, and providers by name."""

    routes: Routes
    providers: dict[str, Rogue]
    where: str

    def serve(self, rogue: Rogue, **changed: Any) -> Route:
        """Put a route to a provider in force, without trying."""
        self.providers[rogue.name] = rogue
        return put_in_force(self.routes, route_to(rogue, **changed))

    def decide(self, rogue: Rogue, **changed: Any) -> Decision:
        at_rest(self.routes)
        return self.routes[self.serve(rogue, **changed).name].decide(CUT)


@pytest.fixture(scope="module", params=BOTH)
def stand(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stand]:
    folder = tmp_path_factory.mktemp("stand")
    where, providers = place_of(request, request.param, folder), dict[str, Rogue]()
    made = Routes(
        where,
        backend=providers.__getitem__,
        lock=None,
        folder=folder / "machine",
        patience=BRISK,
    )
    with made:
        made.desk.ledger().set_budget(ACCOUNT, money=Money.of(1000))
        made.warm(route_to(Rogue()), CUT)
        yield Stand(made, providers, where)


def test_a_decision_is_made_paid_and_kept(stand: Stand) -> None:
    rogue = Rogue()
    decision = stand.decide(rogue)
    assert (decision.answered_by, decision.quantum) == (Answerer.PRIMARY, TRIED)
    assert decision.kept is Kept.DATABASE
    assert stand.routes.desk.book().decision(decision.id[:10]) == decision
    assert len(rogue.accepted) == 1


def test_what_a_decision_ordered_is_for_the_readers_of_its_route(stand: Stand) -> None:
    database, job = stand.routes.desk.database(), stand.decide(Rogue()).job
    assert Reader(database, Identity("Ada")).result(job)[0].id == job
    for door in ("job", "result"):
        with pytest.raises(AccessError, match="may not read"):
            getattr(Reader(database, Identity("Eve")), door)(job)


def test_a_decision_is_repeated_from_its_log(stand: Stand) -> None:
    log = logged(stand.routes, stand.decide(Rogue()))
    assert [step.equal for step in replay(log)] == [True, True, True, True, None]


@pytest.mark.slow
def test_a_route_is_deployed_switched_off_and_rolled_back(stand: Stand) -> None:
    rogue = Rogue()
    stand.providers[rogue.name] = rogue
    first, second = route_to(rogue), route_to(rogue, seed=5)
    for made in (first, second):
        assert stand.routes.deploy(made, CUT, who="Ada").version == made.version
    route = stand.routes[first.name]
    assert route.status().health.reason == "no decisions yet"
    off = route.off(who="Grace", why="maintenance")
    assert off.after is not None
    assert off.after["is_on"] is False
    assert route.decide(CUT).quantum == "switched off"
    route.on(who="Grace", why="")
    assert route.rollback(who="Ada", why="worse").version == first.version
    decision = route.decide(CUT)
    assert (decision.version, decision.answered_by) == (first.version, Answerer.PRIMARY)
    kinds = [event.kind for event in route.history()]
    assert kinds == ["deployed", "deployed", "off", "on", "rolled back"]


@pytest.mark.parametrize(("share", "arm"), [(0.0, "standing"), (1.0, "candidate")])
def test_a_trial_keeps_both_answers(stand: Stand, share: float, arm: str) -> None:
    rogue = Rogue()
    route = stand.routes[stand.serve(rogue, classical=GREEDY).name]
    route.set_mode("classical", who="Ada", why="")
    route.shadow("quantum", who="Ada", share=share)
    at_rest(stand.routes)
    decision = route.decide(CUT)
    assert decision.arm == arm
    until = time.monotonic() + 240
    while not (pairs := route.pairs()) and time.monotonic() < until:
        time.sleep(0.05)
    [(kept, record)] = pairs
    assert kept.id == decision.id
    assert record.feasible
    assert len(rogue.accepted) == 1


@pytest.mark.slow
def test_a_late_result_is_judged_and_kept(stand: Stand) -> None:
    rogue = Rogue("queue")
    decision = stand.decide(rogue, deadline_seconds=3.0, fallback_seconds=1.0)
    assert decision.stood_in
    status = stand.routes[decision.route].status()
    assert (status.decisions, status.unjudged) == (1, 1)
    rogue.misdeed = "none"
    until = time.monotonic() + 240
    while (late := stand.routes.late(decision.id)) is None and time.monotonic() < until:
        time.sleep(0.05)
    assert late is not None
    assert late.feasible
    assert stand.routes[decision.route].status().unjudged == 0
    assert len(rogue.accepted) == 1


def test_nothing_goes_to_an_adapter_whose_canary_has_not_passed(
    stand: Stand, tmp_path: Path
) -> None:
    rogue = Rogue()
    stand.routes.desk.lock = Lock(FileCanaries(tmp_path / "canaries.json"))
    try:
        decision = stand.decide(rogue, classical=GREEDY)
    finally:
        stand.routes.desk.lock = None
    assert "canary" in decision.quantum
    assert (decision.answered_by, decision.stood_in) == (Answerer.CLASSICAL, True)
    assert rogue.accepted == []


@pytest.mark.slow
def test_hardware_is_ordered_once_somebody_approved_of_the_version_in_force(
    stand: Stand,
) -> None:
    rogue = Rogue(evidence=Evidence.HARDWARE)
    stand.providers[rogue.name] = rogue
    first = route_to(rogue, tier="hardware")
    route = stand.routes[first.name]
    stand.routes.deploy(first, CUT, who="Ada")  # with the simulator run that the ledger wants too
    assert "needs the approval of 1 person" in route.decide(CUT).quantum

    route.approve(who="Grace", why="seen the pilot")
    decision = route.decide(CUT)
    assert (decision.answered_by, len(rogue.accepted)) == (Answerer.PRIMARY, 1)
    assert decision.primary is not None
    assert decision.primary.evidence is Evidence.HARDWARE

    stand.routes.deploy(replace(first, seed=5), CUT, who="Ada")
    assert "needs the approval of 1 person" in route.decide(CUT).quantum
    route.rollback(who="Ada", why="not approved")
    assert "needs the approval of 1 person" in route.decide(CUT).quantum
    assert len(rogue.accepted) == 1

    route.approve(who="Grace", why="seen again")
    assert route.decide(CUT).answered_by is Answerer.PRIMARY
    assert len(rogue.accepted) == 2


@pytest.mark.slow
def test_an_edge_node_spools_and_its_orders_are_reconciled(stand: Stand, tmp_path: Path) -> None:
    rogue = Rogue()
    name = stand.serve(rogue).name
    node = Routes(
        stand.where, backend=stand.routes.backend, lock=None, folder=tmp_path, patience=BRISK
    )
    with node:
        node[name].status()
        node.desk.standing(name, 10.0)  # connected once: how it stands is known from here on
        node.desk.offline = True
        made = [node[name].decide(CUT) for _ in range(2)]
        assert {decision.kept for decision in made} == {Kept.SPOOL}
        assert rogue.accepted == []
        node.desk.offline = False
        assert node.catch_up().taken_over == 2
        until = time.monotonic() + 240
        while node.desk.book().wishes() and time.monotonic() < until:
            assert node.catch_up().failed == 0  # one that could not be ordered yet waits
        while any(node.late(one.id) is None for one in made) and time.monotonic() < until:
            time.sleep(0.05)
    assert len(rogue.accepted) == len(set(rogue.accepted)) == 2
    assert all(stand.routes.late(one.id) is not None for one in made)


#: Decisions of each of as many processes, and orders that the account pays for.
PROCESSES, EACH, PAID = 8, 2, 10


@pytest.mark.slow
def test_processes_that_decide_at_once_answer_in_time_and_keep_to_the_budget(
    stand: Stand, tmp_path: Path
) -> None:
    rogue = Rogue()
    cap, account = Money(rogue.price.micros * PAID, "USD"), f"team:{rogue.provider}"
    stand.routes.desk.ledger().set_budget(account, money=cap)
    budget = Budget((account,), str(rogue.price))
    route = stand.serve(rogue, deadline_seconds=30.0, fallback_seconds=5.0, budget=budget)
    command = [sys.executable, "-m", "tests.runs.routes.decider"]
    running = [
        subprocess.Popen(
            [*command, stand.where, rogue.provider, str(tmp_path), str(number), str(EACH)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(PROCESSES)
    ]
    try:
        until = time.monotonic() + 240
        while len(list(tmp_path.glob("ready*"))) < PROCESSES and time.monotonic() < until:
            time.sleep(0.05)
        (tmp_path / "go").touch()
        ended = [json.loads(process.communicate(timeout=480)[0]) for process in running]
    finally:
        for process in running:
            process.kill()
    made = [decision for found in ended for decision in found["decisions"]]
    assert len(made) == PROCESSES * EACH
    assert max(decision["seconds"] for decision in made) <= route.deadline_seconds + 1.0
    assert all(decision["feasible"] for decision in made)
    accepted = [key for found in ended for key in found["accepted"]]
    assert len(accepted) == len(set(accepted)) <= PAID
    # A job whose process ended before it was over waits for whoever advances it next.
    ledger = stand.routes.desk.ledger()
    planned = ledger.jobs(backend=rogue.name)
    billed = sum(job.billed.micros for job in planned if job.billed is not None)
    waiting = sum(not job.state.final for job in planned)
    [books] = [held for held in ledger.accounts() if held.name == account]
    assert 0 < len(planned) <= PAID  # one that came late was answered without
    assert books.spent.money == billed
    assert books.held.money == waiting * rogue.price.micros
    assert books.spent.money + books.held.money == len(planned) * rogue.price.micros <= cap.micros
