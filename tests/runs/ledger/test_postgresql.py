"""What SQLite does by itself and PostgreSQL has to be asked for."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from qupel.backends.clock import ManualClock
from qupel.model.money import Money
from qupel.runs.database import Database, insert_new
from qupel.runs.ledger import Ledger
from qupel.runs.ledger.hands import writing
from qupel.runs.ledger.strays import file_second
from qupel.runs.tables import accounts
from tests.runs.ledger.orders import plan

pytestmark = pytest.mark.slow


def test_a_row_is_inserted_once(postgres: Database) -> None:
    for is_new in (True, False):
        with postgres.writing() as connection:
            assert insert_new(connection, accounts, name="team:b") is is_new


def test_planning_again_gives_the_same_job_and_holds_nothing_twice(postgres: Database) -> None:
    ledger = Ledger(postgres, ManualClock())
    assert plan(ledger).id == plan(ledger).id
    [account] = ledger.accounts()
    assert account.held.runs == 1


def test_workers_that_plan_the_same_at_once_hold_nothing_twice(postgres: Database) -> None:
    ledger = Ledger(postgres, ManualClock())
    with ThreadPoolExecutor(4) as pool:
        keys = [f"key {number // 4}" for number in range(40)]
        found = {job.id for job in pool.map(lambda key: plan(ledger, key), keys)}
    assert len(found) == 10
    [account] = ledger.accounts()
    assert account.held.runs == 10


def test_every_cap_has_an_alert_of_its_own(postgres: Database) -> None:
    ledger = Ledger(postgres, ManualClock())
    ledger.set_budget("team:a", money=Money.of(10), runs=5)
    for number in range(4):
        plan(ledger, str(number), bound=Money.of("0.01"))
    plan(ledger, "4", bound=Money.of("9.90"))
    told = [event.detail["of"] for event in ledger.events(kind="budget alert")]
    assert told == ["runs", "money"]


def test_a_second_job_is_filed_once(postgres: Database) -> None:
    ledger = Ledger(postgres, ManualClock())
    job = plan(ledger)
    for is_new in (True, False):
        with writing(ledger) as tx:
            assert file_second(tx, tx.job(job.id), "provider's other") is is_new
