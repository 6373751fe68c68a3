from __future__ import annotations

from typing import Any

import pytest

from qupel.backends.clock import ManualClock
from qupel.errors import TransientError
from qupel.model.money import Money
from qupel.runs.database import Database
from qupel.runs.durable.auditing import BILL_AGE, INTERVAL, reconcile_due
from qupel.runs.durable.host import Host
from qupel.runs.ledger import Ledger
from tests.runs.ledger.fake import Fake
from tests.runs.ledger.orders import finish, order, plan


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def fake(clock: ManualClock) -> Fake:
    return Fake(clock)


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
    host: Host, ledger: Ledger, fake: Fake, said: list[tuple[str, dict[str, Any]]]
) -> None:
    finish(ledger, fake, plan(ledger))
    fake.faults["listed"] = [TransientError("away")]
    assert reconcile_due(host) == []
    assert said[-1][0] == "reconciliation waits"
    assert reconcile_due(host) == ["fake:one"]
