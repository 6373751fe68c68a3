from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from qupel.backends.clock import ManualClock
from qupel.errors import BudgetError, InputError
from qupel.model.money import Money
from qupel.runs.database import Database
from qupel.runs.ledger import Ledger
from qupel.runs.tables import events
from qupel.runs.telemetry.exposing import exposed, exposition
from qupel.runs.telemetry.metrics import Following
from qupel.runs.telemetry.tallies import Spread, Tally
from tests.runs.ledger.fake import Fake
from tests.runs.ledger.orders import finish, plan


def row(number: int) -> dict[str, object]:
    kept = {"at": 1.0, "kind": "planned", "job_id": "", "attempt": 0, "correlation": ""}
    return {"number": number, **kept, "alarm": False, "detail": "{}"}


def test_a_row_whose_transaction_ended_late_is_counted_once(tmp_path: Path) -> None:
    following, chosen = Following(), sa.select(events)

    def numbers() -> list[int]:
        with database.reading() as connection:
            pages = following.fresh(connection, chosen, events.c.number)
            return [each.number for page in pages for each in page]

    def write(*given: int) -> None:
        with database.writing() as connection:
            connection.execute(sa.insert(events), [row(number) for number in given])

    with Database.open(tmp_path) as database:
        write(1, 2)
        assert numbers() == [1, 2]
        write(4, 6)
        assert numbers() == [4, 6]
        write(3, 7)
        assert numbers() == [3, 7]
        write(5)
        assert numbers() == [5]
        assert numbers() == []


def test_a_value_on_a_bound_belongs_to_its_bucket() -> None:
    spread = Spread("x_seconds", "x", ("a",), (1.0, 2.0))
    for value in (1.0, 1.5, 9.0):
        spread.add(value, "k")
    [family] = spread.families()
    counts = {s.labels["le"]: s.value for s in family.samples if s.name.endswith("_bucket")}
    assert counts == {"1": 1.0, "2": 2.0, "+Inf": 3.0}


def test_a_tally_that_was_only_shown_is_zero_and_not_missing() -> None:
    tally = Tally("late", "x", ("route",))
    tally.add("cuts", by=0.0)
    [family] = tally.families()
    assert [(s.name, s.value) for s in family.samples] == [("late_total", 0.0)]


def test_money_of_accounts_and_refusals_are_told(tmp_path: Path) -> None:
    clock = ManualClock()
    with Database.open(tmp_path) as database:
        ledger = Ledger(database, clock)
        ledger.set_budget("team:a", money=Money.of(2))
        finish(ledger, Fake(clock), plan(ledger, "one"))
        plan(ledger, "two")
        with pytest.raises(BudgetError):
            plan(ledger, "three")
        text = exposition(database)
    for part, amount in (("cap", 2.0), ("spent", 1.0), ("held", 1.0)):
        line = f'qupel_account_money{{account="team:a",currency="USD",part="{part}"}} {amount}'
        assert line in text
    assert 'qupel_spend_total{backend="fake:one",currency="USD",pipeline=""} 1.0' in text
    assert 'qupel_job_events_total{backend="",event="budget refused"} 1.0' in text
    assert 'qupel_jobs{backend="fake:one",state="planned"} 1.0' in text


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with (
        Database.open(tmp_path) as database,
        exposed(database, 0) as port,
        pytest.raises(InputError, match=f"port {port} on 127.0.0.1"),
        exposed(database, port),
    ):
        pass
