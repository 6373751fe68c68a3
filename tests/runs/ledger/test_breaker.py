from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from qupel.backends.clock import ManualClock
from qupel.backends.contract import Order
from qupel.errors import RefusedError, TransientError, UnknownOutcomeError
from qupel.runs.database import Database
from qupel.runs.ledger import JobState, Ledger
from tests.runs.ledger.fake import Fake
from tests.runs.ledger.orders import finish, plan


@dataclass(slots=True)
class Slow(Fake):
    """While it is busy with a first order, others act."""

    meanwhile: Callable[[], None] | None = None

    def submit(self, order: Order) -> str:
        act, self.meanwhile = self.meanwhile, None
        if act is not None:
            act()
        return Fake.submit(self, order)


def meet_together(database: Database, slow: Slow, others: int) -> list[float | None]:
    """Waits of the others who want to order while a first order is on its way."""
    first, *rest = [Ledger(database, slow.clock, owner=f"worker {n}") for n in range(others + 1)]
    jobs = [plan(first, str(number)) for number in range(others + 1)]
    waits: list[float | None] = []

    def everyone() -> None:
        for ledger, job in zip(rest, jobs[1:], strict=True):
            waits.append(ledger.advance(job.id, slow).wait)

    slow.meanwhile = everyone
    first.advance(jobs[0].id, slow)
    return waits


def test_a_device_that_never_answered_is_called_by_one_at_a_time(
    database: Database, clock: ManualClock
) -> None:
    slow = Slow(clock, dead=True)
    waits = meet_together(database, slow, others=9)
    assert slow.calls["submit"] == 1
    assert all(wait is not None and 0 < wait < 1 for wait in waits)


def test_a_device_that_answered_lately_is_called_by_all_at_once(
    database: Database, ledger: Ledger, clock: ManualClock
) -> None:
    slow = Slow(clock)
    finish(ledger, slow, plan(ledger, "before"))
    clock.advance(50.0)
    meet_together(database, slow, others=9)
    assert slow.calls["submit"] == 11


def test_after_a_failure_calls_go_one_at_a_time_until_one_succeeds(
    database: Database, ledger: Ledger, clock: ManualClock
) -> None:
    slow = Slow(clock)
    finish(ledger, slow, plan(ledger, "before"))
    slow.faults["submit"] = [TransientError("a")]
    ledger.advance(plan(ledger, "failed").id, slow)
    meet_together(database, slow, others=3)
    assert slow.calls["submit"] == 3


def test_ten_who_meet_a_dead_provider_at_the_same_moment_make_three_calls(
    database: Database, clock: ManualClock
) -> None:
    slow = Slow(clock, dead=True)
    for _ in range(10):
        meet_together(database, slow, others=9)
        clock.advance(1.0)
    assert slow.calls["submit"] == 3
    assert Ledger(database, clock).breaker("fake", "one").is_open


def test_a_turn_whose_process_was_killed_passes_on_after_an_interval(
    database: Database, ledger: Ledger, clock: ManualClock
) -> None:
    def die() -> None:
        raise KeyboardInterrupt

    slow = Slow(clock, meanwhile=die)
    with pytest.raises(KeyboardInterrupt):
        ledger.advance(plan(ledger, "killed").id, slow)
    other = Ledger(database, clock, owner="other")
    job = plan(other, "next")
    clock.advance(59.0)
    other.advance(job.id, slow)
    assert slow.calls["submit"] == 0
    clock.advance(2.0)
    other.advance(job.id, slow)
    assert slow.calls["submit"] == 1


def test_a_fault_of_the_adapter_itself_ends_its_turn(ledger: Ledger, clock: ManualClock) -> None:
    fake = Fake(clock, queue=1e6)
    jobs = [plan(ledger, str(number)) for number in range(2)]
    for job in jobs:
        ledger.advance(job.id, fake)
    clock.advance(100.0)
    fake.faults["status"] = [ValueError("a mistake in the adapter")]
    for job in jobs:
        ledger.advance(job.id, fake)
    assert fake.calls["status"] == 2


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


def test_a_cancellation_that_is_refused_keeps_nobody_waiting(
    ledger: Ledger, clock: ManualClock
) -> None:
    fake = Fake(clock, queue=1e6)
    job = plan(ledger)
    ledger.advance(job.id, fake)
    clock.advance(100.0)
    ledger.cancel(job.id)
    fake.faults["cancel"] = [RefusedError("it is over already")]
    ledger.advance(job.id, fake)
    assert fake.calls["cancel"] == 1
    ledger.advance(plan(ledger, "next").id, fake)
    assert fake.calls["submit"] == 2
