from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from qupel.backends.clock import ManualClock
from qupel.backends.contract import Backend, Lookup
from qupel.errors import UnknownOutcomeError
from qupel.runs.database import Database
from qupel.runs.ledger import JobState, Ledger
from tests.runs.ledger.fake import Fake
from tests.runs.ledger.orders import DOLLAR, finish, order, plan


def test_an_ambiguous_job_that_turns_up_is_adopted(ledger: Ledger, clock: ManualClock) -> None:
    fake = Fake(clock, Lookup.TAG, settle=None, lag=600.0)
    fake.faults["submit"] = [UnknownOutcomeError("502")]
    job = finish(ledger, fake, plan(ledger))
    assert ledger.reconcile(fake).ambiguous == (job.id,)
    clock.advance(700.0)
    assert ledger.reconcile(fake).adopted == (job.id,)
    assert finish(ledger, fake, job).state is JobState.DONE
    assert fake.calls["submit"] == 1


def test_reconciling_twice_changes_nothing_more(ledger: Ledger, fake: Fake) -> None:
    finish(ledger, fake, plan(ledger))
    first, second = ledger.reconcile(fake), ledger.reconcile(fake)
    assert first == second
    assert (first.adopted, first.orphans, first.seconds) == ((), (), ())
    assert first.lists
    assert first.lifted


def restored(tmp_path: Path, clock: ManualClock, fake: Fake) -> Ledger:
    """A ledger from yesterday's backup, while the provider has done today's work."""
    folder = tmp_path / "there"
    with Database.open(folder) as database:
        ledger = Ledger(database, clock)
        finish(ledger, fake, plan(ledger, "before"))
        plan(ledger, "on the way")
        database.engine.dispose()
        shutil.copy(folder / "qupel.db", tmp_path / "backup.db")
        ledger = Ledger(database, clock)
        finish(ledger, fake, ledger.job(ledger.jobs(JobState.PLANNED)[0].id))
        finish(ledger, fake, plan(ledger, "after"))
    backup = Database.open(tmp_path / "backup.db")
    clock.advance(60.0)
    return Ledger(backup, clock)


@pytest.mark.parametrize("lookup", [Lookup.KEY, Lookup.TAG])
def test_a_restored_backup_pays_nothing_again(
    tmp_path: Path, clock: ManualClock, lookup: Lookup
) -> None:
    fake = Fake(clock, lookup, settle=30.0)
    ledger = restored(tmp_path, clock, fake)
    assert len(fake.jobs) == 3
    ledger.quarantine("restored")
    [waiting] = ledger.jobs(JobState.PLANNED)
    held = ledger.advance(waiting.id, fake)
    assert "quarantine" in held.job.why
    found = ledger.reconcile(fake)
    assert (found.adopted, found.orphans) == ((waiting.id,), ("p3",))
    if not found.lifted:
        assert found.wait == pytest.approx(30.0)
        clock.advance(30.0)
        assert ledger.reconcile(fake).lifted
    assert finish(ledger, fake, waiting).state is JobState.DONE
    # Whoever plans today's work again finds it done, and its money is held and spent.
    again = plan(ledger, "after")
    assert finish(ledger, fake, again).state is JobState.DONE
    assert fake.calls["submit"] == 3
    assert ledger.account("team:a").spent.money == 3 * DOLLAR.micros
    new = plan(ledger, "new")
    assert finish(ledger, fake, new).state is JobState.DONE
    assert (len(fake.jobs), fake.paid_twice()) == (4, 0)
    ledger.database.close()


def test_a_restored_backup_of_a_provider_that_tells_nothing_is_left_to_people(
    tmp_path: Path, clock: ManualClock
) -> None:
    fake = Fake(clock, Lookup.NONE, None)
    ledger = restored(tmp_path, clock, fake)
    ledger.quarantine("restored")
    blind = Blind(fake)
    [waiting] = ledger.jobs(JobState.PLANNED)
    assert isinstance(blind, Backend)
    found = ledger.reconcile(blind)
    assert (found.ambiguous, found.lists) == ((waiting.id,), False)
    assert len(fake.jobs) == 3
    ledger.database.close()


def test_an_orphan_nobody_plans_ends_as_paid_for_nothing(
    tmp_path: Path, clock: ManualClock
) -> None:
    fake = Fake(clock)
    ledger = restored(tmp_path, clock, fake)
    ledger.reconcile(fake)
    orphan = next(job for job in ledger.jobs() if job.key.startswith("orphan:"))
    ended = finish(ledger, fake, orphan)
    assert (ended.state, ended.settled) == (JobState.PAID_NO_RESULT, True)
    assert ledger.breaker("fake", "one").frozen == ""
    ledger.database.close()


def test_strangers_are_left_alone(ledger: Ledger, fake: Fake) -> None:
    fake.submit(order("somebody else's"))
    other = Ledger(Database.open(ledger.database.folder / "other.db"), ledger.clock)
    finish(other, fake, plan(other, "another ledger's"))
    found = ledger.reconcile(fake)
    assert (found.orphans, ledger.jobs()) == ((), [])
    other.database.close()


class Blind:
    """A backend whose provider lists nothing."""

    def __init__(self, fake: Fake) -> None:
        self.provider, self.device = fake.provider, fake.device
        for name in ("capabilities", "estimate", "submit", "status", "result", "cancel"):
            setattr(self, name, getattr(fake, name))

    def find(self, _: object) -> list[str]:
        return []
