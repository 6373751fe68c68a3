"""Code that never returns: it is left behind, and keeps nobody else waiting."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from qupel.backends.clock import SystemClock
from qupel.backends.contract import Capabilities, Estimate, JobStatus, Order, Result
from qupel.model.circuit import Circuit
from qupel.model.gate import Gate
from qupel.model.money import Money
from qupel.runs.database import Database
from qupel.runs.durable import errands, host
from qupel.runs.durable.errands import Errands
from qupel.runs.durable.host import Host
from qupel.runs.durable.pipeline import Pipeline, Stage
from qupel.runs.durable.worker import Worker
from qupel.runs.ledger import JobState, Ledger
from qupel.runs.ledger.retry import Patience
from tests.runs.durable.conftest import SHOP, function, states, unlocked
from tests.runs.ledger.fake import Fake

PATIENCE = Patience(lease=0.5, probe=0.5)
#: Calls of one device at a time where many hang.
MOST = 12
ORDER = Order((Circuit(1, [Gate("h", (0,))]),), 50, key="k", tag="t")


@dataclass(slots=True)
class Hanging(Fake):
    """A provider of whose calls some do not return before a test says so."""

    hangs: set[str] = field(default_factory=set)
    begun: threading.Event = field(default_factory=threading.Event)
    answer: threading.Event = field(default_factory=threading.Event)
    waiting: int = 0

    def capabilities(self) -> Capabilities:
        self._hang("capabilities")
        return Fake.capabilities(self)

    def estimate(self, order: Order) -> Estimate:
        self._hang("estimate")
        return Fake.estimate(self, order)

    def submit(self, order: Order) -> str:
        self._hang("submit")
        return Fake.submit(self, order)

    def status(self, job: str) -> JobStatus:
        self._hang("status")
        return Fake.status(self, job)

    def result(self, job: str, order: Order) -> Result:
        self._hang("result")
        return Fake.result(self, job, order)

    def _hang(self, call: str) -> None:
        if call in self.hangs:
            self.begun.set()
            self.waiting += 1
            self.answer.wait(120.0)


@dataclass(slots=True)
class Floor:
    """A worker with a provider that hangs and one that does not."""

    worker: Worker
    bad: Hanging
    good: Fake
    folder: Path


@pytest.fixture
def floor(database: Database, tmp_path: Path, graph: str) -> Iterator[Floor]:
    bad, good = Hanging(clock=SystemClock()), Fake(clock=SystemClock(), device="two")
    working = Worker(database)
    working.host.open_backend = lambda name: good if name == "fake:two" else bad
    working.host.lock = unlocked(bad, good)
    with working:
        yield Floor(working, bad, good, tmp_path)
        bad.answer.set()


def paid(
    shots: int = 50, *, backend: str = "fake:one", seconds: float = 10.0, name: str = "paid"
) -> Pipeline:
    settings = {
        "solver": {"solver": "hosted-qaoa", "shots": shots, "angles": "fixed"},
        "backend": backend,
        "tier": "cloud simulator",
        "deadline_seconds": seconds,
        "fallback": "greedy",
        "fallback_seconds": 0.5,
    }
    graph = Stage("graph", "load", {}, {"file": "graph.qupel.json"})
    return Pipeline(
        name, (graph, Stage("paid", "quantum", {"problem": "graph"}, settings, quantum=True))
    )


@pytest.mark.slow
@pytest.mark.parametrize("call", ["capabilities", "estimate", "submit", "status", "result"])
def test_a_stage_whose_provider_hangs_is_answered_by_its_deadline(floor: Floor, call: str) -> None:
    floor.bad.hangs = {call}
    log = floor.worker.host.log
    run_id = log.submit(paid(), floor.folder)
    assert floor.worker.wait_for(run_id, 60.0) == "done"
    row = log.stage(run_id, "paid")
    assert floor.bad.begun.is_set()
    assert row.state == "fallback"
    assert row.seconds is not None
    assert row.seconds <= 10.0 + 1.0
    assert floor.bad.paid_twice() == 0


@pytest.mark.slow
@pytest.mark.parametrize("call", ["estimate", "submit"])
def test_many_calls_that_hang_keep_no_other_pipeline_waiting(
    floor: Floor, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(errands, "EACH", MOST)
    log = floor.worker.host.log
    assert floor.worker.wait_for(log.submit(paid(), floor.folder), 60.0) == "done"
    floor.bad.hangs = {call}  # a device that has answered is called by many at once
    stuck = [log.submit(paid(60 + n, seconds=600.0), floor.folder) for n in range(20)]
    until = time.monotonic() + 60.0
    while floor.bad.waiting < MOST and time.monotonic() < until:
        time.sleep(0.05)
    assert floor.bad.waiting == MOST
    run_id = log.submit(paid(backend="fake:two", seconds=60.0, name="other"), floor.folder)
    assert floor.worker.wait_for(run_id, 60.0) == "done"
    assert states(floor.worker, run_id)["paid"] == "done"
    assert floor.bad.waiting == MOST  # no more were begun
    for each in stuck:
        log.cancel(each)


@pytest.mark.slow
def test_a_worker_stops_while_a_call_hangs(floor: Floor) -> None:
    floor.bad.hangs = {"submit"}
    log = floor.worker.host.log
    log.cancel(log.submit(paid(), floor.folder))
    run_id = log.submit(paid(seconds=600.0), floor.folder)
    assert floor.bad.begun.wait(60.0)
    floor.worker.stop()
    assert log.run(run_id).state == "running"  # for whoever adopts it
    still = [thread for thread in threading.enumerate() if thread.name.startswith("qupel-errand")]
    assert all(thread.daemon for thread in still)


def test_a_call_that_hangs_beyond_its_lease_is_left_behind_and_the_job_goes_on(
    database: Database,
) -> None:
    bad = Hanging(clock=SystemClock(), hangs={"submit"})
    told: list[str] = []
    held = Host(database, "one", lambda word, **_: told.append(word), lock=None)
    held.open_backend, held.errands = lambda name: bad, Errands(patience=0.0)
    held._ledger = Ledger(database, patience=PATIENCE)
    job = held.ledger.plan(ORDER, backend="fake:one", bound=Money.of(1))
    until = time.monotonic() + 60.0
    while "call left behind" not in told and time.monotonic() < until:
        held.advance(job.id)
        time.sleep(0.05)
    failures = held.ledger.breaker("fake", "one").failures
    bad.hangs = set()
    held._ledger = Ledger(database, patience=PATIENCE)
    while not held.ledger.job(job.id).state.still and time.monotonic() < until:
        held.advance(job.id)
        time.sleep(0.05)
    assert held.ledger.job(job.id).state is JobState.DONE
    assert failures == 1
    bad.answer.set()  # what the first call brings now is fenced off
    held.close()
    assert held.ledger.job(job.id).state is JobState.DONE
    assert bad.paid_twice() == 0


@pytest.mark.slow
def test_a_function_in_an_endless_loop_is_killed_and_its_fallback_answers(
    database: Database, tmp_path: Path
) -> None:
    numbers = function("numbers", "scored", arguments={"table": [{"weight": 1.0}]})
    endless = function(  # a process that starts gets its time, too
        "endless", "endless", {"numbers": "numbers"}, seconds=8.0, fallback=f"{SHOP}:total"
    )
    with Worker(database) as worker:
        run_id = worker.host.log.submit(Pipeline("endless", (numbers, endless)), tmp_path)
        assert worker.wait_for(run_id, 60.0) == "done"
        row = worker.host.log.stage(run_id, "endless")
    assert (row.state, "no result within 8 s" in row.why) == ("fallback", True)


def test_a_file_that_is_never_read_to_its_end_fails_its_stage_and_blocks_no_other(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "LONGEST", 1.0)
    pipe = tmp_path / "pipe.json"
    os.mkfifo(pipe)
    (tmp_path / "file.json").write_text("[1]")
    settings = {"file": "pipe.json", "as": "document"}
    stuck = Pipeline("stuck", tuple(Stage(f"load{n}", "load", {}, settings) for n in range(3)))
    other = Pipeline("other", (Stage("load", "load", {}, {**settings, "file": "file.json"}),))
    with Worker(database, concurrency=1) as worker:
        log = worker.host.log
        first, second = log.submit(stuck, tmp_path), log.submit(other, tmp_path)
        assert worker.wait_for(second, 60.0) == "done"
        assert worker.wait_for(first, 60.0) == "failed"
        assert "had not ended after 1 s, and was left behind" in log.stage(first, "load0").why
        for _ in range(3):
            os.close(os.open(pipe, os.O_RDWR | os.O_NONBLOCK))  # lets the readers go
            time.sleep(0.1)
