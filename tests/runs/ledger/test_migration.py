"""What older books told of alerts is kept when they are migrated."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from qupel.backends.clock import ManualClock
from qupel.model.money import Money
from qupel.runs.database import REVISION, Database
from qupel.runs.ledger import Ledger
from tests.runs.ledger.orders import plan
from tests.runs.routes.test_migration import moved_to


def alerted_before(database: Database) -> Ledger:
    """Books of the revision before, of which one account was alerted, moved to this one."""
    ledger = Ledger(database, ManualClock())
    ledger.set_budget("team:a", money=Money.of(100), runs=5)
    for number in range(4):
        plan(ledger, str(number))
    ledger.set_budget("team:b", runs=5)
    moved_to(database, "0007", down=True)
    with database.reading() as connection:
        held = connection.execute(sa.text("SELECT name, alerted FROM accounts ORDER BY name"))
        assert [(name, bool(was)) for name, was in held] == [("team:a", True), ("team:b", False)]
    moved_to(database, REVISION)
    return ledger


def test_an_alert_that_was_given_is_not_given_again(database: Database) -> None:
    ledger = alerted_before(database)
    assert [one.alerts for one in ledger.accounts()] == [("runs",), ()]
    plan(ledger, "4")
    assert len(ledger.events(kind="budget alert")) == 1


@pytest.mark.slow
def test_an_alert_that_was_given_is_not_given_again_on_postgresql(postgres: Database) -> None:
    assert [one.alerts for one in alerted_before(postgres).accounts()] == [("runs",), ()]
