"""Providers that say what they should not: names of other jobs, unreadable words, other money."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

import pytest

from qupel.backends.clock import ManualClock
from qupel.backends.contract import Backend, JobStatus, Lookup, Order
from qupel.errors import InputError, UnknownOutcomeError, UnreadableReplyError
from qupel.model.money import Money
from qupel.runs.ledger import JobState, Ledger, drive
from qupel.runs.ledger.hands import writing
from qupel.runs.ledger.strays import file_second
from tests.runs.ledger.fake import Fake
from tests.runs.ledger.orders import finish, plan


@dataclass(slots=True)
class Echo(Fake):
    """Answers a second submission with what it answered the first, from a cache say."""

    repeats: int = 1

    def submit(self, order: Order) -> str:
        if self.jobs and self.repeats:
            self.repeats -= 1
            return next(iter(self.jobs))
        return Fake.submit(self, order)


@dataclass(slots=True)
class Unreadable(Fake):
    """Accepts, and then answers every question with a page that is no document."""

    def status(self, job: str) -> JobStatus:
        self._called("status")
        raise UnreadableReplyError("GET /jobs/1: the reply is no JSON")


def test_a_job_that_is_named_as_another_is_asked_for_again(
    ledger: Ledger, clock: ManualClock
) -> None:
    fake = Echo(clock)
    first = finish(ledger, fake, plan(ledger, "first"))
    second = finish(ledger, fake, plan(ledger, "second"))
    assert second.state is JobState.DONE
    assert first.provider_job != second.provider_job
    assert [event.kind for event in ledger.events(alarms=True)] == ["name of another job"]
    assert [line.billed for line in ledger.costs().total] == [2_000_000]


def test_a_provider_that_keeps_naming_another_job_leaves_it_to_a_person(
    ledger: Ledger, clock: ManualClock
) -> None:
    fake = Echo(clock, repeats=1000)
    finish(ledger, fake, plan(ledger, "first"))
    assert finish(ledger, fake, plan(ledger, "second")).state is JobState.AMBIGUOUS
    assert ledger.account("team:a").spent.money == 1_000_000


def test_a_look_up_that_names_another_job_leaves_it_to_a_person(
    ledger: Ledger, clock: ManualClock
) -> None:
    fake = Fake(clock, Lookup.TAG)
    first = finish(ledger, fake, plan(ledger, "first"))
    fake.faults["submit"] = [UnknownOutcomeError("502")]
    job = plan(ledger, "second")
    ledger.advance(job.id, fake)
    fake.jobs = {first.provider_job: next(iter(fake.jobs.values()))}
    tag = ledger.attempts(job.id)[0].tag
    fake.jobs[first.provider_job].tag = tag
    assert finish(ledger, fake, job).state is JobState.AMBIGUOUS


def test_nobody_can_adopt_what_another_job_has(ledger: Ledger, clock: ManualClock) -> None:
    fake = Fake(clock, Lookup.NONE)
    first = finish(ledger, fake, plan(ledger, "first"))
    fake.faults["submit"] = [UnknownOutcomeError("502")]
    job = finish(ledger, fake, plan(ledger, "second"))
    with pytest.raises(InputError, match=f"name of job {first.id}"):
        ledger.resolve(job.id, adopt_job=first.provider_job)


def test_a_job_whose_status_cannot_be_read_ends_with_an_alarm_and_breaks_nothing(
    ledger: Ledger, clock: ManualClock
) -> None:
    job = finish(ledger, Unreadable(clock), plan(ledger))
    assert job.state is JobState.AMBIGUOUS
    assert ledger.events(alarms=True)[0].kind == "unknown word"
    assert not ledger.breaker("fake", "one").failures


def test_a_bill_in_other_money_is_shown_as_what_it_is_and_counted_nowhere(
    ledger: Ledger, fake: Fake
) -> None:
    fake.spoil = None
    job = plan(ledger)
    ledger.advance(job.id, fake)
    fake.currency = "EUR"
    for _ in range(5):
        ledger.advance(job.id, fake)
        fake.clock.advance(1.0)  # type: ignore[attr-defined]
    job = ledger.job(job.id)
    assert (job.state, job.settled) == (JobState.DONE, False)
    assert job.billed == Money(1_000_000, "EUR")
    assert [(line.billed, line.held) for line in ledger.costs().total] == [(0, 1_000_000)]


def test_ambiguous_jobs_that_are_wanted_no_more_keep_nobody_from_working(
    ledger: Ledger, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_module("qupel.runs.ledger.drive"), "BATCH", 1)
    fake = Fake(clock, Lookup.NONE)
    fake.faults["submit"] = [UnknownOutcomeError("502")] * 6
    for number in range(6):
        job = finish(ledger, fake, plan(ledger, f"doubtful {number}"))
        ledger.cancel(job.id)
    wanted = plan(ledger, "wanted")
    drive(ledger, lambda name: fake)
    assert ledger.job(wanted.id).state is JobState.DONE


def only(fake: Fake) -> Callable[[str], Backend]:
    """Opens one backend, and none of another name."""

    def opened(name: str) -> Backend:
        if name != "fake:one":
            raise InputError(f"{name}: QUPEL_TOKEN is not set")
        return fake

    return opened


def test_a_job_that_cannot_be_advanced_does_not_hold_up_the_others(
    ledger: Ledger, fake: Fake
) -> None:
    lost = plan(ledger, "lost", backend="other:two")
    jobs = [plan(ledger, str(number)) for number in range(5)]
    with pytest.raises(InputError, match="QUPEL_TOKEN is not set"):
        drive(ledger, only(fake))
    assert {ledger.job(job.id).state for job in jobs} == {JobState.DONE}
    assert "QUPEL_TOKEN is not set" in ledger.job(lost.id).why
    assert [event.kind for event in ledger.events(alarms=True)] == ["cannot be advanced"]


def test_a_keyed_job_that_is_cancelled_in_doubt_is_looked_for_until_it_settles(
    ledger: Ledger, clock: ManualClock
) -> None:
    fake = Fake(clock, settle=30.0, lag=10.0, queue=1e6)
    fake.faults["submit"] = [UnknownOutcomeError("reply lost")]
    job = plan(ledger)
    ledger.advance(job.id, fake)
    ledger.cancel(job.id)
    job = finish(ledger, fake, job)
    assert (job.state, job.provider_job) == (JobState.CANCELLED, "p1")


def test_a_job_its_provider_will_not_tell_of_does_not_keep_the_others_from_being_reconciled(
    ledger: Ledger, clock: ManualClock
) -> None:
    fake = Unreadable(clock)
    job = finish(ledger, fake, plan(ledger))
    assert job.state is JobState.AMBIGUOUS
    ledger.quarantine("a backup was restored")
    found = ledger.reconcile(fake)
    assert (found.ambiguous, found.lifted) == ((job.id,), True)


def test_a_repeated_reply_cancels_no_other_job(ledger: Ledger, fake: Fake) -> None:
    first = finish(ledger, fake, plan(ledger, "first"))
    other = plan(ledger, "other")
    with writing(ledger) as tx:
        assert not file_second(tx, tx.job(other.id), first.provider_job)
    assert len(ledger.jobs()) == 2
