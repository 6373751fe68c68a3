from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from qupel.backends.clock import SystemClock
from qupel.backends.contract import JobStatus, State
from qupel.model.money import Money
from qupel.runs.database import Database
from qupel.runs.ledger import Ledger, conclusions, following
from qupel.runs.ledger.retry import Patience
from qupel.runs.routes import orders
from qupel.runs.routes.book import LATE
from qupel.runs.routes.orders import Follower, Ordered
from qupel.runs.routes.service import Routes
from tests.runs.ledger.fake import Fake
from tests.runs.ledger.orders import plan
from tests.runs.routes.conftest import CUT, put_in_force, route_to
from tests.runs.routes.providers import Rogue

TEAM = "team:a"
#: What a provider says of a job that is done before and after it knows the bill.
UNTOLD, TOLD = JobStatus(State.DONE, "done"), JobStatus(State.DONE, "done", billed=Money(400_000))


@pytest.fixture(autouse=True)
def _bills_are_asked_for_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (conclusions, following):
        monkeypatch.setattr(module, "BILL_SECONDS", 0.05)
    monkeypatch.setattr(orders, "SOONEST_BILL", 0.05)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Database.open(tmp_path / "qupel.db") as database:
        yield Ledger(database, patience=Patience(first=0.05))


@pytest.fixture
def fake() -> Fake:
    made = Fake(SystemClock())
    made.spoil = lambda result: replace(result, billed=None)
    return made


def wait_until(true: Callable[[], bool]) -> None:
    until = time.monotonic() + 240
    while not true():
        assert time.monotonic() < until
        time.sleep(0.01)


def follow(ledger: Ledger, backend: Callable[[], Fake], job: str) -> tuple[Follower, list[Ordered]]:
    told: list[Ordered] = []
    follower = Follower(lambda: ledger, backend, told.append)
    follower.add(job)
    return follower, told


def test_a_bill_that_comes_late_is_asked_for_and_the_end_is_told_once(
    ledger: Ledger, fake: Fake
) -> None:
    fake.words["*"] = [UNTOLD, UNTOLD, TOLD]
    job = plan(ledger, accounts=[TEAM])
    follower, told = follow(ledger, lambda: fake, job.id)
    wait_until(lambda: ledger.job(job.id).settled)
    follower.close(30.0)
    assert ledger.account(TEAM).held.money == 0
    assert ledger.account(TEAM).spent.money == 400_000
    assert len(told) == 1


def test_a_backend_is_opened_once(ledger: Ledger, fake: Fake) -> None:
    opened: list[Fake] = []

    def opening() -> Fake:
        opened.append(fake)
        return fake

    fake.words["*"] = [JobStatus(State.QUEUED, "waiting")] * 3 + [TOLD]
    job = plan(ledger, accounts=[TEAM])
    follower, told = follow(ledger, opening, job.id)
    wait_until(lambda: len(told) == 1)
    follower.close(30.0)
    assert len(opened) == 1


def test_a_follower_goes_on_after_a_backend_could_not_be_opened(
    ledger: Ledger, fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "AFTER_FAILURE", 0.01)
    fails = [KeyError("a surprise")]

    def opening() -> Fake:
        if fails:
            raise fails.pop()
        return fake

    job = plan(ledger, accounts=[TEAM])
    follower, told = follow(ledger, opening, job.id)
    wait_until(lambda: len(told) == 1)
    follower.close(30.0)
    assert ledger.job(job.id).settled


def test_the_bill_of_a_decision_made_in_time_is_asked_for_where_no_worker_runs(
    routes: Routes, providers: dict[str, Rogue]
) -> None:
    rogue = Rogue("untold")
    providers[rogue.name] = rogue
    ledger = routes.desk.ledger()
    decision = routes[put_in_force(routes, route_to(rogue)).name].decide(CUT)
    assert decision.primary is not None
    assert not ledger.job(decision.job).settled
    rogue.misdeed = "none"
    wait_until(lambda: ledger.job(decision.job).settled)
    assert routes.desk.book().outcome(decision.id, LATE) is None
