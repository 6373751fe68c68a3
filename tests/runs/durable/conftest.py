from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from qupel.backends import registry
from qupel.backends.checks.canary import CanaryReport, adapter_version
from qupel.backends.checks.locks import Lock, MemoryCanaries
from qupel.backends.clock import ManualClock
from qupel.backends.contract import Backend
from qupel.problems.maxcut import MaxCut
from qupel.problems.registry import write_problem
from qupel.runs.database import Database
from qupel.runs.durable.checking import check
from qupel.runs.durable.pipeline import Pipeline, Stage
from qupel.runs.durable.worker import Worker
from tests.runs.ledger.fake import Fake

SHOP = "tests.runs.durable.shop"


def function(name: str, call: str, needs: dict[str, str] | None = None, **settings: Any) -> Stage:
    """A stage that calls a function of the shop."""
    role = settings.pop("role", "")
    quantum = settings.pop("quantum", False)
    settings.setdefault("outputs", {"out": "document"})
    settings.setdefault("inputs", dict.fromkeys(needs or {}, "document"))
    return Stage(
        name, "function", needs or {}, {"call": f"{SHOP}:{call}", **settings}, role, quantum
    )


def unlocked(*backends: Backend) -> Lock:
    """A lock that has seen the canaries of these backends pass today."""
    store = MemoryCanaries()
    for backend in backends:
        version, now = adapter_version(backend), time.time()
        store.save(CanaryReport(backend.provider, backend.device, version, now, (1,), 100, 1))
    return Lock(store)


def busy_once(database: Database, words: str) -> None:
    """Have the next statement with these words find the database locked."""
    left = [words]

    def before(
        _connection: Any, _cursor: Any, statement: str, _given: Any, _context: Any, _many: Any
    ) -> None:
        if left and left[0] in statement:
            left.clear()
            raise sqlite3.OperationalError("database is locked")

    sa.event.listen(database.engine, "before_cursor_execute", before)


#: The providers of the tests are known by name, as those of a stranger's package are.
FAKE = EntryPoint("fake", "tests.runs.ledger.fake:Fake", "qupel.backends")


@pytest.fixture(autouse=True)
def fake_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.providers(), "fake", FAKE)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database.open(tmp_path / "qupel.db") as opened:
        yield opened


@pytest.fixture
def graph(tmp_path: Path) -> str:
    """File of a small cut problem."""
    problem, _ = MaxCut.random(1, nodes=8)
    write_problem(problem, tmp_path / "graph.qupel.json")
    return "graph.qupel.json"


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """A worker that all tests of a module share: an engine takes a second to start."""
    folder = tmp_path_factory.mktemp("worker")
    with Database.open(folder / "qupel.db") as opened, Worker(opened) as working:
        yield working


def done(worker: Worker, pipeline: Pipeline, folder: Path) -> str:
    """Run a pipeline and return the run's id."""
    run_id = worker.host.log.submit(check(pipeline), folder)
    assert worker.wait_for(run_id, 30.0) in ("done", "failed", "cancelled")
    return run_id


def states(worker: Worker, run_id: str) -> dict[str, str]:
    return {row.stage: row.state for row in worker.host.log.stages(run_id)}


def value(worker: Worker, run_id: str, stage: str) -> Any:
    outputs = worker.host.log.stage(run_id, stage).outputs
    return worker.host.log.value(next(iter(outputs.values())))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def fake(clock: ManualClock) -> Fake:
    return Fake(clock)
