"""What `qupel jobs` and `qupel budget` print for people."""

from __future__ import annotations

from pathlib import Path

import pytest

from qupel.backends.contract import Order
from qupel.backends.registry import backend_named
from qupel.cli.exits import Exit
from qupel.model.circuit import Circuit
from qupel.runs.database import Database
from qupel.runs.ledger import Ledger, drive
from tests.acceptance.command import qupel


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Id of a job that is done, in the database that commands take."""
    path = tmp_path / "qupel.db"
    monkeypatch.setenv("QUPEL_DATABASE", str(path))
    monkeypatch.setenv("QUPEL_HOME", str(tmp_path))
    order = Order((Circuit(1).h(0),), 10, "key", "tag", {"seed": 1})
    with Database.open(path) as database:
        ledger = Ledger(database)
        planned = ledger.plan(
            order, backend="local:statevector", bound=None, purpose={"check": "hand", "role": ""}
        )
        drive(ledger, backend_named)
    return planned.id


def test_a_job_is_shown_with_dates_and_plain_words(job: str) -> None:
    lines = qupel("jobs", "show", job).out.splitlines()
    shown = dict(line.split(":", 1) for line in lines if not line.startswith("20"))
    assert shown["planned"].strip().endswith(" UTC")
    assert shown["purpose"].strip() == "check hand"
    assert shown["settled"].strip() == "yes"


def test_a_bill_is_settled_by_hand_once(job: str) -> None:
    ended = qupel("jobs", "settle", job, "--bill", "1.30 USD", "--by", "Ada")
    assert (ended.code, "is booked already" in ended.err) == (Exit.INPUT, True)
    assert qupel("jobs", "settle", job, "--bill", "much", "--by", "Ada").code == Exit.INPUT


def test_costs_of_free_jobs_and_of_no_team_are_named(job: str) -> None:
    lines = qupel("budget", "report").out.splitlines()
    assert lines[2].split() == ["no", "team", "1", "10", "–", "–", "free"]
    assert lines[3].split() == ["total", "1", "10", "–", "–", "free"]


def test_one_report_shows_costs_by_all_they_can_be_grouped_by(job: str) -> None:
    document = qupel("budget", "report", "--by", "all", "--json").document
    ways = ["job", "experiment", "pilot", "team", "outcome", "backend"]
    assert list(document["reports"]) == ways
    assert {report["total"][0]["jobs"] for report in document["reports"].values()} == {1}
    assert document["total"][0]["shots"] == 10
    text = qupel("budget", "report", "--by", "all").out
    assert [part.split()[0] for part in text.split("\n\n")] == ways


def test_an_unknown_state_of_jobs_is_answered_with_the_nearest(job: str) -> None:
    ended = qupel("jobs", "list", "--state", "moon")
    assert ended.code == Exit.INPUT
    assert "did you mean 'done'?" in ended.err


def test_a_cap_on_money_says_which_form_is_expected(job: str) -> None:
    ended = qupel("budget", "set", "team:x", "--money", "10USD")
    assert ended.code == Exit.INPUT
    assert "such as '10 USD'" in ended.err


def test_a_cap_that_a_command_takes_away_is_told(job: str) -> None:
    assert qupel("budget", "set", "team:x", "--money", "250", "--runs", 4).err == ""
    ended = qupel("budget", "set", "team:x", "--shots", 500, "--runs", 4)
    assert ended.code == Exit.OK
    assert "team:x: the cap of 250.00 USD on money is gone" in ended.err
    assert "runs" not in ended.err
    assert "shots" in qupel("budget", "set", "team:x").err


def test_the_history_of_an_unknown_route_is_refused(job: str) -> None:
    ended = qupel("route", "history", "nowhere")
    assert ended.code == Exit.INPUT
    assert "nowhere" in ended.err


def test_a_database_that_does_not_answer_is_told_in_one_line_without_its_password() -> None:
    ended = qupel("budget", "show", "--database", "postgresql://me:hunter2@127.0.0.1:1/none")
    assert ended.code == Exit.INPUT
    assert len(ended.err.splitlines()) == 1
    assert "hunter2" not in ended.err


def test_a_missing_file_is_named_once_and_without_an_error_number(tmp_path: Path) -> None:
    ended = qupel("solve", tmp_path / "missing.txt", "--solver", "greedy")
    assert ended.err.count("missing.txt") == 1
    assert "Errno" not in ended.err


def test_a_short_list_of_jobs_shows_the_newest(job: str) -> None:
    order = Order((Circuit(1).h(0),), 10, "newer", "tag", {"seed": 1})
    with Database.open() as database:
        ledger = Ledger(database)
        newer = ledger.plan(order, backend="local:statevector", bound=None)
        drive(ledger, backend_named)
    listed = qupel("jobs", "list", "--limit", 1, "--json").document["jobs"]
    assert [one["id"] for one in listed] == [newer.id]


@pytest.mark.parametrize(
    "command",
    [
        ("budget", "set", "team:x", "--money", "1e13"),
        ("budget", "set", "team:x", "--shots", 2**63),
        ("budget", "set", "team:x", "--runs", 2**63 - 1),
    ],
)
def test_caps_beyond_what_is_kept_are_bad_input(job: str, command: tuple[object, ...]) -> None:
    ended = qupel(*command)
    assert (ended.code, "is at most" in ended.err) == (Exit.INPUT, True)


def test_a_limit_may_be_as_large_as_one_likes(job: str) -> None:
    assert qupel("jobs", "list", "--limit", 10**20).code == Exit.OK
