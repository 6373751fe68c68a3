from __future__ import annotations

from dataclasses import dataclass

import pytest

from qupel.backends.clock import ManualClock
from qupel.backends.contract import Capabilities
from qupel.errors import RefusedError, TransientError
from qupel.runs.ledger import Job, JobState, Ledger
from qupel.runs.ledger.drive import due
from tests.runs.ledger.fake import Fake
from tests.runs.ledger.orders import finish, plan


@dataclass(slots=True)
class Stranger(Fake):
    """A provider that is asked what it can do, and may be dead then."""

    failure: Exception | None = None
    asked: int = 0

    def capabilities(self) -> Capabilities:
        self.asked += 1
        if self.failure is not None:
            raise self.failure
        return Fake.capabilities(self)


def an_hour(ledger: Ledger, clock: ManualClock, backend: Stranger) -> None:
    """Look at every job that is due, once in ten seconds."""
    for _ in range(360):
        for job_id, _name in due(ledger):
            ledger.advance(job_id, backend)
        clock.advance(10.0)


def test_a_dead_provider_that_nobody_has_met_is_asked_no_oftener_than_the_breaker_lets(
    ledger: Ledger, clock: ManualClock
) -> None:
    stranger = Stranger(clock, failure=TransientError("nobody answers"))
    for number in range(5):
        plan(ledger, f"key {number}")
    an_hour(ledger, clock, stranger)
    assert 3 <= stranger.asked <= 63
    assert ledger.breaker("fake", "one").is_open
    assert {job.state for job in ledger.jobs()} == {JobState.PLANNED}


def test_jobs_go_out_as_soon_as_the_provider_is_back(ledger: Ledger, clock: ManualClock) -> None:
    stranger = Stranger(clock, failure=TransientError("nobody answers"))
    jobs = [plan(ledger, f"key {number}") for number in range(5)]
    an_hour(ledger, clock, stranger)
    stranger.failure = None
    states = {finish(ledger, stranger, job).state for job in jobs}
    assert states == {JobState.DONE}
    assert not ledger.breaker("fake", "one").is_open


@pytest.mark.parametrize("asked_before", [False, True])
def test_what_nobody_wants_any_more_ends_though_its_provider_is_dead(
    ledger: Ledger, clock: ManualClock, *, asked_before: bool
) -> None:
    stranger = Stranger(clock, failure=TransientError("nobody answers"))
    if asked_before:
        for _ in range(3):
            ledger.advance(plan(ledger, "another").id, stranger)
            clock.advance(2.0)
    job: Job = plan(ledger, deadline=clock.now() + 30)
    an_hour(ledger, clock, stranger)
    assert ledger.job(job.id).state is JobState.CANCELLED


def test_a_refusal_to_say_what_it_can_do_is_no_failure_and_is_not_repeated_at_once(
    ledger: Ledger, clock: ManualClock
) -> None:
    stranger = Stranger(clock, failure=RefusedError("who are you?"))
    plan(ledger)
    an_hour(ledger, clock, stranger)
    assert stranger.asked == 60
    assert not ledger.breaker("fake", "one").is_open
