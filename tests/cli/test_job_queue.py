"""A queue of jobs over the command line: submit, status, result, cancel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from qupel.backends.emulator import running_emulator
from qupel.cli.exits import Exit
from qupel.runs.submitting import USUAL_TIER
from tests.acceptance.command import qupel

BELL = 'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[2] q;\nh q[0];\ncx q[0], q[1];\n'
QUBO = "2 3\n1 1 1\n2 2 1\n1 2 -1\n"


@pytest.fixture(scope="module")
def emulator() -> Iterator[dict[str, str]]:
    with running_emulator("--device", "ideal", "--speed", "100") as running:
        yield {"QUPEL_EMULATOR_URL": running.url, "QUPEL_EMULATOR_TOKEN": running.token}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, emulator: dict[str, str]) -> Path:
    """A folder of programs, with a database and a home of its own."""
    for name, value in emulator.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("QUPEL_HOME", str(tmp_path))
    monkeypatch.setenv("QUPEL_DATABASE", str(tmp_path / "qupel.db"))
    (tmp_path / "bell.qasm").write_text(BELL)
    (tmp_path / "two.qubo").write_text(QUBO)
    return tmp_path


def submitted(program: Path, backend: str, *more: object) -> str:
    """Submit a program; return the job's id."""
    ended = qupel("jobs", "submit", program, backend, "--shots", 100, *more, "--json")
    assert ended.code == 0, ended.err
    return str(ended.document["id"])


def works() -> None:
    assert qupel("worker", "--once").code == 0


@pytest.mark.slow
def test_ten_jobs_are_submitted_one_is_cancelled_and_nine_results_are_read(place: Path) -> None:
    canary = ("--sizes", "1,2", "--shots", 20, "--most", "5 USD")
    assert qupel("canary", "emulator:ideal", *canary).code == 0
    assert qupel("budget", "set", "team:bell", "--money", "10 USD").code == 0
    terms = ("--most", "0.50 USD", "--account", "team:bell")
    ids = [
        submitted(place / "bell.qasm", "emulator:ideal", *terms, "--seed", seed)
        for seed in range(10)
    ]
    assert len(set(ids)) == 10
    assert qupel("jobs", "result", ids[0]).code == Exit.NOT_READY
    assert qupel("jobs", "cancel", ids[3]).code == 0
    works()
    states = [qupel("jobs", "show", job, "--json").document["state"] for job in ids]
    assert states == ["cancelled" if place == 3 else "done" for place in range(10)]
    for job in ids[:3] + ids[4:]:
        found = qupel("jobs", "result", job, "--json").document
        [reading] = found["readings"]
        assert (found["evidence"], reading["shots"]) == ("emulator", 100)
        assert set(reading["counts"]) <= {"00", "11"}
    cancelled = qupel("jobs", "result", ids[3])
    assert (cancelled.code, "is cancelled" in cancelled.err) == (Exit.RUN, True)


def test_a_locked_adapter_is_given_no_job(place: Path) -> None:
    ended = qupel("jobs", "submit", place / "bell.qasm", "emulator:ideal", "--most", "1 USD")
    assert (ended.code, "is locked" in ended.err) == (Exit.INPUT, True)
    assert qupel("jobs", "list", "--json").document == {"schema": 1, "jobs": []}


@pytest.mark.slow
def test_what_costs_money_is_allowed_by_name_within_the_account(place: Path) -> None:
    canary = ("--sizes", "1,2", "--shots", 20, "--most", "5 USD")
    assert qupel("canary", "emulator:ideal", *canary).code == 0
    order = ("jobs", "submit", place / "bell.qasm", "emulator:ideal")
    silent = qupel(*order)
    assert (silent.code, "allow it with --most" in silent.err) == (Exit.BUDGET, True)
    assert qupel(*order, "--most", "0.01 USD").code == Exit.BUDGET
    qupel("budget", "set", "team:poor", "--money", "0.02 USD")
    assert qupel(*order, "--most", "1 USD", "--account", "team:poor").code == Exit.BUDGET
    tier = qupel(*order, "--most", "1 USD", "--tier", "local simulator")
    assert (tier.code, "the tier selected is local simulator" in tier.err) == (Exit.RUN, True)


def test_a_local_job_prints_its_counts_with_qubit_0_first(place: Path) -> None:
    (place / "one.qasm").write_text(BELL.replace("h q[0];\ncx q[0], q[1];", "x q[0];"))
    job = submitted(place / "one.qasm", "local:statevector")
    works()
    lines = qupel("jobs", "result", job[:10]).out.splitlines()
    assert lines[1:] == ["10  100"]


def test_a_form_is_annealed(place: Path) -> None:
    job = submitted(place / "two.qubo", "local:annealer", "--family", "qubo", "--seed", 1)
    works()
    [reading] = qupel("jobs", "result", job, "--json").document["readings"]
    assert set(reading["counts"]) == set(reading["energies"]) <= {"00", "01", "10", "11"}


def test_the_usual_tier_is_the_one_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert f"'{USUAL_TIER}' by default" in " ".join(qupel("jobs", "submit", "--help").out.split())


def test_a_key_names_one_job_and_one_program(place: Path) -> None:
    first, again = (
        submitted(place / "bell.qasm", "local:statevector", "--key", "mine") for _ in range(2)
    )
    assert first == again
    other = ("jobs", "submit", place / "bell.qasm", "local:statevector", "--shots", 7)
    assert qupel(*other, "--key", "mine").code == Exit.CONTRACT


def test_the_result_of_no_job_is_told(place: Path) -> None:
    ended = qupel("jobs", "result", "abc")
    assert (ended.code, "no job has an id that begins with 'abc'" in ended.err) == (3, True)
