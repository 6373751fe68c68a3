"""One scripted day of decisions, jobs and a pipeline, logged, traced and counted."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from qupel.backends import registry
from qupel.backends.adapters.neutral import Neutral
from qupel.backends.clock import SystemClock
from qupel.backends.contract import Order
from qupel.backends.emulator import Provider, Terms, Waiting, direct
from qupel.errors import TransientError
from qupel.model.money import Money
from qupel.problems.maxcut import MaxCut
from qupel.problems.registry import write_problem
from qupel.runs.contract import Contract
from qupel.runs.database import Database
from qupel.runs.durable.checking import check
from qupel.runs.durable.pipeline import Pipeline, Stage
from qupel.runs.durable.worker import Worker
from qupel.runs.routes.decision import Decision
from qupel.runs.routes.service import Routes
from qupel.runs.telemetry import logs, traces
from qupel.runs.telemetry.exposing import exposition
from tests.runs.durable.conftest import FAKE, unlocked
from tests.runs.ledger.fake import Fake
from tests.runs.routes.conftest import ACCOUNT, BRISK, CUT, put_in_force, route_to, unhurried
from tests.runs.routes.providers import HOSTED, Rogue

#: What leaks if a secret leaks.
CANARY = "canary-5f1d07b2c9"


@dataclass(slots=True)
class Emulated:
    """An emulated provider under a name of its own, so that breakers never meet."""

    remote: Neutral
    faults: list[Exception] = field(default_factory=list)
    provider: str = field(default_factory=lambda: Rogue().provider)
    device: str = "one"
    misdeed: str = "none"

    @property
    def name(self) -> str:
        return f"{self.provider}:{self.device}"

    def submit(self, order: Order) -> str:
        if self.faults:
            raise self.faults.pop()
        return self.remote.submit(order)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.remote, name)


def emulated(queue: float, *faults: Exception) -> Emulated:
    terms = Terms(waiting=Waiting(seconds=queue))
    return Emulated(Neutral("ideal", direct(Provider(terms, SystemClock()))), list(faults))


@dataclass(slots=True)
class Day:
    """What the script did, and what telemetry says of it."""

    decisions: dict[str, Decision] = field(default_factory=dict)
    run_id: str = ""
    lines: list[dict[str, Any]] = field(default_factory=list)
    log: str = ""
    spans: list[Any] = field(default_factory=list)
    text: str = ""
    database: Any = None
    names: dict[str, str] = field(default_factory=dict)


@pytest.fixture(scope="package")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    kept = InMemorySpanExporter()
    provider = TracerProvider(id_generator=traces.ids(), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    stream = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trace, "_TRACER_PROVIDER", provider)
        patch.setenv("EXAMPLE_PROVIDER_TOKEN", CANARY)
        patch.setitem(registry.providers(), "fake", FAKE)
        logs.begin("json", stream=stream)
        try:
            made = _lived(tmp_path_factory.mktemp("day"))
        finally:
            logs.begin("off")
    made.log = stream.getvalue()
    made.lines = [json.loads(line) for line in made.log.splitlines()]
    made.spans = list(kept.get_finished_spans())
    yield made
    made.database.close()


def _lived(folder: Path) -> Day:
    day = Day(database=Database.open(folder / "qupel.db"))
    good = emulated(0.3, TransientError(f"busy; you sent Authorization: Bearer {CANARY}"))
    slow = emulated(4.0)
    refusing, dead = Rogue("refusing"), Rogue("dead")
    every: dict[str, Any] = {b.name: b for b in (good, slow, refusing, dead)}
    # A breaker that has opened is still so at the next decision, on a busy machine too.
    patience = replace(BRISK, probe=3.0)
    routes = Routes(
        day.database, backend=every.__getitem__, lock=None, folder=folder / "m", patience=patience
    )
    with unhurried(), routes:
        routes.desk.ledger().set_budget(ACCOUNT, money=Money.of(1000))
        routes.warm(route_to(Rogue()), CUT)

        def decide(what: str, rogue: Any, **changed: Any) -> Decision:
            route = route_to(rogue, **{"deadline_seconds": 2.5, "fallback_seconds": 1.0, **changed})
            route = put_in_force(routes, replace(route, name=changed.pop("name", rogue.provider)))
            day.names[what] = route.name
            day.decisions[what] = routes[route.name].decide(CUT)
            return day.decisions[what]

        decide("primary", good, deadline_seconds=30.0)
        late = decide("timeout", slow)
        decide("refused", refusing)
        decide("contract", good, name="strict", contract=Contract(max_shots=10))
        decide("dead", dead, deadline_seconds=30.0)  # until its attempts are used up
        decide("breaker", dead)
        routes[good.provider].off(who="Ada", why="maintenance")
        day.decisions["off"] = routes[good.provider].decide(CUT)
        until = time.monotonic() + 60
        while routes.late(late.id) is None and time.monotonic() < until:
            time.sleep(0.05)
    day.run_id = _pipeline(day.database, folder)
    day.text = exposition(day.database)
    return day


def _pipeline(database: Database, folder: Path) -> str:
    write_problem(MaxCut.random(1, nodes=8)[0], folder / "graph.qupel.json")
    settings = {
        "solver": {"solver": HOSTED, "shots": 100},
        "backend": "fake:one",
        "tier": "cloud simulator",
        "fallback": "tabu",
        "fallback_seconds": 0.5,
    }
    pipeline = Pipeline(
        "paid",
        (
            Stage("graph", "load", {}, {"file": str(folder / "graph.qupel.json")}),
            Stage("paid", "quantum", {"problem": "graph"}, settings, quantum=True),
            Stage("verdict", "judge", {"problem": "graph", "answer": "paid"}),
        ),
    )
    fake = Fake(clock=SystemClock(), queue=0.2, run=0.1)
    working = Worker(database, say=logs.say)
    working.host.open_backend = lambda name: fake
    working.host.lock = unlocked(fake)
    with working:
        run_id = working.host.log.submit(check(pipeline), folder)
        assert working.wait_for(run_id, 60.0) == "done"
    return run_id
