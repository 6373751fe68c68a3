"""A quantum stage step by step, on a clock that a test sets: gates, waiting, deadlines."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qupel.backends.checks.canary import CanaryReport, adapter_version
from qupel.backends.checks.findings import Fault, Finding
from qupel.backends.checks.locks import DAY, Lock, MemoryCanaries
from qupel.backends.clock import ManualClock
from qupel.backends.contract import JobStatus, State
from qupel.errors import (
    InputError,
    RefusedError,
    StoreError,
    TransientError,
    UnknownOutcomeError,
)
from qupel.model.evidence import Evidence
from qupel.problems.maxcut import MaxCut
from qupel.problems.registry import write_problem
from qupel.runs.database import Database
from qupel.runs.durable import paying
from qupel.runs.durable.approving import approve_stages
from qupel.runs.durable.errands import Errands
from qupel.runs.durable.hands import Hands
from qupel.runs.durable.host import Host
from qupel.runs.durable.pipeline import Pipeline, Stage
from qupel.runs.durable.run import StageRow
from qupel.runs.durable.timetable import AROUND, shortest
from qupel.runs.ledger import JobState
from qupel.runs.ledger.breaker import failed, freeze
from qupel.runs.record import Record
from qupel.runs.slot import grace_seconds
from qupel.runs.task import Task
from tests.runs.durable.conftest import busy_once, unlocked
from tests.runs.ledger.fake import Fake

HOSTED = {"solver": "qupel.solvers.quantum.hosted:HostedQaoa", "shots": 50, "angles": "fixed"}


@dataclass(slots=True)
class Scripted(Hands):
    """Real attempts that take as long as a test says, on the clock of the test.

    Attributes
    ----------
    real
        Makes the attempts.
    around
        Seconds beside the search, which uses its budget and its grace up.
    jump
        Seconds by which the wall clock is set forward meanwhile.
    budgets
        Of the attempts so far.
    """

    real: Hands = field(default_factory=Hands)
    clock: ManualClock = field(default_factory=ManualClock)
    around: float = 0.0
    jump: float = 0.0
    budgets: list[float] = field(default_factory=list)

    def attempt(self, task: Task) -> Record:
        self.budgets.append(task.seconds)
        took = task.seconds + grace_seconds(task.seconds)
        self.clock.advance(self.around + took)
        self.clock.wall += self.jump
        return replace(self.real.attempt(replace(task, seconds=10.0)), end_to_end=took)

    def warm(self) -> None:
        """Nothing: the real ones are warm."""


@dataclass(slots=True)
class Bench:
    """A host with a provider, and what becomes of a stage on it."""

    host: Host
    clock: ManualClock
    fake: Fake
    hands: Scripted
    folder: Path

    def stage(self, **changed: Any) -> Stage:
        given = {
            "solver": HOSTED,
            "backend": "fake:one",
            "tier": "cloud simulator",
            "deadline_seconds": 60.0,
            "fallback": "greedy",
            "fallback_seconds": 1.0,
        }
        return Stage("paid", "quantum", {"problem": "graph"}, {**given, **changed}, quantum=True)

    def pipeline(self, **changed: Any) -> Pipeline:
        owner = changed.pop("owner", "Ada")
        graph = Stage("graph", "load", {}, {"file": "graph.qupel.json"})
        return Pipeline("bench", (graph, self.stage(**changed)), owner=owner)

    def ordered(self, pipeline: Pipeline) -> tuple[str, dict[str, Any]]:
        run_id = self.host.log.submit(pipeline, self.folder)
        self.host.log.release(run_id)
        self.host.perform(run_id, "graph")
        return run_id, paying.order(self.host, run_id, "paid")

    def run(self, **changed: Any) -> StageRow:
        """What the engine does, with waiting replaced by setting the clock."""
        run_id, held = self.ordered(self.pipeline(**changed))
        tries = looks = 0
        while "wait" in held:
            self.clock.advance(held["wait"])
            tries += 1
            held = paying.order(self.host, run_id, "paid", tries)
        due = 0.0
        while "job" in held:
            if self.clock.now() >= due:
                wait = self.host.advance(held["job"])
                due = float("inf") if wait is None else self.clock.now() + wait
            wait = paying.look(self.host, run_id, "paid", held["job"], held["until"], looks)
            if wait is None:
                while "wait" in (ended := paying.collect(self.host, run_id, "paid", held["job"])):
                    self.clock.advance(ended["wait"])
                break
            self.clock.advance(min(wait, max(0.01, due - self.clock.now())))
            looks += 1
        return self.host.log.stage(run_id, "paid")


@pytest.fixture(scope="module")
def real() -> Iterator[Hands]:
    with Hands() as made:
        yield made


@contextmanager
def bench_of(real: Hands, folder: Path, **provider: Any) -> Iterator[Bench]:
    write_problem(MaxCut.random(1, nodes=8)[0], folder / "graph.qupel.json")
    clock = ManualClock()
    fake, hands = Fake(clock=clock, **provider), Scripted(real=real, clock=clock)
    with Database.open(folder / "qupel.db") as database:
        host = Host(database, "bench", clock=clock, hands=hands, lock=unlocked(fake))
        host.open_backend = lambda name: fake
        host.errands = Errands(patience=60.0)  # a busy machine is not to be seen by the clock
        yield Bench(host, clock, fake, hands, folder)


@pytest.fixture
def bench(real: Hands, tmp_path: Path) -> Iterator[Bench]:
    with bench_of(real, tmp_path) as made:
        yield made


# The deadline.

FAULTS = [
    None,
    TransientError("busy"),
    UnknownOutcomeError("no reply"),
    RefusedError("not today"),
    "late",
]


@given(
    fallback=st.floats(0.1, 20.0),
    factor=st.floats(1.0, 20.0),
    around=st.floats(0.0, AROUND),
    queue=st.floats(0.0, 500.0),
    late=st.sampled_from(["keep", "cancel"]),
    faults=st.lists(st.sampled_from(FAULTS), max_size=6),
    dead=st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_a_stage_has_answered_by_its_deadline_whatever_becomes_of_its_order(
    real: Hands,
    fallback: float,
    factor: float,
    around: float,
    queue: float,
    late: str,
    faults: list[Any],
    dead: bool,
) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        bench_of(real, Path(folder), queue=queue) as bench,
    ):
        bench.hands.around, bench.fake.dead = around, dead
        bench.fake.faults["submit"] = list(faults)
        deadline = factor * shortest(fallback)
        row = bench.run(deadline_seconds=deadline, fallback_seconds=fallback, late=late)
        assert row.state in ("done", "fallback")
        assert row.seconds is not None
        assert row.seconds <= deadline * (1 + 1e-6)
        assert bench.fake.paid_twice() == 0


def test_a_result_that_is_there_in_time_is_the_answer(bench: Bench) -> None:
    bench.fake.queue = 50.0
    row = bench.run()  # of 60 s the fallback needs 3.1
    assert (row.state, bench.hands.budgets) == ("done", [])


def test_a_late_order_leaves_the_fallback_its_whole_budget(bench: Bench) -> None:
    bench.fake.queue, bench.hands.around = 500.0, AROUND
    row = bench.run()
    assert row.state == "fallback"
    assert bench.hands.budgets == [pytest.approx(1.0)]
    assert row.seconds == pytest.approx(60.0)
    assert row.why == (
        f"job {row.job} was not done in time: of the deadline of 60 s only the fallback's time is "
        "left, and it is submitted"
    )


def test_a_stage_taken_up_after_its_deadline_is_answered_in_a_fifth_of_the_budget(
    bench: Bench,
) -> None:
    bench.fake.queue = 500.0
    run_id, held = bench.ordered(bench.pipeline())
    bench.host.advance(held["job"])
    bench.clock.advance(100.0)  # nobody was there
    assert paying.look(bench.host, run_id, "paid", held["job"], held["until"], 0) is None
    paying.collect(bench.host, run_id, "paid", held["job"])
    assert bench.hands.budgets == [pytest.approx(0.2)]
    assert bench.host.log.stage(run_id, "paid").state == "fallback"


def test_an_order_that_is_asked_for_twice_is_placed_once(bench: Bench) -> None:
    run_id, held = bench.ordered(bench.pipeline())
    assert paying.order(bench.host, run_id, "paid") == held
    assert len(bench.host.ledger.jobs()) == 1


def test_an_order_may_be_looked_at_for_days(bench: Bench) -> None:
    bench.fake.queue = 2 * DAY
    run_id, held = bench.ordered(bench.pipeline(deadline_seconds=DAY))
    bench.host.advance(held["job"])
    wait = paying.look(bench.host, run_id, "paid", held["job"], held["until"], 20_000)
    assert wait == paying.LONGEST_LOOK


def test_a_clock_that_is_set_forward_does_not_count_as_a_slow_machine(bench: Bench) -> None:
    bench.fake.dead, bench.hands.jump = True, 3_600.0
    assert bench.run().state == "fallback"
    assert bench.host.around.seconds <= AROUND


def test_a_moment_without_the_database_neither_drops_an_order_nor_its_result(bench: Bench) -> None:
    busy_once(bench.host.database, "count(*)")
    run_id = bench.host.log.submit(bench.pipeline(), bench.folder)
    bench.host.log.release(run_id)
    bench.host.perform(run_id, "graph")
    with pytest.raises(StoreError):
        paying.order(bench.host, run_id, "paid")
    job = paying.order(bench.host, run_id, "paid")["job"]
    while (wait := bench.host.advance(job)) is not None:
        bench.clock.advance(wait)
    busy_once(bench.host.database, "payloads")
    with pytest.raises(StoreError):
        paying.collect(bench.host, run_id, "paid", job)
    paying.collect(bench.host, run_id, "paid", job)
    assert bench.host.log.stage(run_id, "paid").state == "done"
    assert bench.fake.calls["submit"] == 1


# The gates.


def refused(bench: Bench, **changed: Any) -> str:
    """Why the fallback answered though nothing was asked of the provider."""
    row = bench.run(**changed)
    assert row.state == "fallback"
    assert bench.fake.calls["submit"] == 0
    assert not bench.host.ledger.jobs()
    return row.why


def reported(bench: Bench, age_days: float = 0.0, *findings: Finding) -> Lock:
    """A lock that has seen one report of the bench's provider."""
    store, fake = MemoryCanaries(), bench.fake
    at = time.time() - age_days * DAY
    version = adapter_version(fake)
    store.save(CanaryReport(fake.provider, fake.device, version, at, (1,), 100, 1, findings))
    return Lock(store)


def test_an_adapter_whose_canary_has_not_run_is_paid_nothing(bench: Bench) -> None:
    bench.host.lock = Lock(MemoryCanaries())
    why = refused(bench)
    assert why.startswith("nothing was ordered: fake:one is locked: no canary of fake:one")
    assert why.endswith("run `qupel canary fake:one`")


def test_an_adapter_whose_canary_failed_or_is_old_is_paid_nothing(bench: Bench) -> None:
    bench.host.lock = reported(bench, 0.0, Finding(Fault.REVERSED, "x on 0", False, ""))
    assert "reversed order" in refused(bench)
    bench.host.lock = reported(bench, 31.0)
    assert "more than 30 days ago" in refused(bench)
    bench.host.lock = reported(bench, 29.0)
    assert bench.run().state == "done"


def test_a_simulator_of_this_machine_needs_no_canary(bench: Bench) -> None:
    bench.host.lock, bench.host.open_backend = Lock(MemoryCanaries()), None
    row = bench.run(backend="local:statevector", tier="local simulator")
    assert (row.state, row.why) == ("done", "")


def test_an_order_above_its_bound_is_not_placed(bench: Bench) -> None:
    assert "the order may cost 1.00 USD, and one decision at most 0.50 USD" in refused(
        bench, bound="0.50 USD"
    )
    assert bench.run(bound="1.00 USD").state == "done"


def test_a_device_above_the_selected_tier_is_not_ordered_from(bench: Bench) -> None:
    why = refused(bench, tier="local simulator")
    assert "the device is of tier cloud simulator, the tier selected is local simulator" in why


def test_hardware_is_ordered_from_once_somebody_else_has_approved_the_stage(bench: Bench) -> None:
    bench.fake.evidence = Evidence.HARDWARE
    assert "tier hardware needs the approval of 1 person, 0 approved" in refused(
        bench, tier="hardware"
    )
    pipeline, log = bench.pipeline(tier="hardware"), bench.host.log

    def approve(pipeline: Pipeline, who: str) -> list[str]:
        return approve_stages(log.database, pipeline, who=who, why="reviewed", at=1.0)

    with pytest.raises(InputError, match="Ada owns it; somebody else has to approve it"):
        approve(pipeline, " ada")
    with pytest.raises(InputError, match="has no owner"):
        approve(replace(pipeline, owner=""), "Grace")
    assert approve(pipeline, "Grace") == ["paid"]
    run_id, held = bench.ordered(pipeline)
    assert held["job"] == log.stage(run_id, "paid").job
    assert log.orders("bench", "paid") == 1
    # What was approved is this very stage: another bound is another order.
    assert "0 approved" in bench.run(tier="hardware", bound="9 USD").why


def test_hardware_is_paid_for_what_a_simulator_has_run_before(bench: Bench) -> None:
    pipeline = bench.pipeline(tier="hardware")
    approve_stages(bench.host.database, pipeline, who="Grace", why="reviewed", at=1.0)
    bench.fake.evidence = Evidence.HARDWARE
    row = bench.run(tier="hardware")
    assert "no simulator has run version" in row.why
    assert bench.fake.calls["submit"] == 0
    other = Fake(clock=bench.clock, device="two")
    bench.host.lock = unlocked(bench.fake, other)
    bench.host.open_backend = lambda name: other if name == "fake:two" else bench.fake
    row = bench.run(backend="fake:two")
    assert (row.state, row.why) == ("done", "")
    write_problem(MaxCut.random(2, nodes=8)[0], bench.folder / "graph.qupel.json")  # other data
    assert bench.run(tier="hardware").state == "done"
    assert bench.fake.calls["submit"] == 1


def test_a_pipeline_without_a_quantum_stage_has_nothing_to_approve(bench: Bench) -> None:
    plain = Pipeline("plain", (Stage("graph", "load", {}, {"file": "g"}),), owner="Ada")
    with pytest.raises(InputError, match="no stage of the kind 'quantum'"):
        approve_stages(bench.host.database, plain, who="Grace", why="", at=1.0)


def test_a_frozen_provider_is_waited_for_and_paid_nothing(bench: Bench) -> None:
    with bench.host.database.writing() as connection:
        freeze(connection, "fake", "bills differ")
    row = bench.run()
    assert row.state == "fallback"
    assert row.seconds is not None
    assert row.seconds <= 60.0
    assert "it was not sent: fake:one is frozen: bills differ" in row.why
    bench.host.ledger.thaw("fake", "Ada")
    for _ in range(5):
        bench.host.advance(row.job)  # an order that was not sent is not sent afterwards
        bench.clock.advance(60.0)
    assert bench.host.ledger.job(row.job).state is JobState.CANCELLED
    assert bench.fake.calls["submit"] == 0


def test_an_open_breaker_is_waited_for_and_closes_in_time(bench: Bench) -> None:
    bench.fake.faults["submit"] = [TransientError("down")] * 3
    row = bench.run(deadline_seconds=600.0)
    assert (row.state, row.why) == ("done", "")
    kinds = [event.kind for event in bench.host.ledger.events()]
    assert kinds.index("breaker opened") < kinds.index("breaker closed")


def open_breaker(bench: Bench) -> None:
    """Three calls of somebody else have failed."""
    patience = bench.host.ledger.patience
    with bench.host.database.writing() as connection:
        freeze(connection, "fake", "", "one")  # makes the row
        for _ in range(3):
            failed(connection, "fake", "one", bench.clock.now(), patience)


def test_a_breaker_that_was_open_before_the_stage_is_waited_for_too(bench: Bench) -> None:
    open_breaker(bench)
    assert bench.host.ledger.breaker("fake", "one").is_open
    row = bench.run(deadline_seconds=600.0)
    assert (row.state, row.why, row.attempts) == ("done", "", 1)


def test_a_breaker_that_stays_open_leaves_the_fallback_its_time(bench: Bench) -> None:
    open_breaker(bench)
    row = bench.run(deadline_seconds=30.0)
    assert row.state == "fallback"
    assert "the breaker of fake:one is open after 3 failures" in row.why
    assert row.seconds is not None
    assert row.seconds <= 30.0
    assert bench.fake.calls["submit"] == 0


def test_an_unknown_word_of_the_provider_is_given_up_by_the_deadline(bench: Bench) -> None:
    bench.fake.words["*"] = [JobStatus(State.UNKNOWN, "pondering")]
    row = bench.run()
    assert row.state == "fallback"
    assert row.seconds is not None
    assert row.seconds <= 60.0


# What is logged.


def test_lines_of_a_job_carry_the_correlation_of_its_run(bench: Bench) -> None:
    told: list[tuple[str, dict[str, Any]]] = []
    bench.host.say = lambda word, **about: told.append((word, about))
    run_id, held = bench.ordered(bench.pipeline())
    while bench.host.advance(held["job"]) is not None:
        bench.clock.advance(1.0)
    [ended] = [about for word, about in told if word == "job ended"]
    assert ended == {"job": held["job"], "correlation": run_id, "state": "done"}
