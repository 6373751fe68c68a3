from __future__ import annotations

from typing import Any

import pytest

from qupel.backends.clock import ManualClock
from qupel.backends.contract import Lookup
from qupel.errors import TransientError
from qupel.model.money import Money
from qupel.runs.database import Database
from qupel.runs.durable.auditing import BILL_AGE, INTERVAL, reconcile_due
from qupel.runs.durable.host import Host
from qupel.runs.durable.worker import AUDIT
from qupel.runs.ledger import Ledger
from qupel.runs.ledger.breaker import admit
from qupel.runs.ledger.retry import Patience
from tests.runs.ledger.fake import Fake
from tests.runs.ledger.orders import finish, order, plan


@pytest.fixture
def said() -> list[tuple[str, dict[str, Any]]]:
    return []


@pytest.fixture
def host(
    database: Database, clock: ManualClock, fake: Fake, said: list[tuple[str, dict[str, Any]]]
) -> Host:
    return Host(
        database,
        "worker",
        lambda word, **about: said.append((word, about)),
        clock,
        open_backend=lambda name: fake,
    )


@pytest.fixture
def ledger(database: Database, clock: ManualClock) -> Ledger:
    return Ledger(database, clock)


def test_a_device_is_reconciled_with_once_an_hour_whoever_asks(
    host: Host, ledger: Ledger, fake: Fake, clock: ManualClock
) -> None:
    assert reconcile_due(host) == []
    finish(ledger, fake, plan(ledger))
    assert reconcile_due(host) == ["fake:one"]
    clock.advance(INTERVAL - 1.0)
    assert reconcile_due(host) == []
    clock.advance(2.0)
    assert reconcile_due(host) == ["fake:one"]


def test_an_orphan_is_adopted(
    host: Host, ledger: Ledger, fake: Fake, said: list[tuple[str, dict[str, Any]]]
) -> None:
    job = finish(ledger, fake, plan(ledger))
    tag = ledger.attempts(job.id)[0].tag.replace(job.id, "q" + "0" * 24)
    fake.submit(order("lost"))
    fake.jobs["p2"].tag = tag
    reconcile_due(host)
    assert said[-1][0] == "reconciled"
    assert said[-1][1]["orphans"] == 1


def test_a_bill_is_asked_for_once_more_a_day_after_its_job(
    host: Host, ledger: Ledger, fake: Fake, clock: ManualClock
) -> None:
    job = finish(ledger, fake, plan(ledger))
    fake.jobs[job.provider_job].price = 10
    asked = []
    for _ in range(int(2 * BILL_AGE / INTERVAL)):
        clock.advance(INTERVAL + 1.0)
        before = fake.calls["status"]
        reconcile_due(host)
        asked.append(fake.calls["status"] - before)
    assert sum(asked) == 1
    assert ledger.job(job.id).billed == Money(10)


def test_a_quarantine_is_lifted_without_waiting_for_the_hour(
    host: Host, ledger: Ledger, fake: Fake, clock: ManualClock
) -> None:
    finish(ledger, fake, plan(ledger))
    reconcile_due(host)
    clock.advance(60.0)
    ledger.quarantine("a backup was restored")
    clock.advance(60.0)
    assert reconcile_due(host) == ["fake:one"]


def test_a_provider_that_is_away_is_asked_again_in_the_next_round(
    host: Host,
    ledger: Ledger,
    fake: Fake,
    clock: ManualClock,
    said: list[tuple[str, dict[str, Any]]],
) -> None:
    finish(ledger, fake, plan(ledger))
    fake.faults["listed"] = [TransientError("away")]
    assert reconcile_due(host) == []
    assert said[-1][0] == "reconciliation waits"
    clock.advance(AUDIT)
    assert reconcile_due(host) == ["fake:one"]


def test_an_adapter_that_breaks_holds_up_no_round(
    host: Host, ledger: Ledger, fake: Fake, said: list[tuple[str, dict[str, Any]]]
) -> None:
    finish(ledger, fake, plan(ledger))
    fake.faults["listed"] = [KeyError("jobs")]
    assert reconcile_due(host) == []
    assert said[-1] == (
        "reconciliation waits",
        {"level": "warning", "backend": "fake:one", "why": "KeyError: 'jobs'"},
    )


def test_bills_that_fell_into_a_failed_round_are_asked_for_in_the_next(
    host: Host, ledger: Ledger, fake: Fake, clock: ManualClock
) -> None:
    job = finish(ledger, fake, plan(ledger))
    fake.jobs[job.provider_job].price = 10
    reconcile_due(host)
    clock.advance(BILL_AGE + 1.0)
    fake.faults["status"] = [TransientError("away for a moment")]
    assert reconcile_due(host) == []
    clock.advance(AUDIT)
    assert reconcile_due(host) == ["fake:one"]
    assert ledger.job(job.id).billed == Money(10)


def test_bills_are_asked_for_whoever_reconciles_by_hand(
    host: Host, ledger: Ledger, fake: Fake, clock: ManualClock
) -> None:
    job = finish(ledger, fake, plan(ledger))
    fake.jobs[job.provider_job].price = 10
    reconcile_due(host)
    for _ in range(int(2 * BILL_AGE / INTERVAL)):
        clock.advance(INTERVAL - 1.0)
        ledger.reconcile(fake)
        reconcile_due(host)
    assert ledger.job(job.id).billed == Money(10)


def test_bills_are_asked_for_once_while_a_quarantine_settles(
    host: Host, ledger: Ledger, fake: Fake, clock: ManualClock
) -> None:
    finish(ledger, fake, plan(ledger))
    clock.advance(BILL_AGE + 1.0)
    fake.lookup, fake.settle = Lookup.TAG, 600.0
    ledger.quarantine("a backup was restored")
    before = fake.calls["status"]
    for _ in range(5):
        clock.advance(AUDIT)
        reconcile_due(host)
    assert fake.calls["status"] - before == 1


def test_workers_that_wake_together_make_one_round(
    host: Host, ledger: Ledger, database: Database, fake: Fake, clock: ManualClock
) -> None:
    finish(ledger, fake, plan(ledger))
    other = Host(database, "other", clock=clock, open_backend=lambda name: fake)
    fake.faults["listed"] = [TransientError("away")] * 2
    reconcile_due(host)
    reconcile_due(other)
    assert fake.calls["listed"] == 1


def test_a_dead_provider_is_not_asked_past_its_breaker(
    host: Host, ledger: Ledger, fake: Fake, clock: ManualClock
) -> None:
    finish(ledger, fake, plan(ledger))
    failures = ledger.patience.failures
    fake.dead = True
    for _ in range(failures):
        clock.advance(AUDIT)
        reconcile_due(host)
    assert ledger.breaker("fake", "one").is_open
    before = fake.calls["listed"]
    with ledger.database.writing() as connection:  # another call has the turn
        assert admit(connection, ledger.breaker("fake", "one"), clock.now() + 61, Patience()) == 0
    clock.advance(AUDIT + 2.0)
    reconcile_due(host)
    assert fake.calls["listed"] == before


def test_a_round_is_left_to_others_by_who_is_stopping(
    host: Host, ledger: Ledger, fake: Fake, clock: ManualClock
) -> None:
    job = finish(ledger, fake, plan(ledger))
    fake.jobs[job.provider_job].price = 10
    clock.advance(BILL_AGE + 1.0)
    before = fake.calls["status"]
    assert reconcile_due(host, lambda: fake.calls["listed"] > 0) == []
    assert fake.calls["status"] == before
    clock.advance(AUDIT)
    assert reconcile_due(host) == ["fake:one"]
    assert ledger.job(job.id).billed == Money(10)
