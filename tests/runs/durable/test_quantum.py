from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qupel.backends.clock import SystemClock
from qupel.errors import RefusedError
from qupel.model.money import Money
from qupel.runs.database import Database
from qupel.runs.durable.lineage import log_document, replay
from qupel.runs.durable.pipeline import Pipeline, Stage
from qupel.runs.durable.worker import Worker
from qupel.runs.ledger import JobState
from tests.runs.durable.conftest import done, states, unlocked, value
from tests.runs.ledger.fake import Fake


@pytest.fixture(scope="module")
def provider() -> Fake:
    return Fake(clock=SystemClock())


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory, provider: Fake) -> Iterator[Worker]:
    folder = tmp_path_factory.mktemp("quantum")
    with Database.open(folder / "qupel.db") as opened:
        working = Worker(opened)
        working.host.open_backend = lambda name: provider
        working.host.lock = unlocked(provider)
        with working:
            yield working


@pytest.fixture(autouse=True)
def prompt(provider: Fake) -> Iterator[None]:
    """No test leaves a queue to the next one."""
    yield
    provider.queue = 0.0


def pipeline(folder: Path, graph: str, shots: int, **settings: Any) -> Pipeline:
    solver = {"solver": "qupel.solvers.quantum.hosted:HostedQaoa", "shots": shots}
    given = {"solver": solver, "backend": "fake:one", "fallback": "tabu", "fallback_seconds": 0.5}
    given["tier"] = "cloud simulator"
    given |= settings
    return Pipeline(
        "paid",
        (
            Stage("graph", "load", {}, {"file": f"{folder}/{graph}"}),
            Stage("paid", "quantum", {"problem": "graph"}, given, quantum=True),
            Stage("verdict", "judge", {"problem": "graph", "answer": "paid"}),
        ),
    )


def test_a_program_is_ordered_paid_for_and_decoded(
    worker: Worker, provider: Fake, tmp_path: Path, graph: str
) -> None:
    run_id = done(worker, pipeline(tmp_path, graph, 100), tmp_path)
    assert set(states(worker, run_id).values()) == {"done"}
    assert value(worker, run_id, "verdict")["feasible"]
    job = worker.host.ledger.job(worker.host.log.stage(run_id, "paid").job)
    assert job.state is JobState.DONE
    assert (job.purpose["run"], job.purpose["stage"]) == (run_id, "paid")
    assert provider.paid_twice() == 0


def test_a_second_run_pays_nothing(
    worker: Worker, provider: Fake, tmp_path: Path, graph: str
) -> None:
    first = done(worker, pipeline(tmp_path, graph, 101), tmp_path)
    orders = len(provider.jobs)
    second = done(worker, pipeline(tmp_path, graph, 101), tmp_path)
    assert len(provider.jobs) == orders
    assert worker.host.log.stage(second, "paid").reused
    assert value(worker, first, "paid") == value(worker, second, "paid")


def test_a_refused_order_is_answered_by_the_fallback(
    worker: Worker, provider: Fake, tmp_path: Path, graph: str
) -> None:
    provider.faults["submit"] = [RefusedError("not today")]
    run_id = done(worker, pipeline(tmp_path, graph, 102), tmp_path)
    row = worker.host.log.stage(run_id, "paid")
    assert (row.state, "not today" in row.why) == ("fallback", True)
    assert value(worker, run_id, "verdict")["feasible"]


def test_an_order_beyond_the_budget_is_answered_by_the_fallback(
    worker: Worker, provider: Fake, tmp_path: Path, graph: str
) -> None:
    worker.host.ledger.set_budget("experiment:poor", money=Money.of("0.10"))
    orders = len(provider.jobs)
    run_id = done(worker, pipeline(tmp_path, graph, 103, accounts=["experiment:poor"]), tmp_path)
    assert worker.host.log.stage(run_id, "paid").state == "fallback"
    assert "nothing was ordered" in worker.host.log.stage(run_id, "paid").why
    assert len(provider.jobs) == orders


@pytest.mark.slow
def test_a_late_result_is_kept_when_the_fallback_has_answered(
    worker: Worker, provider: Fake, tmp_path: Path, graph: str
) -> None:
    provider.queue = 11.0
    began = time.monotonic()
    run_id = done(worker, pipeline(tmp_path, graph, 104, deadline_seconds=10.0), tmp_path)
    took = time.monotonic() - began
    row = worker.host.log.stage(run_id, "paid")
    assert (row.state, "only the fallback's time is left" in row.why) == ("fallback", True)
    assert row.seconds is not None
    assert row.seconds < 10.0 + 1.0
    assert took < 20
    until = time.monotonic() + 20
    while not worker.host.ledger.job(row.job).state.still and time.monotonic() < until:
        time.sleep(0.05)
    assert worker.host.ledger.result(row.job) is not None


def test_a_paid_run_is_replayed_from_its_log_without_the_provider(
    worker: Worker, provider: Fake, tmp_path: Path, graph: str
) -> None:
    run_id = done(worker, pipeline(tmp_path, graph, 106), tmp_path)
    document = log_document(worker.host.log, run_id, worker.host.ledger)
    (tmp_path / graph).unlink()
    orders = len(provider.jobs)
    assert [(stage.stage, stage.equal) for stage in replay(document)] == [
        ("graph", True), ("paid", True), ("verdict", True)
    ]  # fmt: skip
    assert len(provider.jobs) == orders


def test_a_fallback_that_ends_by_rounds_is_replayed_byte_for_byte(
    worker: Worker, provider: Fake, tmp_path: Path, graph: str
) -> None:
    provider.faults["submit"] = [RefusedError("not today")]
    run_id = done(worker, pipeline(tmp_path, graph, 107, fallback_rounds=20), tmp_path)
    assert worker.host.log.stage(run_id, "paid").state == "fallback"
    document = log_document(worker.host.log, run_id, worker.host.ledger)
    assert [stage.equal for stage in replay(document)] == [True, True, True]


def test_accounts_hold_nothing_in_the_end(worker: Worker) -> None:
    assert worker.host.ledger.account("experiment:poor").held.money == 0
