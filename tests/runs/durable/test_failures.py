"""What fails in the same way each time is set aside for people to see, and is lost to nobody."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from qupel.backends.clock import SystemClock
from qupel.backends.contract import Backend, Order
from qupel.errors import StoreError
from qupel.model.circuit import Circuit
from qupel.model.gate import Gate
from qupel.model.money import Money
from qupel.runs.database import Database
from qupel.runs.durable import worker as working
from qupel.runs.durable.failures import Failures
from qupel.runs.durable.host import Host
from qupel.runs.durable.pipeline import Pipeline
from qupel.runs.durable.worker import ATTEMPTS, Worker
from qupel.runs.ledger import JobState, Ledger, Progress
from tests.runs.durable.conftest import done, function, states
from tests.runs.ledger.fake import Fake

NOTHING: dict[str, int] = {}
BUGS: dict[str, Callable[[], Any]] = {
    "division": lambda: 1 / 0,
    "key": lambda: NOTHING["none"],
}


@pytest.fixture
def provider() -> Fake:
    return Fake(clock=SystemClock())


@pytest.fixture
def worker(database: Database, provider: Fake, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    monkeypatch.setattr(working, "AGAIN", 0.02)
    monkeypatch.setattr(working, "LOOK_AGAIN", 0.5)
    made = Worker(database)
    made.host.open_backend = lambda name: provider
    with made:
        yield made


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.02)


def planned(worker: Worker, number: int) -> str:
    order = Order((Circuit(1, [Gate("h", (0,))]),), 50, key=f"k{number}", tag=f"t{number}")
    return worker.host.ledger.plan(order, backend="fake:one", bound=Money.of(1)).id


def caught(bug: str) -> Exception:
    try:
        BUGS[bug]()
    except Exception as error:  # noqa: BLE001  the test's own
        return error
    raise AssertionError(bug)


def test_failures_of_one_type_and_place_are_counted_until_another_comes() -> None:
    failures = Failures()
    assert [failures.count("a", caught("division")) for _ in range(3)] == [1, 2, 3]
    assert failures.count("b", caught("division")) == 1
    assert failures.count("a", caught("key")) == 1
    failures.forget("a")
    assert failures.count("a", caught("key")) == 1


def test_a_job_that_cannot_be_advanced_is_set_aside_unsent_and_can_be_released(
    worker: Worker, provider: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = worker.host.ledger
    with monkeypatch.context() as patched:
        patched.setattr(Fake, "capabilities", lambda _: BUGS["division"]())
        job = planned(worker, 1)
        until(lambda: ledger.job(job).state.still)
        found = ledger.job(job)
    assert found.state is JobState.AMBIGUOUS
    assert found.why.startswith("set aside: ZeroDivisionError: division by zero")
    assert [event.kind for event in ledger.events(job) if event.alarm] == ["ambiguous"]
    assert provider.calls["submit"] == 0
    ledger.resolve(job, not_accepted=True, again=True, who="Ada")
    until(lambda: ledger.job(job).state.still)
    assert ledger.job(job).state is JobState.DONE
    assert len(provider.jobs) == 1


def test_a_paid_job_that_cannot_be_advanced_is_set_aside_and_its_result_fetched_later(
    worker: Worker, provider: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, real = worker.host.ledger, Ledger.advance

    def broken(self: Ledger, job_id: str, backend: Backend) -> Progress:
        return BUGS["key"]() if self.job(job_id).provider_job else real(self, job_id, backend)

    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "advance", broken)
        job = planned(worker, 2)
        until(lambda: ledger.job(job).state.still)
    found = ledger.job(job)
    assert (found.state, found.provider_job) == (JobState.AMBIGUOUS, "p1")
    assert ledger.jobs(JobState.AMBIGUOUS)[0].id == job
    ledger.resolve(job, adopt_job=found.provider_job, who="Ada")
    until(lambda: ledger.job(job).state.still)
    assert ledger.job(job).state is JobState.DONE
    assert provider.calls["submit"] == 1


def test_a_stage_whose_step_has_a_bug_fails_and_others_go_on(
    worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, tries = Host.perform, []

    def broken(host: Host, run_id: str, name: str) -> list[str]:
        if name == "bad":
            tries.append(name)
            BUGS["division"]()
        return real(host, run_id, name)

    monkeypatch.setattr(Host, "perform", broken)
    bad = function("bad", "rows", arguments={"count": 2})
    good = function("good", "rows", arguments={"count": 3})
    after = function("after", "total", {"numbers": "bad"})
    run_id = done(worker, Pipeline("bug", (bad, good, after)), tmp_path)
    assert states(worker, run_id) == {"bad": "failed", "good": "done", "after": "skipped"}
    assert "ZeroDivisionError" in worker.host.log.stage(run_id, "bad").why
    assert len(tries) == ATTEMPTS


def test_what_may_pass_is_waited_for_however_often_it_comes(
    worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, tries = Host.perform, []

    def busy(host: Host, run_id: str, name: str) -> list[str]:
        tries.append(name)
        if len(tries) <= 2 * ATTEMPTS:
            raise StoreError("the database is busy")
        return real(host, run_id, name)

    monkeypatch.setattr(Host, "perform", busy)
    stage = function("rows", "rows", arguments={"count": 4})
    run_id = done(worker, Pipeline("busy", (stage,)), tmp_path)
    assert states(worker, run_id) == {"rows": "done"}
