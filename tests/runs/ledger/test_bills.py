from __future__ import annotations

from dataclasses import replace

import pytest

from qupel.backends.clock import ManualClock
from qupel.backends.contract import Bills, JobStatus, State
from qupel.errors import (
    BudgetError,
    InputError,
    RefusedError,
    TransientError,
    UnreadableReplyError,
)
from qupel.model.money import Money
from qupel.runs.ledger import Job, JobState, Ledger
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


@pytest.mark.parametrize(
    "fault", [RefusedError("it is archived"), UnreadableReplyError("a page in place of a job")]
)
def test_a_bill_that_is_not_told_does_not_hide_the_others(
    ledger: Ledger, fake: Fake, fault: Exception
) -> None:
    jobs = sorted([paid(ledger, fake, "one"), paid(ledger, fake, "two")], key=lambda job: job.id)
    now_costs(fake, jobs[1], 10)
    fake.faults["status"] = [fault]
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


def untold(ledger: Ledger, fake: Fake, key: str = "key") -> Job:
    """A job that is done, and whose provider tells no bill."""
    job = plan(ledger, key, accounts=[TEAM, PILOT])
    name = f"p{len(fake.jobs) + 1}"
    fake.words[name] = [JobStatus(State.DONE, "done")]
    fake.spoil = lambda result: replace(result, billed=None)
    while not job.state.final:
        progress = ledger.advance(job.id, fake)
        job = progress.job
        ledger.clock.sleep(progress.wait or 0.0)
    return job


def test_a_bill_that_was_never_told_is_entered_from_the_invoice(ledger: Ledger, fake: Fake) -> None:
    job = untold(ledger, fake)
    assert (job.settled, ledger.account(TEAM).held.money) == (False, 1_000_000)
    settled = ledger.settle_by_hand(job.id, Money.parse("0.40 USD"), "Ada")
    assert (settled.settled, settled.billed) == (True, Money(400_000))
    for name in (TEAM, PILOT):
        account = ledger.account(name)
        assert (account.held.money, account.spent.money, account.spent.shots) == (0, 400_000, 100)
    [event] = ledger.events(kind="settled by hand")
    assert (event.job, event.detail) == (job.id, {"who": "Ada", "bill": "0.40 USD"})
    assert ledger.advance(job.id, fake).wait is None


def test_budgets_that_were_full_of_untold_bills_have_room_again(ledger: Ledger, fake: Fake) -> None:
    ledger.set_budget(TEAM, money=Money.of(2))
    done = [untold(ledger, fake, key) for key in ("one", "two")]
    with pytest.raises(BudgetError):
        plan(ledger, "three", accounts=[TEAM])
    for job in done:
        ledger.settle_by_hand(job.id, Money(0), "Ada")
    assert plan(ledger, "three", accounts=[TEAM]).state is JobState.PLANNED


def test_a_worker_that_was_asking_does_not_book_the_bill_again(
    ledger: Ledger, fake: Fake, clock: ManualClock
) -> None:
    job = untold(ledger, fake)
    del fake.words[job.provider_job]  # now it tells a dollar

    def reached(point: str) -> None:
        if point == "ask for the bill: intent committed":
            ledger.settle_by_hand(job.id, Money(400_000), "Ada")

    clock.advance(100.0)
    Ledger(ledger.database, clock, "another", reached=reached).advance(job.id, fake)
    assert fake.calls["status"] == 2
    assert ledger.account(TEAM).spent.money == 400_000
    assert ledger.job(job.id).billed == Money(400_000)


def test_a_bill_in_a_foreign_currency_is_entered_as_what_it_came_to(
    ledger: Ledger, fake: Fake, clock: ManualClock
) -> None:
    job = plan(ledger, accounts=[TEAM, PILOT])
    fake.words["p1"] = [JobStatus(State.DONE, "done", billed=Money.of(1, "EUR"))]
    fake.spoil = lambda result: replace(result, billed=Money.of(1, "EUR"))
    finish(ledger, fake, job)
    with pytest.raises(InputError, match=r"count in USD, the bill is 1\.00 EUR"):
        ledger.settle_by_hand(job.id, Money.of(1, "EUR"), "Ada")
    assert not ledger.events(kind="settled by hand")
    assert ledger.settle_by_hand(job.id, Money(1_080_000), "Ada").billed == Money(1_080_000)
    assert ledger.account(TEAM).over == 80_000
    before = len(ledger.events(alarms=True))
    assert ledger.audit_bills(fake, since=0.0) == ()  # still 1 EUR there, as the person knew
    assert len(ledger.events(alarms=True)) == before


@pytest.mark.parametrize(
    ("bill", "who", "said"),
    [(Money(-1), "Ada", "at least 0"), (Money(1), " ", "needs the name")],
)
def test_an_entry_that_cannot_be_is_refused(
    ledger: Ledger, fake: Fake, bill: Money, who: str, said: str
) -> None:
    job = untold(ledger, fake)
    with pytest.raises(InputError, match=said):
        ledger.settle_by_hand(job.id, bill, who)


def test_only_what_is_over_and_not_booked_is_settled_by_hand(ledger: Ledger, fake: Fake) -> None:
    waiting = plan(ledger, "waiting")
    with pytest.raises(InputError, match="is planned"):
        ledger.settle_by_hand(waiting.id, Money(1), "Ada")
    with pytest.raises(InputError, match=r"booked already: 1\.00 USD"):
        ledger.settle_by_hand(paid(ledger, fake).id, Money(1), "Ada")


@pytest.mark.parametrize(
    ("bills", "told"), [(Bills.UNTOLD, None), (Bills.COMPUTED, Money(1_000_000))]
)
def test_a_person_puts_a_bill_right_that_no_provider_told(
    ledger: Ledger, fake: Fake, bills: Bills, told: Money | None
) -> None:
    fake.bills, fake.words = bills, {"*": [JobStatus(State.DONE, "done", billed=told)]}
    job = paid(ledger, fake)
    assert (job.settled, job.billed) == (True, Money(1_000_000))
    booked = ledger.settle_by_hand(job.id, Money(300_000), "Ada")
    assert booked.billed == Money(300_000)
    assert ledger.account(TEAM).spent.money == 300_000
    # What is computed does not take the place of what stands on the invoice.
    assert ledger.audit_bills(fake, since=0.0) == ()
    with pytest.raises(InputError, match="counts in USD"):
        ledger.settle_by_hand(job.id, Money(1, "EUR"), "Ada")
