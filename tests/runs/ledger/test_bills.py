from __future__ import annotations

import pytest

from qupel.backends.clock import ManualClock
from qupel.errors import RefusedError, TransientError
from qupel.model.money import Money
from qupel.runs.ledger import Job, Ledger
from tests.runs.ledger.fake import Fake
from tests.runs.ledger.orders import finish, plan

TEAM, PILOT = "team:a", "pilot:b"


def paid(ledger: Ledger, fake: Fake, key: str = "key") -> Job:
    """A job that was bound to a dollar, done, billed and booked."""
    return finish(ledger, fake, plan(ledger, key, accounts=[TEAM, PILOT]))


def now_costs(fake: Fake, job: Job, micros: int) -> None:
    fake.jobs[job.provider_job].price = micros


def test_a_bill_that_was_lowered_gives_the_money_back(ledger: Ledger, fake: Fake) -> None:
    job = paid(ledger, fake)
    now_costs(fake, job, 400_000)
    [revision] = ledger.audit_bills(fake, since=0.0)
    assert (revision.was, revision.now) == (Money(1_000_000), Money(400_000))
    assert ledger.job(job.id).billed == Money(400_000)
    for name in (TEAM, PILOT):
        account = ledger.account(name)
        assert (account.spent.money, account.over, account.held.money) == (400_000, 0, 0)
    assert [line.billed for line in ledger.costs().total] == [400_000]


def test_a_bill_raised_beyond_its_bound_freezes_the_provider(ledger: Ledger, fake: Fake) -> None:
    job = paid(ledger, fake)
    now_costs(fake, job, 1_500_000)
    ledger.audit_bills(fake, since=0.0)
    account = ledger.account(TEAM)
    assert (account.spent.money, account.over) == (1_000_000, 500_000)
    assert "was raised from 1.00 USD to 1.50 USD" in ledger.breaker("fake", "one").frozen
    kinds = [event.kind for event in ledger.events(alarms=True)]
    assert kinds == ["bill revised", "bill over bound"]


def test_asking_twice_books_a_revision_once(ledger: Ledger, fake: Fake) -> None:
    now_costs(fake, paid(ledger, fake), 700_000)
    assert len(ledger.audit_bills(fake, since=0.0)) == 1
    assert ledger.audit_bills(fake, since=0.0) == ()


def test_jobs_that_ended_before_are_not_asked_about(
    ledger: Ledger, fake: Fake, clock: ManualClock
) -> None:
    job = paid(ledger, fake)
    now_costs(fake, job, 700_000)
    clock.advance(100.0)
    before = fake.calls["status"]
    assert ledger.audit_bills(fake, since=clock.now()) == ()
    assert fake.calls["status"] == before


@pytest.mark.parametrize("odd", [Money(-1), Money(1_000_000, "EUR")])
def test_a_bill_that_cannot_be_one_is_told_and_not_booked(
    ledger: Ledger, fake: Fake, odd: Money
) -> None:
    job = paid(ledger, fake)
    fake.currency = odd.currency
    now_costs(fake, job, odd.micros)
    assert ledger.audit_bills(fake, since=0.0) == ()
    assert ledger.job(job.id).billed == Money(1_000_000)
    assert ledger.events(alarms=True)[-1].kind == "revised bill is odd"


def test_a_bill_that_is_refused_does_not_hide_the_others(ledger: Ledger, fake: Fake) -> None:
    jobs = sorted([paid(ledger, fake, "one"), paid(ledger, fake, "two")], key=lambda job: job.id)
    now_costs(fake, jobs[1], 10)
    fake.faults["status"] = [RefusedError("it is archived")]
    assert [revision.job for revision in ledger.audit_bills(fake, since=0.0)] == [jobs[1].id]


def test_what_was_learned_before_the_provider_went_away_is_kept(ledger: Ledger, fake: Fake) -> None:
    jobs = sorted([paid(ledger, fake, "one"), paid(ledger, fake, "two")], key=lambda job: job.id)
    for job in jobs:
        now_costs(fake, job, 10)
    fake.faults["status"] = [None, TransientError("gone")]
    with pytest.raises(TransientError):
        ledger.audit_bills(fake, since=0.0)
    assert [ledger.job(job.id).billed for job in jobs] == [Money(10), Money(1_000_000)]


def test_after_any_revision_an_account_holds_the_last_bill(ledger: Ledger, fake: Fake) -> None:
    job = paid(ledger, fake)
    for bill in (0, 3_000_000, 999_999, 1_000_001, 1_000_000, 1, 2_000_000, 0, 5):
        now_costs(fake, job, bill)
        ledger.audit_bills(fake, since=0.0)
        found = ledger.account(TEAM)
        assert (found.spent.money, found.over) == (min(bill, 10**6), max(0, bill - 10**6))
