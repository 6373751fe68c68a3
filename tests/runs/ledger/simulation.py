"""Deterministic simulation: one seed decides every fault, crash, delay and worker.

Several workers share a database and a clock. Any of them may die at any point the ledger names;
replies are lost, requests arrive late, listings lag. In the end the fake provider's own books
decide.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import sqlalchemy as sa

from qupel.backends.clock import ManualClock
from qupel.backends.contract import Lookup
from qupel.errors import BudgetError, TransientError, UnknownOutcomeError
from qupel.model.money import Money
from qupel.runs.database import Database
from qupel.runs.ledger import JobState, Ledger, Patience, Retry
from qupel.runs.ledger.drive import due
from qupel.runs.tables import accounts, holds
from tests.runs.ledger.fake import Fake
from tests.runs.ledger.orders import plan


class Died(BaseException):
    """The process is gone."""


@dataclass(slots=True)
class Simulation:
    """One run of the simulator.

    Attributes
    ----------
    seed
        Decides everything.
    lookup, settle
        Of the provider.
    jobs, workers
        How many.
    crashes, losses
        Shares of points at which a worker dies, and of replies that get lost.
    cap
        Of the account that all jobs belong to.
    """

    seed: int
    lookup: Lookup = Lookup.KEY
    settle: float | None = 30.0
    jobs: int = 8
    workers: int = 3
    crashes: float = 0.12
    losses: float = 0.3
    lag: float = 0.0
    cap: Money = field(default_factory=lambda: Money.of(1000))
    clock: ManualClock = field(default_factory=ManualClock)
    deaths: Counter[str] = field(default_factory=Counter)
    born: int = 0

    def run(self, database: Database) -> Fake:
        """Run until every job is final or ambiguous; return the provider and its books."""
        self.clock.set_wall(1.8e9 + self.seed * 1e6)
        rng = np.random.default_rng(self.seed)
        fake = Fake(self.clock, self.lookup, self.settle, queue=3.0, run=2.0, lag=self.lag)
        hands = [self._worker(database, rng) for _ in range(self.workers)]
        hands[0].set_budget("team:a", money=self.cap)
        wanted = [f"{self.seed}-{number}" for number in range(self.jobs)]
        for _ in range(6000):
            place = int(rng.integers(len(hands)))
            self._disturb(fake, rng)
            try:
                if wanted and rng.random() < 0.3:
                    plan(hands[place], wanted[0], backend="fake:one", deadline=None)
                    wanted.pop(0)
                else:
                    self._work(hands[place], fake, rng)
            except Died:
                hands[place] = self._worker(database, rng)
            except BudgetError:
                wanted.pop(0)
            check_books(database)
            if not wanted and all(job.state.still for job in hands[place].jobs()):
                fake.late.clear()
                return fake
        raise AssertionError(f"seed {self.seed} did not come to an end")

    def _worker(self, database: Database, rng: np.random.Generator) -> Ledger:
        self.born += 1
        patience = Patience(lease=40.0, first=1.0, longest=8.0, probe=5.0)
        seed = int(rng.integers(2**31))

        def reached(point: str) -> None:
            if rng.random() < self.crashes:
                self.deaths[point] += 1
                raise Died(point)

        return Ledger(
            database,
            self.clock,
            f"worker {self.born}",
            Retry(attempts=8),
            patience,
            np.random.default_rng(seed),
            reached=reached,
        )

    def _work(self, ledger: Ledger, fake: Fake, rng: np.random.Generator) -> None:
        ids = due(ledger)
        if not ids or rng.random() < 0.2:
            self.clock.advance(float(rng.exponential(4.0)))
            return
        ledger.advance(ids[0][0], fake)

    def _disturb(self, fake: Fake, rng: np.random.Generator) -> None:
        fake.arrivals()
        draw = rng.random()
        fault: object = None
        if draw < self.losses:
            fault = [UnknownOutcomeError("reply lost"), "late", TransientError("refused")][
                int(rng.integers(3))
            ]
        fake.faults = {"submit": [] if fault is None else [fault]}
        if rng.random() < self.losses / 3:
            for call in ("find", "status", "result"):
                fake.faults[call] = [TransientError("no route")]


def check_books(database: Database) -> None:
    """No cap is exceeded, and every account is the sum of its jobs, at every commit."""
    columns = ("held_money", "held_shots", "held_runs", "spent_money", "spent_runs", "over_money")
    with database.reading() as connection:
        for row in connection.execute(sa.select(accounts)).all():
            sums = connection.execute(
                sa.select(
                    *(sa.func.coalesce(sa.func.sum(holds.c[name]), 0) for name in columns)
                ).where(holds.c.account == row.name)
            ).one()
            assert tuple(sums) == tuple(getattr(row, name) for name in columns)
            assert row.cap_money is None or row.held_money + row.spent_money <= row.cap_money


def check_end(database: Database, fake: Fake) -> Counter[str]:
    """Nothing was paid twice or lost, and the bills are those of the provider."""
    ledger = Ledger(database, fake.clock)
    found = ledger.jobs()
    assert fake.paid_twice() == 0, "the provider billed a job twice"
    ours = {job.provider_job for job in found if job.provider_job}
    open_names = {
        attempt.key
        for job in found
        if job.state is JobState.AMBIGUOUS
        for attempt in ledger.attempts(job.id)
    }
    for accepted in fake.jobs.values():
        assert accepted.name in ours or accepted.key in open_names, "a provider's job is unknown"
    billed = sum(job.price for job in fake.jobs.values() if job.name in ours)
    assert sum(job.billed.micros for job in found if job.billed is not None) == billed
    return Counter(job.state.value for job in found)
