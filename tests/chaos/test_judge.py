from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from chaos.judge import judge

from qupel.backends.clock import ManualClock
from qupel.runs.database import Database
from qupel.runs.ledger import Ledger
from qupel.runs.tables import attempts
from tests.runs.ledger.fake import Fake
from tests.runs.ledger.orders import finish, plan


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database.open(tmp_path) as opened:
        yield opened


def paid_for(database: Database) -> tuple[str, str, int]:
    """Tag, provider's job and bill of one job that was paid for and is done."""
    ledger = Ledger(database, ManualClock())
    fake = Fake(ledger.clock)
    job = finish(ledger, fake, plan(ledger))
    assert job.billed is not None
    return ledger.attempts(job.id)[-1].tag, job.provider_job, job.billed.micros


def entry(what: str, tag: str, job: str, micros: int = 0) -> dict[str, Any]:
    amount = {"micros": micros, "currency": "USD"} if micros else None
    return {"what": what, "tag": tag, "job": job, "amount": amount}


def test_what_is_paid_once_is_nothing_to_find(database: Database) -> None:
    tag, job, micros = paid_for(database)
    found = judge([entry("accept", tag, job), entry("bill", tag, job, micros)], database)
    assert (found.accepted, found.paid_twice, found.ordered_twice, found.orphans) == (1, 0, 0, 0)
    assert found.billed == found.booked == micros
    assert found.states == {"done": 1}


def test_a_second_job_of_an_order_is_found_and_is_an_orphan(database: Database) -> None:
    tag, job, micros = paid_for(database)
    books = [entry("accept", tag, name) for name in (job, "other")]
    books += [entry("bill", tag, name, micros) for name in (job, "other")]
    found = judge(books, database)
    assert (found.ordered_twice, found.paid_twice, found.orphans) == (1, 1, 1)
    assert found.billed == 2 * found.booked


def test_a_second_job_under_the_tag_of_a_later_attempt_is_of_the_same_order(
    database: Database,
) -> None:
    tag, job, _micros = paid_for(database)
    later = f"{tag.rpartition('-')[0]}-2"
    books = [entry("accept", tag, job), entry("accept", later, "other")]
    assert judge(books, database).ordered_twice == 1


def test_a_refund_counts_against_the_bills(database: Database) -> None:
    tag, job, micros = paid_for(database)
    books = [entry("bill", tag, job, micros), entry("refund", tag, job, micros)]
    assert judge(books, database).billed == 0


def test_jobs_of_others_are_strangers(database: Database) -> None:
    assert judge([entry("accept", "somebody's", "job")], database).strangers == 1


def test_a_job_that_has_not_ended_is_open(database: Database) -> None:
    plan(Ledger(database, ManualClock()))
    assert judge([], database).open == 1


@pytest.mark.parametrize(
    ("first", "second", "again"), [("nothing done", "unknown", 0), ("unknown", "accepted", 1)]
)
def test_an_order_is_sent_again_without_certainty_only_after_an_unsure_request(
    database: Database, first: str, second: str, again: int
) -> None:
    paid_for(database)
    with database.writing() as connection:
        [row] = connection.execute(sa.select(attempts)).mappings()
        connection.execute(sa.update(attempts).values(state=first))
        connection.execute(sa.insert(attempts).values(**{**row, "number": 2, "state": second}))
    found = judge([], database)
    assert (found.unsure, found.unsure_sent_again) == (1, again)
