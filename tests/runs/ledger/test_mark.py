"""A restored backup is noticed without a person."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from qupel.backends.clock import ManualClock
from qupel.backends.contract import Lookup
from qupel.runs.database import Database
from qupel.runs.ledger import JobState, Ledger, drive
from qupel.runs.ledger.mark import Mark
from qupel.runs.ledger.transaction import transaction
from tests.runs.ledger.fake import Fake
from tests.runs.ledger.orders import finish, plan


class Killed(BaseException):
    """The process is gone."""


def opened(folder: Path, clock: ManualClock) -> Ledger:
    return Ledger(Database.open(folder), clock, "worker")


def backed_up(folder: Path, clock: ManualClock, fake: Fake, jobs: int = 5) -> None:
    """Plan jobs, copy the database, pay the jobs, and put the copy back."""
    ledger = opened(folder, clock)
    for number in range(jobs):
        plan(ledger, f"job {number}")
    ledger.database.close()
    shutil.copy(folder / "qupel.db", folder / "backup")
    ledger = opened(folder, clock)
    drive(ledger, lambda _: fake, bills=True)
    ledger.database.close()
    restore(folder)


def restore(folder: Path) -> None:
    for name in ("qupel.db-wal", "qupel.db-shm"):
        (folder / name).unlink(missing_ok=True)
    shutil.copy(folder / "backup", folder / "qupel.db")


def quarantines(ledger: Ledger) -> int:
    return len(ledger.events(kind="quarantine", alarms=True))


@pytest.mark.parametrize("lookup", [Lookup.KEY, Lookup.TAG, Lookup.NONE])
def test_jobs_of_a_backup_that_is_just_driven_are_not_paid_twice(
    tmp_path: Path, clock: ManualClock, lookup: Lookup
) -> None:
    fake = Fake(clock, lookup, settle=None if lookup is Lookup.NONE else 30.0)
    backed_up(tmp_path, clock, fake)
    clock.advance(3600.0)
    ledger, until = opened(tmp_path, clock), clock.now() + 120.0
    drive(ledger, lambda _: fake, until=lambda: clock.now() > until)
    assert (len(fake.jobs), fake.calls["submit"], quarantines(ledger)) == (5, 5, 1)
    assert "qupel jobs reconcile fake:one" in ledger.jobs()[0].why
    found = ledger.reconcile(fake)
    assert found.lifted
    for job in ledger.jobs():
        assert finish(ledger, fake, job).state is JobState.DONE
    assert (len(fake.jobs), fake.paid_twice()) == (5, 0)
    assert finish(ledger, fake, plan(ledger, "new")).state is JobState.DONE
    ledger.database.close()


def test_a_backup_is_noticed_once_and_the_next_one_again(
    tmp_path: Path, clock: ManualClock, fake: Fake
) -> None:
    backed_up(tmp_path, clock, fake, jobs=1)
    for _ in range(3):
        ledger = opened(tmp_path, clock)
        assert quarantines(ledger) == 1
        ledger.database.close()
    ledger = opened(tmp_path, clock)
    ledger.reconcile(fake)
    clock.advance(60.0)
    ledger.reconcile(fake)
    finish(ledger, fake, plan(ledger, "after it"))
    ledger.database.close()
    restore(tmp_path)
    again = opened(tmp_path, clock)
    assert quarantines(again) == 1  # the backup knows of no earlier one
    again.database.close()


def test_what_bills_nothing_goes_on_in_a_quarantine(
    tmp_path: Path, clock: ManualClock, fake: Fake
) -> None:
    backed_up(tmp_path, clock, fake, jobs=1)
    ledger = opened(tmp_path, clock)
    free = Fake(clock, device="free", currency="")
    job = plan(ledger, "here", backend="fake:free", bound=None)
    assert finish(ledger, free, job).state is JobState.DONE
    ledger.database.close()


def test_nothing_is_noticed_where_nothing_was_restored(
    tmp_path: Path, clock: ManualClock, fake: Fake
) -> None:
    for number in range(3):
        ledger = opened(tmp_path, clock)
        finish(ledger, fake, plan(ledger, f"{number}"))
        assert quarantines(ledger) == 0
        ledger.database.close()


@pytest.mark.parametrize("point", ["submit: intent committed", "submit: before post"])
def test_a_kill_around_the_intent_raises_no_alarm(
    tmp_path: Path, clock: ManualClock, fake: Fake, point: str
) -> None:
    def reached(here: str) -> None:
        if here == point:
            raise Killed(here)

    dying = Ledger(Database.open(tmp_path), clock, "worker", reached=reached)
    job = plan(dying)
    with pytest.raises(Killed):
        finish(dying, fake, job)
    dying.database.close()
    ledger = opened(tmp_path, clock)
    assert finish(ledger, fake, job).state is JobState.DONE
    assert (quarantines(ledger), len(fake.jobs)) == (0, 1)
    ledger.database.close()


def test_a_kill_between_the_commit_and_the_mark_raises_no_alarm(
    tmp_path: Path, clock: ManualClock, fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(mark: Mark, number: int) -> None:
        raise Killed(str(number))

    ledger = opened(tmp_path, clock)
    job = plan(ledger)
    with monkeypatch.context() as patched:
        patched.setattr(Mark, "raise_to", killed)
        with pytest.raises(Killed):
            finish(ledger, fake, job)
    ledger.database.close()
    ledger = opened(tmp_path, clock)
    assert finish(ledger, fake, job).state is JobState.DONE
    assert quarantines(ledger) == 0
    ledger.database.close()


def test_no_request_leaves_before_the_mark_knows_of_it(
    ledger: Ledger, fake: Fake, clock: ManualClock
) -> None:
    seen = []

    def reached(point: str) -> None:
        if point == "submit: before post":
            newest = ledger.events(kind="intended")[-1].number
            seen.append(ledger.mark.read() == newest)

    worker = Ledger(ledger.database, clock, reached=reached)
    finish(worker, fake, plan(worker))
    assert seen == [True]


def test_a_folder_that_is_copied_as_a_whole_works_on_without_an_alarm(
    tmp_path: Path, clock: ManualClock, fake: Fake
) -> None:
    ledger = opened(tmp_path / "here", clock)
    finish(ledger, fake, plan(ledger, "one"))
    ledger.database.close()
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    moved = opened(tmp_path / "there", clock)
    assert finish(moved, fake, plan(moved, "two")).state is JobState.DONE
    assert quarantines(moved) == 0
    moved.database.close()


@pytest.mark.parametrize("content", [None, b"", b"not a number", b"\xff" * 21])
def test_a_mark_that_is_gone_or_damaged_is_made_anew(
    ledger: Ledger, fake: Fake, content: bytes | None
) -> None:
    finish(ledger, fake, plan(ledger, "one"))
    if content is None:
        ledger.mark.path.unlink()
    else:
        ledger.mark.path.write_bytes(content)
    again = Ledger(ledger.database, ledger.clock)
    assert quarantines(again) == 0
    finish(again, fake, plan(again, "two"))
    assert again.mark.read() > 0


def test_a_mark_that_cannot_be_written_stops_no_payment(ledger: Ledger, fake: Fake) -> None:
    ledger.mark.path.mkdir()
    assert finish(ledger, fake, plan(ledger)).state is JobState.DONE


def test_threads_that_raise_a_mark_leave_the_highest_number(tmp_path: Path) -> None:
    mark = Mark(tmp_path / "mark")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(mark.raise_to, [(7 * number) % 400 for number in range(400)]))
    assert mark.read() == 399


def test_workers_that_open_a_backup_at_once_notice_it_once(
    tmp_path: Path, clock: ManualClock, fake: Fake
) -> None:
    backed_up(tmp_path, clock, fake, jobs=1)
    with Database.open(tmp_path) as database, ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: Ledger(database, clock), range(6)))
        assert quarantines(Ledger(database, clock)) == 1


@pytest.mark.slow
def test_a_backup_of_postgresql_is_noticed_and_its_log_goes_on(
    postgres: Database, clock: ManualClock, fake: Fake
) -> None:
    ledger = Ledger(postgres, clock)
    ledger.mark.path.unlink(missing_ok=True)
    finish(ledger, fake, plan(ledger, "one"))
    ledger.mark.raise_to(ledger.mark.read() + 1000)  # as if later requests had been forgotten
    again = Ledger(postgres, clock)
    assert quarantines(again) == quarantines(Ledger(postgres, clock)) == 1
    with transaction(postgres, clock.now(), None) as tx:
        tx.log("test")
        assert tx.told[-1].number > again.mark.read()
    again.mark.path.unlink()
