"""Small orders, and a loop that brings one job to its end."""

from __future__ import annotations

from qupel.backends.clock import ManualClock
from qupel.backends.contract import Order
from qupel.model.circuit import Circuit
from qupel.model.money import Money
from qupel.runs.ledger import Job, Ledger
from tests.runs.ledger.fake import Fake

BELL = Circuit(2).h(0).cx(0, 1)
DOLLAR = Money.of(1)


def order(key: str = "key", shots: int = 100) -> Order:
    return Order((BELL,), shots, key, "tag")


def plan(ledger: Ledger, key: str = "key", **settings: object) -> Job:
    wanted = {"backend": "fake:one", "bound": DOLLAR, "accounts": ["team:a"], **settings}
    return ledger.plan(order(key), **wanted)  # type: ignore[arg-type]


def finish(ledger: Ledger, fake: Fake, job: Job, steps: int = 500) -> Job:
    """Advance a job, letting time pass as it asks, until nothing more happens."""
    clock = ledger.clock
    assert isinstance(clock, ManualClock)
    for _ in range(steps):
        progress = ledger.advance(job.id, fake)
        if progress.wait is None:
            return progress.job
        clock.advance(progress.wait)
    raise AssertionError(f"{job.id} did not end: {progress}")
