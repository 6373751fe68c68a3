from __future__ import annotations

from qupel.backends.clock import ManualClock
from qupel.errors import TransientError, UnknownOutcomeError
from qupel.runs.database import Database
from qupel.runs.ledger import JobState, Ledger
from tests.runs.ledger.fake import Fake
from tests.runs.ledger.orders import finish, plan


def test_three_failures_in_a_row_open_it_and_one_success_closes_it(
    ledger: Ledger, fake: Fake, clock: ManualClock
) -> None:
    fake.dead = True
    jobs = [plan(ledger, str(number)) for number in range(5)]
    waits = [ledger.advance(job.id, fake).wait for job in jobs]
    assert fake.calls["submit"] == 3
    breaker = ledger.breaker("fake", "one")
    assert (breaker.is_open, breaker.failures) == (True, 3)
    assert waits[3] is not None
    assert waits[3] > 59.0
    fake.dead = False
    for job in jobs:
        assert finish(ledger, fake, job).state is JobState.DONE
    assert not ledger.breaker("fake", "one").is_open
    assert [event.kind for event in ledger.events(alarms=True)] == ["breaker opened"]
    assert len(ledger.events(kind="breaker closed")) == 1


def test_a_success_in_between_keeps_it_closed(ledger: Ledger, fake: Fake) -> None:
    fake.faults["submit"] = [TransientError("a"), UnknownOutcomeError("b")]
    finish(ledger, fake, plan(ledger))
    fake.faults["submit"] = [TransientError("a"), TransientError("b")]
    finish(ledger, fake, plan(ledger, "2"))
    assert ledger.breaker("fake", "one").failures == 0


def test_one_device_does_not_answer_for_another(ledger: Ledger, clock: ManualClock) -> None:
    dead, alive = Fake(clock, dead=True), Fake(clock, device="two")
    for number in range(4):
        ledger.advance(plan(ledger, str(number)).id, dead)
    job = plan(ledger, "x", backend="fake:two")
    assert finish(ledger, alive, job).state is JobState.DONE


def test_a_dead_provider_is_called_at_most_63_times_in_an_hour_by_ten_processes(
    database: Database, clock: ManualClock
) -> None:
    fake = Fake(clock, dead=True)
    ledgers = [Ledger(database, clock, owner=f"worker {number}") for number in range(10)]
    jobs = [plan(ledgers[0], str(number)) for number in range(10)]
    started = clock.now()
    while clock.now() <= started + 3600.0:
        for ledger, job in zip(ledgers, jobs, strict=True):
            if ledger.job(job.id).due <= clock.now():
                ledger.advance(job.id, fake)
        clock.advance(20.0)
    assert 40 <= fake.calls.total() <= 63


def test_polls_of_a_dead_provider_are_held_back_too(
    ledger: Ledger, fake: Fake, clock: ManualClock
) -> None:
    fake.queue = 1e6
    jobs = [plan(ledger, str(number)) for number in range(4)]
    for job in jobs:
        ledger.advance(job.id, fake)
    fake.dead = True
    started, before = clock.now(), fake.calls.total()
    while clock.now() <= started + 1800.0:
        for job in jobs:
            ledger.advance(job.id, fake)
        clock.advance(20.0)
    assert fake.calls.total() - before <= 33
