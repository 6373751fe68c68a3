"""The ledger as a state machine: whatever happens in whatever order, its laws hold."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from qupel.backends.clock import ManualClock
from qupel.backends.contract import JobStatus, Lookup, State
from qupel.errors import BudgetError, RefusedError, TransientError, UnknownOutcomeError
from qupel.model.money import Money
from qupel.runs.database import Database
from qupel.runs.ledger import Job, JobState, Ledger, Patience
from tests.runs.ledger.fake import Fake
from tests.runs.ledger.orders import plan
from tests.runs.ledger.simulation import Died, check_books

TEMPLATE = Path(tempfile.mkdtemp(prefix="qupel-laws-")) / "qupel.db"
FAULTS = (
    UnknownOutcomeError("502 after acceptance"),
    "late",
    TransientError("refused", wait=3.0),
    RefusedError("too many qubits"),
)


class Books(RuleBasedStateMachine):
    """Jobs of three workers at one provider, under two caps, with every fault at any time."""

    def __init__(self) -> None:
        super().__init__()
        if not TEMPLATE.exists():
            Database.open(TEMPLATE).close()
        self.folder = Path(tempfile.mkdtemp(prefix="qupel-laws-"))
        shutil.copy(TEMPLATE, self.folder / "qupel.db")
        self.database = Database.open(self.folder)
        self.clock = ManualClock()
        self.dies_at = ""
        self.seen: dict[str, Job] = {}
        self.workers = 0

    @initialize(lookup=st.sampled_from(Lookup), settled=st.booleans())
    def begin(self, lookup: Lookup, settled: bool) -> None:
        settle = 30.0 if settled or lookup is Lookup.KEY else None
        self.fake = Fake(self.clock, lookup, settle, queue=2.0, run=2.0)
        self.ledgers = [self.worker() for _ in range(3)]
        self.ledgers[0].set_budget("team:a", money=Money.of(6), runs=7)
        self.ledgers[0].set_budget("experiment:b", money=Money.of(4), shots=350)

    def worker(self) -> Ledger:
        self.workers += 1

        def reached(point: str) -> None:
            if point == self.dies_at:
                self.dies_at = ""
                raise Died(point)

        patience = Patience(lease=20.0, cancelling=20.0, odd=60.0, probe=5.0)
        rng = np.random.default_rng(self.workers)
        name = f"worker {self.workers}"
        return Ledger(self.database, self.clock, name, patience=patience, rng=rng, reached=reached)

    @rule(key=st.integers(0, 9), both=st.booleans(), bound=st.sampled_from([1, 2]))
    def plan(self, key: int, both: bool, bound: int) -> None:
        accounts = ["team:a", "experiment:b"] if both else ["team:a"]
        try:
            job = plan(self.ledgers[0], str(key), accounts=accounts, bound=Money.of(bound))
        except BudgetError:
            return
        self.seen.setdefault(job.id, job)

    @rule(who=st.integers(0, 2), which=st.integers(0, 9))
    def advance(self, who: int, which: int) -> None:
        ids = sorted(self.seen)
        if ids:
            try:
                self.ledgers[who].advance(ids[which % len(ids)], self.fake)
            except Died:
                self.ledgers[who] = self.worker()

    @rule(seconds=st.sampled_from([0.6, 3.0, 21.0, 31.0, 61.0]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.fake.arrivals()

    @rule(fault=st.sampled_from(FAULTS))
    def fail_next_submission(self, fault: object) -> None:
        self.fake.faults["submit"] = [fault]

    @rule(call=st.sampled_from(["find", "status", "result", "cancel"]))
    def fail_next(self, call: str) -> None:
        self.fake.faults[call] = [TransientError("no route")]

    @rule(
        word=st.sampled_from([State.FAILED, State.CANCELLED, State.UNKNOWN, State.RUNNING]),
        bill=st.sampled_from([None, 0, 1_000_000]),
    )
    def say_next(self, word: State, bill: int | None) -> None:
        # Only of jobs that exist, and once: afterwards the provider tells the truth again.
        billed = None if bill is None else Money(bill)
        self.fake.said = [JobStatus(word, word.value, billed=billed)]

    @rule(
        point=st.sampled_from(
            [
                "submit: intent committed",
                "submit: before post",
                "submit: after post",
                "submit: before save",
                "look: after find",
                "poll: after status",
                "fetch: before save",
            ]
        )
    )
    def die(self, point: str) -> None:
        self.dies_at = point

    @rule(which=st.integers(0, 9))
    def cancel(self, which: int) -> None:
        ids = sorted(self.seen)
        if ids:
            self.ledgers[0].cancel(ids[which % len(ids)])

    @precondition(lambda self: any(j.state is JobState.AMBIGUOUS for j in self.seen.values()))
    @rule()
    def reconcile(self) -> None:
        with contextlib.suppress(TransientError):
            self.ledgers[0].reconcile(self.fake)

    @invariant()
    def books_balance_and_caps_hold(self) -> None:
        check_books(self.database)

    @invariant()
    def final_states_stay_and_nothing_is_paid_twice(self) -> None:
        if not self.seen:
            return
        for job in self.ledgers[0].jobs():
            before = self.seen.get(job.id)
            if before is not None and before.state.final:
                assert (job.state, job.result_hash) == (before.state, before.result_hash)
                assert job.settled >= before.settled
            self.seen[job.id] = job
        assert self.fake.paid_twice() == 0

    def teardown(self) -> None:
        self.database.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def check(examples: int, steps: int) -> None:
    run_state_machine_as_test(
        Books,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_the_ledger_keeps_its_laws() -> None:
    check(examples=6, steps=40)


@pytest.mark.slow
def test_the_ledger_keeps_its_laws_for_long() -> None:
    check(examples=30, steps=60)
