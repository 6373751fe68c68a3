"""Replies that leave open whether a job was accepted: nothing is freed, nothing paid twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from qupel.backends.adapters.neutral import Neutral
from qupel.backends.clock import ManualClock
from qupel.backends.contract import Order
from qupel.backends.emulator import Provider, Terms, direct
from qupel.model.circuit import Circuit
from qupel.model.money import Money
from qupel.runs.database import Database
from qupel.runs.ledger import JobState, Ledger

ORDER = Order((Circuit(2).h(0).cx(0, 1),), 100, "key", "tag")


@pytest.mark.parametrize(
    ("fault", "terms"),
    [
        ("conflict-after-accept", {}),
        ("redirect-after-accept", {"keys": False, "listing_lag": 5.0}),
    ],
)
def test_a_job_behind_a_conflict_or_a_redirection_is_found_and_paid_once(
    tmp_path: Path, fault: str, terms: dict[str, Any]
) -> None:
    clock = ManualClock()
    provider = Provider(Terms(**terms), clock)
    backend = Neutral("ideal", direct(provider, scenario=fault), lag_seconds=5.0)
    with Database.open(tmp_path) as database:
        ledger = Ledger(database, clock)
        ledger.set_budget("team:a", money=Money.of(10))
        bound = backend.estimate(ORDER).cost
        job = ledger.plan(ORDER, backend="emulator:ideal", accounts=["team:a"], bound=bound)
        for _ in range(100):
            progress = ledger.advance(job.id, backend)
            if progress.wait is None:
                break
            clock.advance(progress.wait)
        assert (progress.job.state, progress.job.settled) == (JobState.DONE, True)
        [bill] = [entry.amount for entry in provider.ledger() if entry.amount is not None]
        assert progress.job.billed == bill
        assert ledger.account("team:a").spent.money == bill.micros
    assert len(provider.jobs) == 1


def test_a_redirection_that_stays_ends_as_ambiguous_and_its_money_is_held(tmp_path: Path) -> None:
    clock = ManualClock()
    backend = Neutral("ideal", direct(Provider(Terms(), clock), scenario="redirect-after-accept"))
    with Database.open(tmp_path) as database:
        ledger = Ledger(database, clock)
        ledger.set_budget("team:a", money=Money.of(10))
        bound = Money.of(1)
        job = ledger.plan(ORDER, backend="emulator:ideal", accounts=["team:a"], bound=bound)
        for _ in range(100):
            progress = ledger.advance(job.id, backend)
            if progress.wait is None:
                break
            clock.advance(progress.wait)
        assert progress.job.state is JobState.AMBIGUOUS
        assert ledger.account("team:a").held.money == bound.micros
        assert ledger.reconcile(backend).adopted == (job.id,)
        assert ledger.job(job.id).state is JobState.SUBMITTED
