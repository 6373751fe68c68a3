from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from qupel.backends.clock import ManualClock
from qupel.errors import InputError
from qupel.runs.database import Database
from qupel.runs.ledger import Ledger
from qupel.runs.record import Record, Share, Status
from qupel.runs.routes.book import LATE, Book
from qupel.runs.routes.decision import TRIED, Decision
from qupel.runs.routes.inputs import DAY, Inputs
from qupel.runs.task import Task
from tests.runs.ledger.fake import Fake
from tests.runs.ledger.orders import finish, plan
from tests.runs.routes.conftest import route_to
from tests.runs.routes.decisions import DECISION
from tests.runs.routes.providers import Rogue
from tests.runs.toy import SMALL, place

NOW = 100 * DAY


def decided(database: Database, name: str, *, days_ago: float, **changed: Any) -> Decision:
    """A decision of route ``cuts`` on the problem ``name``, with its data kept."""
    own = {"id": f"of {name}", "created": NOW - days_ago * DAY, "problem_hash": name}
    made = replace(DECISION, **{**own, **changed})
    Inputs(database).keep(name, "maxcut", {"name": name}, at=made.created)
    Book(database).keep(made)
    return made


def record() -> Record:
    task = Task.of(SMALL, place("Rows"), seconds=1.0, seed=0)
    return task.record(Status.FAILED, why="late")


def left(database: Database, *names: str) -> list[str]:
    return [name for name in names if Inputs(database).of(name) is not None]


def test_data_are_deleted_when_their_days_are_over_and_decisions_stay(database: Database) -> None:
    decided(database, "old", days_ago=31)
    decided(database, "young", days_ago=29)
    found = Inputs(database).trim({"cuts": 30}, now=NOW)
    assert (found.deleted, found.kept) == (1, 1)
    assert left(database, "old", "young") == ["young"]
    assert Book(database).decision("of old").problem_hash == "old"


def test_a_dry_run_only_counts(database: Database) -> None:
    decided(database, "old", days_ago=31)
    found = Inputs(database).trim({"cuts": 30}, now=NOW, dry=True)
    assert (found.deleted, found.kept) == (1, 0)
    assert left(database, "old") == ["old"]


def test_a_route_that_keeps_for_ever_keeps_for_the_others_too(database: Database) -> None:
    decided(database, "shared", days_ago=31)
    decided(database, "shared", days_ago=90, id="another", route="archive")
    assert Inputs(database).trim({"cuts": 30}, now=NOW).deleted == 0
    assert Inputs(database).trim({"cuts": 30, "archive": 100}, now=NOW).deleted == 0
    assert Inputs(database).trim({"cuts": 30, "archive": 60}, now=NOW).deleted == 1


def test_a_problem_decided_again_counts_from_then(database: Database) -> None:
    decided(database, "daily", days_ago=31)
    decided(database, "daily", days_ago=1, id="again")
    assert Inputs(database).trim({"cuts": 30}, now=NOW).deleted == 0


def test_what_a_late_result_needs_stays_until_it_is_judged(database: Database) -> None:
    made = decided(database, "open", days_ago=31, job="job 1")
    inputs = Inputs(database)
    assert inputs.trim({"cuts": 30}, now=NOW).deleted == 0
    Book(database).keep_outcome(made.id, LATE, record(), at=NOW)
    assert inputs.trim({"cuts": 30}, now=NOW).deleted == 1


def test_what_was_judged_in_time_is_waited_for_by_nobody(database: Database) -> None:
    primary = replace(record(), status=Status.ANSWERED, raw=Share(3, 5))
    decided(database, "judged", days_ago=31, job="job 1", quantum=TRIED, primary=primary)
    book = Book(database)
    assert (book.open_jobs(), book.awaited("cuts")) == ([], 0)
    assert Inputs(database).trim({"cuts": 30}, now=NOW).deleted == 1


def test_a_result_whose_judgement_failed_is_judged_again(database: Database) -> None:
    lost = decided(database, "lost", days_ago=31, job="job 1", quantum=TRIED, primary=record())
    book = Book(database)
    assert ([made.id for made in book.open_jobs()], book.awaited("cuts")) == ([lost.id], 1)
    assert Inputs(database).trim({"cuts": 30}, now=NOW).deleted == 0


def test_what_a_wish_needs_stays_until_it_is_settled(database: Database) -> None:
    made = decided(database, "wished", days_ago=31)
    wish = {"family": "maxcut", "document": {"name": "wished"}}
    Book(database).keep(replace(made, id="later"), wish)
    inputs = Inputs(database)
    assert inputs.trim({"cuts": 30}, now=NOW).deleted == 0
    Book(database).settle_wish("later", "expired", "")
    assert inputs.trim({"cuts": 30}, now=NOW).deleted == 1


def test_what_a_job_on_its_way_names_stays(database: Database) -> None:
    decided(database, "trial", days_ago=31)
    clock = ManualClock()
    ledger = Ledger(database, clock)
    job = plan(ledger, purpose={"problem": "trial"})
    inputs = Inputs(database)
    assert inputs.trim({"cuts": 30}, now=NOW).deleted == 0
    finish(ledger, Fake(clock), job)
    assert inputs.trim({"cuts": 30}, now=NOW).deleted == 1


def test_data_cannot_go_before_late_results_were_waited_for() -> None:
    with pytest.raises(InputError, match="keep_days must be at least 1, since results are waited"):
        route_to(Rogue(), keep_days=0.5)


def test_a_route_without_the_field_has_the_version_it_always_had() -> None:
    assert "keep_days" not in route_to(Rogue()).document()
    assert route_to(Rogue(), keep_days=30.0).document()["keep_days"] == 30.0
