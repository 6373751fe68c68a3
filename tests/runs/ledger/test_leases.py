from __future__ import annotations

import pytest

from qupel.backends.clock import ManualClock, SystemClock
from qupel.backends.contract import Lookup
from qupel.runs.database import Database
from qupel.runs.ledger import JobState, Ledger
from qupel.runs.ledger.lease import is_dead, this_worker
from tests.runs.ledger.fake import Fake
from tests.runs.ledger.orders import finish, plan


class Overtaken:
    """Lets another worker take the job over while the first one is stopped at a point."""

    def __init__(self, database: Database, clock: ManualClock, fake: Fake, point: str) -> None:
        self.other = Ledger(database, clock, owner="second")
        self.first = Ledger(database, clock, owner="first", reached=self.reached)
        self.clock, self.fake, self.point, self.stopped = clock, fake, point, False
        self.job = plan(self.first)

    def reached(self, point: str) -> None:
        if point == self.point and not self.stopped:
            self.stopped = True
            self.clock.advance(self.first.patience.lease + 1.0)
            finish(self.other, self.fake, self.job)


@pytest.mark.parametrize("lookup", [Lookup.KEY, Lookup.TAG])
@pytest.mark.parametrize("point", ["submit: intent committed", "submit: after post"])
def test_a_worker_stopped_past_its_lease_is_refused(
    database: Database, clock: ManualClock, lookup: Lookup, point: str
) -> None:
    fake = Fake(clock, lookup, settle=30.0)
    race = Overtaken(database, clock, fake, point)
    progress = race.first.advance(race.job.id, fake)
    assert race.stopped
    assert progress.job.state is JobState.DONE
    assert len(fake.jobs) == 1
    if point == "submit: intent committed":
        assert fake.calls["submit"] == 1, "the first worker's request was not sent"
        assert len(race.first.events(kind="fenced")) == 1


def test_a_result_fetched_by_a_worker_that_was_overtaken_is_only_evidence(
    database: Database, clock: ManualClock
) -> None:
    fake = Fake(clock)
    race = Overtaken(database, clock, fake, "fetch: after result")
    finish(race.first, fake, race.job)
    assert len(race.first.events(kind="late result")) == 1
    assert len(race.first.events(kind="done")) == 1


def test_a_request_that_is_sent_after_all_is_found_out_and_booked(
    database: Database, clock: ManualClock
) -> None:
    # Stopped between the last look at the lease and the first byte: without keys nothing helps.
    fake = Fake(clock, Lookup.TAG, settle=30.0)
    race = Overtaken(database, clock, fake, "submit: before post")
    finish(race.first, fake, race.job)
    assert len(fake.jobs) == 2
    assert "second job at the provider" in {e.kind for e in race.first.events(alarms=True)}
    second = next(job for job in race.first.jobs() if job.key.startswith("second:"))
    ended = finish(race.first, fake, second)
    assert ended.state in {JobState.CANCELLED, JobState.PAID_NO_RESULT}
    assert ended.settled
    # With a key the same accident costs nothing.
    keyed = Fake(clock, Lookup.KEY)
    race = Overtaken(Database.open(database.folder / "keyed.db"), clock, keyed, race.point)
    finish(race.first, keyed, race.job)
    assert len(keyed.jobs) == 1


def test_a_job_in_other_hands_is_left_alone(database: Database, clock: ManualClock) -> None:
    fake, seen = Fake(clock), []

    def reached(point: str) -> None:
        if point == "submit: before post":
            seen.append(other.advance(job.id, fake))

    first = Ledger(database, clock, owner="first", reached=reached)
    other = Ledger(database, clock, owner="other")
    job = plan(first)
    first.advance(job.id, fake)
    assert seen[0].job.state is JobState.INTENDED
    assert len(fake.jobs) == 1


def test_a_clock_that_is_set_back_neither_stalls_nor_pays_twice(
    database: Database, clock: ManualClock
) -> None:
    fake = Fake(clock, Lookup.TAG, settle=30.0)
    fake.faults["submit"] = ["late"]
    ledger = Ledger(database, clock)
    job = plan(ledger)
    ledger.advance(job.id, fake)
    clock.set_wall(clock.now() + 3600.0)  # daylight saving, done wrongly: the window is not over
    for late in range(len(fake.late)):
        fake.late[late] = (clock.now() + 20.0, fake.late[late][1])
    assert finish(ledger, fake, job).state is JobState.DONE
    assert fake.paid_twice() == 0
    assert len(fake.jobs) == 1


def test_workers_know_whether_another_one_lives() -> None:
    me = this_worker()
    assert not is_dead(me)
    parts = me.split("/")
    assert is_dead("/".join([*parts[:2], "999999999", *parts[3:]]))
    assert is_dead("/".join([*parts[:3], "1", parts[4]]))
    assert not is_dead("elsewhere/1/2/3/4")
    assert not is_dead("a name of the user's")


def test_origins_of_clocks_differ(database: Database) -> None:
    from qupel.runs.ledger.lease import origin_of

    assert origin_of(SystemClock()) != origin_of(ManualClock())
