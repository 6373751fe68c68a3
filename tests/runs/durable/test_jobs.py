"""Paid jobs in the hands of the durable engine."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from qupel.backends.adapters.neutral import Neutral
from qupel.backends.clock import SystemClock
from qupel.backends.contract import Backend, JobStatus, Order, Result, State
from qupel.backends.emulator import Device, Provider, Terms, direct
from qupel.backends.local import open as local
from qupel.model.circuit import Circuit
from qupel.model.gate import Gate
from qupel.model.money import Money
from qupel.problems.maxcut import MaxCut
from qupel.problems.registry import write_problem
from qupel.runs.database import Database
from qupel.runs.durable import worker
from qupel.runs.durable.checking import check
from qupel.runs.durable.pipeline import Pipeline, Stage
from qupel.runs.durable.worker import Worker
from qupel.runs.ledger import JobState, Ledger
from tests.runs.durable.conftest import unlocked
from tests.runs.ledger.fake import Fake

BELL = Circuit(2, [Gate("h", (0,)), Gate("cx", (0, 1))])


def order(number: int) -> Order:
    return Order((BELL,), 50, key=f"key-{number}", tag=f"tag-{number}", settings={"seed": number})


def waited(working: Worker, ids: list[str], seconds: float) -> float:
    """Wait until jobs are done; return how long it took."""
    began = time.monotonic()
    ledger = working.host.ledger
    while not all(ledger.job(job).state.still for job in ids):
        assert time.monotonic() - began < seconds
        time.sleep(0.05)
    return time.monotonic() - began


@dataclass(slots=True)
class Busy:
    """One device that runs one job at a time, as the simulator here does but slower."""

    seconds: float
    device: str
    provider: str = "busy"
    real: Backend = field(default_factory=lambda: local("statevector"))
    free: float = 0.0
    ends: dict[str, float] = field(default_factory=dict)
    lock: Any = field(default_factory=threading.Lock)

    def capabilities(self) -> Any:
        return self.real.capabilities()

    def estimate(self, order: Order) -> Any:
        return self.real.estimate(order)

    def submit(self, order: Order) -> str:
        with self.lock:
            name = self.real.submit(order)
            self.free = max(self.free, time.time()) + self.seconds
            self.ends[name] = self.free
            return name

    def find(self, order: Order) -> list[str]:
        return self.real.find(order)

    def status(self, job: str) -> JobStatus:
        if time.time() < self.ends[job]:
            return JobStatus(State.RUNNING, "running")
        return self.real.status(job)

    def result(self, job: str, order: Order) -> Result:
        return self.real.result(job, order)

    def cancel(self, job: str) -> None:
        self.real.cancel(job)


def all_done(folder: Path, providers: dict[str, Busy]) -> tuple[float, list[bytes]]:
    """Seconds for eight jobs over these devices, and what each gave."""
    with Database.open(folder / "qupel.db") as database:
        working = Worker(database)
        working.host.open_backend = providers.__getitem__
        with working:
            names, ledger = sorted(providers), working.host.ledger
            ids = [
                ledger.plan(order(n), backend=names[n % len(names)], bound=None).id
                for n in range(8)
            ]
            took = waited(working, ids, 60.0)
            results = [ledger.result(job) for job in ids]
    found = []
    for result in results:
        assert result is not None
        [reading] = result.readings
        found.append(reading.bits.tobytes() + reading.occurrences.tobytes())
    return took, found


@pytest.mark.slow
def test_eight_jobs_end_sooner_on_two_devices_with_the_same_samples_of_the_same_seeds(
    tmp_path: Path,
) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    one, alone = all_done(tmp_path / "one", {"busy:a": Busy(1.5, "a")})
    two, shared = all_done(tmp_path / "two", {"busy:a": Busy(1.5, "a"), "busy:b": Busy(1.5, "b")})
    assert alone == shared
    assert two < one  # by 6 s where the machine has nothing else to do


def emulated(name: str) -> Neutral:
    """A provider with one device, which runs one job at a time and takes 1.5 s for each."""
    terms = Terms(devices=(Device(name, job_seconds=1.5),))
    return Neutral(name, direct(Provider(terms, SystemClock())))


def eight_stages(folder: Path, names: str) -> tuple[float, dict[str, str], set[str]]:
    """Run a pipeline of eight quantum stages over these providers.

    Returns
    -------
    Seconds that it took, hash of each stage's answer, and backends that were paid.
    """
    folder.mkdir()
    providers = {f"emulator:{name}": emulated(name) for name in names}
    stages = []
    for number in range(8):
        graph = f"graph{number}"
        write_problem(MaxCut.random(number, nodes=8)[0], folder / f"{graph}.qupel.json")
        stages.append(Stage(graph, "load", {}, {"file": f"{graph}.qupel.json"}))
        settings = {
            "solver": {"solver": "hosted-qaoa", "shots": 2000, "angles": "fixed"},
            "backend": f"emulator:{names[number % len(names)]}",
            "tier": "cloud simulator",
            "fallback": "greedy",
        }
        cut = Stage(f"cut{number}", "quantum", {"problem": graph}, settings, quantum=True)
        stages.append(cut)
    with Database.open(folder / "qupel.db") as database:
        working = Worker(database)
        working.host.open_backend = providers.__getitem__
        working.host.lock = unlocked(*providers.values())
        with working:
            log, began = working.host.log, time.monotonic()
            run_id = log.submit(check(Pipeline("eight", tuple(stages), seed=7)), folder)
            assert working.wait_for(run_id, 60.0) == "done"
            took = time.monotonic() - began
            rows = [row for row in log.stages(run_id) if row.stage.startswith("cut")]
            assert {row.state for row in rows} == {"done"}
            paid = {working.host.ledger.job(row.job).backend for row in rows}
    return took, {row.stage: row.outputs["answer"] for row in rows}, paid


@pytest.mark.slow
def test_eight_stages_end_sooner_on_two_emulated_providers_with_the_same_answers(
    tmp_path: Path,
) -> None:
    one, alone, paid = eight_stages(tmp_path / "one", "a")
    two, shared, both = eight_stages(tmp_path / "two", "ab")
    assert (paid, both) == ({"emulator:a"}, {"emulator:a", "emulator:b"})
    assert alone == shared
    assert len(set(alone.values())) > 1
    assert two < one  # by 6 s where the machine has nothing else to do


@pytest.mark.slow
def test_three_hundred_jobs_wait_in_few_threads_and_little_memory(tmp_path: Path) -> None:
    provider = Fake(clock=SystemClock(), queue=3600.0)
    with Database.open(tmp_path / "qupel.db") as database:
        ledger = Ledger(database)
        ids = [ledger.plan(order(n), backend="fake:one", bound=Money.of(1)).id for n in range(300)]
        working = Worker(database)
        working.host.open_backend = lambda name: provider
        before = _resident()
        with working:
            until, sent = time.monotonic() + 60, {JobState.SUBMITTED, JobState.RUNNING}
            while not {job.state for job in ledger.jobs()} <= sent and time.monotonic() < until:
                time.sleep(0.1)
            assert {ledger.job(job).state for job in ids} <= sent
            assert threading.active_count() < 40
            assert _resident() - before < 100e6
    assert provider.paid_twice() == 0


def test_a_job_that_was_planned_before_the_worker_started_is_done(tmp_path: Path) -> None:
    provider = Fake(clock=SystemClock())
    with Database.open(tmp_path / "qupel.db") as database:
        ids = [
            Ledger(database).plan(order(n), backend="fake:one", bound=Money.of(1)).id
            for n in range(3)
        ]
        working = Worker(database, queues=("jobs",))
        working.host.open_backend = lambda name: provider
        with working:
            waited(working, ids, 30.0)
            assert {working.host.ledger.job(job).state for job in ids} == {JobState.DONE}
    assert len(provider.jobs) == 3


def test_a_worker_that_is_to_stop_does_not_wait_for_a_provider_that_it_audits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider, asked, answer = Fake(clock=SystemClock()), threading.Event(), threading.Event()

    def hangs(_prefix: str) -> Any:
        asked.set()
        answer.wait(60.0)
        return iter(())

    monkeypatch.setattr(Fake, "listed", lambda _, prefix: hangs(prefix))
    monkeypatch.setattr(worker, "AUDIT", 0.05)
    with Database.open(tmp_path / "qupel.db") as database:
        job = Ledger(database).plan(order(0), backend="fake:one", bound=Money.of(1))
        working = Worker(database, queues=("jobs",))
        working.host.open_backend = lambda name: provider
        with working:
            waited(working, [job.id], 30.0)
            assert asked.wait(30.0)
            [auditor] = [found for found in threading.enumerate() if found.name == "_audit"]
            began = time.monotonic()
            working.stop()
            took = time.monotonic() - began
            answer.set()
            auditor.join(30.0)
    assert took < 10.0
    assert not auditor.is_alive()


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return float(pages * os.sysconf("SC_PAGE_SIZE"))
